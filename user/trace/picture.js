// Draws what of the lanes is visible. What lies in one pixel is drawn once, so that a hundred thousand events take no
// longer than a hundred.
'use strict';

const started = performance.now();
const trace = readTrace(document.getElementById('data').textContent);
const picture = makeLanes(trace);
trace.flows.sort((a, b) => a.start - b.start);
const canvas = document.getElementById('canvas'),
    context = canvas.getContext('2d');
const view = { from: trace.first, to: trace.last, top: 0 };
let width = 0,
    height = 0,
    chosen = null,
    hits = [],
    hit = -1,
    wanted = false;

const style = name =>
    getComputedStyle(document.documentElement)
        .getPropertyValue('--' + name)
        .trim();
const colours = new Map();
function colour(name) {
    let c = colours.get(name);
    if (!c) {
        let hash = 7;
        for (const ch of name) hash = (hash * 31 + ch.charCodeAt(0)) % 3600;
        colours.set(name, (c = `hsl(${(hash / 10) | 0} 55% 62%)`));
    }
    return c;
}
const scale = () => (width - LABEL) / (view.to - view.from);
const xOf = t => LABEL + (t - view.from) * scale();
const timeOf = x => view.from + (x - LABEL) / scale();

function span(ticks) {
    const us = (ticks * 1e6) / trace.ticks;
    return us >= 1e6
        ? (us / 1e6).toFixed(3) + ' s'
        : us >= 1000
          ? (us / 1000).toFixed(3) + ' ms'
          : us.toFixed(us < 10 ? 3 : 1) + ' µs';
}

// The index of the first start at or after t.
function bisect(starts, t) {
    let low = 0,
        high = starts.length;
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (starts[middle] < t) low = middle + 1;
        else high = middle;
    }
    return low;
}

// What lies in one pixel is drawn once; then the next one that begins behind that pixel is looked for.
function drawBars(r, y) {
    const perPixel = 1 / scale();
    let i = Math.max(0, bisect(r.starts, view.from) - 1);
    while (i < r.events.length && r.starts[i] <= view.to) {
        const e = r.events[i],
            x0 = Math.max(LABEL, xOf(e.start)),
            x1 = Math.min(width, xOf(e.end));
        if (e.end < view.from) {
            i++;
            continue;
        }
        context.fillStyle = r.kind === 'runs' ? style_runs : colour(e.name);
        context.fillRect(x0, y, Math.max(1, x1 - x0 - (x1 - x0 > 3 ? 1 : 0)), r.height);
        if (r.kind === 'bars' && x1 - x0 > 30) {
            context.save();
            context.beginPath();
            context.rect(x0, y, x1 - x0 - 2, r.height);
            context.clip();
            context.fillStyle = '#111';
            context.fillText(e.name, x0 + 3, y + 13);
            context.restore();
        }
        i = Math.max(i + 1, x1 - x0 < 1 ? bisect(r.starts, timeOf(x0) + perPixel) : 0);
    }
}

function drawMarks(r, y) {
    const perPixel = 1 / scale();
    let i = bisect(r.starts, view.from);
    while (i < r.events.length && r.starts[i] <= view.to) {
        const x = xOf(r.starts[i]);
        context.fillStyle = colour(r.events[i].name);
        context.beginPath();
        context.moveTo(x, y + 1);
        context.lineTo(x + 4, y + r.height - 1);
        context.lineTo(x - 4, y + r.height - 1);
        context.fill();
        i = Math.max(i + 1, bisect(r.starts, r.starts[i] + perPixel));
    }
}

// Arrows of messages, from the lane that wrote to the one that read. Too many of them would hide the rest.
const ARROWS_MAX = 400;
function drawArrows() {
    const visible = [];
    for (const f of trace.flows) {
        if (f.start > view.to) break;
        if (f.end >= view.from && visible.push(f) > ARROWS_MAX) return;
    }
    context.strokeStyle = context.fillStyle = style('arrow');
    context.lineWidth = 1;
    for (const f of visible) {
        const a = picture.byKoid.get(f.from),
            b = picture.byKoid.get(f.to);
        if (!a || !b) continue;
        const x0 = xOf(f.start),
            x1 = xOf(f.end),
            y0 = a.y + ROW - view.top,
            y1 = b.y + ROW - view.top;
        context.beginPath();
        context.moveTo(x0, y0);
        context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
        context.stroke();
        context.beginPath();
        context.arc(x1, y1, 2.5, 0, 7);
        context.fill();
    }
}

function drawRuler() {
    context.fillStyle = style('back');
    context.fillRect(0, 0, width, RULER);
    context.fillStyle = style('soft');
    const us = trace.ticks / 1e6,
        about = (((view.to - view.from) / us) * 100) / (width - LABEL),
        unit = 10 ** Math.floor(Math.log10(about));
    const step = us * unit * (about / unit > 5 ? 10 : about / unit > 2 ? 5 : 2);
    for (let t = Math.ceil((view.from - trace.first) / step) * step; t + trace.first <= view.to; t += step) {
        const x = xOf(t + trace.first);
        context.fillRect(x, RULER - 6, 1, 6);
        context.fillText(span(t), x + 3, RULER - 8);
    }
}

let style_runs = '';
function draw() {
    wanted = false;
    style_runs = style('soft');
    const ratio = devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
        canvas.width = width * ratio;
        canvas.height = height * ratio;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = '11px system-ui, sans-serif';
    context.fillStyle = style('back');
    context.fillRect(0, 0, width, height);
    for (const lane of picture.lanes) {
        const y = lane.y - view.top;
        if (y > height || y + lane.height < 0) continue;
        if (lane.group) {
            context.fillStyle = style('group');
            context.fillRect(0, y, width, GROUP);
            continue;
        }
        context.fillStyle = style('line');
        context.fillRect(0, y + lane.height - GAP / 2, width, 1);
        context.save();
        context.beginPath();
        context.rect(LABEL, 0, width - LABEL, height);
        context.clip();
        for (const r of lane.rows) (r.kind === 'marks' ? drawMarks : drawBars)(r, r.y - view.top);
        context.restore();
    }
    context.save();
    context.beginPath();
    context.rect(LABEL, 0, width - LABEL, height);
    context.clip();
    drawArrows();
    const e = chosen && chosen.event,
        y = chosen && chosen.row.y - view.top;
    if (e) {
        context.strokeStyle = style('hit');
        context.lineWidth = 2;
        context.strokeRect(
            xOf(e.start) - 1,
            y - 1,
            Math.max(4, (e.end - e.start) * scale() + 1),
            chosen.row.height + 2,
        );
    }
    context.restore();
    for (const lane of picture.lanes) {
        const labelY = lane.y - view.top;
        if (labelY > height || labelY + lane.height < 0) continue;
        context.fillStyle = style('text');
        context.font = (lane.group ? 'bold ' : '') + '12px system-ui, sans-serif';
        context.fillText(lane.group || lane.label, lane.group ? 8 : 18, labelY + 15, LABEL - 24);
    }
    context.font = '11px system-ui, sans-serif';
    drawRuler();
}
function redraw() {
    if (!wanted) {
        wanted = true;
        requestAnimationFrame(draw);
    }
}
