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
    if (!object_is_waitable(object)) return ZX_ERR_NOT_SUPPORTED;
    if ((clear | set) & ~user_signals(object)) return ZX_ERR_INVALID_ARGS;
    object_signal(object, clear, set);
    return ZX_OK;
}

static zx_status_t sys_object_signal_peer(struct object *object, uint32_t clear, uint32_t set) {
    zx_obj_type_t type = object->ops->type;
    if (type != ZX_OBJ_TYPE_CHANNEL && type != ZX_OBJ_TYPE_EVENTPAIR) return ZX_ERR_NOT_SUPPORTED;
    if ((clear | set) & ~user_signals(object)) return ZX_ERR_INVALID_ARGS;
    return peer_signal(object, clear, set);
}

zx_status_t caller_use_waitable(zx_handle_t value, struct handle_use *use) {
    zx_status_t status = handle_use_any(caller_handles(), value, ZX_RIGHT_WAIT, use);
    if (status != ZX_OK || object_is_waitable(use->handle.object)) return status;
    handle_done(caller_handles(), use);
    return ZX_ERR_NOT_SUPPORTED;
}

static zx_status_t sys_object_wait_one(struct object *object, zx_handle_t value, zx_signals_t signals,
                                       zx_time_t deadline, user_out_t observed_out) {
    zx_signals_t observed;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_WAIT_ONE);
    zx_status_t status = object_wait_one(object, caller_handles(), value, signals, deadline, &observed);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = user_put_optional(observed_out, observed);
    return put == ZX_OK ? status : put;
}

static void drop_objects(const struct wait *waits, size_t count) {
    for (size_t i = 0; i < count; i++) object_unref(waits[i].object);
}

static zx_status_t get_objects(const zx_wait_item_t *items, struct wait *waits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        waits[i].value = items[i].handle;
        waits[i].signals = items[i].waitfor;
        struct handle_use use;
        zx_status_t status = caller_use_waitable(waits[i].value, &use);
        if (status != ZX_OK) {
            drop_objects(waits, i);
            return status;
        }
        waits[i].object = use.handle.object;
        object_ref(waits[i].object);
        handle_done(caller_handles(), &use);
    }
    return ZX_OK;
}

/* With room for the caller's items, and a wait for each. */
static zx_status_t wait_many(user_out_t out, zx_wait_item_t *items, struct wait *waits, size_t count,
                             zx_time_t deadline) {
    const size_t len = count * sizeof(items[0]);
    zx_status_t status = count ? copy_in(items, (user_in_t){out.addr}, len) : ZX_OK;
    if (status == ZX_OK) status = get_objects(items, waits, count);
    if (status != ZX_OK) return status;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_WAIT_MANY);
    status = objects_wait(caller_handles(), waits, count, deadline);
    for (size_t i = 0; i < count; i++) items[i].pending = waits[i].seen;
    drop_objects(waits, count);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY || count == 0) return status;
    zx_status_t put = copy_out(out, items, len);
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
    if (count <= WAIT_FEW) return wait_few(out, count, deadline);
    struct wait *waits = heap_alloc(count * (sizeof(struct wait) + sizeof(zx_wait_item_t)));
    if (!waits) return ZX_ERR_NO_MEMORY;
    zx_status_t status = wait_many(out, (zx_wait_item_t *)(waits + count), waits, count, deadline);
    heap_free(waits);
    return status;
}
