/*
 * Tracing: what the kernel does, recorded as it does it; the records are <zircon/ktrace.h>'s, and the rings that take
 * them kernel/object/ktrace.c's. While a group is off, an event of it costs a test and a branch that is not taken; a
 * system call costs nothing, for the machine's entry counts no call as one that it may make itself (arch/upcall.h).
 */
#pragma once

#include <stdint.h>
#include <zircon/ktrace.h>

#include "kernel/base/compiler.h"

/* KTRACE_GRP_*. Not atomic, so that it is tested in memory. A stale read records or misses an event. */
extern unsigned trace_groups;

static ALWAYS_INLINE bool tracing(unsigned group) { return unlikely((trace_groups & group) != 0); }

/* May be called from anywhere that has a running thread, under any lock. `what`: the event, and above it its info. */
void trace_record_packed(uint32_t what, uint64_t a, uint64_t b);

static ALWAYS_INLINE void trace_record(unsigned event, unsigned info, uint64_t a, uint64_t b) {
    trace_record_packed((event & 0xffff) | info << 16, a, b);
}

static ALWAYS_INLINE void trace(unsigned group, unsigned event, unsigned info, uint64_t a, uint64_t b) {
    if (tracing(group)) trace_record(event, info, a, b);
}

/* The name of what the record before is about. */
void trace_name(const char *name);
