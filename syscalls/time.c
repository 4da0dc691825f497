/* System calls on time. Manual: time.md. */
#include "arch/time.h"

#include "kernel/base/utc.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/sched.h"
#include "syscalls/time.h"
#include "vm/usercopy.h"

static zx_time_t sys_clock_get_monotonic(void) { return arch_time_now(); }

static zx_duration_t own_runtime(void) {
    struct thread_info info;
    thread_get_info(thread_current(), &info);
    return info.runtime;
}

static zx_status_t clock_read(zx_clock_t clock_id, zx_time_t *out) {
    switch (clock_id) {
    case ZX_CLOCK_MONOTONIC: *out = arch_time_now(); return ZX_OK;
    case ZX_CLOCK_UTC: *out = utc_now(); return ZX_OK;
    case ZX_CLOCK_THREAD: *out = own_runtime(); return ZX_OK;
    default: return ZX_ERR_INVALID_ARGS;
    }
}

static zx_time_t sys_clock_get(zx_clock_t clock_id) {
    zx_time_t time;
    return clock_read(clock_id, &time) == ZX_OK ? time : 0;
}

static zx_status_t sys_clock_get_new(zx_clock_t clock_id, user_out_t out) {
    zx_time_t time;
    zx_status_t status = clock_read(clock_id, &time);
    return status == ZX_OK ? user_put(out, time) : status;
}

static zx_status_t sys_clock_adjust(zx_clock_t clock_id, int64_t offset) {
    if (clock_id == ZX_CLOCK_MONOTONIC) return ZX_ERR_ACCESS_DENIED;
    if (clock_id != ZX_CLOCK_UTC) return ZX_ERR_INVALID_ARGS;
    utc_set_offset(offset);
    return ZX_OK;
}

static zx_ticks_t sys_ticks_per_second(void) { return (zx_ticks_t)arch_ticks_per_second(); }

static zx_ticks_t sys_ticks_get(void) { return (zx_ticks_t)arch_ticks(); }

static zx_status_t sys_nanosleep(zx_time_t deadline) {
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_SLEEPING);
    if (deadline > arch_time_now()) return thread_sleep_until(deadline);
    thread_yield();
    return ZX_OK;
}
