/*
 * Clocks and sleeping.
 */
#include <stdlib.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "tests/user/agent.h"
#include "tests/user/probe.h"

TEST("clock_get_monotonic/rises and never goes back") {
    zx_time_t before = zx_clock_get_monotonic();
    for (int i = 0; i < 1000; i++) {
        zx_time_t now = zx_clock_get_monotonic();
        NEED(now >= before);
        before = now;
    }
    EXPECT(before > 0);
}

/*
 * As many threads as there are processors, so that each has one for itself, hand times to each other: a time that a
 * thread has been given is never later than what the clock then says to it.
 */
#define CLOCK_THREADS_MAX 8
#define HANDED_OVER 200 /* so many different times from each to each other */

static struct clock_race {
    uint32_t threads;
    _Atomic uint32_t numbered, done;
    _Atomic bool stop;
    _Atomic zx_time_t told[CLOCK_THREADS_MAX];
    _Atomic zx_duration_t worst; /* how far it went back */
} clock_race;

static void clock_hand_over(void *arg) {
    struct clock_race *race = arg;
    const uint32_t self = atomic_fetch_add(&race->numbered, 1);
    zx_time_t seen[CLOCK_THREADS_MAX] = {0};
    uint32_t heard[CLOCK_THREADS_MAX] = {0}, missing = race->threads - 1;
    while (!atomic_load(&race->stop)) {
        for (uint32_t i = 0; i < race->threads; i++) {
            const zx_time_t told = atomic_load(&race->told[i]), now = zx_clock_get_monotonic();
            if (now < told && told - now > atomic_load(&race->worst)) atomic_store(&race->worst, told - now);
            if (i == self || told == seen[i]) continue;
            seen[i] = told;
            if (++heard[i] == HANDED_OVER && --missing == 0) atomic_fetch_add(&race->done, 1);
        }
        atomic_store(&race->told[self], zx_clock_get_monotonic());
        if (race->threads > zx_system_get_num_cpus()) zx_nanosleep(0);
    }
}

TEST("clock_get_monotonic/never goes back from one processor to another") {
    struct clock_race *race = &clock_race;
    zx_handle_t threads[CLOCK_THREADS_MAX];
    const uint32_t cpus = zx_system_get_num_cpus();
    const uint32_t count = cpus < 2 ? 2 : cpus < CLOCK_THREADS_MAX ? cpus : CLOCK_THREADS_MAX;
    race->threads = count;
    for (uint32_t i = 0; i < count; i++) threads[i] = thread_run(clock_hand_over, race);
    const zx_time_t deadline = zx_deadline_after(ZX_SEC(60));
    while (atomic_load(&race->done) < count && zx_clock_get_monotonic() < deadline)
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    atomic_store(&race->stop, true);
    for (uint32_t i = 0; i < count; i++) thread_join(threads[i]);
    EXPECT_EQ(atomic_load(&race->done), count);
    EXPECT_EQ(atomic_load(&race->worst), 0);
}

static zx_time_t clock_read(zx_clock_t clock) {
    zx_time_t time = -1;
    MUST(zx_clock_get_new(clock, &time));
    return time;
}

TEST("clock_get/MONOTONIC and UTC go on together, and as clock_get_new tells them") {
    for (zx_clock_t clock = ZX_CLOCK_MONOTONIC; clock <= ZX_CLOCK_UTC; clock++) {
        zx_time_t begun = zx_clock_get_monotonic(), first = zx_clock_get(clock), second = clock_read(clock);
        zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
        zx_time_t third = zx_clock_get(clock);
        EXPECT(first <= second && second + ZX_MSEC(5) <= third);
        EXPECT(third - first <= zx_clock_get_monotonic() - begun);
    }
    zx_time_t before = zx_clock_get_monotonic(), now = zx_clock_get(ZX_CLOCK_MONOTONIC);
    EXPECT(before <= now && now <= zx_clock_get_monotonic());
}

/* The option test.utc is the time of day that the machine's clock was set to, when the machine was started. */
TEST("clock_get/UTC is the time of day that the machine's clock shows") {
    const char *set = getenv("test.utc");
    zx_duration_t at_boot = zx_clock_get(ZX_CLOCK_UTC) - zx_clock_get_monotonic();
    if (set) EXPECT(at_boot >= ZX_SEC(atoll(set) - 1) && at_boot <= ZX_SEC(atoll(set) + 5));
    /* Wherever this runs, it is after it was written. */
    EXPECT(set || at_boot > ZX_SEC(1545654896));
}

TEST("clock_get/THREAD is the caller's processor time: it stands while the thread sleeps") {
    zx_time_t begun = clock_read(ZX_CLOCK_THREAD);
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    zx_time_t slept = clock_read(ZX_CLOCK_THREAD);
    EXPECT(begun > 0 && slept >= begun);
    if (getenv("test.exact")) EXPECT(slept - begun < ZX_MSEC(10));
    while (zx_clock_get(ZX_CLOCK_THREAD) < slept + ZX_MSEC(1)) continue;
    EXPECT(clock_read(ZX_CLOCK_THREAD) >= slept + ZX_MSEC(1));
}

TEST("clock_get/of no clock is 0; clock_get_new INVALID_ARGS, and for a bad pointer") {
    const zx_clock_t none[] = {3, 64, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        zx_time_t time = 77;
        EXPECT_EQ(zx_clock_get(none[i]), 0);
        EXPECT_STATUS(zx_clock_get_new(none[i], &time), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(time, 77);
    }
    EXPECT_STATUS(zx_clock_get_new(ZX_CLOCK_UTC, NULL), ZX_ERR_INVALID_ARGS);
}

TEST("clock_adjust/sets UTC, for everybody, within the ends of time") {
    zx_duration_t offset = zx_clock_get(ZX_CLOCK_UTC) - zx_clock_get_monotonic();
    NEED_OK(zx_clock_adjust(test_resource(), ZX_CLOCK_UTC, ZX_HOUR(5)));
    zx_time_t before = zx_clock_get_monotonic(), now = zx_clock_get(ZX_CLOCK_UTC);
    EXPECT(now >= before + ZX_HOUR(5) && now <= zx_clock_get_monotonic() + ZX_HOUR(5));
    EXPECT_OK(zx_clock_adjust(test_resource(), ZX_CLOCK_UTC, INT64_MAX));
    EXPECT_EQ(zx_clock_get(ZX_CLOCK_UTC), ZX_TIME_INFINITE);
    EXPECT_OK(zx_clock_adjust(test_resource(), ZX_CLOCK_UTC, -ZX_HOUR(1000000)));
    EXPECT(zx_clock_get(ZX_CLOCK_UTC) < 0);
    NEED_OK(zx_clock_adjust(test_resource(), ZX_CLOCK_UTC, offset));
}

TEST("clock_adjust/handles first; MONOTONIC is ACCESS_DENIED, others INVALID_ARGS, and nothing changes") {
    zx_duration_t offset = zx_clock_get(ZX_CLOCK_UTC) - zx_clock_get_monotonic();
    EXPECT_STATUS(zx_clock_adjust(ZX_HANDLE_INVALID, ZX_CLOCK_MONOTONIC, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_clock_adjust(zx_process_self(), ZX_CLOCK_MONOTONIC, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_clock_adjust(test_resource(), ZX_CLOCK_MONOTONIC, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_clock_adjust(test_resource(), ZX_CLOCK_THREAD, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_clock_adjust(test_resource(), 3, 0), ZX_ERR_INVALID_ARGS);
    zx_duration_t now = zx_clock_get(ZX_CLOCK_UTC) - zx_clock_get_monotonic();
    EXPECT(now - offset < ZX_SEC(1) && offset - now < ZX_SEC(1));
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
