/*
 * Who gets the processor when many want it: shares of processes and of threads, and how soon one that slept has it.
 *
 * Where the clock counts instructions, every wait must be in time. Where the host runs other things as well, the
 * quickest of several counts, and the bound is wide.
 */
#include <zircon/syscalls/port.h>

#include "tests/user/child.h"
#include "tests/user/memory.h"
#include "tests/user/probe.h"

#define MAX_THREADS 1000
#define TRIES 10

/* So many threads, or fewer where it takes the host long to stop and free them. */
static size_t many(size_t count) { return times_are_exact() || count < 16 ? count : 16; }

static void spin(zx_handle_t handle, uintptr_t board) {
    (void)handle, (void)board;
    for (;;) continue;
}

static struct child crowd, rival;
static zx_handle_t threads[MAX_THREADS];

/* So many threads that never sleep, in a process of their own. They use no stack. */
static bool spinners_start(struct child *child, size_t count, zx_handle_t *handles) {
    if (!child_make(child) || !TEST_STATUS(child_start(child, spin, ZX_HANDLE_INVALID), ZX_OK)) return false;
    for (size_t i = 1; i < count; i++) {
        zx_handle_t thread;
        MUST(zx_thread_create(child->process, "spinner", 7, 0, &thread));
        MUST(zx_thread_start(thread, (uintptr_t)spin, child->stack, 0, 0));
        if (handles)
            handles[i] = thread;
        else
            MUST(zx_handle_close(thread));
    }
    if (handles) handles[0] = child->thread;
    return true;
}

static void spinners_end(struct child *child) {
    MUST(zx_task_kill(child->process));
    (void)child_wait(child);
}

static zx_duration_t runtime_of(zx_handle_t thread) {
    zx_info_thread_stats_t stats = {0};
    MUST(zx_object_get_info(thread, ZX_INFO_THREAD_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats.total_runtime;
}

static zx_duration_t runtime_of_all(const zx_handle_t *handles, size_t count) {
    zx_duration_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += runtime_of(handles[i]);
    return sum;
}

static void sleep_until(zx_time_t deadline) { MUST(zx_nanosleep(deadline)); }

static void timer_until(zx_time_t deadline) {
    static zx_handle_t timer;
    if (!timer) MUST(zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer));
    MUST(zx_timer_set(timer, deadline, 0));
    MUST(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, NULL));
}

/* Do waits of a millisecond end in time? */
static bool in_time(void (*wait)(zx_time_t deadline)) {
    bool exact = times_are_exact();
    zx_duration_t latest = 0, earliest = ZX_TIME_INFINITE;
    for (int i = 0; i < TRIES; i++) {
        zx_time_t deadline = zx_deadline_after(ZX_MSEC(1));
        wait(deadline);
        zx_duration_t late = zx_clock_get_monotonic() - deadline;
        if (late > latest) latest = late;
        if (late < earliest) earliest = late;
    }
    test_note("late by %ld to %ld us", earliest / 1000, latest / 1000);
    return exact ? latest <= ZX_MSEC(5) : earliest <= ZX_SEC(1);
}

TEST("nanosleep/beside 1,000 threads of another process that never sleep it ends in time, and so do timers") {
    NEED(spinners_start(&crowd, many(MAX_THREADS), NULL));
    EXPECT(in_time(sleep_until));
    EXPECT(in_time(timer_until));
    spinners_end(&crowd);
}

static void spin_here(void *arg) {
    (void)arg;
    for (;;) continue;
}

TEST("nanosleep/beside threads of the same process that never sleep, too") {
    static struct worker workers[8];
    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) NEED(worker_start(&workers[i], spin_here, NULL));
    /* Until they have had as much as this thread, which started them. */
    sleep_until(zx_deadline_after(ZX_MSEC(100)));
    EXPECT(in_time(sleep_until));
}

/* The share in percent that one thread has of all processors for a while, beside `count` others that never sleep. */
static uint64_t share_of(zx_handle_t lonely, size_t count) {
    zx_duration_t one = runtime_of(lonely), others = runtime_of_all(threads, count);
    sleep_until(zx_deadline_after(ZX_MSEC(400)));
    one = runtime_of(lonely) - one;
    others = runtime_of_all(threads, count) - others;
    return (uint64_t)(100 * one / (one + others));
}

/*
 * Of each processor: on several, the one thread may have one for itself. Where time runs freely the host may keep one
 * of them for a while, which counts for the thread that is on it: another while may be better.
 */
TEST("process_start/one busy thread gets as much of a processor as a hundred of another process do") {
    const size_t count = many(100);
    const uint64_t cpus = zx_system_get_num_cpus();
    const int tries = times_are_exact() ? 1 : TRIES;
    zx_handle_t lonely = ZX_HANDLE_INVALID;
    bool fair = false;
    NEED(spinners_start(&crowd, count, threads) && spinners_start(&rival, 1, &lonely));
    for (int i = 0; i < tries && !fair; i++) {
        const uint64_t percent = share_of(lonely, count);
        test_note("%lu %% of %lu processors", percent, cpus);
        fair = percent >= 45 / cpus && percent <= (cpus == 1 ? 55 : 100 / cpus + 5);
    }
    EXPECT(fair);
    spinners_end(&crowd);
    spinners_end(&rival);
}

#define WATCHES 4000

/* Timers that go off all the time, each with thousands of watches, beside a process that is busy. */
TEST("timer_set/what the kernel does for those that wait is taken from the caller's share of the processor") {
    const bool exact = times_are_exact();
    zx_handle_t lonely = ZX_HANDLE_INVALID, timer, port;
    static struct worker worker;
    MUST(zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer));
    MUST(zx_port_create(0, &port));
    for (uint64_t i = 0; i < WATCHES; i++)
        MUST(zx_object_wait_async(timer, port, i, ZX_TIMER_SIGNALED, ZX_WAIT_ASYNC_REPEATING));
    NEED(spinners_start(&rival, 1, &lonely) && worker_start(&worker, spin_here, NULL));
    sleep_until(zx_deadline_after(ZX_MSEC(50)));
    zx_time_t begin = zx_clock_get_monotonic(), end = begin;
    zx_duration_t one = runtime_of(lonely);
    while (end < begin + (exact ? ZX_MSEC(400) : ZX_MSEC(50))) {
        MUST(zx_timer_set(timer, end + ZX_USEC(20), 0));
        MUST(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, NULL));
        end = zx_clock_get_monotonic();
    }
    uint64_t percent = (uint64_t)(100 * (runtime_of(lonely) - one) / (end - begin));
    test_note("%lu %%", percent);
    if (exact) EXPECT(percent >= 45 && percent <= 55);
    spinners_end(&rival);
}

/* Their ends are the kernel's work, done before all else. */
TEST("thread_exit/a process whose threads end all the time has no more of the processor than another that is busy") {
    static char stack[256] __attribute__((aligned(16)));
    const bool exact = times_are_exact();
    zx_handle_t lonely = ZX_HANDLE_INVALID, thread;
    NEED(spinners_start(&rival, 1, &lonely));
    const zx_time_t begin = zx_clock_get_monotonic(), end = begin + (exact ? ZX_MSEC(400) : ZX_MSEC(50));
    const zx_duration_t before = runtime_of(lonely);
    while (zx_clock_get_monotonic() < end) {
        MUST(zx_thread_create(zx_process_self(), "t", 1, 0, &thread));
        MUST(zx_thread_start(thread, (uintptr_t)zx_thread_exit, (uintptr_t)&stack[sizeof(stack)] - 8, 0, 0));
        MUST(zx_handle_close(thread));
    }
    const uint64_t percent = (uint64_t)(100 * (runtime_of(lonely) - before) / (zx_clock_get_monotonic() - begin));
    test_note("%lu %%", percent);
    if (exact) EXPECT(percent >= 45 && percent <= 55);
    spinners_end(&rival);
}

TEST("thread_start/the threads of a process that are all busy get as much as each other") {
    enum { COUNT = 8 };
    NEED(spinners_start(&crowd, COUNT, threads));
    zx_duration_t before[COUNT], least = ZX_TIME_INFINITE, most = 0;
    for (size_t i = 0; i < COUNT; i++) before[i] = runtime_of(threads[i]);
    sleep_until(zx_deadline_after(ZX_MSEC(400)));
    for (size_t i = 0; i < COUNT; i++) {
        zx_duration_t ran = runtime_of(threads[i]) - before[i];
        if (ran < least) least = ran;
        if (ran > most) most = ran;
    }
    test_note("from %ld to %ld us", least / 1000, most / 1000);
    EXPECT(most <= (times_are_exact() ? least + least / 4 : 4 * least));
    spinners_end(&crowd);
}

TEST("task_kill/a process ends soon beside others that are busy, however many of its threads are ready") {
    static struct child others[30];
    for (size_t i = 0; i < many(30); i++) NEED(spinners_start(&others[i], 1, NULL));
    NEED(spinners_start(&crowd, many(100), NULL));
    sleep_until(zx_deadline_after(ZX_MSEC(20)));
    zx_time_t begin = zx_clock_get_monotonic();
    spinners_end(&crowd);
    zx_duration_t took = zx_clock_get_monotonic() - begin;
    test_note("%ld us", took / 1000);
    if (times_are_exact()) EXPECT(took <= ZX_MSEC(100));
    for (size_t i = 0; i < many(30); i++) spinners_end(&others[i]);
}
