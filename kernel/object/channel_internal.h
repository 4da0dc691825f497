/* A channel end from the inside, for channel.c and channel_call.c. */
#pragma once

#include "kernel/object/channel.h"
#include "kernel/object/peer.h"

RB_HEAD(call_tree, channel_call);

struct channel {
    struct peer base;
    struct message_queue queue;      /* [c] */
    uint64_t queued;                 /* [c] messages in it */
    struct call_tree calls;          /* [c] waiting for their replies, by number */
    _Atomic uint32_t waiting;        /* [c/a] how many */
    uint32_t last_txid;              /* [c] */
    struct exception_channel *place; /* [I] of a task, whose end it is; NULL: it is a program's */

    /* [q] */
    bool moving;               /* is in the message that is being put into a queue */
    uint64_t carriers;         /* messages in the queue that carry channel ends */
    struct channel *container; /* the end whose queue holds its handle, or NULL */
};

static inline struct channel *channel_from_object(struct object *object) {
    return container_of(object, struct channel, base.object);
}

/*
 * Sends a message, and takes it: of `call` the request, or if that is NULL any. A request never answers another call:
 * the kernel chose its number, not the sender, and both ends count from the same start. PEER_CLOSED, BAD_HANDLE,
 * SHOULD_WAIT (full), NO_MEMORY (CHANNEL_DEPTH_MAX): the call did not begin.
 */
MUST_CHECK zx_status_t channel_send(struct channel *end, const struct handle_slot *use, struct message *message,
                                    struct channel_call *call);

/* The call begins: its request gets a number, by which the reply will be known. */
void call_enter(struct channel *end, struct channel_call *call, struct message *request)
    REQUIRES(&end->base.pair->lock);

/* The end's peer or a handle was closed: ends the waits of all calls, or of those begun through the handle. */
void calls_peer_closed(struct channel *end) REQUIRES(&end->base.pair->lock);
void calls_cancel(struct object *object, const void *table, zx_handle_t value);

/* Gives a message written to `end` to the call that it answers, if there is one. */
bool call_answer(struct channel *end, struct message *message) REQUIRES(&end->base.pair->lock);
