/* Waiting for signals of objects. A wait is begun through the use of a handle, or by the kernel itself. */
#pragma once

#include "kernel/sched/object.h"
#include "kernel/sched/waitq.h"

struct handle_slot;
struct handle_table;

/* A wait for one object. The caller sets the first group, and reads the second when it is over. */
struct wait {
    /* [I] */
    struct object *object;
    struct handle_slot *use; /* NULL: it is the kernel's */
    zx_signals_t signals;

    /* [o] of the object */
    zx_signals_t seen; /* every signal seen up, from before it began until it is over; and HANDLE_CLOSED */
    bool satisfied;
    bool cancelled;

    struct observer observer; /* [o] of the object */
    struct waiter *waiter;    /* [I] of all waits of one thread: over when one is satisfied or cancelled */
};

/*
 * Waits until some wait is satisfied (one of its signals is up, or was for a moment) or cancelled (its handle, in
 * `table`, was closed), or until the deadline. CANCELED, else ZX_OK, else TIMED_OUT. INTR_RETRY: something wants the
 * thread; call again.
 */
MUST_CHECK zx_status_t objects_wait(struct handle_table *table, struct wait *waits, size_t count, zx_time_t deadline);

/* The same for a single object; `*observed` is what was seen. */
MUST_CHECK zx_status_t object_wait(struct handle_table *table, struct wait *wait, zx_time_t deadline);
MUST_CHECK static inline zx_status_t object_wait_one(struct object *object, struct handle_table *table,
                                                     struct handle_slot *use, zx_signals_t signals, zx_time_t deadline,
                                                     zx_signals_t *observed) {
    struct wait wait;
    wait.object = object;
    wait.use = use;
    wait.signals = signals;
    zx_status_t status = object_wait(table, &wait, deadline);
    *observed = wait.seen;
    return status;
}
