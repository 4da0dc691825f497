/*
 * A change of an object's signals that has not been told to all observers yet. It lies with whoever made the change, a
 * thread mostly, and waits in the object's queue; kernel/sched/observer.c has the rules.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <zircon/types.h>

struct object;

struct telling {
    struct object *object; /* [T] with a reference, until all have been told; NULL: the place is free */
    zx_signals_t signals;  /* [I] after the change */
    uint64_t newest;       /* [I] the number of the last observer there was */

    /* [o] of the object; the next three are the place of the first observer that may not have been told yet */
    zx_handle_t value;
    const void *table;
    uint64_t number;
    bool over; /* all have been told: nobody but its owner looks at it any more */
    STAILQ_ENTRY(telling) link;
};

STAILQ_HEAD(telling_queue, telling);

/*
 * How many of its changes a thread may have left to tell. None makes more under one hold of a lock: two jobs that end,
 * one in the other, and both channels of each.
 */
#define TELLINGS_MAX 6
