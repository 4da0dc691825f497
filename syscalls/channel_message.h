/*
 * What the calls on channels share: messages out of what a caller hands over, and back to it. In channel.c, handles
 * are plain values; in channel_etc.c each comes with what is to be done with it, or what it is.
 */
#pragma once

#include "kernel/object/channel.h"
#include "kernel/object/user_thread.h"

/* What a caller hands over, to be sent; and the form in which its handles come. */
struct handle_form {
    size_t size;                            /* of an item of the array */
    zx_handle_t (*moved)(const void *item); /* the handle that leaves the caller's table by it, if any */
    /* Takes a number of items that a message may have, not 0. */
    zx_status_t (*take)(const struct object *channel, struct message *message, user_out_t handles, uint32_t count);
};
struct outgoing {
    const struct handle_form *form;
    user_in_t bytes;
    user_out_t handles;
    uint32_t num_bytes, num_handles;
};

/*
 * Sends it, as a message or as the request of the running thread's call, by the use of a channel's handle, which it
 * ends, if `found` is ZX_OK. Else that is the result. If it fails, what was to be moved is gone, unless the array
 * cannot be read to its end.
 */
MUST_CHECK zx_status_t outgoing_write(const struct outgoing *out, zx_status_t found, struct handle_slot *channel);
MUST_CHECK zx_status_t outgoing_call(const struct outgoing *out, zx_status_t found, struct handle_slot *channel);
/* May it be a request? */
MUST_CHECK zx_status_t outgoing_check_call(uint32_t options, uint32_t num_bytes);

/* May this handle be sent over that channel? NOT_SUPPORTED: it is the end itself; ACCESS_DENIED: it lacks TRANSFER. */
MUST_CHECK zx_status_t message_check_sendable(const struct object *channel, const struct handle *handle);

/*
 * The channel's next message, if it fits; its sizes are told in any case. What came out is to be discarded, whatever
 * the result. NOT_SUPPORTED, BAD_HANDLE, SHOULD_WAIT, PEER_CLOSED, INVALID_ARGS, BUFFER_TOO_SMALL.
 */
MUST_CHECK zx_status_t message_receive(struct handle_slot *channel, uint32_t options, uint32_t num_bytes,
                                       uint32_t num_handles, user_out_t actual_bytes, user_out_t actual_handles,
                                       struct message **out);

/* To the caller: bytes. INVALID_ARGS. */
MUST_CHECK zx_status_t message_put_bytes(const struct message *message, user_out_t bytes);

/*
 * Makes its handles the caller's, with values that were reserved for them, and copies out what the caller is told of
 * them. INVALID_ARGS: nothing is reserved any more, and the message has them still.
 */
MUST_CHECK zx_status_t message_give_handles(struct message *message, const zx_handle_t *values, user_out_t out,
                                            const void *told, size_t size);

/* To the caller: handles, as zx_handle_info_t. INVALID_ARGS, NO_MEMORY: the message has them still. */
MUST_CHECK zx_status_t message_give_infos(struct message *message, user_out_t infos);

/* Waits for the reply to the caller's call and gives it to the caller, its handles in the form that was asked for. */
MUST_CHECK zx_status_t channel_await_reply(struct user_thread *self, zx_time_t deadline, user_out_t actual_bytes,
                                           user_out_t actual_handles);
