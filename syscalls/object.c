/*
 * System calls that any object answers: properties, waiting. Manual: object.md; for object_get_info see info.c.
 */
#include "kernel/base/object.h"

#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/object/wait.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"
#include "vm/vmar.h"

/* The FS and GS bases belong to the calling thread, and are user addresses. */
static zx_status_t set_segment_base(struct object *object, void (*set)(vaddr_t), user_in_t value, size_t size) {
    uint64_t base;
    if (size < sizeof(base)) return ZX_ERR_BUFFER_TOO_SMALL;
    if (object->ops->type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
    if (user_thread_from_object(object) != user_thread_current()) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = user_get(&base, value);
    if (status != ZX_OK) return status;
    if (base < USER_BASE || base >= USER_END) return ZX_ERR_INVALID_ARGS;
    set(base);
    return ZX_OK;
}

static zx_status_t set_property(struct object *object, uint32_t property, user_in_t value, size_t size) {
    switch (property) {
    case ZX_PROP_REGISTER_FS:
        return set_segment_base(object, arch_set_user_fs, value, size);
    case ZX_PROP_REGISTER_GS:
        return set_segment_base(object, arch_set_user_gs, value, size);
    default:
        return ZX_ERR_INVALID_ARGS;
    }
}

zx_status_t sys_object_set_property(zx_handle_t handle, uint32_t property, user_in_t value, size_t size) {
    struct object *object;
    if (!value.addr) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = handle_get_any(caller_handles(), handle, ZX_RIGHT_SET_PROPERTY, &object);
    if (status != ZX_OK) return status;
    status = set_property(object, property, value, size);
    object_unref(object);
    return status;
}

zx_status_t sys_object_wait_one(zx_handle_t value, zx_signals_t signals, zx_time_t deadline, user_out_t observed_out) {
    struct object *object;
    zx_signals_t observed = 0;
    zx_status_t status = handle_get_any(caller_handles(), value, ZX_RIGHT_WAIT, &object);
    if (status != ZX_OK) return status;
    bool waitable = object_is_waitable(object);
    if (waitable) status = object_wait_one(object, caller_handles(), value, signals, deadline, &observed);
    object_unref(object);
    if (!waitable) return ZX_ERR_NOT_SUPPORTED;
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = user_put_optional(observed_out, observed);
    return put == ZX_OK ? status : put;
}
