/* System calls on futexes. Manual: futex.md. Ownership is not offered: an owner other than none is refused. */
#include "kernel/object/futex.h"

#include "kernel/object/user_thread.h"
#include "syscalls/futex.h"
#include "vm/usercopy.h"

static zx_status_t sys_futex_wait(user_in_t word, int32_t value, zx_handle_t owner, zx_time_t deadline) {
    if (owner != ZX_HANDLE_INVALID) return ZX_ERR_INVALID_ARGS;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_FUTEX);
    return futex_wait(word, value, deadline);
}

static zx_status_t sys_futex_wake(user_in_t word, uint32_t count) {
    return count == 0 ? ZX_OK : futex_wake(word, count);
}

static zx_status_t sys_futex_requeue(user_in_t word, uint32_t wake_count, int32_t value, user_in_t other,
                                     uint32_t requeue_count, zx_handle_t owner) {
    if (other.addr == 0 && requeue_count != 0) return ZX_ERR_INVALID_ARGS;
    if (owner != ZX_HANDLE_INVALID) return ZX_ERR_INVALID_ARGS;
    return futex_requeue(word, wake_count, value, other, requeue_count);
}

static zx_status_t sys_futex_get_owner(user_in_t word UNUSED, user_out_t koid_out) {
    zx_koid_t nobody = ZX_KOID_INVALID;
    return user_put(koid_out, nobody);
}
