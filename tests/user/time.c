/*
 * Clocks and sleeping.
 */
#include <zircon/syscalls.h>

#include "tests/user/harness.h"

TEST("clock_get_monotonic/rises and never goes back") {
    zx_time_t before = zx_clock_get_monotonic();
    for (int i = 0; i < 1000; i++) {
        zx_time_t now = zx_clock_get_monotonic();
        NEED(now >= before);
        before = now;
    }
    EXPECT(before > 0);
}

TEST("ticks_get/rises and never goes back") {
    zx_ticks_t before = zx_ticks_get();
    for (int i = 0; i < 1000; i++) {
        zx_ticks_t now = zx_ticks_get();
        NEED(now >= before);
        before = now;
    }
}

TEST("nanosleep/sleeps until the deadline, never less") {
    for (zx_duration_t duration = ZX_USEC(1); duration <= ZX_MSEC(20); duration *= 7) {
        zx_time_t deadline = zx_deadline_after(duration);
        EXPECT_OK(zx_nanosleep(deadline));
        EXPECT(zx_clock_get_monotonic() >= deadline);
    }
}

TEST("nanosleep/a deadline that has passed is no sleep") {
    EXPECT_OK(zx_nanosleep(0));
    EXPECT_OK(zx_nanosleep(-1));
    EXPECT_OK(zx_nanosleep(ZX_TIME_INFINITE_PAST));
    EXPECT_OK(zx_nanosleep(zx_clock_get_monotonic()));
}
