/*
 * Time. One clock starts with the machine, and one shows the time of day. The others are the processor times of the
 * process and of each thread. Those that Linux has besides are one of the first two.
 */
#include <errno.h>
#include <time.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/signals.h"

static bool is_wall_clock(clockid_t clock) {
    return clock >= CLOCK_REALTIME && clock <= CLOCK_TAI && clock != CLOCK_PROCESS_CPUTIME_ID &&
           clock != CLOCK_THREAD_CPUTIME_ID && clock != CLOCK_SGI_CYCLE;
}

static bool is_time_of_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
           clock == CLOCK_TAI;
}

/* Clocks of processes and threads: the complement of an id, and three bits that say of what. */
enum { PROCESS_CLOCK = 2, THREAD_CLOCK = 6 };
#define CLOCK_KIND(clock) ((clock)&7)
#define CLOCK_ID(clock) (~((clock) >> 3))

/* -1 if there is no such clock. */
static zx_time_t clock_read(clockid_t clock) {
    if (is_wall_clock(clock)) return zx_clock_get(is_time_of_day(clock) ? ZX_CLOCK_UTC : ZX_CLOCK_MONOTONIC);
    if (clock == CLOCK_PROCESS_CPUTIME_ID) return __port_process_runtime();
    if (clock == CLOCK_THREAD_CPUTIME_ID) return __port_thread_runtime(0);
    if (clock >= 0) return -1;
    if (CLOCK_KIND(clock) == THREAD_CLOCK) return __port_thread_runtime(CLOCK_ID(clock));
    bool own = CLOCK_ID(clock) == 0 || CLOCK_ID(clock) == (int)__port_koid(zx_process_self());
    return CLOCK_KIND(clock) == PROCESS_CLOCK && own ? __port_process_runtime() : -1;
}

zx_duration_t __port_duration(const struct timespec *time) {
    return zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), time->tv_sec), time->tv_nsec);
}

LINUX_CALL(clock_gettime) {
    zx_time_t now = clock_read((clockid_t)args[0]);
    if (now < 0) return -EINVAL;
    *(struct timespec *)args[1] = (struct timespec){.tv_sec = now / ZX_SEC(1), .tv_nsec = now % ZX_SEC(1)};
    return 0;
}

LINUX_CALL(clock_getres) {
    if (clock_read((clockid_t)args[0]) < 0) return -EINVAL;
    if (args[1]) *(struct timespec *)args[1] = (struct timespec){.tv_nsec = 1};
    return 0;
}

static bool is_time(const struct timespec *t) { return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < ZX_SEC(1); }

/* What is left of a sleep that a signal has broken off is `left`, if that is wanted. */
static long sleep_for(zx_duration_t duration, struct timespec *left) {
    const zx_time_t deadline = zx_deadline_after(duration);
    if (__port_nanosleep(__port_signals(), deadline) == ZX_OK) return 0;
    zx_duration_t rest = zx_time_sub_time(deadline, zx_clock_get_monotonic());
    if (rest < 0) rest = 0;
    if (left) *left = (struct timespec){.tv_sec = rest / ZX_SEC(1), .tv_nsec = rest % ZX_SEC(1)};
    return -EINTR;
}

LINUX_CALL(nanosleep) {
    const long monotonic[] = {CLOCK_MONOTONIC, 0, args[0], args[1]};
    return __port_linux_clock_nanosleep(monotonic);
}

/* Setting the time of day meanwhile does not change how long it takes. */
LINUX_CALL(clock_nanosleep) {
    clockid_t clock = (clockid_t)args[0];
    const struct timespec *request = (const struct timespec *)args[2];
    if (!is_wall_clock(clock)) return clock_read(clock) < 0 ? -EINVAL : -EOPNOTSUPP;
    if (!is_time(request)) return -EINVAL;
    if (!(args[1] & TIMER_ABSTIME)) return sleep_for(__port_duration(request), (struct timespec *)args[3]);
    return sleep_for(zx_time_sub_time(__port_duration(request), clock_read(clock)), NULL);
}

zx_time_t _zx_deadline_after(zx_duration_t nanoseconds) {
    return zx_time_add_duration(zx_clock_get_monotonic(), nanoseconds);
}

PORT_ALIAS(zx_deadline_after, _zx_deadline_after);
