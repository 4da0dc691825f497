/*
 * Channels: two ends, each with a queue of messages that the other wrote. A message is bytes and handles. A queue ends
 * at CHANNEL_QUEUE_MAX: the other end is not WRITABLE then.
 *
 * A message owns its handles. Writing takes it in every case; reading returns it. When the last handle to an end is
 * closed, its queue is discarded and the other end sees PEER_CLOSED.
 *
 * An end may be in a message of another end, but not in one of its own, or of an end that it holds in turn: it could
 * never be read again. A message that would do that is taken, and discarded at once with all that it holds. The check
 * takes longer the deeper the queue is nested in others, and all threads that send ends wait meanwhile. So a message
 * with an end that holds others is not put into a queue that is nested deeper than CHANNEL_DEPTH_MAX.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "kernel/object/message.h"
#include "kernel/object/peer.h"
#include "kernel/object/wait.h"

#define CHANNEL_DEPTH_MAX 1000u
#define CHANNEL_QUEUE_MAX 3500u

struct exception_channel;

/*
 * A program acts on an end by the use of a handle, NULL for the kernel itself. BAD_HANDLE: that has been closed or sent
 * away before the act took effect, and the end may be another process's by now.
 */

/* A call: a request that was sent, and the wait for its reply. It outlasts interruptions of that wait. */
struct channel_call {
    /* [c] */
    RB_ENTRY(channel_call) node; /* in the end's tree, until it is answered */
    uint32_t txid;
    bool peer_closed, cancelled; /* what else has ended the wait */

    _Atomic(struct message *) reply; /* [c/a] the last that is changed of an answered call, which is in no tree then */
    struct waiter waiter;

    /* [I] while there is a call */
    struct object *object;          /* our end, with a reference; NULL: there is no call */
    const struct handle_slot *slot; /* with `value`: the handle that it was begun through; NULL: the kernel */
    zx_handle_t value;
};

/*
 * Begins a call: writes a request of at least 4 bytes, whose first 4 are replaced by a number. Takes the request.
 * PEER_CLOSED, BAD_HANDLE, SHOULD_WAIT (full), NO_MEMORY (CHANNEL_DEPTH_MAX): there is no call then.
 */
MUST_CHECK zx_status_t channel_call_begin(struct channel_call *call, struct object *end, struct handle_slot *use,
                                          struct message *request);

/*
 * Waits for the message that the other side writes with that number; with it channel_call_done() is to follow. Else the
 * call has ended: PEER_CLOSED, TIMED_OUT, CANCELED (the handle was closed). INTR_RETRY: the thread was interrupted; the
 * call continues, and can be waited for again.
 */
MUST_CHECK zx_status_t channel_call_wait(struct channel_call *call, zx_time_t deadline, struct message **reply);

/* Ends a call whose reply has come, and discards that. */
void channel_call_done(struct channel_call *call, struct message *reply);

/* Gives a call up, if there is one. */
void channel_call_end(struct channel_call *call);

/* Both ends, each with a reference for the caller. NO_MEMORY. */
MUST_CHECK zx_status_t channel_create(struct object **out0, struct object **out1);

/* This end is the kernel's, for the exceptions of a task. Before anybody else sees it. */
void channel_set_place(struct object *end, struct exception_channel *place);

/*
 * A message for an end's peer, as message_create() makes it; and discarding one that came from there. A channel keeps
 * the memory of a small one that was discarded for the next.
 */
MUST_CHECK static inline zx_status_t channel_message_create(struct object *end, uint32_t num_bytes,
                                                            uint32_t handle_room, struct message **out) {
    struct message *spare = NULL;
    if (likely(message_is_small(num_bytes, handle_room)))
        spare = atomic_exchange_explicit(&peer_from_object(end)->pair->spare, NULL, memory_order_acq_rel);
    if (unlikely(!spare)) return message_create(num_bytes, handle_room, out);
    spare->num_bytes = num_bytes;
    *out = spare;
    return ZX_OK;
}
static inline void channel_message_discard(struct object *end, struct message *message) {
    if (likely(message_is_small(message->num_bytes, message->handle_room)))
        message = atomic_exchange_explicit(&peer_from_object(end)->pair->spare, message, memory_order_acq_rel);
    if (unlikely(message)) message_discard(message);
}

/* How many messages there are to read. */
uint64_t channel_pending(struct object *end);

/* Takes the message. PEER_CLOSED, BAD_HANDLE, SHOULD_WAIT (full), NO_MEMORY (CHANNEL_DEPTH_MAX). */
MUST_CHECK zx_status_t channel_write(struct object *end, const struct handle_slot *use, struct message *message);

/*
 * The same for a message of the kernel's without channel ends, under a process's lock, however many there are. On
 * PEER_CLOSED it is the caller's still.
 */
MUST_CHECK zx_status_t channel_post(struct object *end, struct message *message);

/*
 * The first message, if it fits the room given; else BUFFER_TOO_SMALL, and it stays, or is discarded if `discard`.
 * SHOULD_WAIT or PEER_CLOSED when there is none, BAD_HANDLE. The actual sizes are set on ZX_OK and BUFFER_TOO_SMALL.
 */
MUST_CHECK zx_status_t channel_read(struct object *end, const struct handle_slot *use, bool discard,
                                    uint32_t *num_bytes, uint32_t *num_handles, struct message **out);
