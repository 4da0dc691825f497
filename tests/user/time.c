/*
 * Clocks and sleeping.
 */
#include <zircon/syscalls.h>

#include "tests/user/child.h"
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

TEST("ticks_per_second/stays the same, and is what the counter does in a second of the clock") {
    zx_ticks_t rate = zx_ticks_per_second();
    EXPECT(rate > 0);
    zx_ticks_t ticks = zx_ticks_get();
    zx_time_t begun = zx_clock_get_monotonic();
    zx_nanosleep(zx_deadline_after(ZX_MSEC(100)));
    ticks = zx_ticks_get() - ticks;
    zx_duration_t passed = zx_clock_get_monotonic() - begun;
    double want = (double)rate * (double)passed / (double)ZX_SEC(1);
    EXPECT((double)ticks > want * 0.8 && (double)ticks < want * 1.2);
    EXPECT_EQ(zx_ticks_per_second(), rate);
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

/* A thread that sleeps, and then notes how many woke before it. */
struct sleeper {
    struct worker worker;
    zx_time_t deadline, woken;
    uint32_t place;
};
static _Atomic uint32_t awake;

static void sleep_and_count(void *arg) {
    struct sleeper *sleeper = arg;
    zx_nanosleep(sleeper->deadline);
    sleeper->place = ++awake;
    sleeper->woken = zx_clock_get_monotonic();
}

TEST("nanosleep/sleepers wake in the order of their deadlines") {
    static struct sleeper sleepers[5];
    const uint32_t order[] = {5, 1, 4, 2, 3};
    zx_time_t start = zx_deadline_after(ZX_MSEC(50));
    for (size_t i = 0; i < 5; i++) {
        sleepers[i].deadline = start + order[i] * ZX_MSEC(10);
        NEED(worker_start(&sleepers[i].worker, sleep_and_count, &sleepers[i]));
    }
    for (size_t i = 0; i < 5; i++) NEED(worker_join(&sleepers[i].worker));
    /* Of several processors, one may be late to run whom it woke. */
    for (size_t i = 0; i < 5 && zx_system_get_num_cpus() == 1; i++) EXPECT_EQ(sleepers[i].place, order[i]);
    for (size_t i = 0; i < 5; i++) EXPECT(sleepers[i].woken >= sleepers[i].deadline);
}

static _Atomic bool enough;
static void spin(void *arg) {
    _Atomic uint64_t *turns = arg;
    while (!enough) ++*turns;
}

TEST("nanosleep/threads that never sleep do not keep others from their turns, nor sleepers from waking") {
    static struct worker workers[3];
    static _Atomic uint64_t turns[3];
    for (size_t i = 0; i < 3; i++) NEED(worker_start(&workers[i], spin, &turns[i]));
    zx_time_t start = zx_clock_get_monotonic();
    for (int i = 0; i < 5; i++) EXPECT_OK(zx_nanosleep(zx_deadline_after(ZX_MSEC(1))));
    EXPECT(zx_clock_get_monotonic() - start < ZX_SEC(2));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(60)));
    enough = true;
    for (size_t i = 0; i < 3; i++) {
        NEED(worker_join(&workers[i]));
        EXPECT(turns[i] > 0);
    }
}

/* Ticks in a nanosecond, measured over one sleep. */
static double tick_rate(zx_duration_t sleep) {
    zx_ticks_t ticks = zx_ticks_get();
    zx_time_t start = zx_clock_get_monotonic();
    zx_nanosleep(start + sleep);
    return (double)(zx_ticks_get() - ticks) / (double)(zx_clock_get_monotonic() - start);
}

/* A machine that is itself held up between the two clocks may get it wrong once or twice. */
TEST("ticks_get/the rate is the same over a short sleep and a long one") {
    bool same = false;
    for (int i = 0; i < 10 && !same; i++) {
        double ratio = tick_rate(ZX_MSEC(15)) / tick_rate(ZX_MSEC(45));
        same = ratio > 0.9 && ratio < 1.1;
    }
    EXPECT(same);
}

TEST("deadline_after/never beyond the ends of time") {
    EXPECT_EQ(zx_deadline_after(ZX_TIME_INFINITE), ZX_TIME_INFINITE);
    EXPECT(zx_deadline_after(ZX_TIME_INFINITE_PAST) < 0);
    zx_time_t now = zx_clock_get_monotonic();
    zx_time_t later = zx_deadline_after(ZX_SEC(1));
    EXPECT(later >= now + ZX_SEC(1) && later < now + ZX_SEC(10));
}
