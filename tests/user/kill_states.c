/*
 * Kills, whatever the victim is doing: it is gone soon, with its memory, and runs no further instruction. How soon is
 * told by the clock, which on a busy host counts what others do as well: of several kills the quickest counts.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define KILLED ZX_TASK_RETCODE_SYSCALL_KILL
#define SOON ZX_MSEC(100)
#define TRIES 5
#define LARGE ((uint64_t)64 << 20)

enum word { WORD_COUNT = 1, WORD_AFTER, WORD_SOURCE, WORD_TARGET, WORD_FUTEX, WORD_ACTUAL };

static struct child child, target;
static struct pair pair;
static zx_handle_t token;

static struct board *board_at(uintptr_t there) { return (struct board *)there; }

/* What the victim does. Whatever comes after its call must not happen. */

static void never(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    board_at(there)->words[WORD_AFTER] = 1;
    for (;;) continue;
}

static void in_user_code(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    for (;;) board_at(there)->words[WORD_COUNT]++;
}

static void in_short_calls(zx_handle_t handle, uintptr_t there) {
    zx_info_handle_basic_t info;
    for (;;) {
        board_at(there)->words[WORD_COUNT]++;
        zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    }
}

static void in_sleep(zx_handle_t handle, uintptr_t there) {
    board_at(there)->words[WORD_COUNT]++;
    zx_nanosleep(ZX_TIME_INFINITE);
    never(handle, there);
}

static void in_wait_one(zx_handle_t handle, uintptr_t there) {
    board_at(there)->words[WORD_COUNT]++;
    zx_object_wait_one(handle, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
    never(handle, there);
}

static void in_wait_many(zx_handle_t handle, uintptr_t there) {
    zx_wait_item_t items[2] = {{.handle = handle, .waitfor = ZX_CHANNEL_READABLE}, {.handle = handle}};
    board_at(there)->words[WORD_COUNT]++;
    zx_object_wait_many(items, 2, ZX_TIME_INFINITE);
    never(handle, there);
}

static void in_futex(zx_handle_t handle, uintptr_t there) {
    board_at(there)->words[WORD_COUNT]++;
    zx_futex_wait((const zx_futex_t *)&board_at(there)->words[WORD_FUTEX], 0, 0, ZX_TIME_INFINITE);
    never(handle, there);
}

static void in_channel_call(zx_handle_t handle, uintptr_t there) {
    uint32_t request[2] = {0};
    const zx_channel_call_args_t args = {.wr_bytes = request, .wr_num_bytes = sizeof(request)};
    board_at(there)->words[WORD_COUNT]++;
    zx_channel_call(handle, 0, ZX_TIME_INFINITE, &args, NULL, NULL);
    never(handle, there);
}

/* Writes as much as a call can, again and again. */
static void in_transfer(zx_handle_t process, uintptr_t there) {
    struct board *board = board_at(there);
    for (;;) {
        board->words[WORD_COUNT]++;
        zx_process_write_memory(process, board->words[WORD_TARGET], (const void *)board->words[WORD_SOURCE], LARGE,
                                (size_t *)&board->words[WORD_ACTUAL]);
    }
}

static zx_vaddr_t map_large(zx_handle_t vmar) {
    zx_handle_t vmo;
    zx_vaddr_t addr = 0;
    MUST(zx_vmo_create(LARGE, 0, &vmo));
    MUST(zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, LARGE, &addr));
    MUST(zx_handle_close(vmo));
    return addr;
}

/* Kills the child, and tells how long it took to be gone. */
static zx_duration_t time_of_death(void) {
    uint64_t before = child.board->words[WORD_AFTER];
    zx_time_t start = zx_clock_get_monotonic();
    MUST(zx_task_kill(child.process));
    MUST(zx_object_wait_one(child.process, ZX_PROCESS_TERMINATED, zx_deadline_after(ZX_SEC(20)), NULL));
    zx_duration_t took = zx_clock_get_monotonic() - start;
    EXPECT_EQ(process_info(child.process).return_code, KILLED);
    uint64_t count = child.board->words[WORD_COUNT];
    settle();
    EXPECT(child.board->words[WORD_COUNT] == count && child.board->words[WORD_AFTER] == before);
    return took;
}

static bool child_begins(child_entry *entry, zx_handle_t handle) {
    if (!TEST_STATUS(child_start(&child, entry, handle), ZX_OK)) return false;
    for (int i = 0; i < 5000 && child.board->words[WORD_COUNT] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    settle();
    return TEST_TRUE(child.board->words[WORD_COUNT] != 0);
}

static void suspend_child(void) {
    MUST(zx_task_suspend_token(child.thread, &token));
    MUST(zx_object_wait_one(child.thread, ZX_THREAD_SUSPENDED, zx_deadline_after(ZX_SEC(10)), NULL));
}

/* Kills such a child until it is soon gone. */
static void expect_soon_gone(child_entry *entry, bool suspended) {
    zx_duration_t quickest = ZX_TIME_INFINITE;
    for (int i = 0; i < TRIES && quickest > SOON; i++) {
        pair = pair_make();
        NEED(child_make(&child));
        NEED(child_begins(entry, pair.a));
        if (suspended) suspend_child();
        zx_duration_t took = time_of_death();
        if (took < quickest) quickest = took;
        EXPECT_EQ(signals_of(pair.b) & ZX_CHANNEL_PEER_CLOSED, ZX_CHANNEL_PEER_CLOSED);
        if (suspended) MUST(zx_handle_close(token));
        child_close(&child);
        MUST(zx_handle_close(pair.b));
    }
    EXPECT(quickest <= SOON);
}

TEST("task_kill/soon gone: a process never started, also when it is suspended") {
    NEED(child_make(&child));
    MUST(zx_task_suspend_token(child.process, &token));
    (void)time_of_death();
    EXPECT_EQ(signals_of(child.process), ZX_PROCESS_TERMINATED);
    EXPECT_EQ(signals_of(child.thread), 0);
}

TEST("task_kill/soon gone: in user code") { expect_soon_gone(in_user_code, false); }
TEST("task_kill/soon gone: in one short call after another") { expect_soon_gone(in_short_calls, false); }
TEST("task_kill/soon gone: in a sleep") { expect_soon_gone(in_sleep, false); }
TEST("task_kill/soon gone: waiting for an object") { expect_soon_gone(in_wait_one, false); }
TEST("task_kill/soon gone: waiting for several objects") { expect_soon_gone(in_wait_many, false); }
TEST("task_kill/soon gone: waiting for a futex") { expect_soon_gone(in_futex, false); }
TEST("task_kill/soon gone: waiting for the reply to a call") { expect_soon_gone(in_channel_call, false); }
TEST("task_kill/L2 soon gone: suspended in user code") { expect_soon_gone(in_user_code, true); }
TEST("task_kill/L2 soon gone: suspended between calls, or in one") { expect_soon_gone(in_short_calls, true); }
TEST("task_kill/L2 soon gone: suspended in a sleep") { expect_soon_gone(in_sleep, true); }
TEST("task_kill/L2 soon gone: suspended in a wait for several objects") { expect_soon_gone(in_wait_many, true); }
TEST("task_kill/L2 soon gone: suspended in a wait for a futex") { expect_soon_gone(in_futex, true); }
TEST("task_kill/L2 soon gone: suspended in a call") { expect_soon_gone(in_channel_call, true); }

TEST("task_kill/L7 soon gone: in the midst of 64 MiB that it writes to another, which goes on") {
    zx_duration_t quickest = ZX_TIME_INFINITE;
    NEED(child_make(&target));
    zx_vaddr_t there = map_large(target.vmar);
    for (int i = 0; i < TRIES && quickest > SOON; i++) {
        NEED(child_make(&child));
        child.board->words[WORD_SOURCE] = map_large(child.vmar);
        child.board->words[WORD_TARGET] = there;
        NEED(child_begins(in_transfer, handle_with(target.process, ZX_RIGHT_SAME_RIGHTS)));
        zx_duration_t took = time_of_death();
        if (took < quickest) quickest = took;
        child_close(&child);
    }
    EXPECT(quickest <= SOON);
    uint64_t word = 9;
    EXPECT_MOVED(write_to(target.process, there, &word, sizeof(word)), sizeof(word));
}

/* Writes to the child until it is dead. */
static void write_on(void *arg) {
    zx_vaddr_t *addresses = arg;
    size_t actual;
    zx_status_t status;
    do {
        status = zx_process_write_memory(child.process, addresses[0], (const void *)addresses[1], LARGE, &actual);
    } while (status == ZX_OK);
    EXPECT_STATUS(status, ZX_ERR_BAD_STATE);
}

static void expect_target_soon_gone(bool suspended) {
    static struct worker worker;
    zx_duration_t quickest = ZX_TIME_INFINITE;
    zx_vaddr_t addresses[2] = {0, map_large(zx_vmar_root_self())};
    for (int i = 0; i < TRIES && quickest > SOON; i++) {
        NEED(child_make(&child));
        addresses[0] = map_large(child.vmar);
        NEED(child_begins(in_user_code, ZX_HANDLE_INVALID));
        if (suspended) suspend_child();
        NEED(worker_start(&worker, write_on, addresses));
        settle();
        zx_duration_t took = time_of_death();
        if (took < quickest) quickest = took;
        NEED(worker_join(&worker));
        if (suspended) MUST(zx_handle_close(token));
        child_close(&child);
    }
    EXPECT(quickest <= SOON);
}

TEST("task_kill/L5 soon gone: in the midst of 64 MiB that another writes to it") { expect_target_soon_gone(false); }
TEST("task_kill/L2 L5 soon gone: suspended, in the midst of 64 MiB that another writes to it") {
    expect_target_soon_gone(true);
}
