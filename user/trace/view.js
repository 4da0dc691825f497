// What a person does: zoom, move, search, ask for details.
'use strict';

function zoom(factor, x) {
    const t = timeOf(x),
        all = trace.last - trace.first;
    const length = Math.min(all * 1.1, Math.max((view.to - view.from) * factor, 20));
    const share = (t - view.from) / (view.to - view.from);
    view.from = t - length * share;
    view.to = view.from + length;
    redraw();
}
function move(ticks) {
    view.from += ticks;
    view.to += ticks;
    redraw();
}
function scroll(pixels) {
    view.top = Math.max(0, Math.min(view.top + pixels, picture.height - height + 40));
    redraw();
}
function showAll() {
    view.from = trace.first;
    view.to = trace.last;
    view.top = 0;
    redraw();
}

function at(x, y) {
    const r = picture.rows.find(r => y + view.top >= r.y && y + view.top < r.y + r.height + 1);
    if (!r || x < LABEL) return null;
    const t = timeOf(x),
        slack = 4 / scale();
    let best = null;
    for (let i = bisect(r.starts, t + slack) - 1; i >= 0 && r.starts[i] > t - slack * 1e6; i--) {
        const e = r.events[i],
            distance = t < e.start ? e.start - t : t > e.end ? t - e.end : 0;
        if (distance <= slack && (!best || distance < best.distance)) best = { row: r, event: e, distance };
        if (e.end < t - slack && r.kind !== 'marks') break;
        if (r.kind === 'marks' && e.start < t - slack) break;
    }
    return best;
}

function show(found) {
    chosen = found;
    const box = document.getElementById('details');
    if (!found) {
        box.textContent = 'Click on an event.';
        return redraw();
    }
    const e = found.event,
        lane = found.row.lane;
    const lines = [e.name + (e.unfinished ? ' (had not ended)' : ''), 'at        ' + span(e.start - trace.first)];
    if (e.end > e.start) lines.push('takes     ' + span(e.end - e.start));
    const koid = e.thread ?? lane.koid;
    if (koid !== undefined) {
        const process = trace.owners.get(koid) || 0;
        lines.push(
            `thread    ${nameOf(trace, koid)} (${koid}) of ${trace.names.get(process) || 'process'} (${process})`,
        );
    }
    if (e.cpu !== undefined) lines.push('processor ' + e.cpu);
    for (const [name, value] of e.args || []) lines.push(name.padEnd(9) + ' ' + value);
    box.textContent = lines.join('\n');
    redraw();
}

function search() {
    const text = document.getElementById('search').value.toLowerCase();
    hits = [];
    hit = -1;
    if (text)
        for (const r of picture.rows) {
            if (r.kind === 'runs') continue;
            for (const event of r.events) if (event.name.toLowerCase().includes(text)) hits.push({ row: r, event });
        }
    hits.sort((a, b) => a.event.start - b.event.start);
    document.getElementById('hits').textContent = text ? hits.length + ' found' : '';
    if (hits.length) step(1);
}
function step(by) {
    if (!hits.length) return;
    hit = (hit + by + hits.length) % hits.length;
    const { row: r, event: e } = hits[hit],
        length = Math.min(view.to - view.from, Math.max((e.end - e.start) * 20, (trace.last - trace.first) / 2000));
    view.from = (e.start + e.end) / 2 - length / 2;
    view.to = view.from + length;
    if (r.y < view.top + RULER || r.y > view.top + height - 40) view.top = Math.max(0, r.y - height / 2);
    document.getElementById('hits').textContent = `${hit + 1} of ${hits.length}`;
    show(hits[hit]);
}

let drag = null;
canvas.addEventListener(
    'wheel',
    e => {
        e.preventDefault();
        if (e.shiftKey) move((e.deltaY || e.deltaX) / scale());
        else if (e.offsetX < LABEL) scroll(e.deltaY);
        else if (e.deltaX && Math.abs(e.deltaX) > Math.abs(e.deltaY)) move(e.deltaX / scale());
        else zoom(Math.exp(e.deltaY * 0.002), e.offsetX);
    },
    { passive: false },
);
canvas.addEventListener('pointerdown', e => {
    drag = { x: e.offsetX, y: e.offsetY, moved: false };
    canvas.setPointerCapture(e.pointerId);
    canvas.focus();
});
canvas.addEventListener('pointermove', e => {
    if (!drag) return;
    const dx = e.offsetX - drag.x,
        dy = e.offsetY - drag.y;
    if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
    drag.moved = true;
    move(-dx / scale());
    scroll(-dy);
    drag.x = e.offsetX;
    drag.y = e.offsetY;
});
canvas.addEventListener('pointerup', e => {
    if (drag && !drag.moved) show(at(e.offsetX, e.offsetY));
    drag = null;
});
canvas.addEventListener('keydown', e => {
    const tenth = (view.to - view.from) / 10,
        middle = LABEL + (width - LABEL) / 2;
    const acts = {
        w: () => zoom(0.7, middle),
        s: () => zoom(1.4, middle),
        a: () => move(-tenth),
        d: () => move(tenth),
        0: showAll,
        ArrowUp: () => scroll(-40),
        ArrowDown: () => scroll(40),
        ArrowLeft: () => move(-tenth),
        ArrowRight: () => move(tenth),
        '/': () => {
            document.getElementById('search').focus();
        },
        Escape: () => show(null),
    };
    if (!acts[e.key] || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    acts[e.key]();
});
document.getElementById('search').addEventListener('input', search);
document.getElementById('search').addEventListener('keydown', e => {
    if (e.key === 'Enter') step(e.shiftKey ? -1 : 1);
});
document.getElementById('next').addEventListener('click', () => step(1));
document.getElementById('previous').addEventListener('click', () => step(-1));
document.getElementById('all').addEventListener('click', showAll);
addEventListener('resize', redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

const count =
    trace.durations.length * 2 +
    trace.instants.length +
    trace.switches.length +
    trace.wakes.length +
    trace.flows.length * 2;
document.getElementById('summary').textContent =
    `${count.toLocaleString('en')} events in ${span(trace.last - trace.first)}`;
draw();
document.documentElement.dataset.ready = Math.round(performance.now() - started);

// page.html#TEXT shows what a search for the text finds first.
if (location.hash && location.hash !== '#measure') {
    document.getElementById('search').value = decodeURIComponent(location.hash.slice(1));
    search();
}

// For a test: how long a frame takes, in milliseconds, at the worst of a hundred places and scales.
if (location.hash === '#measure') {
    let worst = 0;
    for (let i = 0; i < 100; i++) {
        const length = (trace.last - trace.first) * 0.93 ** i,
            before = performance.now();
        view.from = trace.first + ((trace.last - trace.first - length) * (i % 7)) / 7;
        view.to = view.from + length;
        draw();
        context.getImageData(0, 0, 1, 1);
        worst = Math.max(worst, performance.now() - before);
    }
    showAll();
    draw();
    document.documentElement.dataset.frame = worst.toFixed(1);
}
