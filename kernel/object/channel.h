/*
 * Channels: two ends, each with a queue of messages that the other wrote. A message is bytes and handles.
 *
 * A message owns its handles. Writing takes it in every case; reading returns it. When the last handle to an end is
 * closed, its queue is discarded and the other end sees PEER_CLOSED.
 *
 * An end may lie in a message of another end, but not in one of its own, or of an end that it holds in turn: nobody
 * could ever read it again. A message that would do that is taken, and discarded at once with all that hangs on it. To
 * find that out takes the longer the deeper its queue lies in those of others, and all who send ends wait meanwhile. So
 * one with an end that holds others is not put into a queue that lies deeper than CHANNEL_DEPTH_MAX.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "kernel/object/message.h"
#include "kernel/object/wait.h"

#define CHANNEL_DEPTH_MAX 1000u

struct exception_channel;

/*
 * What a program acts on an end through; NULL for the kernel itself. BAD_HANDLE: it has been closed or sent away before
 * the act took effect, and the end may be another process's by now.
 */
struct channel_user {
    struct handle_table *table;
    zx_handle_t value;
};

/*
 * A call: a request that was sent, and the wait for its reply. It outlasts interruptions of that wait.
 */
struct channel_call {
    /* [c] */
    RB_ENTRY(channel_call) node; /* in the end's tree, until it is answered */
    uint32_t txid;
    bool peer_closed, cancelled; /* what else has ended the wait */

    _Atomic(struct message *) reply; /* [c/a] the last that is changed of an answered call, which is in no tree then */
    struct waiter waiter;

    /* [I] while there is a call */
    struct object *object;    /* our end, with a reference; NULL: there is no call */
    struct channel_user user; /* with the handle that it was begun through; no table: the kernel */
};

/*
 * Begins a call: writes a request of at least 4 bytes, whose first 4 are replaced by a number. (table, value) is the
 * handle that the call is begun through. Takes the request. PEER_CLOSED, BAD_HANDLE, NO_MEMORY (CHANNEL_DEPTH_MAX):
 * there is no call then.
 */
MUST_CHECK zx_status_t channel_call_begin(struct channel_call *call, struct object *end, struct handle_table *table,
                                          zx_handle_t value, struct message *request);

/*
 * Waits for the message that the other side writes with that number, and ends the call. PEER_CLOSED, TIMED_OUT,
 * CANCELED (the handle was closed). INTR_RETRY: something wants the thread; the call goes on, and can be waited for
 * again.
 */
MUST_CHECK zx_status_t channel_call_wait(struct channel_call *call, zx_time_t deadline, struct message **reply);

/* Gives a call up, if there is one. */
void channel_call_end(struct channel_call *call);

/* Both ends, each with a reference for the caller. NO_MEMORY. */
MUST_CHECK zx_status_t channel_create(struct object **out0, struct object **out1);

/* This end is the kernel's, for the exceptions of a task. Before anybody else sees it. */
void channel_set_place(struct object *end, struct exception_channel *place);

/* How many messages there are to read. */
uint64_t channel_pending(struct object *end);

/* Takes the message. PEER_CLOSED, BAD_HANDLE, NO_MEMORY (CHANNEL_DEPTH_MAX). */
MUST_CHECK zx_status_t channel_write(struct object *end, const struct channel_user *user, struct message *message);

/* The same for a message without channel ends, under a process's lock. On PEER_CLOSED it is the caller's still. */
MUST_CHECK zx_status_t channel_post(struct object *end, struct message *message);

/*
 * The first message, if it fits the room given; else BUFFER_TOO_SMALL, and it stays, or is discarded if `discard`.
 * SHOULD_WAIT or PEER_CLOSED when there is none, BAD_HANDLE. The actual sizes are set on ZX_OK and BUFFER_TOO_SMALL.
 */
MUST_CHECK zx_status_t channel_read(struct object *end, const struct channel_user *user, bool discard,
                                    uint32_t *num_bytes, uint32_t *num_handles, struct message **out);
