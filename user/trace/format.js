// Reads Fuchsia's trace format, as far as a kernel's trace has it: fxt.h of user/lib says what that is.
'use strict';

function readTrace(base64) {
    const raw = atob(base64),
        bytes = new Uint8Array(raw.length),
        decoder = new TextDecoder();
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    const low = new Uint32Array(bytes.buffer),
        words = new BigUint64Array(bytes.buffer);
    const number = i => low[2 * i] + low[2 * i + 1] * 2 ** 32;
    const strings = [''],
        refs = [],
        names = new Map(),
        owners = new Map();
    const trace = { durations: [], instants: [], switches: [], wakes: [], flows: [], names, owners, ticks: 1e9 };
    const open = new Map();
    let first = Infinity,
        last = 0;
    const text = (at, len) => decoder.decode(bytes.subarray(8 * at, 8 * at + len));
    const time = at => {
        const t = number(at);
        if (t < first) first = t;
        if (t > last) last = t;
        return t;
    };

    function args(at, count) {
        const result = [];
        for (let i = 0; i < count; i++) {
            const type = low[2 * at] & 15,
                size = (low[2 * at] >>> 4) & 0xfff,
                name = strings[low[2 * at] >>> 16];
            if (type === 1) result.push([name, low[2 * at + 1] | 0]);
            else if (type === 2) result.push([name, low[2 * at + 1]]);
            else if (type === 7) result.push([name, '0x' + words[at + 1].toString(16)]);
            else if (size === 2) result.push([name, number(at + 1)]);
            at += size;
        }
        return result;
    }

    function event(at, end) {
        const type = (low[2 * at] >>> 16) & 15,
            count = (low[2 * at] >>> 20) & 15,
            ref = low[2 * at] >>> 24;
        const name = strings[low[2 * at + 1] >>> 16],
            start = time(at + 1);
        at += 2;
        let thread = refs[ref];
        if (ref === 0) {
            thread = number(at + 1);
            owners.set(thread, number(at));
            at += 2;
        }
        const e = { name, thread, start, end: start, args: count ? args(at, count) : null };
        if (type === 0) trace.instants.push(e);
        else if (type === 2) {
            e.end = Infinity;
            trace.durations.push(e);
        } else if (type === 4) {
            e.end = time(end - 1);
            trace.durations.push(e);
        } else if (type === 8) {
            e.flow = number(end - 1);
            open.set(e.flow, e);
        } else if (type === 10) {
            const from = open.get(number(end - 1));
            if (from) trace.flows.push({ name, from: from.thread, start: from.start, to: thread, end: start });
        }
    }

    function scheduling(at) {
        const type = low[2 * at + 1] >>> 28;
        if (type === 2) {
            trace.wakes.push({ name: 'woken', start: time(at + 1), thread: number(at + 2), cpu: low[2 * at] >>> 20 });
        } else if (type === 0) {
            const fromRef = (low[2 * at] >>> 28) | ((low[2 * at + 1] & 15) << 4),
                toRef = (low[2 * at + 1] >>> 4) & 255;
            let next = at + 2;
            const thread = ref => {
                if (ref) return refs[ref];
                next += 2;
                return number(next - 1);
            };
            const from = thread(fromRef),
                to = thread(toRef);
            trace.switches.push({
                start: time(at + 1),
                cpu: (low[2 * at] >>> 16) & 255,
                state: (low[2 * at] >>> 24) & 15,
                from,
                to,
                toIdle: ((low[2 * at + 1] >>> 20) & 255) === 0,
                fromIdle: ((low[2 * at + 1] >>> 12) & 255) === 0,
            });
        }
    }

    for (let at = 0; at < words.length;) {
        const type = low[2 * at] & 15,
            size = (low[2 * at] >>> 4) & 0xfff;
        if (size === 0) throw new Error('a damaged trace, at byte ' + 8 * at);
        if (type === 1) trace.ticks = number(at + 1);
        else if (type === 2) strings[(low[2 * at] >>> 16) & 0x7fff] = text(at + 1, low[2 * at + 1] & 0x7fff);
        else if (type === 3) {
            refs[(low[2 * at] >>> 16) & 255] = number(at + 2);
            owners.set(number(at + 2), number(at + 1));
        } else if (type === 4) event(at, at + size);
        else if (type === 7)
            names.set(number(at + 1), strings[(low[2 * at] >>> 24) | ((low[2 * at + 1] & 255) << 8)]);
        else if (type === 8) scheduling(at);
        at += size;
    }
    trace.first = first;
    trace.last = Math.max(last, first + 1);
    return trace;
}
