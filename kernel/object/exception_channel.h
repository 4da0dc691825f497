/*
 * Exception channels: where the exceptions of a task's threads are reported. A task has a place for each kind. The
 * kernel holds one end of the channel and writes to it; the other is the handler's, and once that is closed the place
 * is free again. When the task dies the kernel closes its end, for good.
 */
#pragma once

#include "kernel/base/spinlock.h"
#include "kernel/sched/object.h"

struct exception_channel {
    struct spinlock lock;       /* guards [e] */
    struct object *_Atomic end; /* [e/a] the kernel's, with a reference and a handle count; NULL: there is no channel */
    struct object *last;        /* [e] the same after the task's death, with a reference */
    zx_rights_t rights;         /* [e] of the handle to the task with which the channel was made */
    bool shut;                  /* [e] the task is dead */
};

void exception_channel_init(struct exception_channel *place);

/* The task is freed. No lock is held. */
void exception_channel_destroy(struct exception_channel *place);

/*
 * Makes a channel, and gives the handler's end with a reference. BAD_STATE: the task is dead; ALREADY_BOUND: there is a
 * channel already; NO_MEMORY.
 */
MUST_CHECK zx_status_t exception_channel_create(struct exception_channel *place, zx_rights_t rights,
                                                struct object **out);

/* The task is dead: the handler's end shows PEER_CLOSED, and there will be no other. Harmless if it was done before. */
void exception_channel_shut(struct exception_channel *place);

/* Is there a channel? */
static inline bool exception_channel_is_live(const struct exception_channel *place) {
    return atomic_load_explicit(&place->end, memory_order_relaxed) != NULL;
}

/* The kernel's end, with a reference, and the rights. NULL: there is no channel. */
struct object *exception_channel_get(struct exception_channel *place, zx_rights_t *rights);

/*
 * For channel.c, under the channel's lock: the handler's end is closed. True: what the place had of the kernel's end is
 * now the caller's.
 */
bool exception_channel_leave(struct exception_channel *place, const struct object *end);
