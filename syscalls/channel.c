/* System calls on channels. Manual: channel.md. */
#include "kernel/object/channel.h"

#include "kernel/base/arith.h"
#include "kernel/object/user_thread.h"
#include "syscalls/channel.h"
#include "syscalls/channel_message.h"
#include "vm/usercopy.h"

static zx_status_t sys_channel_create(uint32_t options, user_out_t out0, user_out_t out1) {
    struct object *a, *b;
    zx_status_t status = options == 0 ? caller_may(ZX_POL_NEW_CHANNEL) : ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK) status = channel_create(&a, &b);
    return status == ZX_OK ? give_new_pair(a, b, out0, out1) : status;
}

/* Walks an array of any length, piece by piece, and optionally closes what is moved. False: it cannot be read. */
static bool walk_handles(const struct outgoing *out, bool close) {
    _Alignas(uint64_t) char items[ZX_CHANNEL_MAX_MSG_HANDLES * sizeof(zx_handle_t)];
    const size_t size = out->form->size;
    struct handle handle;
    for (uint32_t at = 0, part; at < out->num_handles && !thread_killed(); at += part) {
        part = (uint32_t)min_u64(out->num_handles - at, sizeof(items) / size);
        if (copy_in(items, (user_in_t){out->handles.addr + at * size}, part * size) != ZX_OK) return false;
        for (uint32_t i = 0; close && i < part; i++) {
            zx_handle_t moved = out->form->moved(items + i * size);
            if (handle_remove(caller_handles(), moved, &handle) == ZX_OK) handle_discard(handle);
        }
    }
    return true;
}

/* A write that fails consumes its handles too, unless the array cannot be read to its end: then all of them stay. */
static void consume_handles(const struct outgoing *out) {
    if (walk_handles(out, false)) walk_handles(out, true);
}

zx_status_t message_check_sendable(const struct object *channel, const struct handle *handle) {
    if (handle->object == channel) return ZX_ERR_NOT_SUPPORTED;
    return handle->rights & ZX_RIGHT_TRANSFER ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* Moves handles out of the caller's table into the message, all that are valid; returns the first error. */
static zx_status_t take_handles(const struct object *channel, struct message *message, user_out_t src, uint32_t count) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    zx_status_t status = copy_in(values, (user_in_t){src.addr}, count * sizeof(values[0]));
    if (status != ZX_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        struct handle *handle = &message->handles[message->num_handles];
        zx_status_t taken = handle_move_out(caller_handles(), values[i], handle);
        if (taken == ZX_OK) {
            message->num_handles++;
            taken = message_check_sendable(channel, handle);
        }
        if (status == ZX_OK) status = taken;
    }
    return status;
}

static zx_handle_t moved_value(const void *item) { return *(const zx_handle_t *)item; }

static const struct handle_form values_form = {sizeof(zx_handle_t), moved_value, take_handles};

/* Most messages are of one piece, and small. */
static ALWAYS_INLINE zx_status_t copy_bytes_in(const struct message *message, user_in_t bytes) {
    zx_status_t status = ZX_OK;
    if (likely(message_is_whole(message))) return copy_in(message_data(message), bytes, message->num_bytes);
    for (struct message_piece piece = {0}; status == ZX_OK && message_next(message, &piece);)
        status = copy_in(piece.data, user_in_at(bytes, piece.at), piece.len);
    return status;
}

/* The caller's bytes in a message with room for its handles. */
static ALWAYS_INLINE zx_status_t collect_bytes(const struct outgoing *out, struct object *channel,
                                               struct message **message) {
    if (out->num_bytes > ZX_CHANNEL_MAX_MSG_BYTES || out->num_handles > ZX_CHANNEL_MAX_MSG_HANDLES)
        return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = channel_message_create(channel, out->num_bytes, out->num_handles, message);
    if (status != ZX_OK) return status;
    status = copy_bytes_in(*message, out->bytes);
    if (status != ZX_OK) message_discard(*message);
    return status;
}

static ALWAYS_INLINE zx_status_t collect(const struct outgoing *out, zx_status_t found, struct object *channel,
                                         struct message **message) {
    zx_status_t status = found == ZX_OK ? collect_bytes(out, channel, message) : found;
    if (status != ZX_OK) {
        consume_handles(out);
        return status;
    }
    if (out->num_handles == 0) return ZX_OK;
    status = out->form->take(channel, *message, out->handles, out->num_handles);
    message_count_from(*message, caller_handles()->budget);
    if (status != ZX_OK) message_discard(*message);
    return status;
}

static ALWAYS_INLINE zx_status_t send(const struct outgoing *out, zx_status_t found, struct handle_slot *channel) {
    struct object *object = found == ZX_OK ? channel->handle.object : NULL;
    struct message *message;
    zx_status_t status = collect(out, found, object, &message);
    if (status == ZX_OK) status = channel_write(object, channel, message);
    if (found == ZX_OK) caller_use_end(channel);
    return status;
}

zx_status_t outgoing_write(const struct outgoing *out, zx_status_t found, struct handle_slot *channel) {
    return send(out, found, channel);
}

zx_status_t outgoing_check_call(uint32_t options, uint32_t num_bytes) {
    return options != 0 || num_bytes < sizeof(zx_txid_t) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static ALWAYS_INLINE zx_status_t begin_call(const struct outgoing *out, zx_status_t found,
                                            struct handle_slot *channel) {
    struct object *object = found == ZX_OK ? channel->handle.object : NULL;
    struct message *request;
    zx_status_t status = collect(out, found, object, &request);
    if (status == ZX_OK) status = channel_call_begin(&user_thread_current()->call, object, channel, request);
    if (found == ZX_OK) caller_use_end(channel);
    return status;
}

zx_status_t outgoing_call(const struct outgoing *out, zx_status_t found, struct handle_slot *channel) {
    return begin_call(out, found, channel);
}

static zx_status_t sys_channel_write(zx_handle_t value, uint32_t options, user_in_t bytes, uint32_t num_bytes,
                                     user_in_t handles, uint32_t num_handles) {
    const struct outgoing out = {&values_form, bytes, {handles.addr}, num_bytes, num_handles};
    struct handle_slot *channel = NULL;
    zx_status_t found = options == 0 ? channel_write_use_handle(value, &channel) : ZX_ERR_INVALID_ARGS;
    return send(&out, found, channel);
}

static ALWAYS_INLINE zx_status_t put_bytes(const struct message *message, user_out_t bytes) {
    zx_status_t status = ZX_OK;
    if (likely(message_is_whole(message))) return copy_out(bytes, message_data(message), message->num_bytes);
    for (struct message_piece piece = {0}; status == ZX_OK && message_next(message, &piece);)
        status = copy_out(user_out_at(bytes, piece.at), piece.data, piece.len);
    return status;
}

zx_status_t message_put_bytes(const struct message *message, user_out_t bytes) { return put_bytes(message, bytes); }

zx_status_t message_give_handles(struct message *message, const zx_handle_t *values, user_out_t out, const void *told,
                                 size_t size) {
    struct handle_table *table = caller_handles();
    zx_status_t status = copy_out(out, told, size);
    if (status != ZX_OK) {
        handle_unreserve_many(table, values, message->num_handles, message_budget(message));
        return status;
    }
    handle_publish_many(table, values, message->handles, message->num_handles, message_budget(message));
    message->num_handles = 0;
    return ZX_OK;
}

static NOINLINE zx_status_t give_values(struct message *message, user_out_t out) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    const uint32_t count = message->num_handles;
    zx_status_t status = handle_reserve_many(caller_handles(), values, count, message_budget(message));
    return status == ZX_OK ? message_give_handles(message, values, out, values, count * sizeof(values[0])) : status;
}

/* Makes a message's bytes and handles the caller's. */
static ALWAYS_INLINE zx_status_t deliver(struct message *message, user_out_t bytes, user_out_t handles) {
    zx_status_t status = put_bytes(message, bytes);
    if (likely(message->num_handles == 0)) return status;
    return status == ZX_OK ? give_values(message, handles) : status;
}

static ALWAYS_INLINE zx_status_t receive(struct handle_slot *channel, uint32_t options, uint32_t num_bytes,
                                         uint32_t num_handles, user_out_t actual_bytes, user_out_t actual_handles,
                                         struct message **out) {
    const bool discard = options & ZX_CHANNEL_READ_MAY_DISCARD;
    if (options & ~ZX_CHANNEL_READ_MAY_DISCARD) return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = channel_read(channel->handle.object, channel, discard, &num_bytes, &num_handles, out);
    if (status != ZX_OK && status != ZX_ERR_BUFFER_TOO_SMALL) return status;
    zx_status_t told = user_put_optional(actual_bytes, num_bytes);
    if (told == ZX_OK) told = user_put_optional(actual_handles, num_handles);
    return told == ZX_OK ? status : told;
}

zx_status_t message_receive(struct handle_slot *channel, uint32_t options, uint32_t num_bytes, uint32_t num_handles,
                            user_out_t actual_bytes, user_out_t actual_handles, struct message **out) {
    return receive(channel, options, num_bytes, num_handles, actual_bytes, actual_handles, out);
}

static zx_status_t sys_channel_read(struct handle_slot *channel, uint32_t options, user_out_t bytes, user_out_t handles,
                                    uint32_t num_bytes, uint32_t num_handles, user_out_t actual_bytes,
                                    user_out_t actual_handles) {
    struct message *message = NULL;
    zx_status_t status = receive(channel, options, num_bytes, num_handles, actual_bytes, actual_handles, &message);
    if (status == ZX_OK) status = deliver(message, bytes, handles);
    if (message) channel_message_discard(channel->handle.object, message);
    return status;
}

/* Gives the caller its reply, if it fits what it has room for. The call is over. */
static inline zx_status_t deliver_reply(struct message *reply, struct user_thread *self, user_out_t actual_bytes,
                                        user_out_t actual_handles) {
    const zx_channel_call_args_t *args = &self->call_args;
    user_out_t bytes = {(vaddr_t)args->rd_bytes}, handles = {(vaddr_t)args->rd_handles};
    const uint32_t num_handles = reply->num_handles;
    zx_status_t status = user_put_optional(actual_bytes, reply->num_bytes);
    if (status == ZX_OK) status = user_put_optional(actual_handles, num_handles);
    if (status == ZX_OK && (reply->num_bytes > args->rd_num_bytes || num_handles > args->rd_num_handles))
        status = ZX_ERR_BUFFER_TOO_SMALL;
    if (status == ZX_OK && self->call_is_etc) {
        status = message_put_bytes(reply, bytes);
        if (status == ZX_OK) status = message_give_infos(reply, handles);
    } else if (status == ZX_OK) {
        status = deliver(reply, bytes, handles);
    }
    channel_call_done(&self->call, reply);
    return status;
}

static zx_status_t send_request(zx_handle_t value, uint32_t options, const zx_channel_call_args_t *args) {
    const struct outgoing out = {
        &values_form, {(vaddr_t)args->wr_bytes}, {(vaddr_t)args->wr_handles}, args->wr_num_bytes, args->wr_num_handles};
    struct handle_slot *channel = NULL;
    zx_status_t found = outgoing_check_call(options, args->wr_num_bytes);
    if (found == ZX_OK) found = channel_call_noretry_use_handle(value, &channel);
    return begin_call(&out, found, channel);
}

zx_status_t channel_await_reply(struct user_thread *self, zx_time_t deadline, user_out_t actual_bytes,
                                user_out_t actual_handles) {
    struct message *reply;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_CHANNEL);
    zx_status_t status = channel_call_wait(&self->call, deadline, &reply);
    return status == ZX_OK ? deliver_reply(reply, self, actual_bytes, actual_handles) : status;
}

/* A call that was interrupted, and is not finished but followed by another, is given up. */
static zx_status_t sys_channel_call_noretry(zx_handle_t value, uint32_t options, zx_time_t deadline, user_in_t args,
                                            user_out_t actual_bytes, user_out_t actual_handles) {
    struct user_thread *self = user_thread_current();
    channel_call_end(&self->call);
    self->call_is_etc = false;
    zx_status_t status = user_get(&self->call_args, args);
    if (status == ZX_OK) status = send_request(value, options, &self->call_args);
    return status == ZX_OK ? channel_await_reply(self, deadline, actual_bytes, actual_handles) : status;
}

static zx_status_t sys_channel_call_finish(zx_time_t deadline, user_out_t actual_bytes, user_out_t actual_handles) {
    struct user_thread *self = user_thread_current();
    if (!self->call.object) return ZX_ERR_BAD_STATE;
    return channel_await_reply(self, deadline, actual_bytes, actual_handles);
}
