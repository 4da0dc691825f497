/*
 * System calls on timers. Manual: timer.md.
 */
#include "kernel/object/handle.h"
#include "kernel/object/user_timer.h"
#include "syscalls/syscalls.h"

zx_status_t sys_timer_create(uint32_t options, zx_clock_t clock, user_out_t out) {
    struct object *timer;
    if (clock != ZX_CLOCK_MONOTONIC || options > ZX_TIMER_SLACK_LATE) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = user_timer_create(options, &timer);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(timer, ZX_DEFAULT_TIMER_RIGHTS));
    object_unref(timer);
    return status;
}

zx_status_t sys_timer_set(zx_handle_t value, zx_time_t deadline, zx_duration_t slack) {
    struct object *timer;
    if (slack < 0) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &timer);
    if (status != ZX_OK) return status;
    user_timer_set(timer, deadline, slack);
    object_unref(timer);
    return ZX_OK;
}

zx_status_t sys_timer_cancel(zx_handle_t value) {
    struct object *timer;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &timer);
    if (status != ZX_OK) return status;
    user_timer_cancel(timer);
    object_unref(timer);
    return ZX_OK;
}
