/*
 * Channel calls whose handles come with more than their values: what is to be done with each before it is sent, and
 * what each is that was received. Manual: channel.md.
 */
#include "syscalls/channel_etc.h"
#include "syscalls/channel_message.h"
#include "vm/budget.h"
#include "vm/usercopy.h"

/* --- sending --- */

static zx_status_t check_type(const struct handle *handle, zx_obj_type_t type) {
    return type == ZX_OBJ_TYPE_NONE || handle->object->ops->type == type ? ZX_OK : wrong_object(ZX_ERR_WRONG_TYPE);
}

/* The caller's handle leaves its table in any case; in `out` if it is one. */
static zx_status_t move_handle(const struct object *channel, const zx_handle_disposition_t *d, struct handle *out,
                               bool *taken) {
    zx_status_t status = handle_move_out(caller_handles(), d->handle, out);
    *taken = status == ZX_OK;
    if (status == ZX_OK) status = message_check_sendable(channel, out);
    if (status == ZX_OK) status = check_type(out, d->type);
    return status == ZX_OK ? handle_derive_rights(out->rights, d->rights, &out->rights) : status;
}

/* What was checked is what is copied, or the handle was closed in between and its value given to another. */
static zx_status_t count_copy(const struct handle *copy, const struct object *checked) {
    zx_status_t status = copy->object == checked ? ZX_OK : ZX_ERR_BAD_HANDLE;
    if (status == ZX_OK && !budget_charge(caller_handles()->budget, BUDGET_HANDLES, 1)) status = ZX_ERR_NO_MEMORY;
    if (status != ZX_OK) handle_discard(*copy);
    return status;
}

static zx_status_t copy_handle(const struct object *channel, const zx_handle_disposition_t *d, struct handle *out,
                               bool *taken) {
    struct handle source;
    *taken = false;
    zx_status_t status = handle_get_any(caller_handles(), d->handle, 0, &source);
    if (status != ZX_OK) return status;
    status = message_check_sendable(channel, &source);
    if (status == ZX_OK) status = check_type(&source, d->type);
    if (status == ZX_OK) status = handle_duplicate(caller_handles(), d->handle, d->rights, out);
    if (status == ZX_OK) status = count_copy(out, source.object);
    *taken = status == ZX_OK;
    object_unref(source.object);
    return status;
}

static zx_status_t take_handle(const struct object *channel, const zx_handle_disposition_t *d,
                               struct message *message) {
    struct handle *out = &message->handles[message->num_handles];
    bool taken = false;
    zx_status_t status = ZX_ERR_INVALID_ARGS;
    if (d->operation == ZX_HANDLE_OP_MOVE) status = move_handle(channel, d, out, &taken);
    if (d->operation == ZX_HANDLE_OP_DUPLICATE) status = copy_handle(channel, d, out, &taken);
    if (taken) message->num_handles++;
    return status;
}

/* Takes all of them and returns the first error; each entry gets its own result. */
static zx_status_t take_handles(const struct object *channel, struct message *message, user_out_t handles,
                                uint32_t count) {
    zx_handle_disposition_t dispositions[ZX_CHANNEL_MAX_MSG_HANDLES];
    zx_status_t status = copy_in(dispositions, (user_in_t){handles.addr}, count * sizeof(dispositions[0]));
    if (status != ZX_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        dispositions[i].result = take_handle(channel, &dispositions[i], message);
        if (status == ZX_OK) status = dispositions[i].result;
    }
    zx_status_t told = copy_out(handles, dispositions, count * sizeof(dispositions[0]));
    return status == ZX_OK ? told : status;
}

static zx_handle_t moved_handle(const void *item) {
    const zx_handle_disposition_t *d = item;
    return d->operation == ZX_HANDLE_OP_MOVE ? d->handle : ZX_HANDLE_INVALID;
}

static const struct handle_form dispositions_form = {sizeof(zx_handle_disposition_t), moved_handle, take_handles};

static zx_status_t sys_channel_write_etc(zx_handle_t value, uint32_t options, user_in_t bytes, uint32_t num_bytes,
                                         user_out_t handles, uint32_t num_handles) {
    const struct outgoing out = {&dispositions_form, bytes, handles, num_bytes, num_handles};
    struct handle_slot *channel = NULL;
    zx_status_t found = options == 0 ? channel_write_etc_use_handle(value, &channel) : ZX_ERR_INVALID_ARGS;
    return outgoing_write(&out, found, channel);
}

/* --- receiving --- */

zx_status_t message_give_infos(struct message *message, user_out_t out) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    zx_handle_info_t infos[ZX_CHANNEL_MAX_MSG_HANDLES];
    const uint32_t count = message->num_handles;
    if (count == 0) return ZX_OK;
    zx_status_t status = handle_reserve_many(caller_handles(), values, count, message_budget(message));
    if (status != ZX_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        const struct handle *handle = &message->handles[i];
        infos[i] = (zx_handle_info_t){.handle = values[i], .type = handle->object->ops->type, .rights = handle->rights};
    }
    return message_give_handles(message, values, out, infos, count * sizeof(infos[0]));
}

static zx_status_t sys_channel_read_etc(struct handle_slot *channel, uint32_t options, user_out_t bytes,
                                        user_out_t handles, uint32_t num_bytes, uint32_t num_handles,
                                        user_out_t actual_bytes, user_out_t actual_handles) {
    struct message *message = NULL;
    zx_status_t status =
        message_receive(channel, options, num_bytes, num_handles, actual_bytes, actual_handles, &message);
    if (status == ZX_OK) status = message_put_bytes(message, bytes);
    if (status == ZX_OK) status = message_give_infos(message, handles);
    if (message) channel_message_discard(channel->handle.object, message);
    return status;
}

/* --- calling --- */

static zx_status_t send_request(zx_handle_t value, uint32_t options, const zx_channel_call_etc_args_t *args) {
    const struct outgoing out = {&dispositions_form,
                                 {(vaddr_t)args->wr_bytes},
                                 {(vaddr_t)args->wr_handles},
                                 args->wr_num_bytes,
                                 args->wr_num_handles};
    struct handle_slot *channel = NULL;
    zx_status_t found = outgoing_check_call(options, args->wr_num_bytes);
    if (found == ZX_OK) found = channel_call_etc_noretry_use_handle(value, &channel);
    return outgoing_call(&out, found, channel);
}

/* What the thread keeps for the reply, if it has to wait again, is where that is to be put. */
static zx_status_t sys_channel_call_etc_noretry(zx_handle_t value, uint32_t options, zx_time_t deadline,
                                                user_in_t args_in, user_out_t actual_bytes, user_out_t actual_handles) {
    struct user_thread *self = user_thread_current();
    zx_channel_call_etc_args_t args;
    channel_call_end(&self->call);
    zx_status_t status = user_get(&args, args_in);
    if (status == ZX_OK) status = send_request(value, options, &args);
    if (status != ZX_OK) return status;
    self->call_args = (zx_channel_call_args_t){.rd_bytes = args.rd_bytes,
                                               .rd_handles = (zx_handle_t *)args.rd_handles,
                                               .rd_num_bytes = args.rd_num_bytes,
                                               .rd_num_handles = args.rd_num_handles};
    self->call_is_etc = true;
    return channel_await_reply(self, deadline, actual_bytes, actual_handles);
}
