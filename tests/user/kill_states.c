/*
 * Kills, whatever the victim is doing, of its process or of a job above it, with a token that suspends it or without:
 * it is gone soon, with its memory, and runs no further instruction. On a busy host the clock counts what others do as
 * well: of several kills the quickest counts, and of a late one the machine's part. Where times are exact, the first.
 */
#include <zircon/syscalls/port.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define KILLED ZX_TASK_RETCODE_SYSCALL_KILL
#define SOON ZX_MSEC(100)
#define LATE ZX_SEC(3)
#define TRIES 5u
#define LARGE ((uint64_t)64 << 20)
#define DEAD_AND_EMPTY (ZX_JOB_TERMINATED | ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES)

enum word { WORD_COUNT = 1, WORD_AFTER, WORD_BUFFER, WORD_FUTEX, WORD_ACTUAL };

static struct child child;
static zx_handle_t target; /* a process with 64 MiB of memory at PLACE */

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

static void in_port_wait(zx_handle_t handle, uintptr_t there) {
    zx_handle_t port;
    zx_port_packet_t packet;
    zx_port_create(0, &port);
    board_at(there)->words[WORD_COUNT]++;
    zx_port_wait(port, ZX_TIME_INFINITE, &packet);
    never(handle, there);
}

static void in_interrupt_wait(zx_handle_t handle, uintptr_t there) {
    zx_interrupt_create(ZX_HANDLE_INVALID, 0, ZX_INTERRUPT_VIRTUAL, &handle);
    board_at(there)->words[WORD_COUNT]++;
    zx_interrupt_wait(handle, NULL);
    never(handle, there);
}

static void in_kill(zx_handle_t task, uintptr_t there) {
    board_at(there)->words[WORD_COUNT]++;
    zx_task_kill(task);
    never(task, there);
}

/* Between two lines it counts: to send a byte costs the host far more than the machine whose time is counted. */
static void in_console_write(zx_handle_t handle, uintptr_t there) {
    char line[256];
    (void)handle;
    memset(line, '.', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (;;) {
        board_at(there)->words[WORD_COUNT]++;
        if (zx_debug_write(line, sizeof(line)) != ZX_OK) never(handle, there);
        for (volatile unsigned i = 0; i < 20000; i++) continue;
    }
}

/* Writes or reads as much as a call can, again and again. */
static void in_write(zx_handle_t process, uintptr_t there) {
    struct board *board = board_at(there);
    for (;;) {
        board->words[WORD_COUNT]++;
        zx_process_write_memory(process, PLACE, (const void *)board->words[WORD_BUFFER], LARGE,
                                (size_t *)&board->words[WORD_ACTUAL]);
    }
}

static void in_read(zx_handle_t process, uintptr_t there) {
    struct board *board = board_at(there);
    for (;;) {
        board->words[WORD_COUNT]++;
        zx_process_read_memory(process, PLACE, (void *)board->words[WORD_BUFFER], LARGE,
                               (size_t *)&board->words[WORD_ACTUAL]);
    }
}

/* Each list alone would take some time. */
static void in_list(zx_handle_t job, uintptr_t there) {
    for (;;) {
        board_at(there)->words[WORD_COUNT]++;
        zx_object_get_info(job, ZX_INFO_JOB_CHILDREN, NULL, 0, NULL, NULL);
    }
}

static zx_vaddr_t map_large(zx_handle_t vmar, zx_vaddr_t place) {
    zx_handle_t vmo;
    zx_vaddr_t addr;
    MUST(zx_vmo_create(LARGE, 0, &vmo));
    MUST(zx_vmar_map(vmar, PERM_RW | ZX_VM_SPECIFIC, place - USER_BASE, vmo, 0, LARGE, &addr));
    MUST(zx_handle_close(vmo));
    return addr;
}

/* How a victim dies: who is killed, and what suspends it meanwhile. */
struct way {
    bool job;
    enum { NO_TOKEN, THREAD_TOKEN, PROCESS_TOKEN } token;
};

/* One kill: the jobs around the victim, and what the test holds of it. */
static struct death {
    struct way way;
    zx_handle_t outer, inner, token;
    zx_handle_t task; /* what is to be killed; borrowed */
} death;

static bool death_prepare(struct way way) {
    death = (struct death){.way = way, .inner = zx_job_default()};
    MUST_BE(child_read());
    baseline_take();
    if (way.job) MUST(zx_job_create(zx_job_default(), 0, &death.outer));
    if (way.job) MUST(zx_job_create(death.outer, 0, &death.inner));
    if (!child_make_in(&child, death.inner)) return false;
    death.task = way.job ? death.outer : child.process;
    return true;
}

static void death_suspend(void) {
    if (death.way.token == NO_TOKEN) return;
    MUST(zx_task_suspend_token(death.way.token == THREAD_TOKEN ? child.thread : child.process, &death.token));
}

static void await_suspended(void) {
    if (death.way.token == NO_TOKEN) return;
    MUST(zx_object_wait_one(child.thread, ZX_THREAD_SUSPENDED, zx_deadline_after(ZX_SEC(10)), NULL));
}

static bool child_begins(child_entry *entry, zx_handle_t handle) {
    if (!TEST_STATUS(child_start(&child, entry, handle), ZX_OK)) return false;
    for (int i = 0; i < 5000 && child.board->words[WORD_COUNT] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    settle();
    return TEST_TRUE(child.board->words[WORD_COUNT] != 0);
}

/* A process shows its end before it leaves its job. */
static void await_death(void) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    MUST(zx_object_wait_one(child.process, ZX_PROCESS_TERMINATED, deadline, NULL));
    if (death.way.job) MUST(zx_object_wait_one(death.outer, ZX_JOB_TERMINATED, deadline, NULL));
}

static void expect_dead(void) {
    uint64_t count = child.board->words[WORD_COUNT];
    EXPECT_EQ(process_info(child.process).return_code, KILLED);
    if (death.way.job) EXPECT(signals_of(death.inner) == DEAD_AND_EMPTY && signals_of(death.outer) == DEAD_AND_EMPTY);
    settle();
    EXPECT(child.board->words[WORD_COUNT] == count && child.board->words[WORD_AFTER] == 0);
}

/* Gives up what the test holds, and waits until all is back, for longer than it may take in any case. */
static void death_end(zx_time_t begun) {
    child_close(&child);
    if (death.token) MUST(zx_handle_close(death.token));
    if (death.way.job) MUST(zx_handle_close(death.inner));
    if (death.way.job) MUST(zx_handle_close(death.outer));
    while (kernel_command("leaks inner") != ZX_OK && zx_clock_get_monotonic() < begun + LATE)
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
}

/* Kills the victim, and tells how long it took until nothing of it was left. `joins` is called in between. */
static zx_duration_t time_of_death(void (*join)(void)) {
    zx_time_t begun = zx_clock_get_monotonic();
    MUST(zx_task_kill(death.task));
    await_death();
    zx_duration_t terminated = zx_clock_get_monotonic() - begun;
    expect_dead();
    if (join) join();
    death_end(begun);
    zx_duration_t empty = zx_clock_get_monotonic() - begun;
    return terminated > empty ? terminated : empty;
}

/* Each forced switch gives the processor to somebody else for a whole turn: there, how soon tells nothing. */
static zx_duration_t time_allowed(void) { return getenv("kernel.sched.force") ? LATE - ZX_MSEC(1) : SOON; }

/* Of one that did not end within all the time that there was, it is all of it. */
static zx_duration_t own_time(zx_duration_t took) {
    return took > time_allowed() && took < LATE ? took / host_load() : took;
}

/* Does one kill after another until one is soon over. The first of all touches what the kernel then keeps. */
static void expect_soon(zx_duration_t (*kill)(const void *arg, struct way way), const void *arg, struct way way) {
    static bool warm;
    const unsigned tries = times_are_exact() ? 1 : TRIES;
    zx_duration_t quickest = ZX_TIME_INFINITE;
    if (!warm) (void)kill(arg, way);
    warm = true;
    for (unsigned i = 0; i < tries && quickest > time_allowed(); i++) {
        zx_duration_t took = own_time(kill(arg, way));
        if (took < quickest) quickest = took;
    }
    if (!TEST_TRUE(quickest <= time_allowed()))
        test_note("%lld us, %s, token %d", (long long)(quickest / 1000), way.job ? "job" : "process", way.token);
}

static void expect_soon_every_way(zx_duration_t (*kill)(const void *arg, struct way way), const void *arg) {
    static const struct way ways[] = {
        {false, NO_TOKEN}, {true, NO_TOKEN}, {false, THREAD_TOKEN}, {true, PROCESS_TOKEN}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) expect_soon(kill, arg, ways[i]);
}

static zx_duration_t kill_new(const void *arg, struct way way) {
    (void)arg;
    MUST_BE(death_prepare(way));
    death_suspend();
    return time_of_death(NULL);
}

TEST("task_kill/L1 soon gone: a process never started") { expect_soon_every_way(kill_new, NULL); }

static zx_duration_t kill_started(const void *arg, struct way way) {
    MUST_BE(death_prepare(way));
    death_suspend();
    MUST(child_start(&child, (child_entry *)arg, ZX_HANDLE_INVALID));
    await_suspended();
    EXPECT_EQ(child.board->words[WORD_COUNT], 0);
    return time_of_death(NULL);
}

TEST("task_kill/L2 soon gone: suspended before it started") {
    expect_soon(kill_started, in_user_code, (struct way){false, THREAD_TOKEN});
    expect_soon(kill_started, in_user_code, (struct way){true, PROCESS_TOKEN});
}

static struct pair pair;

static void expect_peer_closed(void) {
    EXPECT_EQ(signals_of(pair.b) & ZX_CHANNEL_PEER_CLOSED, ZX_CHANNEL_PEER_CLOSED);
    MUST(zx_handle_close(pair.b));
}

/* Of one who does as `arg` says. */
static zx_duration_t kill_busy(const void *arg, struct way way) {
    MUST_BE(death_prepare(way));
    pair = pair_make();
    MUST_BE(child_begins((child_entry *)arg, pair.a));
    death_suspend();
    await_suspended();
    return time_of_death(expect_peer_closed);
}

TEST("task_kill/L2 L3 soon gone: in user code") { expect_soon_every_way(kill_busy, in_user_code); }
TEST("task_kill/L2 soon gone: in one short call after another") { expect_soon_every_way(kill_busy, in_short_calls); }
TEST("task_kill/L2 soon gone: in a sleep") { expect_soon_every_way(kill_busy, in_sleep); }
TEST("task_kill/L2 soon gone: waiting for an object") { expect_soon_every_way(kill_busy, in_wait_one); }
TEST("task_kill/L2 soon gone: waiting for several objects") { expect_soon_every_way(kill_busy, in_wait_many); }
TEST("task_kill/L2 soon gone: waiting for a port") { expect_soon_every_way(kill_busy, in_port_wait); }
TEST("task_kill/L2 soon gone: waiting for an interrupt") { expect_soon_every_way(kill_busy, in_interrupt_wait); }
TEST("task_kill/L2 soon gone: waiting for a futex") { expect_soon_every_way(kill_busy, in_futex); }
TEST("task_kill/L2 soon gone: waiting for the reply to a call") { expect_soon_every_way(kill_busy, in_channel_call); }

/* Until it has begun, and a console that nobody reads takes nothing more. Others are never full. */
static void await_writing(const struct child *writer) {
    const bool fills = getenv("test.console");
    uint64_t count;
    do {
        count = writer->board->words[WORD_COUNT];
        zx_nanosleep(zx_deadline_after(fills ? ZX_MSEC(200) : ZX_MSEC(1)));
    } while (count == 0 || (fills && writer->board->words[WORD_COUNT] != count));
}

static zx_duration_t kill_lister(const void *arg, struct way way) {
    MUST_BE(death_prepare(way));
    MUST_BE(child_begins(in_list, handle_with(*(const zx_handle_t *)arg, ZX_RIGHT_SAME_RIGHTS)));
    death_suspend();
    await_suspended();
    return time_of_death(NULL);
}

TEST("task_kill/L2 soon gone: listing the 4,000 jobs of a job") {
    zx_handle_t job, child_job;
    MUST(zx_job_create(zx_job_default(), 0, &job));
    for (int i = 0; i < 4000; i++) MUST(zx_job_create(job, 0, &child_job));
    expect_soon_every_way(kill_lister, &job);
}

static zx_duration_t kill_writer(const void *arg, struct way way) {
    (void)arg;
    MUST_BE(death_prepare(way));
    MUST_BE(child_begins(in_console_write, ZX_HANDLE_INVALID));
    await_writing(&child);
    death_suspend();
    return time_of_death(NULL);
}

TEST("task_kill/L2 soon gone: writing to the console, whether that takes anything or not") {
    expect_soon_every_way(kill_writer, NULL);
}

static struct child other_begins(child_entry *entry) {
    struct child other;
    MUST_BE(child_make(&other));
    MUST(child_start(&other, entry, ZX_HANDLE_INVALID));
    await_writing(&other);
    return other;
}

static void other_ends(struct child *other) {
    MUST(zx_task_kill(other->process));
    EXPECT_EQ(child_wait(other), KILLED);
    EXPECT_EQ(other->board->words[WORD_AFTER], 0);
    child_close(other);
}

TEST("task_kill/L2 soon gone: writing to the console, waiting for its turn after somebody who goes on") {
    struct child other = other_begins(in_console_write);
    expect_soon_every_way(kill_busy, in_console_write);
    other_ends(&other);
}

/* On a console that is full one waits for its turn all the time, and can be suspended there. */
TEST("task_suspend_token/writing to the console, or waiting for its turn, does not fail for a suspension") {
    struct child a = other_begins(in_console_write), b = other_begins(in_console_write);
    for (int i = 0; i < 20; i++) {
        zx_handle_t token;
        MUST(zx_task_suspend_token(b.process, &token));
        MUST(zx_object_wait_one(b.thread, ZX_THREAD_SUSPENDED, zx_deadline_after(ZX_SEC(10)), NULL));
        MUST(zx_handle_close(token));
        MUST(zx_object_wait_one(b.thread, ZX_THREAD_RUNNING, zx_deadline_after(ZX_SEC(10)), NULL));
        settle();
    }
    other_ends(&b);
    other_ends(&a);
}

/* By its own hand: of the process or of the job two above it. */
static zx_duration_t kill_self(const void *arg, struct way way) {
    (void)arg;
    MUST_BE(death_prepare(way));
    zx_time_t begun = zx_clock_get_monotonic();
    MUST(child_start(&child, in_kill, handle_with(death.task, ZX_RIGHT_SAME_RIGHTS)));
    await_death();
    expect_dead();
    death_end(begun);
    return zx_clock_get_monotonic() - begun;
}

TEST("task_kill/L7 soon gone: by its own thread") {
    expect_soon(kill_self, NULL, (struct way){false, NO_TOKEN});
    expect_soon(kill_self, NULL, (struct way){true, NO_TOKEN});
}

/* A thread more, started from outside. */
static void add_thread(child_entry *entry) {
    zx_handle_t thread, stack;
    zx_vaddr_t base;
    MUST(zx_vmo_create(4 * PAGE, 0, &stack));
    MUST(zx_vmar_map(child.vmar, PERM_RW, 0, stack, 0, 4 * PAGE, &base));
    MUST(zx_handle_close(stack));
    MUST(zx_thread_create(child.process, "more", 4, 0, &thread));
    MUST(zx_thread_start(thread, (uintptr_t)entry, base + 4 * PAGE - 8, 0, child.board_there));
    MUST(zx_handle_close(thread));
}

static zx_duration_t kill_many(const void *arg, struct way way) {
    static child_entry *const others[] = {in_user_code, in_short_calls, in_sleep, in_futex, in_port_wait, in_futex};
    (void)arg;
    MUST_BE(death_prepare(way));
    pair = pair_make();
    MUST_BE(child_begins(in_channel_call, pair.a));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) add_thread(others[i]);
    settle();
    death_suspend();
    await_suspended();
    return time_of_death(expect_peer_closed);
}

TEST("task_kill/L2 soon gone: threads that run, call, and wait for this and that, all at once") {
    expect_soon_every_way(kill_many, NULL);
}

/* In the midst of 64 MiB. */

static zx_duration_t kill_caller(const void *arg, struct way way) {
    MUST_BE(death_prepare(way));
    child.board->words[WORD_BUFFER] = map_large(child.vmar, PLACE);
    MUST_BE(child_begins((child_entry *)arg, handle_with(target, ZX_RIGHT_SAME_RIGHTS)));
    death_suspend();
    return time_of_death(NULL);
}

/* The target has all of its memory from the start, so that no kill is blamed for it. */
static void expect_caller_soon_gone(child_entry *entry) {
    struct target other = target_make();
    unsigned char *buffer = buffer_make(MAX_TRANSFER);
    target = other.process;
    map_large(other.vmar, PLACE);
    EXPECT_MOVED(write_to(target, PLACE, buffer, LARGE), LARGE);
    expect_soon_every_way(kill_caller, entry);
    uint64_t word = 9;
    EXPECT_MOVED(write_to(target, PLACE, &word, sizeof(word)), sizeof(word));
}

TEST("task_kill/L7 soon gone: in the midst of 64 MiB that it writes to another, which goes on") {
    expect_caller_soon_gone(in_write);
}
TEST("task_kill/L7 soon gone: in the midst of 64 MiB that it reads from another, which goes on") {
    expect_caller_soon_gone(in_read);
}

static struct worker worker;
static unsigned char *large;

static zx_status_t write_large(size_t *actual) {
    return zx_process_write_memory(child.process, PLACE, large, LARGE, actual);
}
static zx_status_t read_large(size_t *actual) {
    return zx_process_read_memory(child.process, PLACE, large, LARGE, actual);
}

/* One large transfer after another, until the child is dead. */
static void transfer_on(void *arg) {
    zx_status_t (*const *transfer)(size_t *) = arg, status;
    size_t actual;
    do status = (*transfer)(&actual);
    while (status == ZX_OK);
    EXPECT_STATUS(status, ZX_ERR_BAD_STATE);
}

static void join_worker(void) { MUST_BE(worker_join(&worker)); }

static zx_duration_t kill_target(const void *arg, struct way way) {
    MUST_BE(death_prepare(way));
    map_large(child.vmar, PLACE);
    MUST_BE(child_begins(in_user_code, ZX_HANDLE_INVALID));
    MUST_BE(worker_start(&worker, transfer_on, (void *)arg));
    death_suspend();
    await_suspended();
    settle();
    return time_of_death(join_worker);
}

static void expect_target_soon_gone(zx_status_t (*transfer)(size_t *)) {
    large = buffer_make(MAX_TRANSFER);
    memset(large, 1, MAX_TRANSFER);
    expect_soon_every_way(kill_target, &transfer);
}

TEST("task_kill/L2 L5 soon gone: in the midst of 64 MiB that another writes to it") {
    expect_target_soon_gone(write_large);
}
TEST("task_kill/L2 L5 soon gone: in the midst of 64 MiB that another reads from it") {
    expect_target_soon_gone(read_large);
}
