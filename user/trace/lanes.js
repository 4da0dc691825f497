// What is drawn, one below the other: a lane for each processor, and for each thread, by process.
'use strict';

const ROW = 18,
    GAP = 4,
    GROUP = 22,
    LABEL = 190,
    RULER = 24;

// Sorted by `start`, with the starts apart, so that what is visible is found by bisection.
function row(kind, events) {
    events.sort((a, b) => a.start - b.start);
    const starts = Float64Array.from(events, e => e.start);
    return { kind, events, starts };
}

function nameOf(trace, koid) {
    return trace.names.get(koid) || 'thread ' + koid;
}

// Events that lie in one another go into rows below each other.
function nested(events) {
    const rows = [],
        ends = [];
    events.sort((a, b) => a.start - b.start || b.end - a.end);
    for (const e of events) {
        while (ends.length && ends[ends.length - 1] <= e.start) ends.pop();
        (rows[ends.length] ||= []).push(e);
        ends.push(e.end);
    }
    return rows.map(list => row('bars', list));
}

function makeLanes(trace) {
    const lanes = [],
        threads = new Map(),
        cpus = new Map();
    const thread = koid => {
        if (!threads.has(koid)) threads.set(koid, { durations: [], instants: [], runs: [] });
        return threads.get(koid);
    };
    for (const e of trace.durations) {
        if (e.end === Infinity) {
            e.end = trace.last;
            e.unfinished = true;
        }
        thread(e.thread).durations.push(e);
    }
    for (const e of trace.instants) thread(e.thread).instants.push(e);
    for (const e of trace.wakes) thread(e.thread).instants.push(e);
    const running = new Map();
    const run = (cpu, koid, start, end, idle) => {
        const process = trace.names.get(trace.owners.get(koid) || 0),
            name = nameOf(trace, koid);
        const bar = { name: idle || !process ? name : process + ': ' + name, thread: koid, cpu, start, end };
        if (!cpus.has(cpu)) cpus.set(cpu, []);
        if (!idle) {
            cpus.get(cpu).push(bar);
            thread(koid).runs.push({ ...bar, name: 'runs on processor ' + cpu });
        }
    };
    trace.switches.sort((a, b) => a.start - b.start);
    for (const s of trace.switches) {
        run(s.cpu, s.from, running.get(s.cpu)?.start ?? trace.first, s.start, s.fromIdle);
        running.set(s.cpu, { start: s.start, koid: s.to, idle: s.toIdle });
    }
    for (const [cpu, r] of running) run(cpu, r.koid, r.start, trace.last, r.idle);

    lanes.push({ group: 'Processors' });
    for (const cpu of [...cpus.keys()].sort((a, b) => a - b))
        lanes.push({ label: 'processor ' + cpu, rows: [row('bars', cpus.get(cpu))] });
    const processes = new Map();
    for (const koid of [...threads.keys()].sort((a, b) => a - b)) {
        const process = trace.owners.get(koid) || 0;
        if (!processes.has(process)) processes.set(process, []);
        processes.get(process).push(koid);
    }
    for (const [process, koids] of [...processes].sort((a, b) => (a[0] || Infinity) - (b[0] || Infinity))) {
        lanes.push({ group: (trace.names.get(process) || 'process') + (process ? ' ' + process : '') });
        for (const koid of koids) {
            const t = threads.get(koid),
                rows = [row('runs', t.runs), ...nested(t.durations)];
            if (t.instants.length) rows.push(row('marks', t.instants));
            lanes.push({ label: nameOf(trace, koid), koid, rows });
        }
    }
    let y = RULER;
    for (const lane of lanes) {
        lane.y = y;
        if (lane.rows)
            for (const r of lane.rows) {
                r.lane = lane;
                r.y = y;
                r.height = r.kind === 'runs' ? 7 : r.kind === 'marks' ? 12 : ROW;
                y += r.height + 1;
            }
        else y += GROUP;
        y += lane.group ? 0 : GAP;
        lane.height = y - lane.y;
    }
    return {
        lanes,
        rows: lanes.flatMap(l => l.rows || []),
        height: y,
        byKoid: new Map(lanes.filter(l => l.koid !== undefined).map(l => [l.koid, l])),
    };
}
