/* Waiting: Linux's futexes, which all of musl's locks are made of, over the kernel's; and a lock of the port's own. */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <zircon/syscalls.h>

#include "user/libc/signals.h"

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_PRIVATE = 128 };

static long futex_wait(const zx_futex_t *word, int value, const struct timespec *limit) {
    zx_time_t deadline = limit ? zx_deadline_after(__port_duration(limit)) : ZX_TIME_INFINITE;
    switch (__port_futex_wait(__port_signals(), word, value, ZX_HANDLE_INVALID, deadline)) {
    case ZX_OK: return 0;
    case ZX_ERR_TIMED_OUT: return -ETIMEDOUT;
    case ZX_ERR_BAD_STATE: return -EAGAIN;
    case ZX_ERR_INTERNAL_INTR_RETRY: return -EINTR;
    default: return -EINVAL;
    }
}

/* Moves waiters if the word is 0, which musl has just made it; if it no longer is, all are woken, and look again. */
static long futex_requeue(const zx_futex_t *from, uint32_t wake, uint32_t move, const zx_futex_t *to) {
    if (zx_futex_requeue(from, wake, 0, to, move, ZX_HANDLE_INVALID) != ZX_OK) zx_futex_wake(from, UINT32_MAX);
    return 0;
}

/* The kernel does not say how many were woken: the result of waking is 0. */
LINUX_CALL(futex) {
    const zx_futex_t *word = (const zx_futex_t *)args[0];
    switch (args[1] & ~FUTEX_PRIVATE) {
    case FUTEX_WAIT: return futex_wait(word, (int)args[2], (const struct timespec *)args[3]);
    case FUTEX_WAKE: return zx_futex_wake(word, (uint32_t)args[2]) == ZX_OK ? 0 : -EINVAL;
    case FUTEX_REQUEUE: return futex_requeue(word, (uint32_t)args[2], (uint32_t)args[3], (const zx_futex_t *)args[4]);
    default: return -ENOSYS;
    }
}

/* A lock is 0, taken, or taken and waited for. */
enum { LOCK_FREE, LOCK_TAKEN, LOCK_AWAITED };

void __port_lock(zx_futex_t *lock) {
    int state = LOCK_FREE;
    if (atomic_compare_exchange_strong(lock, &state, LOCK_TAKEN)) return;
    while (atomic_exchange(lock, LOCK_AWAITED) != LOCK_FREE)
        zx_futex_wait(lock, LOCK_AWAITED, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
}

void __port_unlock(zx_futex_t *lock) {
    if (atomic_exchange(lock, LOCK_FREE) == LOCK_AWAITED) zx_futex_wake(lock, 1);
}
