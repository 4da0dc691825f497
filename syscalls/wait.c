/* System calls on signals: raising them, and waiting for them. Manual: object.md. */
#include "kernel/object/wait.h"

#include "kernel/object/handle.h"
#include "kernel/object/peer.h"
#include "kernel/object/user_thread.h"
#include "syscalls/wait.h"
#include "vm/heap.h"
#include "vm/usercopy.h"

#define WAIT_FEW 8

/* The signals of a type that user mode may change. */
static zx_signals_t user_signals(const struct object *object) {
    bool event = object->ops->type == ZX_OBJ_TYPE_EVENT || object->ops->type == ZX_OBJ_TYPE_EVENTPAIR;
    return event ? ZX_USER_SIGNAL_ALL | ZX_EVENT_SIGNALED : ZX_USER_SIGNAL_ALL;
}

static zx_status_t sys_object_signal(struct object *object, uint32_t clear, uint32_t set) {
    if (!object_is_waitable(object)) return wrong_object(ZX_ERR_NOT_SUPPORTED);
    if ((clear | set) & ~user_signals(object)) return ZX_ERR_INVALID_ARGS;
    object_signal(object, clear, set);
    return ZX_OK;
}

static zx_status_t sys_object_signal_peer(struct object *object, uint32_t clear, uint32_t set) {
    zx_obj_type_t type = object->ops->type;
    if (type != ZX_OBJ_TYPE_CHANNEL && type != ZX_OBJ_TYPE_EVENTPAIR) return wrong_object(ZX_ERR_NOT_SUPPORTED);
    if ((clear | set) & ~user_signals(object)) return ZX_ERR_INVALID_ARGS;
    return peer_signal(object, clear, set);
}

static zx_status_t sys_object_wait_one(struct handle_slot *use, zx_signals_t signals, zx_time_t deadline,
                                       user_out_t observed_out) {
    zx_signals_t observed;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_WAIT_ONE);
    zx_status_t status = object_wait_one(use->handle.object, caller_handles(), use, signals, deadline, &observed);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = user_put_optional(observed_out, observed);
    return put == ZX_OK ? status : put;
}

static void uses_end(struct wait *waits, size_t count) {
    for (size_t i = 0; i < count; i++) caller_use_end(waits[i].use);
}

static zx_status_t uses_begin(const zx_wait_item_t *items, struct wait *waits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        zx_status_t status = caller_use_waitable(items[i].handle, &waits[i].use);
        if (status != ZX_OK) {
            uses_end(waits, i);
            return status;
        }
        waits[i].object = waits[i].use->handle.object;
        waits[i].signals = items[i].waitfor;
    }
    return ZX_OK;
}

static zx_status_t put_pending(user_out_t items, const struct wait *waits, size_t count) {
    zx_status_t status = ZX_OK;
    for (size_t i = 0; i < count && status == ZX_OK; i++) {
        size_t offset = i * sizeof(zx_wait_item_t) + offsetof(zx_wait_item_t, pending);
        status = user_put(user_out_at(items, offset), waits[i].seen);
    }
    return status;
}

/* With room for the caller's items, and for each a wait. */
static zx_status_t wait_many(user_out_t out, zx_wait_item_t *items, struct wait *waits, size_t count,
                             zx_time_t deadline) {
    const size_t len = count * sizeof(items[0]);
    zx_status_t status = count ? copy_in(items, (user_in_t){out.addr}, len) : ZX_OK;
    if (status == ZX_OK) status = uses_begin(items, waits, count);
    if (status != ZX_OK) return status;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_WAIT_MANY);
    status = objects_wait(caller_handles(), waits, count, deadline);
    uses_end(waits, count);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = put_pending(out, waits, count);
    return put == ZX_OK ? status : put;
}

/* One item needs no arrays. */
static zx_status_t wait_single(user_out_t out, zx_time_t deadline) {
    zx_wait_item_t item;
    struct handle_slot *use;
    zx_status_t status = user_get(&item, (user_in_t){out.addr});
    if (status == ZX_OK) status = caller_use_waitable(item.handle, &use);
    if (status != ZX_OK) return status;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_WAIT_MANY);
    status = object_wait_one(use->handle.object, caller_handles(), use, item.waitfor, deadline, &item.pending);
    caller_use_end(use);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = user_put(user_out_at(out, offsetof(zx_wait_item_t, pending)), item.pending);
    return put == ZX_OK ? status : put;
}

/* A few items take no memory but the stack's. */
static zx_status_t wait_few(user_out_t out, size_t count, zx_time_t deadline) {
    zx_wait_item_t items[WAIT_FEW];
    struct wait waits[WAIT_FEW];
    return wait_many(out, items, waits, count, deadline);
}

static zx_status_t sys_object_wait_many(user_out_t out, size_t count, zx_time_t deadline) {
    if (count > ZX_WAIT_MANY_MAX_ITEMS) return ZX_ERR_OUT_OF_RANGE;
    if (count == 1) return wait_single(out, deadline);
    if (count <= WAIT_FEW) return wait_few(out, count, deadline);
    struct wait *waits = heap_alloc(count * (sizeof(struct wait) + sizeof(zx_wait_item_t)));
    if (!waits) return ZX_ERR_NO_MEMORY;
    zx_status_t status = wait_many(out, (zx_wait_item_t *)(waits + count), waits, count, deadline);
    heap_free(waits);
    return status;
}
