/*
 * System calls on time. Manual: time.md.
 */
#include "arch/time.h"

#include "kernel/object/user_thread.h"
#include "syscalls/time.h"

static zx_time_t sys_clock_get_monotonic(void) { return arch_time_now(); }

static zx_ticks_t sys_ticks_per_second(void) { return (zx_ticks_t)arch_ticks_per_second(); }

static zx_ticks_t sys_ticks_get(void) { return (zx_ticks_t)arch_ticks(); }

static zx_status_t sys_nanosleep(zx_time_t deadline) {
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_SLEEPING);
    if (deadline > arch_time_now()) return thread_sleep_until(deadline);
    thread_yield();
    return ZX_OK;
}
