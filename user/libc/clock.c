/*
 * Time. There is one clock, and it starts with the machine: the time of day is counted from the beginning of 1970 then.
 */
#include <errno.h>
#include <time.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/port.h"

int __clock_gettime(clockid_t clock, struct timespec *out);
int __clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *remaining);

static int clock_is_known(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}

int __clock_gettime(clockid_t clock, struct timespec *out) {
    if (!clock_is_known(clock)) {
        errno = EINVAL;
        return -1;
    }
    zx_time_t now = zx_clock_get_monotonic();
    out->tv_sec = now / ZX_SEC(1);
    out->tv_nsec = now % ZX_SEC(1);
    return 0;
}

/* Returns an error number rather than set errno. A sleep is never broken off, so nothing ever remains. */
int __clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *remaining) {
    (void)remaining;
    if (!clock_is_known(clock) || request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec >= ZX_SEC(1)) {
        return EINVAL;
    }
    zx_duration_t time = zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), request->tv_sec), request->tv_nsec);
    zx_nanosleep(flags & TIMER_ABSTIME ? time : zx_deadline_after(time));
    return 0;
}

zx_time_t _zx_deadline_after(zx_duration_t nanoseconds) {
    return zx_time_add_duration(zx_clock_get_monotonic(), nanoseconds);
}

PORT_ALIAS(clock_gettime, __clock_gettime);
PORT_ALIAS(clock_nanosleep, __clock_nanosleep);
PORT_ALIAS(zx_deadline_after, _zx_deadline_after);
