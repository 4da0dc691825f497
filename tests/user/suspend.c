/*
 * zx_task_suspend_token: who can be suspended, what it holds, and that everything goes on afterwards as if nothing had
 * been.
 */
#include "tests/user/calling.h"
#include "tests/user/probe.h"

static struct child child;
static struct worker worker;
static _Atomic uint64_t turns;
static _Atomic bool enough;

static struct board *board_at(uintptr_t there) { return (struct board *)there; }

static zx_status_t suspend_it(zx_handle_t handle) {
    zx_handle_t token;
    zx_status_t status = zx_task_suspend_token(handle, &token);
    if (status == ZX_OK) MUST(zx_handle_close(token));
    return status;
}

static zx_handle_t suspended(zx_handle_t task) {
    zx_handle_t token = ZX_HANDLE_INVALID;
    EXPECT_OK(zx_task_suspend_token(task, &token));
    return token;
}

static bool comes_up(zx_handle_t thread, zx_signals_t signal) {
    return TEST_STATUS(zx_object_wait_one(thread, signal, zx_deadline_after(ZX_SEC(10)), NULL), ZX_OK);
}

/* Children and workers. */

static void loop(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    for (;;) board_at(there)->words[1]++;
}

static void turn(void *arg) {
    (void)arg;
    while (!enough) turns++;
}

static bool child_loops(void) {
    if (!child_make(&child)) return false;
    MUST(child_start(&child, loop, ZX_HANDLE_INVALID));
    for (int i = 0; i < 1000 && child.board->words[1] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return TEST_TRUE(child.board->words[1] != 0);
}

static void child_end(void) {
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
}

/* Does the count stand still, or go on? */
static bool stands(_Atomic uint64_t *count) {
    uint64_t before = *count;
    settle();
    settle();
    return *count == before;
}

static bool goes_on(_Atomic uint64_t *count) {
    uint64_t before = *count;
    for (int i = 0; i < 5000 && *count == before; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return *count != before;
}

TEST("task_suspend_token/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(suspend_it); }

TEST("task_suspend_token/H5 H6 needs WRITE, then a process or a thread") {
    NEED(child_make(&child));
    EXPECT_STATUS(suspend_it(handle_without(child.process, ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(suspend_it(handle_without(child.thread, ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(suspend_it(handle_of(KIND_EVENT)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(suspend_it(handle_of(KIND_VMO)), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(suspend_it(handle_of(KIND_CHANNEL)), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(suspend_it(handle_with(child.process, ZX_RIGHT_WRITE)));
    EXPECT_OK(suspend_it(handle_with(child.thread, ZX_RIGHT_WRITE)));
}

TEST("task_suspend_token/the calling thread and its own process are NOT_SUPPORTED") {
    EXPECT_STATUS(suspend_it(zx_thread_self()), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(suspend_it(zx_process_self()), ZX_ERR_NOT_SUPPORTED);
}

TEST("task_suspend_token/the dead are BAD_STATE; a thread never started is not one of them") {
    NEED(child_loops());
    zx_handle_t fresh;
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &fresh));
    child_end();
    EXPECT_STATUS(suspend_it(child.process), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(suspend_it(child.thread), ZX_ERR_BAD_STATE);
    EXPECT_OK(suspend_it(fresh));
}

TEST("task_suspend_token/a token's handle: TRANSFER and INSPECT, of its own type, nothing to wait for") {
    NEED(child_make(&child));
    zx_handle_t token = suspended(child.thread);
    zx_info_handle_basic_t info = basic_info(token);
    EXPECT(info.type == ZX_OBJ_TYPE_SUSPEND_TOKEN && info.rights == ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS);
    EXPECT(info.props == ZX_OBJ_PROP_NONE && info.related_koid == 0);
}

TEST("task_suspend_token/a place that cannot be written: INVALID_ARGS, and nothing is suspended") {
    NEED(child_loops());
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_task_suspend_token(child.thread, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

TEST("task_suspend/suspends as the call of the longer name does") {
    zx_handle_t token = ZX_HANDLE_INVALID;
    NEED(child_loops());
    EXPECT_STATUS(zx_task_suspend(zx_thread_self(), &token), ZX_ERR_NOT_SUPPORTED);
    NEED_OK(zx_task_suspend(child.thread, &token));
    EXPECT(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    MUST(zx_handle_close(token));
    EXPECT(comes_up(child.thread, ZX_THREAD_RUNNING));
    child_end();
}

TEST("task_suspend_token/a suspended thread shows SUSPENDED and stands, and RUNNING when it goes on") {
    NEED(child_loops());
    for (int i = 0; i < 5; i++) {
        zx_handle_t token = suspended(child.thread);
        NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_SUSPENDED);
        EXPECT(stands(&child.board->words[1]));
        MUST(zx_handle_close(token));
        NEED(comes_up(child.thread, ZX_THREAD_RUNNING));
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
        EXPECT(goes_on(&child.board->words[1]));
    }
    child_end();
}

TEST("task_suspend_token/of several tokens the last one counts, the thread's and the process's alike") {
    NEED(child_loops());
    zx_handle_t tokens[] = {suspended(child.thread), suspended(child.process), suspended(child.thread),
                            suspended(child.process)};
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    for (size_t i = 0; i < 4; i++) {
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_SUSPENDED);
        EXPECT(stands(&child.board->words[1]));
        MUST(zx_handle_close(tokens[i]));
    }
    NEED(comes_up(child.thread, ZX_THREAD_RUNNING));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

TEST("task_suspend_token/a thread never started starts as suspended, and runs no instruction") {
    NEED(child_make(&child));
    zx_handle_t token = suspended(child.thread);
    EXPECT_EQ(signals_of(child.thread), 0);
    NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    EXPECT(stands(&child.board->words[1]) && child.board->words[1] == 0);
    MUST(zx_handle_close(token));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

TEST("task_suspend_token/a suspended process: all its threads, and those that start later") {
    NEED(child_make(&child));
    zx_handle_t token = suspended(child.process);
    zx_handle_t second;
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
    NEED_OK(zx_thread_start(second, (uintptr_t)loop, child.stack - 8192, 0, child.board_there));
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED) && comes_up(second, ZX_THREAD_SUSPENDED));
    EXPECT_EQ(child.board->words[1], 0);
    MUST(zx_handle_close(token));
    NEED(comes_up(child.thread, ZX_THREAD_RUNNING) && comes_up(second, ZX_THREAD_RUNNING));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

TEST("task_suspend_token/a thread's own token holds that thread alone") {
    NEED(child_loops());
    NEED(worker_start(&worker, turn, NULL));
    zx_handle_t token = suspended(worker.thread);
    NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
    EXPECT(stands(&turns));
    EXPECT(goes_on(&child.board->words[1]));
    enough = true;
    MUST(zx_handle_close(token));
    EXPECT(worker_join(&worker));
    child_end();
}

TEST("task_suspend_token/a token that lies in a message holds; it lets go when its owner dies") {
    NEED(child_loops());
    struct pair pair = pair_make();
    send_handle(pair.a, suspended(child.thread));
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    struct child owner;
    NEED(child_make(&owner));
    NEED_OK(child_start(&owner, loop, pair.b));
    EXPECT(stands(&child.board->words[1]));
    MUST(zx_task_kill(owner.process));
    NEED(comes_up(child.thread, ZX_THREAD_RUNNING));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

TEST("task_suspend_token/L2 killed while suspended it dies without another instruction; the token has no more effect") {
    for (int i = 0; i < 2; i++) {
        NEED(child_loops());
        zx_handle_t token = suspended(i == 0 ? child.thread : child.process);
        NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
        uint64_t before = child.board->words[1];
        MUST(zx_task_kill(child.process));
        EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
        EXPECT_EQ(child.board->words[1], before);
        EXPECT_OK(zx_handle_close(token));
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
        child_close(&child);
    }
}

TEST("task_suspend_token/killed between suspension and effect, it dies") {
    for (int i = 0; i < 20; i++) {
        NEED(child_make(&child));
        NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
        zx_handle_t token = suspended(i % 2 ? child.thread : child.process);
        MUST(zx_task_kill(child.process));
        EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
        MUST(zx_handle_close(token));
        child_close(&child);
    }
}

TEST("task_suspend_token/L2 a suspended process can be written, read and mapped") {
    NEED(child_loops());
    zx_handle_t token = suspended(child.process);
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    uint64_t word = 77;
    size_t actual;
    zx_vaddr_t there = child.board_there + 8;
    EXPECT_OK(zx_process_write_memory(child.process, there, &word, sizeof(word), &actual));
    EXPECT_EQ(child.board->words[1], 77);
    EXPECT_OK(zx_process_read_memory(child.process, there, &word, sizeof(word), &actual));
    EXPECT_OK(zx_vmar_map(child.vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &there));
    MUST(zx_handle_close(token));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}

/* Waits that go on. */

struct waiting {
    zx_handle_t handle;
    zx_time_t deadline;
    zx_status_t status;
    zx_signals_t observed;
    int32_t word;
};

static void wait_one(void *arg) {
    struct waiting *w = arg;
    w->status = zx_object_wait_one(w->handle, ZX_USER_SIGNAL_0, w->deadline, &w->observed);
}

static void wait_many(void *arg) {
    struct waiting *w = arg;
    zx_wait_item_t item = {.handle = w->handle, .waitfor = ZX_USER_SIGNAL_0};
    w->status = zx_object_wait_many(&item, 1, w->deadline);
    w->observed = item.pending;
}

static void wait_futex(void *arg) {
    struct waiting *w = arg;
    while ((w->status = zx_futex_wait((const zx_futex_t *)&w->word, 0, 0, w->deadline)) == ZX_OK) {
        if (w->word != 0) break;
    }
}

static void sleep_until(void *arg) {
    struct waiting *w = arg;
    w->status = zx_nanosleep(w->deadline);
}

/* Suspends the worker in its wait, and lets it go on. */
static void interrupt_worker(void) {
    zx_handle_t token = suspended(worker.thread);
    (void)comes_up(worker.thread, ZX_THREAD_SUSPENDED);
    MUST(zx_handle_close(token));
    (void)comes_up(worker.thread, ZX_THREAD_RUNNING);
}

TEST("task_suspend_token/waits go on afterwards, and user code never sees it") {
    void (*const waits[])(void *) = {wait_one, wait_many};
    for (size_t i = 0; i < 2; i++) {
        struct waiting w = {.handle = event_make(), .deadline = ZX_TIME_INFINITE, .status = 1};
        NEED(worker_start(&worker, waits[i], &w));
        NEED(thread_waits(worker.thread));
        for (int times = 0; times < 3; times++) interrupt_worker();
        settle();
        EXPECT_EQ(w.status, 1);
        MUST(zx_object_signal(w.handle, 0, ZX_USER_SIGNAL_0));
        NEED(worker_join(&worker));
        EXPECT(w.status == ZX_OK && w.observed == ZX_USER_SIGNAL_0);
    }
}

TEST("task_suspend_token/a signal that comes up meanwhile is seen on resume") {
    struct waiting w = {.handle = event_make(), .deadline = ZX_TIME_INFINITE, .status = 1};
    NEED(worker_start(&worker, wait_one, &w));
    NEED(thread_waits(worker.thread));
    zx_handle_t token = suspended(worker.thread);
    NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
    MUST(zx_object_signal(w.handle, 0, ZX_USER_SIGNAL_0));
    settle();
    EXPECT_EQ(w.status, 1);
    MUST(zx_handle_close(token));
    NEED(worker_join(&worker));
    EXPECT(w.status == ZX_OK && w.observed == ZX_USER_SIGNAL_0);
}

TEST("task_suspend_token/a futex's waiter waits again, and sees the word that changed meanwhile") {
    struct waiting w = {.deadline = ZX_TIME_INFINITE, .status = 1};
    NEED(worker_start(&worker, wait_futex, &w));
    NEED(thread_waits(worker.thread));
    interrupt_worker();
    zx_handle_t token = suspended(worker.thread);
    NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
    __atomic_store_n(&w.word, 1, __ATOMIC_SEQ_CST);
    MUST(zx_futex_wake((const zx_futex_t *)&w.word, 1));
    MUST(zx_handle_close(token));
    NEED(worker_join(&worker));
    EXPECT(w.status == ZX_ERR_BAD_STATE || w.status == ZX_OK);
}

TEST("task_suspend_token/the deadline stays: a sleep that was over meanwhile ends on resume, and none ends early") {
    struct waiting w = {.deadline = zx_deadline_after(ZX_MSEC(300)), .status = 1};
    NEED(worker_start(&worker, sleep_until, &w));
    settle();
    interrupt_worker();
    NEED(worker_join(&worker));
    EXPECT(w.status == ZX_OK && zx_clock_get_monotonic() >= w.deadline);

    w = (struct waiting){.handle = event_make(), .deadline = zx_deadline_after(ZX_MSEC(200)), .status = 1};
    NEED(worker_start(&worker, wait_one, &w));
    zx_handle_t token = suspended(worker.thread);
    NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
    zx_nanosleep(w.deadline + ZX_MSEC(10));
    EXPECT(w.status == 1 || w.status == ZX_ERR_TIMED_OUT);
    MUST(zx_handle_close(token));
    NEED(worker_join(&worker));
    EXPECT_EQ(w.status, ZX_ERR_TIMED_OUT);
}

/* Calls over a channel. */

static void call(void *arg) {
    struct calling *c = arg;
    struct note request = {0, 5};
    uint32_t bytes, handles;
    const zx_channel_call_args_t args = {
        .wr_bytes = &request, .rd_bytes = &c->reply, .wr_num_bytes = sizeof(request), .rd_num_bytes = sizeof(c->reply)};
    c->status = zx_channel_call(c->channel, 0, c->deadline, &args, &bytes, &handles);
}

TEST("task_suspend_token/a call's request is sent once; a reply that comes meanwhile is the caller's and no reader's") {
    struct pair pair = pair_make();
    struct calling c = {.channel = pair.a, .deadline = ZX_TIME_INFINITE, .status = 1};
    NEED(worker_start(&worker, call, &c));
    NEED(thread_waits(worker.thread));
    for (int times = 0; times < 3; times++) interrupt_worker();
    zx_handle_t token = suspended(worker.thread);
    NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
    struct note request = take(pair.b);
    EXPECT_EQ(request.text, 5);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    NEED_OK(put(pair.b, request.txid, 6));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_EQ(c.status, 1);
    MUST(zx_handle_close(token));
    NEED(worker_join(&worker));
    EXPECT(c.status == ZX_OK && c.reply.text == 6);
}

TEST("task_suspend_token/of a call, the other end's close, its handle's and its deadline are seen on resume") {
    for (int i = 0; i < 3; i++) {
        struct pair pair = pair_make();
        struct calling c = {.channel = pair.a, .deadline = ZX_TIME_INFINITE, .status = 1};
        if (i == 2) c.deadline = zx_deadline_after(ZX_MSEC(500));
        NEED(worker_start(&worker, call, &c));
        NEED(thread_waits(worker.thread));
        zx_handle_t token = suspended(worker.thread);
        NEED(comes_up(worker.thread, ZX_THREAD_SUSPENDED));
        if (i == 0) MUST(zx_handle_close(pair.b));
        if (i == 1) MUST(zx_handle_close(pair.a));
        if (i == 2) zx_nanosleep(c.deadline);
        MUST(zx_handle_close(token));
        NEED(worker_join(&worker));
        EXPECT_EQ(c.status, i == 0 ? ZX_ERR_PEER_CLOSED : i == 1 ? ZX_ERR_CANCELED : ZX_ERR_TIMED_OUT);
    }
}

static void call_alone(zx_handle_t handle, uintptr_t there) {
    struct calling c = {.channel = handle, .deadline = ZX_TIME_INFINITE};
    (void)there;
    call(&c);
    for (;;) continue;
}

static void kill_suspended_caller(void) {
    struct pair pair = pair_make();
    NEED(child_make(&child));
    NEED_OK(child_start(&child, call_alone, pair.a));
    NEED(comes_up(pair.b, ZX_CHANNEL_READABLE));
    zx_handle_t token = suspended(child.thread);
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    child_close(&child);
    zx_handle_close(pair.b);
    zx_handle_close(token);
}

TEST("task_suspend_token/killed while suspended in a call, it leaves nothing") {
    check_gives_back(kill_suspended_caller);
}

/* A call that is interrupted and not finished, and then another. */
static void call_and_drop(void *arg) {
    struct calling *c = arg;
    struct note request = {0, 4};
    const zx_channel_call_args_t args = {.wr_bytes = &request, .wr_num_bytes = sizeof(request)};
    zx_status_t status = zx_channel_call_noretry(c->channel, 0, ZX_TIME_INFINITE, &args, NULL, NULL);
    EXPECT_STATUS(status, ZX_ERR_INTERNAL_INTR_RETRY);
    call(c);
}

TEST("channel_call_noretry/a suspension ends it; another call gives it up, and its reply is a message like others") {
    struct pair pair = pair_make();
    struct calling c = {.channel = pair.a, .deadline = ZX_TIME_INFINITE, .status = 1};
    NEED(worker_start(&worker, call_and_drop, &c));
    NEED(comes_up(pair.b, ZX_CHANNEL_READABLE));
    NEED(thread_waits(worker.thread));
    struct note dropped = take(pair.b);
    interrupt_worker();
    NEED(comes_up(pair.b, ZX_CHANNEL_READABLE));
    struct note request = take(pair.b);
    EXPECT(dropped.text == 4 && request.text == 5 && dropped.txid != request.txid);
    NEED_OK(put(pair.b, dropped.txid, dropped.text));
    NEED_OK(put(pair.b, request.txid, request.text));
    NEED(worker_join(&worker));
    EXPECT(c.status == ZX_OK && c.reply.text == 5);
    EXPECT_EQ(take(pair.a).text, 4);
}

TEST("channel_call_finish/without a call that was interrupted: BAD_STATE") {
    EXPECT_STATUS(zx_channel_call_finish(ZX_TIME_INFINITE, NULL, NULL), ZX_ERR_BAD_STATE);
}

/* Much of it, and running out of memory. */

TEST("task_suspend_token/suspended and resumed at any moment, it loses no turn and no wait") {
    struct pair pair = pair_make();
    NEED(child_loops());
    for (int i = 0; i < 300; i++) {
        zx_handle_t token = suspended(i % 3 ? child.thread : child.process);
        if (i % 5 == 0) NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
        if (i % 7 == 0) EXPECT_OK(zx_object_signal(pair.a, 0, ZX_USER_SIGNAL_0));
        MUST(zx_handle_close(token));
    }
    NEED(comes_up(child.thread, ZX_THREAD_RUNNING));
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
    EXPECT(goes_on(&child.board->words[1]));
    EXPECT_OK(kernel_command("check"));
    child_end();
}

static zx_status_t suspend_fresh(void) { return suspend_it(child.thread); }

TEST("task_suspend_token/T20 NO_MEMORY at each allocation, and nothing is suspended") {
    NEED(child_make(&child));
    check_out_of_memory(suspend_fresh);
    NEED_OK(child_start(&child, loop, ZX_HANDLE_INVALID));
    EXPECT(goes_on(&child.board->words[1]));
    child_end();
}
