/* System calls on handles: closing, duplicating, replacing. Manual: handle.md. */
#include "kernel/object/handle.h"

#include "kernel/sched/thread.h"
#include "syscalls/handle.h"
#include "vm/usercopy.h"

static zx_status_t sys_handle_close(zx_handle_t value) {
    return value == ZX_HANDLE_INVALID ? ZX_OK : handle_close(caller_handles(), value);
}

static zx_status_t sys_handle_close_many(user_in_t handles, size_t count) {
    zx_status_t status = ZX_OK;
    for (size_t i = 0; i < count && !thread_killed(); i++) {
        zx_handle_t value;
        if (user_get(&value, user_in_at(handles, i * sizeof(value))) != ZX_OK) return ZX_ERR_INVALID_ARGS;
        zx_status_t closed = sys_handle_close(value);
        if (closed != ZX_OK) status = closed;
    }
    return status;
}

static zx_status_t sys_handle_duplicate(zx_handle_t value, zx_rights_t rights, user_out_t out) {
    return handle_give_copy(caller_handles(), value, rights, out);
}

static zx_status_t sys_handle_replace(zx_handle_t value, zx_rights_t rights, user_out_t out) {
    struct handle handle;
    zx_status_t status = handle_remove(caller_handles(), value, &handle);
    if (status != ZX_OK) return status;
    status = handle_derive_rights(handle.rights, rights, &handle.rights);
    if (status == ZX_OK) return handle_give(caller_handles(), out, handle);
    handle_discard(handle);
    return status;
}
