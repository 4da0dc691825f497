/*
 * Time. There is one clock, and it starts with the machine: the time of day is counted from the beginning of 1970 then.
 * The processor time of the calling thread is another.
 */
#include <errno.h>
#include <time.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/port.h"

static bool clock_is_known(long clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}

static bool is_time(const struct timespec *time) {
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < ZX_SEC(1);
}

static zx_time_t thread_time(void) {
    zx_info_thread_stats_t stats = {0};
    zx_object_get_info(zx_thread_self(), ZX_INFO_THREAD_STATS, &stats, sizeof(stats), NULL, NULL);
    return stats.total_runtime;
}

zx_duration_t __port_duration(const struct timespec *time) {
    return zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), time->tv_sec), time->tv_nsec);
}

LINUX_CALL(clock_gettime) {
    if (!clock_is_known(args[0]) && args[0] != CLOCK_THREAD_CPUTIME_ID) return -EINVAL;
    zx_time_t now = args[0] == CLOCK_THREAD_CPUTIME_ID ? thread_time() : zx_clock_get_monotonic();
    *(struct timespec *)args[1] = (struct timespec){.tv_sec = now / ZX_SEC(1), .tv_nsec = now % ZX_SEC(1)};
    return 0;
}

LINUX_CALL(clock_getres) {
    if (!clock_is_known(args[0]) && args[0] != CLOCK_THREAD_CPUTIME_ID) return -EINVAL;
    if (args[1]) *(struct timespec *)args[1] = (struct timespec){.tv_nsec = 1};
    return 0;
}

/* A sleep is never broken off, so nothing ever remains. */
static long sleep_until(const struct timespec *request, bool absolute) {
    if (!is_time(request)) return -EINVAL;
    zx_duration_t time = __port_duration(request);
    zx_nanosleep(absolute ? time : zx_deadline_after(time));
    return 0;
}

LINUX_CALL(nanosleep) { return sleep_until((const struct timespec *)args[0], false); }

LINUX_CALL(clock_nanosleep) {
    if (!clock_is_known(args[0])) return -EINVAL;
    return sleep_until((const struct timespec *)args[2], args[1] & TIMER_ABSTIME);
}

zx_time_t _zx_deadline_after(zx_duration_t nanoseconds) {
    return zx_time_add_duration(zx_clock_get_monotonic(), nanoseconds);
}

PORT_ALIAS(zx_deadline_after, _zx_deadline_after);
