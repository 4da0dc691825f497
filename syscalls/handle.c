/*
 * System calls on handles: close, duplicate, replace. Manual: handle.md.
 */
#include "kernel/object/handle.h"

#include "kernel/base/arith.h"
#include "kernel/sched/thread.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

/* Handles are read this many at a time. */
#define CLOSE_BATCH 32

zx_status_t sys_handle_close(zx_handle_t value) {
    struct handle handle;
    if (value == ZX_HANDLE_INVALID) return ZX_OK;
    zx_status_t status = handle_remove(caller_handles(), value, &handle);
    if (status == ZX_OK) handle_discard(handle);
    return status;
}

zx_status_t sys_handle_close_many(user_in_t handles, size_t count) {
    zx_handle_t batch[CLOSE_BATCH];
    zx_status_t status = ZX_OK;
    while (count > 0 && !thread_killed()) {
        size_t part = min_u64(count, CLOSE_BATCH);
        zx_status_t read = copy_in(batch, handles, part * sizeof(batch[0]));
        if (read != ZX_OK) return read;
        for (size_t i = 0; i < part; i++) {
            zx_status_t closed = sys_handle_close(batch[i]);
            if (closed != ZX_OK) status = closed;
        }
        handles = user_in_at(handles, part * sizeof(batch[0]));
        count -= part;
    }
    return status;
}

/* The rights a derived handle gets: INVALID_ARGS if they are not a subset. */
static zx_status_t derive_rights(zx_rights_t have, zx_rights_t want, zx_rights_t *out) {
    if (want == ZX_RIGHT_SAME_RIGHTS) want = have;
    if (want & ~have) return ZX_ERR_INVALID_ARGS;
    *out = want;
    return ZX_OK;
}

zx_status_t sys_handle_duplicate(zx_handle_t value, zx_rights_t rights, user_out_t out) {
    struct handle handle;
    zx_status_t status = handle_lookup(caller_handles(), value, &handle);
    if (status != ZX_OK) return status;
    status = handle.rights & ZX_RIGHT_DUPLICATE ? ZX_OK : ZX_ERR_ACCESS_DENIED;
    if (status == ZX_OK) status = derive_rights(handle.rights, rights, &rights);
    if (status == ZX_OK) status = handle_give(caller_handles(), out, handle_make(handle.object, rights));
    object_unref(handle.object);
    return status;
}

zx_status_t sys_handle_replace(zx_handle_t value, zx_rights_t rights, user_out_t out) {
    struct handle handle;
    zx_status_t status = handle_remove(caller_handles(), value, &handle);
    if (status != ZX_OK) return status;
    status = derive_rights(handle.rights, rights, &handle.rights);
    if (status == ZX_OK) return handle_give(caller_handles(), out, handle);
    handle_discard(handle);
    return status;
}
