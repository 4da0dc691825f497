/*
 * ZX_INFO_THREAD and ZX_INFO_THREAD_STATS: what a thread is said to do, and for how long it has run.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

_Static_assert(sizeof(zx_info_thread_t) == 72 && offsetof(zx_info_thread_t, cpu_affinity_mask) == 8, "layout");
_Static_assert(sizeof(zx_info_thread_stats_t) == 8, "layout");

static struct worker worker;
static zx_futex_t word;
static struct pair pair;

static zx_info_thread_t thread_info(zx_handle_t thread) {
    zx_info_thread_t info = {.state = UNTOUCHED};
    EXPECT_OK(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL));
    return info;
}

static zx_thread_state_t state_of(zx_handle_t thread) { return thread_info(thread).state; }

static bool comes_to(zx_handle_t thread, zx_thread_state_t state) {
    for (int i = 0; i < 5000 && state_of(thread) != state; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return TEST_EQ(state_of(thread), state);
}

static void sleep_until_told(void *arg) {
    (void)arg;
    while (!word) zx_nanosleep(zx_deadline_after(ZX_MSEC(100)));
}

static void wait_futex(void *arg) {
    (void)arg;
    zx_futex_wait(&word, 0, 0, ZX_TIME_INFINITE);
}

static void wait_one(void *arg) {
    (void)arg;
    zx_object_wait_one(pair.a, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
}

static void wait_many(void *arg) {
    (void)arg;
    zx_wait_item_t item = {.handle = pair.a, .waitfor = ZX_CHANNEL_READABLE};
    zx_object_wait_many(&item, 1, ZX_TIME_INFINITE);
}

static void call(void *arg) {
    uint32_t request[2] = {0};
    const zx_channel_call_args_t args = {.wr_bytes = request, .wr_num_bytes = sizeof(request)};
    (void)arg;
    zx_channel_call(pair.a, 0, ZX_TIME_INFINITE, &args, NULL, NULL);
}

static void loop(void *arg) {
    (void)arg;
    while (!word) continue;
}

/* Ends whichever of these waits there is. */
static void release(void) {
    const uint32_t message = 1;
    word = 1;
    zx_futex_wake(&word, 1);
    zx_channel_write(pair.b, 0, &message, sizeof(message), NULL, 0);
    zx_handle_close(pair.b);
}

static const struct {
    void (*run)(void *arg);
    zx_thread_state_t state;
} states[] = {
    {sleep_until_told, ZX_THREAD_STATE_BLOCKED_SLEEPING},
    {wait_futex, ZX_THREAD_STATE_BLOCKED_FUTEX},
    {wait_one, ZX_THREAD_STATE_BLOCKED_WAIT_ONE},
    {wait_many, ZX_THREAD_STATE_BLOCKED_WAIT_MANY},
    {call, ZX_THREAD_STATE_BLOCKED_CHANNEL},
    {loop, ZX_THREAD_STATE_RUNNING},
};

TEST("object_get_info/THREAD tells each kind of wait, SUSPENDED before it, and DEAD after all") {
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        zx_handle_t token;
        word = 0;
        pair = pair_make();
        NEED(worker_start(&worker, states[i].run, NULL));
        zx_handle_t thread = handle_with(worker.thread, ZX_RIGHT_SAME_RIGHTS);
        EXPECT(comes_to(thread, states[i].state));
        NEED_OK(zx_task_suspend_token(thread, &token));
        EXPECT(comes_to(thread, ZX_THREAD_STATE_SUSPENDED));
        EXPECT_EQ(signals_of(thread), ZX_THREAD_SUSPENDED);
        MUST(zx_handle_close(token));
        EXPECT(comes_to(thread, states[i].state));
        release();
        NEED(worker_join(&worker));
        EXPECT_EQ(state_of(thread), ZX_THREAD_STATE_DEAD);
        EXPECT_EQ(ZX_THREAD_STATE_BASIC(states[i].state),
                  states[i].run == loop ? ZX_THREAD_STATE_RUNNING : ZX_THREAD_STATE_BLOCKED);
    }
}

TEST("object_get_info/THREAD: who asks for himself runs, in no exception, on any of the processors") {
    zx_info_thread_t info = thread_info(zx_thread_self());
    EXPECT_EQ(info.state, ZX_THREAD_STATE_RUNNING);
    EXPECT(info.wait_exception_channel_type == 0 && info.wait_exception_port_type == 0);
    uint32_t cpus = 0;
    for (size_t i = 0; i < 8; i++) cpus += (uint32_t)__builtin_popcountll(info.cpu_affinity_mask.mask[i]);
    EXPECT_EQ(cpus, zx_system_get_num_cpus());
}

TEST("object_get_info/THREAD: NEW before its start, even when its process is dead") {
    struct child child;
    NEED(child_make(&child));
    EXPECT_EQ(state_of(child.thread), ZX_THREAD_STATE_NEW);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(state_of(child.thread), ZX_THREAD_STATE_NEW);
}

static zx_duration_t runtime_of(zx_handle_t thread) {
    zx_info_thread_stats_t stats = {.total_runtime = -1};
    EXPECT_OK(zx_object_get_info(thread, ZX_INFO_THREAD_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats.total_runtime;
}

TEST("object_get_info/THREAD_STATS: the time a thread runs counts, not the time it waits") {
    zx_time_t start = zx_clock_get_monotonic();
    zx_duration_t before = runtime_of(zx_thread_self());
    while (zx_clock_get_monotonic() - start < ZX_MSEC(5)) continue;
    zx_duration_t after = runtime_of(zx_thread_self());
    EXPECT(after > before && after - before <= zx_clock_get_monotonic() - start);
    word = 0;
    NEED(worker_start(&worker, wait_futex, NULL));
    EXPECT(comes_to(worker.thread, ZX_THREAD_STATE_BLOCKED_FUTEX));
    before = runtime_of(worker.thread);
    zx_nanosleep(zx_deadline_after(ZX_MSEC(10)));
    EXPECT(before > 0 && runtime_of(worker.thread) == before);
    release();
    NEED(worker_join(&worker));
    EXPECT_EQ(runtime_of(handle_of(KIND_THREAD)), 0);
}
