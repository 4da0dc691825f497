/*
 * How musl's locks wait: everything in it that sleeps until a word changes does so through these functions. What wakes
 * them is not among them: it is a request to Linux in the middle of unlocking, posting or signalling, and gets lost. So a
 * sleep is a wait for the kernel's futex that looks again after a short while; musl is prepared to wake for nothing.
 * __lock and __unlock, behind malloc among others, are whole here and need no such thing.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/pthread_impl.h"

#define LOOK_AGAIN ZX_MSEC(1)

void __wait(volatile int *word, volatile int *waiters, int value, int private);
int __timedwait(volatile int *word, int value, clockid_t clock, const struct timespec *until, int private);
int __timedwait_cp(volatile int *word, int value, clockid_t clock, const struct timespec *until, int private);
void __lock(volatile int *lock);
void __unlock(volatile int *lock);

static void sleep_while(volatile int *word, int value, zx_time_t deadline) {
    zx_time_t soon = zx_deadline_after(LOOK_AGAIN);
    zx_futex_wait((const zx_futex_t *)word, value, ZX_HANDLE_INVALID, deadline < soon ? deadline : soon);
}

void __wait(volatile int *word, volatile int *waiters, int value, int private) {
    (void)private;
    if (waiters) atomic_fetch_add((atomic_int *)waiters, 1);
    while (*word == value) sleep_while(word, value, ZX_TIME_INFINITE);
    if (waiters) atomic_fetch_sub((atomic_int *)waiters, 1);
}

/* All clocks are one. */
int __timedwait(volatile int *word, int value, clockid_t clock, const struct timespec *until, int private) {
    (void)clock;
    (void)private;
    zx_time_t deadline = ZX_TIME_INFINITE;
    if (until) {
        if (until->tv_nsec < 0 || until->tv_nsec >= ZX_SEC(1)) return EINVAL;
        deadline = zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), until->tv_sec), until->tv_nsec);
        if (deadline <= zx_clock_get_monotonic()) return ETIMEDOUT;
    }
    sleep_while(word, value, deadline);
    return 0;
}

int __timedwait_cp(volatile int *word, int value, clockid_t clock, const struct timespec *until, int private) {
    return __timedwait(word, value, clock, until, private);
}

/* A lock is 0, taken, or taken and waited for. */
enum { LOCK_FREE, LOCK_TAKEN, LOCK_AWAITED };

void __lock(volatile int *lock) {
    zx_futex_t *word = (zx_futex_t *)lock;
    int state = LOCK_FREE;
    if (!__libc.need_locks || atomic_compare_exchange_strong(word, &state, LOCK_TAKEN)) return;
    while (atomic_exchange(word, LOCK_AWAITED) != LOCK_FREE)
        zx_futex_wait(word, LOCK_AWAITED, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
}

void __unlock(volatile int *lock) {
    zx_futex_t *word = (zx_futex_t *)lock;
    if (atomic_load(word) == LOCK_FREE) return;
    if (atomic_exchange(word, LOCK_FREE) == LOCK_AWAITED) zx_futex_wake(word, 1);
}
