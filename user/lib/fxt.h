/*
 * Writes Fuchsia's trace format, which Perfetto reads: records of 64-bit words, documented with Fuchsia under "Trace
 * format". Strings and threads are registered, so that a record names them by number; of threads there are 255 numbers,
 * and further ones are named in full each time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fxt {
    uint64_t *words; /* to be freed */
    size_t count, room;
    bool failed; /* there was no memory for all of it */
    uint16_t strings;
    unsigned threads;
};

struct fxt_thread {
    uint64_t process, koid;
    uint8_t ref; /* 0: it has no number */
};

enum fxt_event_type {
    FXT_INSTANT = 0,
    FXT_DURATION_BEGIN = 2,
    FXT_DURATION_COMPLETE = 4,
    FXT_FLOW_BEGIN = 8,
    FXT_FLOW_END = 10,
};

enum fxt_arg_type { FXT_NONE, FXT_INT32 = 1, FXT_UINT32 = 2, FXT_POINTER = 7, FXT_KOID = 8 };

struct fxt_event {
    enum fxt_event_type type;
    const struct fxt_thread *thread;
    uint16_t category, name; /* strings */
    uint64_t time;
    uint64_t last; /* when a complete duration ended; the number of a flow */
    enum fxt_arg_type arg;
    uint16_t arg_name;
    uint64_t value;
};

/* The begin of everything: what it is, who made it, and how many ticks a second has. */
void fxt_begin(struct fxt *fxt, const char *provider, uint64_t ticks_per_second);

/* Registers a text of at most 32,000 bytes, and returns its number. At most 32,767 of them; 0 is the empty one. */
uint16_t fxt_string(struct fxt *fxt, const char *text);

void fxt_process(struct fxt *fxt, uint64_t koid, const char *name);
void fxt_thread(struct fxt *fxt, struct fxt_thread *thread, const char *name);

void fxt_event(struct fxt *fxt, const struct fxt_event *event);

/* A thread's state once it does not run any more: ZX_THREAD_STATE_*. `idle`: it is a processor's own. */
struct fxt_switch {
    unsigned cpu;
    const struct fxt_thread *from, *to;
    unsigned from_state;
    bool from_idle, to_idle;
    uint64_t time;
};
void fxt_switch(struct fxt *fxt, const struct fxt_switch *s);
void fxt_wake(struct fxt *fxt, unsigned cpu, const struct fxt_thread *thread, uint64_t time);
