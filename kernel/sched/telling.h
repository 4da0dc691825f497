/*
 * A change of an object's signals that is not yet delivered to all observers. It is stored with its maker, usually a
 * thread, and waits in the object's queue; kernel/sched/observer.c has the rules.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <zircon/types.h>

struct object;

struct telling {
    struct object *object; /* [T] with a reference, until all have been notified; NULL: the place is free */
    zx_signals_t signals;  /* [I] after the change */
    uint64_t newest;       /* [I] the number of the last observer there was */

    /* [o] of the object; the next three are the place of the first observer that may not be notified yet */
    zx_handle_t value;
    const void *table;
    uint64_t number;
    bool over; /* all have been notified: only its owner still reads it */
    STAILQ_ENTRY(telling) link;
};

STAILQ_HEAD(telling_queue, telling);

/*
 * How many undelivered changes a thread may have. None makes more in one hold of a lock: two jobs that end, one in the
 * other, and both channels of each.
 */
#define TELLINGS_MAX 6
