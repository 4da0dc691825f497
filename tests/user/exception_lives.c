/*
 * Exceptions that meet the end of something: a kill, an exit, a suspension, a handle that is sent on, a handler that
 * dies; and memory that runs out.
 */
#include "tests/user/catch.h"

static struct child child;
static zx_handle_t channel;
static struct caught caught;

static bool comes_up(zx_handle_t thread, zx_signals_t signal) {
    return TEST_STATUS(zx_object_wait_one(thread, signal, zx_deadline_after(ZX_SEC(10)), NULL), ZX_OK);
}

TEST("exception/L4 killed, the thread ends at once, and no other handler is asked; HANDLED comes too late") {
    for (int late = 0; late < 2; late++) {
        NEED(child_stops(&child, &channel, &caught));
        zx_handle_t job;
        MUST(zx_handle_duplicate(zx_job_default(), ZX_RIGHT_SAME_RIGHTS, &job));
        zx_handle_t next = channel_on(job, 0);
        lead_to_board(&child, child.thread, 7);
        if (!late) EXPECT_OK(exception_set(caught.exception, ZX_PROP_EXCEPTION_STATE, ZX_EXCEPTION_STATE_HANDLED));
        MUST(zx_task_kill(child.process));
        EXPECT_EQ(child_wait(&child), KILLED);
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        EXPECT(nothing_comes(next));
        MUST(zx_handle_close(next));
        child_close(&child);
    }
}

TEST("exception/L2 L4 killed in an exception, suspended as well, by its process or its job: it ends all the same") {
    for (int i = 0; i < 4; i++) {
        zx_handle_t job, token;
        MUST(zx_job_create(zx_job_default(), 0, &job));
        NEED(child_make_in(&child, job));
        channel = channel_on(child.process, 0);
        NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
        caught = catch_any(channel);
        NEED_OK(zx_task_suspend_token(i % 2 ? child.thread : child.process, &token));
        MUST(zx_task_kill(i < 2 ? job : child.process));
        EXPECT_EQ(child_wait(&child), KILLED);
        EXPECT_EQ(signals_of(child.thread), ZX_THREAD_TERMINATED);
        MUST(zx_handle_close(token));
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        child_close(&child);
        MUST(zx_handle_close(channel));
        MUST(zx_handle_close(job));
    }
}

TEST("exception/L14 another thread of the process exits: so does the one in the exception") {
    zx_handle_t second;
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(zx_thread_start(second, (uintptr_t)zx_process_exit, child.stack - 8192, 9, 0));
    EXPECT_EQ(child_wait(&child), 9);
    release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
}

TEST("exception/suspended meanwhile it stays in the exception; afterwards it is SUSPENDED, until the token is gone") {
    zx_handle_t token;
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_task_suspend_token(child.thread, &token));
    settle();
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
    lead_to_board(&child, child.thread, 8);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_SUSPENDED);
    EXPECT_EQ(thread_info(child.thread).wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_NONE);
    EXPECT_EQ(registers_of(child.thread).rax, child.board_there + 8);
    MUST(zx_handle_close(token));
    EXPECT_EQ(child_wait(&child), 8);
}

TEST("exception/a suspension that ends meanwhile leaves the thread where it is") {
    zx_handle_t tokens[2];
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_task_suspend_token(child.thread, &tokens[0]));
    NEED_OK(zx_task_suspend_token(child.process, &tokens[1]));
    for (int i = 0; i < 2; i++) MUST(zx_handle_close(tokens[i]));
    settle();
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    lead_to_board(&child, child.thread, 9);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 9);
}

TEST("exception/a thread suspended before it starts is in its starting exception first") {
    zx_handle_t token;
    NEED(child_make(&child));
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(zx_task_suspend_token(child.thread, &token));
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    caught = catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING);
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
    NEED(comes_up(child.thread, ZX_THREAD_SUSPENDED));
    MUST(zx_handle_close(token));
    MUST(zx_handle_close(debugger));
    EXPECT_EQ(child_wait(&child), CRASHED);
}

TEST("exception/a handle sent on keeps the thread, and who receives it gives the verdict") {
    NEED(child_stops(&child, &channel, &caught));
    struct pair pair = pair_make();
    send_handle(pair.a, caught.exception);
    settle();
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    NEED_OK(zx_channel_read(pair.b, 0, NULL, &caught.exception, 0, 1, NULL, NULL));
    lead_to_board(&child, child.thread, 10);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 10);
}

TEST("exception/a handle that is lost in a message counts as closed") {
    NEED(child_stops(&child, &channel, &caught));
    struct pair pair = pair_make();
    EXPECT_OK(exception_set(caught.exception, ZX_PROP_EXCEPTION_STATE, ZX_EXCEPTION_STATE_THREAD_EXIT));
    send_handle(pair.a, caught.exception);
    MUST(zx_handle_close(pair.b));
    EXPECT_EQ(child_wait(&child), 0);
}

static void hold(struct agent_start *start) {
    (void)start;
    zx_nanosleep(ZX_TIME_INFINITE);
}

/* A debugger of its own process, which is killed with the exception in its hands. */
TEST("exception/a debugger that dies lets go of the thread: the next is asked, and it can be attached to again") {
    struct child debugger;
    NEED(child_make(&child));
    NEED(child_make(&debugger));
    channel = channel_on(child.process, 0);
    zx_handle_t reported = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    release(catch_of(reported, &child, ZX_EXCP_THREAD_STARTING), ZX_EXCEPTION_STATE_TRY_NEXT);
    NEED_OK(zx_object_wait_one(reported, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    NEED_OK(child_start(&debugger, (child_entry *)(uintptr_t)hold, reported));
    EXPECT(process_info(child.process).debugger_attached);
    MUST(zx_task_kill(debugger.process));
    caught = catch_of(channel, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    EXPECT(!process_info(child.process).debugger_attached);
    reported = channel_on(child.process, DEBUGGER);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    release(catch_of(reported, &child, ZX_EXCP_FATAL_PAGE_FAULT), ZX_EXCEPTION_STATE_THREAD_EXIT);
    release(catch_of(reported, &child, ZX_EXCP_THREAD_EXITING), ZX_EXCEPTION_STATE_TRY_NEXT);
    EXPECT_EQ(child_wait(&child), 0);
}

/* A thread of the test's own that faults, and the test that handles it. */

static struct worker worker;
static volatile uint64_t found;

static void load(void *arg) {
    uint64_t value;
    (void)arg;
    __asm__ volatile("movq (%%rax), %0" : "=r"(value) : "a"((uint64_t)NOTHING_THERE) : "memory");
    found = value;
}

TEST("exception/a process handles an exception of its own, on another thread") {
    static const uint64_t word = 11;
    channel = channel_on(zx_process_self(), 0);
    NEED(worker_start(&worker, load, NULL));
    caught = catch_any(channel);
    EXPECT_EQ(caught.info.pid, basic_info(zx_process_self()).koid);
    zx_thread_state_general_regs_t regs = registers_of(worker.thread);
    regs.rax = (uintptr_t)&word;
    registers_set(worker.thread, &regs);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    NEED(worker_join(&worker));
    EXPECT_EQ(found, 11);
}

static struct caught take_own(zx_handle_t own) {
    struct caught taken = {.exception = ZX_HANDLE_INVALID};
    (void)!zx_object_wait_one(own, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
    (void)!zx_channel_read(own, 0, &taken.info, &taken.exception, sizeof(taken.info), 1, NULL, NULL);
    return taken;
}

/* Ends with its own exception unread, in its hands, or in a channel of its own. */
static void exit_in_exception(zx_handle_t own, uintptr_t there) {
    struct board *board = (struct board *)there;
    zx_handle_t ends[2];
    if (board->words[0] > 0) {
        struct caught taken = take_own(own);
        if (board->words[0] > 1 && zx_channel_create(0, &ends[0], &ends[1]) == ZX_OK)
            (void)!zx_channel_write(ends[0], 0, NULL, 0, &taken.exception, 1);
    }
    zx_process_exit(12);
}

TEST("exception/L14 a process that exits with its own exception in its hands ends") {
    for (uint64_t where = 0; where < 3; where++) {
        zx_handle_t second;
        NEED(child_make(&child));
        NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
        child.board->words[0] = where;
        zx_handle_t own = channel_on(child.process, 0);
        NEED_OK(child_start(&child, exit_in_exception, own));
        zx_status_t started = zx_thread_start(second, (uintptr_t)load_nothing, child.stack - 8192, 0, 0);
        EXPECT(started == ZX_OK || (where == 0 && started == ZX_ERR_BAD_STATE));
        EXPECT_EQ(child_wait(&child), 12);
        MUST(zx_handle_close(second));
        child_close(&child);
    }
}

TEST("exception/a thread that is its own handler waits until it is killed") {
    NEED(child_make(&child));
    zx_handle_t own = channel_on(child.thread, 0);
    NEED_OK(child_start(&child, load_nothing, own));
    while (thread_info(child.thread).state != ZX_THREAD_STATE_BLOCKED_EXCEPTION) zx_nanosleep(0);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
}

/* What it asks is in a channel that nobody else reads, whose other end is the process's own. */
static void be_own_handler(void) {
    for (uint32_t on_process = 0; on_process < 2; on_process++) {
        NEED(child_make(&child));
        zx_handle_t own = channel_on(on_process ? child.process : child.thread, 0);
        NEED_OK(child_start(&child, load_nothing, own));
        while (thread_info(child.thread).state != ZX_THREAD_STATE_BLOCKED_EXCEPTION) zx_nanosleep(0);
        MUST(zx_task_kill(child.process));
        EXPECT_EQ(child_wait(&child), KILLED);
        child_close(&child);
    }
}

TEST("exception/a thread that was its own handler leaves nothing") { check_gives_back(be_own_handler); }

/* Bad pointers of system calls. */

static void pass_bad_pointer(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    zx_process_exit(zx_object_get_info(ZX_HANDLE_INVALID, ZX_INFO_HANDLE_VALID, (void *)8, 8, NULL, NULL) ==
                                ZX_ERR_BAD_HANDLE &&
                            zx_channel_create(0, (zx_handle_t *)8, (zx_handle_t *)16) == ZX_ERR_INVALID_ARGS
                        ? 13
                        : 1);
}

TEST("exception/a bad pointer of a system call is its error, and no exception") {
    NEED(child_make(&child));
    channel = channel_on(child.process, 0);
    NEED_OK(child_start(&child, pass_bad_pointer, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), 13);
    EXPECT_EQ(signals_of(channel), ZX_CHANNEL_PEER_CLOSED);
}

/* Races, and what is left behind. */

static void handle_a_few(void) {
    for (int i = 0; i < 3; i++) {
        NEED(child_stops(&child, &channel, &caught));
        if (i == 0) lead_to_board(&child, child.thread, 1);
        release(caught, i == 0 ? ZX_EXCEPTION_STATE_HANDLED : ZX_EXCEPTION_STATE_TRY_NEXT);
        if (i == 2) MUST(zx_task_kill(child.process));
        (void)child_wait(&child);
        child_close(&child);
        MUST(zx_handle_close(channel));
    }
}

TEST("exception/handled or not, or killed, it leaves nothing") { check_gives_back(handle_a_few); }

TEST("exception/L5 killed at any moment, a thread ends, whatever its handler does") {
    for (int i = 0; i < 30; i++) {
        NEED(child_make(&child));
        channel = channel_on(child.process, i % 2 ? DEBUGGER : 0);
        NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
        if (i % 3 == 0) MUST(zx_handle_close(catch_any(channel).exception));
        if (i % 5 == 0) MUST(zx_handle_close(channel));
        MUST(zx_task_kill(child.process));
        int64_t code = child_wait(&child);
        EXPECT(code == KILLED || code == CRASHED);
        child_close(&child);
        if (i % 5) MUST(zx_handle_close(channel));
    }
    EXPECT_OK(kernel_command("check"));
}

/* Memory that runs out while an exception is reported. */

static void fault_without_memory(zx_handle_t resource, uintptr_t there) {
    char text[] = "fail 0";
    text[5] = (char)('0' + ((struct board *)there)->words[0]);
    (void)!zx_debug_send_command(resource, text, 6);
    load_nothing(ZX_HANDLE_INVALID, there);
}

TEST("exception/T20 a handler that there is no memory to ask is passed over, and nothing is lost") {
    for (uint64_t nth = 1; nth < 4; nth++) {
        zx_handle_t job;
        MUST(zx_job_create(zx_job_default(), 0, &job));
        NEED(child_make_in(&child, job));
        const zx_handle_t first = channel_on(child.process, 0), next = channel_on(job, 0);
        child.board->words[0] = nth;
        NEED_OK(child_start(&child, fault_without_memory, handle_with(test_resource(), ZX_RIGHT_SAME_RIGHTS)));
        caught = catch_of(nth < 3 ? next : first, &child, ZX_EXCP_FATAL_PAGE_FAULT);
        EXPECT_EQ(signals_of(first) & ZX_CHANNEL_READABLE, 0);
        release(caught, ZX_EXCEPTION_STATE_THREAD_EXIT);
        EXPECT_EQ(child_wait(&child), 0);
        EXPECT_OK(kernel_command("fail"));
        child_close(&child);
        MUST(zx_handle_close(first));
        MUST(zx_handle_close(next));
        MUST(zx_handle_close(job));
    }
}

#define LIMIT ((uint64_t)400 * PAGE)
#define FOR_REPORTS ((uint64_t)16 * PAGE)

static zx_job_limit_t memory_limit(zx_handle_t job) {
    zx_info_job_limits_t limits;
    MUST(zx_object_get_info(job, ZX_INFO_JOB_LIMITS, &limits, sizeof(limits), NULL, NULL));
    return limits.memory;
}

/* Takes all the memory that its job may have, and then does something wrong. */
static void crash_at_the_limit(zx_handle_t vmo, uintptr_t there) {
    for (uint64_t i = 0; zx_vmo_write(vmo, "x", i * PAGE, 1) == ZX_OK; i++) {}
    load_nothing(vmo, there);
}

TEST("exception/a thread is reported though its job has reached its limit of memory, and exceeds that by little") {
    for (int debugged = 0; debugged < 2; debugged++) {
        const uint64_t limit = LIMIT;
        zx_handle_t job;
        MUST(zx_job_create(zx_job_default(), 0, &job));
        MUST(zx_object_set_property(job, ZX_PROP_JOB_LIMIT_MEMORY, &limit, sizeof(limit)));
        NEED(child_make_in(&child, job));
        channel = debugged ? channel_on(child.process, DEBUGGER) : channel_on(job, 0);
        NEED_OK(child_start(&child, crash_at_the_limit, vmo_make(2 * LIMIT)));
        if (debugged) release(catch_of(channel, &child, ZX_EXCP_THREAD_STARTING), ZX_EXCEPTION_STATE_HANDLED);
        caught = catch_of(channel, &child, ZX_EXCP_FATAL_PAGE_FAULT);
        const zx_job_limit_t memory = memory_limit(job);
        if (!TEST_TRUE(memory.peak >= LIMIT && memory.peak <= LIMIT + FOR_REPORTS))
            test_note("%llu of %llu", (unsigned long long)memory.peak, (unsigned long long)memory.limit);
        release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
        EXPECT_EQ(child_wait(&child), CRASHED);
        child_close(&child);
        MUST(zx_handle_close(channel));
        MUST(zx_handle_close(job));
    }
}
