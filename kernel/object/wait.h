/* Waiting for signals of objects. */
#pragma once

#include "kernel/sched/object.h"
#include "kernel/sched/waitq.h"

struct handle_table;

/* A wait for one object. The caller sets the first group, and reads the second when it is over. */
struct wait {
    /* [I] */
    struct object *object;
    zx_handle_t value; /* the handle that it was begun through */
    zx_signals_t signals;

    /* [o] of the object */
    zx_signals_t seen; /* every signal seen up, also before it began, and HANDLE_CLOSED if it was cancelled */
    bool satisfied;
    bool cancelled;

    struct observer observer; /* [o] of the object */
    struct waiter *waiter;    /* [I] of all waits of one thread: over when one is satisfied or cancelled */
};

/*
 * The steps of a wait, for callers that also wait for something else. wait_begin() for each wait; waiter_end() by what
 * else may end it; waiter_block(); wait_finish() for each. `seen` is set, or 0, when a wait begins.
 */
void wait_begin(struct wait *wait, struct handle_table *table, struct waiter *waiter);
static inline void wait_finish(struct wait *wait) { object_unobserve(wait->object, &wait->observer); }

/*
 * Waits until some wait is satisfied (one of its signals is up, or was for a moment) or cancelled (its handle, in
 * `table`, was closed), or until the deadline. CANCELED, else ZX_OK, else TIMED_OUT. INTR_RETRY: something wants the
 * thread; call again.
 */
MUST_CHECK zx_status_t objects_wait(struct handle_table *table, struct wait *waits, size_t count, zx_time_t deadline);

/* The same for a single object; `*observed` is what was seen. */
MUST_CHECK zx_status_t object_wait_one(struct object *object, struct handle_table *table, zx_handle_t value,
                                       zx_signals_t signals, zx_time_t deadline, zx_signals_t *observed);
