/*
 * How processes and threads end: zx_process_exit, zx_thread_exit, zx_task_kill, crashes, and closed handles.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define KILLED ZX_TASK_RETCODE_SYSCALL_KILL
#define CRASHED ZX_TASK_RETCODE_EXCEPTION_KILL

static struct board *board_at(uintptr_t there) { return (struct board *)there; }

/* Children. */

static void exit_with_word(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    zx_process_exit((int64_t)board_at(there)->words[0]);
}

static void loop(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    for (;;) board_at(there)->words[1]++;
}

static void sleep_long(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    board_at(there)->words[1] = 1;
    zx_nanosleep(ZX_TIME_INFINITE);
    board_at(there)->words[2] = 1;
    for (;;) continue;
}

static void wait_long(zx_handle_t handle, uintptr_t there) {
    board_at(there)->words[1] = 1;
    zx_object_wait_one(handle, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
    board_at(there)->words[2] = 1;
    for (;;) continue;
}

static void crash(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    __asm__ volatile("mov 0, %rax");
}

static void exit_thread(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    zx_thread_exit();
}

static void kill_self(zx_handle_t self, uintptr_t there) {
    board_at(there)->words[1] = 1;
    zx_task_kill(self);
    board_at(there)->words[2] = 1;
    zx_process_exit(1);
}

/* Waits until the child says that it runs. */
static bool child_runs(struct child *child) {
    for (int i = 0; i < 1000 && child->board->words[1] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return TEST_TRUE(child->board->words[1] != 0);
}

static struct child child;

static zx_status_t kill_it(zx_handle_t handle) { return zx_task_kill(handle); }

TEST("task_kill/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(kill_it); }

TEST("task_kill/H5 a thread is WRONG_TYPE, and not harmed") {
    zx_handle_t thread = handle_of(KIND_THREAD);
    EXPECT_STATUS(zx_task_kill(thread), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_task_kill(zx_thread_self()), ZX_ERR_WRONG_TYPE);
    EXPECT_EQ(signals_of(thread), 0);
}

TEST("task_kill/H6 H13 needs DESTROY, checked before the type") {
    NEED(child_make(&child));
    EXPECT_STATUS(zx_task_kill(handle_without(child.process, ZX_RIGHT_DESTROY)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_task_kill(handle_without(child.thread, ZX_RIGHT_DESTROY)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_task_kill(handle_without(zx_job_default(), ZX_RIGHT_DESTROY)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_task_kill(handle_of(KIND_VMO)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_task_kill(handle_of(KIND_VMAR)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_task_kill(handle_of(KIND_CHANNEL)), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQ(signals_of(child.process), 0);
    EXPECT_OK(zx_task_kill(handle_with(child.process, ZX_RIGHT_DESTROY)));
    EXPECT_EQ(signals_of(child.process), ZX_PROCESS_TERMINATED);
}

static void expect_dead(struct child *dead, int64_t code) {
    zx_info_process_t info = process_info(dead->process);
    EXPECT(info.started && info.exited);
    EXPECT_EQ(info.return_code, code);
    EXPECT_EQ(signals_of(dead->process), ZX_PROCESS_TERMINATED);
    uint64_t word = 0;
    EXPECT_REFUSED(write_to(dead->process, dead->board_there, &word, sizeof(word)), ZX_ERR_BAD_STATE);
    EXPECT_REFUSED(read_from(dead->process, dead->board_there, &word, sizeof(word)), ZX_ERR_BAD_STATE);
    zx_vaddr_t addr;
    EXPECT_STATUS(zx_vmar_map(dead->vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &addr), ZX_ERR_BAD_STATE);
}

TEST("task_kill/L1 L4 a process never started is dead at once") {
    NEED(child_make(&child));
    EXPECT_OK(zx_task_kill(child.process));
    expect_dead(&child, KILLED);
    EXPECT_EQ(signals_of(child.thread), 0);
    EXPECT_STATUS(child_start(&child, loop, ZX_HANDLE_INVALID), ZX_ERR_BAD_STATE);
}

TEST("task_kill/L3 a process that runs in a loop") {
    NEED(child_make(&child));
    NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
    NEED(child_runs(&child));
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    expect_dead(&child, KILLED);
    uint64_t before = child.board->words[1];
    settle();
    EXPECT_EQ(child.board->words[1], before);
}

TEST("task_kill/a process that sleeps, which never sees the sleep's end") {
    NEED(child_make(&child));
    NEED_OK(child_start(&child, sleep_long, ZX_HANDLE_INVALID));
    NEED(thread_waits(child.thread));
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    EXPECT_EQ(child.board->words[2], 0);
}

TEST("task_kill/a process that waits, which never sees the wait's end") {
    NEED(child_make(&child));
    struct pair pair = pair_make();
    NEED_OK(child_start(&child, wait_long, pair.a));
    NEED(thread_waits(child.thread));
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    EXPECT_EQ(child.board->words[2], 0);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

/* More handles than anybody has, all 0, to be looked at one by one. */
#define LONG_ARRAY ((uint64_t)4 << 30)
static void write_long(zx_handle_t handle, uintptr_t there) {
    const zx_handle_t *array = (const zx_handle_t *)board_at(there)->words[0];
    board_at(there)->words[1] = 1;
    zx_channel_write(handle, 0, NULL, 0, array, (uint32_t)(LONG_ARRAY / sizeof(*array) - 1));
    board_at(there)->words[2] = 1;
    for (;;) continue;
}

TEST("task_kill/a process in a call that takes long, which is not waited for") {
    NEED(child_make(&child));
    struct pair pair = pair_make();
    zx_vaddr_t addr = 0;
    NEED_OK(zx_vmar_map(child.vmar, PERM_R, 0, vmo_make(LONG_ARRAY), 0, LONG_ARRAY, &addr));
    child.board->words[0] = addr;
    NEED_OK(child_start(&child, write_long, pair.a));
    NEED(child_runs(&child));
    settle();
    EXPECT_EQ(child.board->words[2], 0);
    zx_time_t start = zx_clock_get_monotonic();
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    EXPECT(zx_clock_get_monotonic() - start < ZX_SEC(3));
    EXPECT_EQ(child.board->words[2], 0);
}

TEST("task_kill/L7 on oneself does not return") {
    NEED(child_make(&child));
    NEED_OK(child_start(&child, kill_self, handle_with(child.process, ZX_RIGHT_DESTROY | ZX_RIGHT_TRANSFER)));
    EXPECT_EQ(child_wait(&child), KILLED);
    EXPECT_EQ(child.board->words[1], 1);
    EXPECT_EQ(child.board->words[2], 0);
}

TEST("task_kill/the dead can be killed again, and stay as they are") {
    NEED(child_make(&child));
    child.board->words[0] = 5;
    NEED_OK(child_start(&child, exit_with_word, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 5);
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_OK(zx_task_kill(child.process));
    expect_dead(&child, 5);
}

TEST("task_kill/between start and first instruction") {
    for (int i = 0; i < 20; i++) {
        NEED(child_make(&child));
        NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
        EXPECT_OK(zx_task_kill(child.process));
        EXPECT_EQ(child_wait(&child), KILLED);
        child_close(&child);
    }
}

TEST("process_exit/the code is what the process gave, all 64 bits") {
    const int64_t codes[] = {0, 1, -1, 255, INT64_MAX, INT64_MIN, 0x123456789a, KILLED, CRASHED};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        EXPECT_EQ(child_run_with(exit_with_word, (uint64_t)codes[i]), codes[i]);
}

static void exit_in_company(zx_handle_t handle, uintptr_t there) {
    board_at(there)->words[3] = handle;
    board_at(there)->words[1]++;
    while (board_at(there)->words[0] == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_process_exit(3);
}

TEST("process_exit/ends all other threads: looping, sleeping, waiting, new") {
    zx_handle_t threads[4];
    child_entry *const runs[] = {loop, sleep_long, wait_long};
    struct pair pair = pair_make();
    NEED(child_make(&child));
    for (size_t i = 0; i < 4; i++) NEED_OK(zx_thread_create(child.process, "t", 1, 0, &threads[i]));
    NEED_OK(child_start(&child, exit_in_company, pair.a));
    NEED(child_runs(&child));
    for (size_t i = 0; i < 3; i++) {
        zx_vaddr_t stack = child.stack - (i + 1) * 8192;
        uint64_t handle = child.board->words[3];
        NEED_OK(zx_thread_start(threads[i], (uintptr_t)runs[i], stack, handle, child.board_there));
    }
    settle();
    child.board->words[0] = 1;
    EXPECT_EQ(child_wait(&child), 3);
    for (size_t i = 0; i < 3; i++) EXPECT_EQ(signals_of(threads[i]), ZX_THREAD_TERMINATED);
    EXPECT_EQ(signals_of(threads[3]), 0);
    EXPECT_EQ(child.board->words[2], 0);
}

TEST("process_exit/when TERMINATED is seen, threads are dead, handles closed and memory gone") {
    NEED(child_make(&child));
    struct pair pair = pair_make();
    child.board->words[0] = 1;
    NEED_OK(child_start(&child, exit_in_company, pair.a));
    EXPECT_EQ(child_wait(&child), 3);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
    expect_dead(&child, 3);
}

static void race_to_exit(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    while (board_at(there)->words[0] == 0) continue;
    zx_process_exit((int64_t)++board_at(there)->words[3]);
}

TEST("process_exit/of several that exit the first one's code stays") {
    for (int round = 0; round < 5; round++) {
        NEED(child_make(&child));
        NEED_OK(child_start(&child, race_to_exit, ZX_HANDLE_INVALID));
        for (size_t i = 1; i < 4; i++) {
            zx_handle_t thread;
            NEED_OK(zx_thread_create(child.process, "t", 1, 0, &thread));
            NEED_OK(zx_thread_start(thread, (uintptr_t)race_to_exit, child.stack - i * 8192, 0, child.board_there));
        }
        settle();
        child.board->words[0] = 1;
        int64_t code = child_wait(&child);
        EXPECT(code >= 1 && code <= 4);
        EXPECT_OK(zx_task_kill(child.process));
        EXPECT_EQ(process_info(child.process).return_code, code);
    }
}

TEST("thread_exit/the last thread's end is the process's, with code 0") {
    NEED(child_make(&child));
    NEED_OK(child_start(&child, exit_thread, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 0);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
}

TEST("thread_exit/the process lives on while it has another thread, the first need not stay") {
    zx_handle_t second;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(child_start(&child, exit_in_company, ZX_HANDLE_INVALID));
    NEED(child_runs(&child));
    NEED_OK(zx_thread_start(second, (uintptr_t)exit_thread, child.stack - 8192, 0, 0));
    EXPECT_OK(zx_object_wait_one(second, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(5)), NULL));
    EXPECT_EQ(signals_of(second), ZX_THREAD_TERMINATED);
    EXPECT_EQ(signals_of(child.process), 0);
    child.board->words[0] = 1;
    EXPECT_EQ(child_wait(&child), 3);
}

TEST("thread_exit/a thread never started does not keep its process") {
    zx_handle_t second;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(child_start(&child, exit_thread, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 0);
    EXPECT_EQ(signals_of(second), 0);
    EXPECT_STATUS(zx_thread_start(second, (uintptr_t)loop, child.stack, 0, 0), ZX_ERR_BAD_STATE);
}

TEST("exception/a crash of one thread ends the whole process") {
    zx_handle_t second;
    NEED(child_make(&child));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(child_start(&child, sleep_long, ZX_HANDLE_INVALID));
    NEED(child_runs(&child));
    NEED_OK(zx_thread_start(second, (uintptr_t)crash, child.stack - 8192, 0, 0));
    EXPECT_EQ(child_wait(&child), CRASHED);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
    expect_dead(&child, CRASHED);
}

TEST("handle_close/a process never started dies with its last handle") {
    NEED(child_make(&child));
    zx_handle_t copy = handle_with(child.process, ZX_RIGHT_SAME_RIGHTS);
    zx_handle_t thread = handle_with(child.thread, ZX_RIGHT_SAME_RIGHTS);
    zx_vaddr_t addr;
    MUST(zx_handle_close(child.process));
    EXPECT_OK(zx_vmar_map(child.vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &addr));
    MUST(zx_handle_close(copy));
    EXPECT_STATUS(zx_vmar_map(child.vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &addr), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_destroy(child.vmar), ZX_ERR_BAD_STATE);
    EXPECT_EQ(signals_of(thread), 0);
    EXPECT_STATUS(zx_thread_start(thread, (uintptr_t)loop, child.stack, 0, 0), ZX_ERR_BAD_STATE);
}

TEST("handle_close/a running process runs on without any handle to it") {
    NEED(child_make(&child));
    struct pair pair = pair_make();
    NEED_OK(child_start(&child, exit_in_company, pair.a));
    NEED(child_runs(&child));
    MUST(zx_handle_close(child.process));
    MUST(zx_handle_close(child.thread));
    MUST(zx_handle_close(child.vmar));
    settle();
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    child.board->words[0] = 1;
    EXPECT_OK(zx_object_wait_one(pair.b, ZX_CHANNEL_PEER_CLOSED, zx_deadline_after(ZX_SEC(5)), NULL));
}

static _Atomic uint32_t released;
static void wait_for_release(void *arg) {
    (void)arg;
    while (!released) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    released = 2;
}

TEST("handle_close/a running thread runs on without any handle to it") {
    static struct worker worker;
    NEED(worker_start(&worker, wait_for_release, NULL));
    MUST(zx_handle_close(worker.thread));
    settle();
    released = 1;
    for (int i = 0; i < 1000 && released != 2; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    EXPECT_EQ(released, 2);
}

static void make_idle_thread(void) {
    zx_handle_t thread;
    MUST(zx_thread_create(zx_process_self(), "t", 1, 0, &thread));
    MUST(zx_handle_close(thread));
}

TEST("handle_close/a thread never started goes with its last handle") { check_gives_back(make_idle_thread); }

TEST("thread_start/RUNNING is shown from start to end, then TERMINATED") {
    static struct worker worker;
    released = 0;
    NEED(worker_start(&worker, wait_for_release, NULL));
    EXPECT_EQ(signals_of(worker.thread), ZX_THREAD_RUNNING);
    released = 1;
    zx_handle_t thread = handle_with(worker.thread, ZX_RIGHT_SAME_RIGHTS);
    NEED(worker_join(&worker));
    EXPECT_EQ(signals_of(thread), ZX_THREAD_TERMINATED);
}
