/* System calls on timers. Manual: timer.md. */
#include "syscalls/timer.h"
#include "kernel/object/user_timer.h"

static zx_status_t sys_timer_create(uint32_t options, zx_clock_t clock, user_out_t out) {
    struct object *timer;
    zx_status_t status = clock == ZX_CLOCK_MONOTONIC ? caller_may(ZX_POL_NEW_TIMER) : ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK && options > ZX_TIMER_SLACK_LATE) status = ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK) status = user_timer_create(options, &timer);
    return status == ZX_OK ? give_new(timer, out) : status;
}

static zx_status_t check_slack(zx_duration_t slack) { return slack < 0 ? ZX_ERR_OUT_OF_RANGE : ZX_OK; }

static zx_status_t sys_timer_set(struct object *timer, zx_time_t deadline, zx_duration_t slack) {
    user_timer_set(timer, process_current(), deadline, slack);
    return ZX_OK;
}

static zx_status_t sys_timer_cancel(struct object *timer) {
    user_timer_cancel(timer);
    return ZX_OK;
}
