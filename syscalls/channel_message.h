/*
 * What the calls on channels share: messages out of what a caller hands over, and back to it. In channel.c, handles
 * are plain values; in channel_etc.c each comes with what is to be done with it, or what it is.
 */
#pragma once

#include "kernel/object/channel.h"
#include "kernel/object/user_thread.h"

/* The caller's bytes in a message with room for so many handles. OUT_OF_RANGE, NO_MEMORY, INVALID_ARGS. */
MUST_CHECK zx_status_t message_collect(user_in_t bytes, uint32_t num_bytes, uint32_t num_handles, struct message **out);

/* May this handle be sent over that channel? NOT_SUPPORTED: it is the end itself; ACCESS_DENIED: it lacks TRANSFER. */
MUST_CHECK zx_status_t message_check_sendable(const struct object *channel, const struct handle *handle);

/*
 * The channel's next message, if it fits; its sizes are told in any case. What came out is to be discarded, whatever
 * the result. NOT_SUPPORTED, SHOULD_WAIT, PEER_CLOSED, INVALID_ARGS, BUFFER_TOO_SMALL.
 */
MUST_CHECK zx_status_t message_receive(struct object *channel, uint32_t options, uint32_t num_bytes,
                                       uint32_t num_handles, user_out_t actual_bytes, user_out_t actual_handles,
                                       struct message **out);

/* To the caller: bytes. INVALID_ARGS. */
MUST_CHECK zx_status_t message_put_bytes(const struct message *message, user_out_t bytes);

/* To the caller: handles, as zx_handle_info_t. INVALID_ARGS, NO_MEMORY: the message has them still. */
MUST_CHECK zx_status_t message_give_infos(struct message *message, user_out_t infos);

/* Waits for the reply to the caller's call and gives it to the caller, its handles in the form that was asked for. */
MUST_CHECK zx_status_t channel_await_reply(struct user_thread *self, zx_time_t deadline, user_out_t actual_bytes,
                                           user_out_t actual_handles);
