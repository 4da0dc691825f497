/*
 * Who is asked about an exception, in which order, and what the debuggers alone are told.
 */
#include "tests/user/catch.h"

#define PLACES 6

static struct child child;
static zx_handle_t outer, inner; /* jobs; the child is in the inner one */
static zx_handle_t tasks[PLACES];

static const uint32_t options[PLACES] = {DEBUGGER};
static const uint32_t types[PLACES] = {ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, ZX_EXCEPTION_CHANNEL_TYPE_THREAD,
                                       ZX_EXCEPTION_CHANNEL_TYPE_PROCESS,  ZX_EXCEPTION_CHANNEL_TYPE_JOB,
                                       ZX_EXCEPTION_CHANNEL_TYPE_JOB,      ZX_EXCEPTION_CHANNEL_TYPE_JOB};

/* A child in two jobs, and all that can have a channel, in the order in which they are asked. */
static bool scene_make(void) {
    MUST(zx_job_create(zx_job_default(), 0, &outer));
    MUST(zx_job_create(outer, 0, &inner));
    if (!child_make_in(&child, inner)) return false;
    const zx_handle_t all[PLACES] = {child.process, child.thread, child.process, inner, outer, zx_job_default()};
    memcpy(tasks, all, sizeof(tasks));
    return true;
}

/* The next one to be asked is at that place. */
static struct caught expect_at(const zx_handle_t channels[PLACES], size_t place) {
    struct caught caught = catch_of(channels[place], &child, ZX_EXCP_FATAL_PAGE_FAULT);
    zx_info_thread_t info = thread_info(child.thread);
    EXPECT_EQ(info.state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    EXPECT_EQ(info.wait_exception_channel_type, types[place]);
    for (size_t i = 0; i < PLACES; i++) {
        if (channels[i]) EXPECT_EQ(signals_of(channels[i]) & ZX_CHANNEL_READABLE, 0);
    }
    return caught;
}

static void pass_starting(zx_handle_t debugger) {
    release(catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING), ZX_EXCEPTION_STATE_TRY_NEXT);
}

TEST("exception/the order: debugger, thread, process, job, its parents; then the process ends") {
    zx_handle_t channels[PLACES];
    NEED(scene_make());
    for (size_t i = 0; i < PLACES; i++) channels[i] = channel_on(tasks[i], options[i]);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    pass_starting(channels[0]);
    for (size_t i = 0; i < PLACES; i++) release(expect_at(channels, i), ZX_EXCEPTION_STATE_TRY_NEXT);
    release(catch_of(channels[0], &child, ZX_EXCP_THREAD_EXITING), 0);
    EXPECT_EQ(child_wait(&child), CRASHED);
}

TEST("exception/HANDLED by any of them ends the search; those without a channel are passed over") {
    for (size_t place = 1; place < PLACES; place++) {
        zx_handle_t channels[PLACES] = {0};
        NEED(scene_make());
        channels[place] = channel_on(tasks[place], options[place]);
        if (place < 4) channels[4] = channel_on(tasks[4], 0);
        NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
        struct caught caught = expect_at(channels, place);
        lead_to_board(&child, child.thread, place);
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        EXPECT_EQ(child_wait(&child), place);
        if (channels[4] && place < 4) EXPECT(nothing_comes(channels[4]));
        if (channels[4]) MUST(zx_handle_close(channels[4]));
        if (place != 4) MUST(zx_handle_close(channels[place]));
        child_close(&child);
    }
}

TEST("exception/a second chance: the debugger is asked again after the process, if it said so, and once") {
    for (uint32_t strategy = 0; strategy < 2; strategy++) {
        zx_handle_t channels[PLACES] = {0};
        NEED(scene_make());
        for (size_t i = 0; i < 4; i++) channels[i] = channel_on(tasks[i], options[i]);
        NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
        pass_starting(channels[0]);
        for (size_t i = 0; i < 3; i++) {
            struct caught caught = expect_at(channels, i);
            if (i == 0) EXPECT_OK(exception_set(caught.exception, ZX_PROP_EXCEPTION_STRATEGY, strategy));
            release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
        }
        /* The second time it has no say in how often. */
        if (strategy == ZX_EXCEPTION_STRATEGY_SECOND_CHANCE) {
            struct caught caught = expect_at(channels, 0);
            uint32_t value = 0;
            EXPECT_OK(zx_object_get_property(caught.exception, ZX_PROP_EXCEPTION_STRATEGY, &value, sizeof(value)));
            EXPECT_EQ(value, strategy);
            EXPECT_OK(exception_set(caught.exception, ZX_PROP_EXCEPTION_STRATEGY, strategy));
            release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
        }
        struct caught last = expect_at(channels, 3);
        MUST(zx_handle_close(channels[0]));
        release(last, ZX_EXCEPTION_STATE_THREAD_EXIT);
        EXPECT_EQ(child_wait(&child), 0);
        child_close(&child);
    }
}

TEST("exception/a channel that is closed with the message unread: the next is asked; once it was read, nothing "
     "happens") {
    zx_handle_t channels[PLACES] = {0};
    NEED(scene_make());
    channels[1] = channel_on(tasks[1], 0);
    channels[2] = channel_on(tasks[2], 0);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    NEED_OK(zx_object_wait_one(channels[1], ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    EXPECT(nothing_comes(channels[2]));
    MUST(zx_handle_close(channels[1]));
    channels[1] = ZX_HANDLE_INVALID;
    struct caught caught = expect_at(channels, 2);
    MUST(zx_handle_close(channels[2]));
    settle();
    EXPECT_EQ(thread_info(child.thread).wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_PROCESS);
    lead_to_board(&child, child.thread, 5);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 5);
}

TEST("exception/after it was handled the next one begins with the first again") {
    zx_handle_t channels[PLACES] = {0};
    NEED(scene_make());
    channels[1] = channel_on(tasks[1], 0);
    channels[2] = channel_on(tasks[2], 0);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    for (int i = 0; i < 2; i++) {
        release(expect_at(channels, 1), ZX_EXCEPTION_STATE_TRY_NEXT);
        release(expect_at(channels, 2), ZX_EXCEPTION_STATE_HANDLED);
    }
    release(expect_at(channels, 1), ZX_EXCEPTION_STATE_THREAD_EXIT);
    EXPECT_EQ(child_wait(&child), 0);
}

/* What debuggers are told. */

static void exit_with_argument(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    ((struct board *)there)->words[3] = 1;
    zx_thread_exit();
}

TEST("exception/a thread that starts has run nothing; its registers are there, and count") {
    NEED(scene_make());
    zx_handle_t debugger = channel_on(child.process, DEBUGGER), others = channel_on(child.process, 0);
    NEED_OK(child_start(&child, exit_with_argument, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING);
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    EXPECT_EQ(child.board->words[3], 0);
    zx_exception_report_t report, want = {.header = {sizeof(report), ZX_EXCP_THREAD_STARTING}};
    NEED_OK(zx_object_get_info(child.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL));
    EXPECT_BYTES(&report, &want, sizeof(want));
    zx_thread_state_general_regs_t regs = registers_of(child.thread);
    EXPECT(regs.rip == (uintptr_t)exit_with_argument && regs.rsp == child.stack && regs.rsi == child.board_there);
    regs.rip = (uintptr_t)load_nothing;
    registers_set(child.thread, &regs);
    release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
    release(catch_of(debugger, &child, ZX_EXCP_FATAL_PAGE_FAULT), ZX_EXCEPTION_STATE_TRY_NEXT);
    caught = catch_of(others, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    lead_to_board(&child, child.thread, 6);
    MUST(zx_handle_close(debugger));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 6);
}

TEST("exception/a thread that exits is DYING until its debugger lets it go, and has no registers") {
    zx_thread_state_general_regs_t regs;
    NEED(scene_make());
    zx_handle_t debugger = channel_on(child.process, DEBUGGER), others = channel_on(child.process, 0);
    NEED_OK(child_start(&child, exit_with_argument, ZX_HANDLE_INVALID));
    pass_starting(debugger);
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_EXITING);
    EXPECT(nothing_comes(others));
    zx_info_thread_t info = thread_info(child.thread);
    EXPECT_EQ(info.state, ZX_THREAD_STATE_DYING);
    EXPECT_EQ(info.wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER);
    EXPECT_STATUS(zx_thread_read_state(child.thread, 0, &regs, sizeof(regs)), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_thread_write_state(child.thread, 0, &regs, sizeof(regs)), ZX_ERR_NOT_SUPPORTED);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
    release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
    EXPECT_EQ(child_wait(&child), 0);
}

TEST("exception/killed, a thread is reported as exiting, and waits for nobody") {
    NEED(scene_make());
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    pass_starting(debugger);
    struct caught fault = catch_of(debugger, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    MUST(zx_handle_close(catch_of(debugger, &child, ZX_EXCP_THREAD_EXITING).exception));
    release(fault, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(signals_of(debugger), ZX_CHANNEL_PEER_CLOSED);
}

TEST("exception/held as it exits, a thread that is killed is gone at once") {
    NEED(scene_make());
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, exit_with_argument, ZX_HANDLE_INVALID));
    pass_starting(debugger);
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_EXITING);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
}

TEST("exception/a process that starts: the nearest job's debugger alone, before the thread's start") {
    for (int nearest = 0; nearest < 2; nearest++) {
        NEED(scene_make());
        zx_handle_t far = channel_on(outer, DEBUGGER), near = nearest ? channel_on(inner, DEBUGGER) : far;
        zx_handle_t debugger = channel_on(child.process, DEBUGGER);
        NEED_OK(child_start(&child, exit_with_argument, ZX_HANDLE_INVALID));
        struct caught caught = catch_of(near, &child, ZX_EXCP_PROCESS_STARTING);
        zx_info_thread_t info = thread_info(child.thread);
        EXPECT_EQ(info.wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER);
        EXPECT_EQ(registers_of(child.thread).rip, (uintptr_t)exit_with_argument);
        EXPECT(nothing_comes(debugger));
        release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
        pass_starting(debugger);
        MUST(zx_handle_close(debugger));
        EXPECT_EQ(child_wait(&child), 0);
        EXPECT(!(signals_of(far) & ZX_CHANNEL_READABLE));
        child_close(&child);
    }
}

TEST("exception/only the first thread of a process starts it") {
    zx_handle_t second;
    NEED(scene_make());
    zx_handle_t debugger = channel_on(inner, DEBUGGER), channel = channel_on(inner, 0);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    release(catch_of(debugger, &child, ZX_EXCP_PROCESS_STARTING), ZX_EXCEPTION_STATE_TRY_NEXT);
    struct caught caught = catch_of(channel, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(zx_thread_start(second, (uintptr_t)exit_with_argument, child.stack - 8192, 0, child.board_there));
    EXPECT_OK(zx_object_wait_one(second, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL));
    EXPECT(nothing_comes(debugger));
    release(caught, ZX_EXCEPTION_STATE_THREAD_EXIT);
    EXPECT_EQ(child_wait(&child), 0);
}
