/*
 * Exceptions as their handlers see them: the message, the thread that stands still, its registers and the report, the
 * verdict, and whom the exception leads to.
 */
#include "tests/user/catch.h"

static struct child child;

/* A child that has stopped where nothing is, and what its process's channel says of it. */
static zx_handle_t channel;
static struct caught caught;

static void count_up(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    for (;;) ((struct board *)there)->words[2]++;
}

static bool counted_on_from(uint64_t count) {
    for (int i = 0; i < 5000 && child.board->words[2] == count; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return child.board->words[2] != count;
}

static zx_status_t get_report(zx_handle_t thread, zx_exception_report_t *report) {
    return zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, report, sizeof(*report), NULL, NULL);
}

TEST("exception/a page fault, handled by another process: it changes a register, and the instruction runs again") {
    NEED(child_stops(&child, &channel, &caught));
    lead_to_board(&child, child.thread, 77);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 77);
}

TEST("exception/the message: koids, type and zeros; the handle: an exception, not to be waited for or duplicated") {
    NEED(child_stops(&child, &channel, &caught));
    const zx_exception_info_t want = {
        basic_info(child.process).koid, basic_info(child.thread).koid, ZX_EXCP_FATAL_PAGE_FAULT, {0}};
    EXPECT_BYTES(&caught.info, &want, sizeof(want));
    zx_info_handle_basic_t info = basic_info(caught.exception);
    EXPECT(info.type == ZX_OBJ_TYPE_EXCEPTION && info.rights == ZX_DEFAULT_EXCEPTION_RIGHTS);
    EXPECT(info.props == ZX_OBJ_PROP_NONE && info.related_koid == 0);
    zx_handle_t copy;
    EXPECT_STATUS(zx_handle_duplicate(caught.exception, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_wait_one(caught.exception, 1, 0, NULL), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_get_property(caught.exception, ZX_PROP_NAME, &copy, 0), ZX_ERR_BUFFER_TOO_SMALL);
}

TEST("exception/the thread is BLOCKED_EXCEPTION, by a process's channel; the report has vector, error code and cr2") {
    zx_exception_report_t report;
    NEED(child_stops(&child, &channel, &caught));
    zx_info_thread_t info = thread_info(child.thread);
    EXPECT_EQ(info.state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    EXPECT_EQ(info.wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_PROCESS);
    EXPECT_EQ(signals_of(child.thread), ZX_THREAD_RUNNING);
    NEED_OK(get_report(child.thread, &report));
    EXPECT(report.header.size == sizeof(report) && report.header.type == ZX_EXCP_FATAL_PAGE_FAULT);
    EXPECT_EQ(report.context.arch.u.x86_64.vector, 14);
    EXPECT_EQ(report.context.arch.u.x86_64.err_code, 4);
    EXPECT_EQ(report.context.arch.u.x86_64.cr2, NOTHING_THERE);
    EXPECT_EQ(registers_of(child.thread).rax, NOTHING_THERE);
}

TEST("object_get_info/the exception report: INSPECT; BAD_STATE for a thread that is in none; size and type") {
    zx_exception_report_t report;
    size_t avail;
    EXPECT_STATUS(get_report(zx_thread_self(), &report), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(get_report(handle_of(KIND_THREAD), &report), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(get_report(zx_process_self(), &report), ZX_ERR_WRONG_TYPE);
    NEED(child_stops(&child, &channel, &caught));
    EXPECT_STATUS(get_report(handle_without(child.thread, ZX_RIGHT_INSPECT), &report), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(
        zx_object_get_info(child.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report) - 1, NULL, &avail),
        ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(avail, 1);
    zx_handle_t token;
    NEED_OK(zx_task_suspend_token(child.thread, &token));
    EXPECT_OK(get_report(child.thread, &report));
    lead_to_board(&child, child.thread, 3);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    NEED_OK(zx_object_wait_one(child.thread, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, NULL));
    EXPECT_STATUS(get_report(child.thread, &report), ZX_ERR_BAD_STATE);
    MUST(zx_handle_close(token));
    EXPECT_EQ(child_wait(&child), 3);
}

TEST("exception/closed without a word it is not handled, and ends the process; so it is with TRY_NEXT") {
    for (int i = 0; i < 2; i++) {
        NEED(child_stops(&child, &channel, &caught));
        if (i == 1) EXPECT_OK(exception_set(caught.exception, ZX_PROP_EXCEPTION_STATE, ZX_EXCEPTION_STATE_TRY_NEXT));
        MUST(zx_handle_close(caught.exception));
        EXPECT_EQ(child_wait(&child), CRASHED);
        child_close(&child);
        zx_handle_close(channel);
    }
}

TEST("exception/THREAD_EXIT: the thread exits, and nothing else") {
    NEED(child_stops(&child, &channel, &caught));
    release(caught, ZX_EXCEPTION_STATE_THREAD_EXIT);
    EXPECT_EQ(child_wait(&child), 0);
}

TEST("exception/HANDLED, and nothing changed: the same instruction raises it again, as often as that") {
    NEED(child_stops(&child, &channel, &caught));
    for (int i = 0; i < 3; i++) {
        zx_koid_t koid = basic_info(caught.exception).koid;
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        caught = catch_of(channel, &child, ZX_EXCP_FATAL_PAGE_FAULT);
        EXPECT(basic_info(caught.exception).koid != koid);
    }
    lead_to_board(&child, child.thread, 4);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), 4);
}

TEST("exception/other threads go on meanwhile, and have exceptions of their own; their messages queue") {
    zx_handle_t second, third;
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_thread_create(child.process, "t", 1, 0, &second));
    NEED_OK(zx_thread_start(second, (uintptr_t)count_up, child.stack - 8192, 0, child.board_there));
    NEED(counted_on_from(0));
    for (int i = 0; i < 2; i++) {
        NEED_OK(zx_thread_create(child.process, "t", 1, 0, &third));
        NEED_OK(zx_thread_start(third, (uintptr_t)load_nothing, child.stack - 16384, 0, child.board_there));
        struct caught other = catch_any(channel);
        EXPECT_EQ(other.info.tid, basic_info(third).koid);
        release(other, ZX_EXCEPTION_STATE_THREAD_EXIT);
        EXPECT_OK(zx_object_wait_one(third, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL));
        MUST(zx_handle_close(third));
    }
    EXPECT_EQ(thread_info(child.thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    EXPECT(counted_on_from(child.board->words[2]));
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
}

/* Properties. */

static zx_status_t get_word(zx_handle_t exception, uint32_t property, uint32_t *value) {
    return zx_object_get_property(exception, property, value, sizeof(*value));
}

TEST("object_set_property/EXCEPTION_STATE: three values, read back; size, then type, then pointer, then value") {
    uint32_t value = UNTOUCHED;
    const uint32_t state = ZX_PROP_EXCEPTION_STATE;
    NEED(child_stops(&child, &channel, &caught));
    EXPECT_OK(get_word(caught.exception, state, &value));
    EXPECT_EQ(value, ZX_EXCEPTION_STATE_TRY_NEXT);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_OK(exception_set(caught.exception, state, i));
        EXPECT_STATUS(exception_set(caught.exception, state, 3), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(exception_set(caught.exception, state, UINT32_MAX), ZX_ERR_INVALID_ARGS);
        EXPECT(get_word(caught.exception, state, &value) == ZX_OK && value == i);
    }
    EXPECT_STATUS(zx_object_set_property(child.thread, state, &value, 3), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_get_property(child.thread, state, &value, 3), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(exception_set(child.thread, state, 9), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(get_word(child.thread, state, &value), ZX_ERR_WRONG_TYPE);
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_object_set_property(caught.exception, state, (void *)bad_sources[i], 4), ZX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_object_get_property(caught.exception, state, (void *)bad_targets[i], 4), ZX_ERR_INVALID_ARGS);
    EXPECT(get_word(caught.exception, state, &value) == ZX_OK && value == 2);
}

TEST("object_set_property/EXCEPTION_STRATEGY: two values; BAD_STATE where it was not reported to a debugger") {
    uint32_t value = UNTOUCHED;
    const uint32_t strategy = ZX_PROP_EXCEPTION_STRATEGY;
    NEED(child_stops(&child, &channel, &caught));
    EXPECT_STATUS(exception_set(caught.exception, strategy, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(exception_set(caught.exception, strategy, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(get_word(caught.exception, strategy, &value), ZX_ERR_BAD_STATE);
    EXPECT_EQ(value, UNTOUCHED);
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    caught = catch_of(debugger, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    EXPECT(get_word(caught.exception, strategy, &value) == ZX_OK && value == ZX_EXCEPTION_STRATEGY_FIRST_CHANCE);
    EXPECT_STATUS(exception_set(caught.exception, strategy, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(exception_set(caught.exception, strategy, ZX_EXCEPTION_STRATEGY_SECOND_CHANCE));
    EXPECT(get_word(caught.exception, strategy, &value) == ZX_OK && value == ZX_EXCEPTION_STRATEGY_SECOND_CHANCE);
    EXPECT_STATUS(exception_set(child.process, strategy, 0), ZX_ERR_WRONG_TYPE);
}

TEST("object_set_property/H6 an exception's properties need GET_PROPERTY and SET_PROPERTY") {
    uint32_t value;
    zx_handle_t handle;
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_handle_replace(caught.exception, ZX_RIGHT_SET_PROPERTY, &handle));
    EXPECT_OK(exception_set(handle, ZX_PROP_EXCEPTION_STATE, ZX_EXCEPTION_STATE_THREAD_EXIT));
    EXPECT_STATUS(get_word(handle, ZX_PROP_EXCEPTION_STATE, &value), ZX_ERR_ACCESS_DENIED);
    NEED_OK(zx_handle_replace(handle, ZX_RIGHT_NONE, &handle));
    EXPECT_STATUS(exception_set(handle, ZX_PROP_EXCEPTION_STATE, 0), ZX_ERR_ACCESS_DENIED);
    MUST(zx_handle_close(handle));
    EXPECT_EQ(child_wait(&child), 0);
}

/* Whom it leads to. */

static zx_status_t get_thread(zx_handle_t exception) {
    zx_handle_t thread;
    zx_status_t status = zx_exception_get_thread(exception, &thread);
    if (status == ZX_OK) MUST(zx_handle_close(thread));
    return status;
}

static zx_status_t get_process(zx_handle_t exception) {
    zx_handle_t process;
    zx_status_t status = zx_exception_get_process(exception, &process);
    if (status == ZX_OK) MUST(zx_handle_close(process));
    return status;
}

TEST("exception_get_thread/H1 H2 H3 H4 H5 H11 BAD_HANDLE, WRONG_TYPE; no right is needed") {
    zx_handle_t none;
    check_handles(KIND_COUNT, get_thread);
    check_handles(KIND_COUNT, get_process);
    NEED(child_stops(&child, &channel, &caught));
    NEED_OK(zx_handle_replace(caught.exception, ZX_RIGHT_NONE, &none));
    EXPECT_OK(get_thread(none));
    EXPECT_OK(get_process(none));
}

TEST("exception_get_process/both handles have the rights of the one that the channel was made with") {
    const zx_rights_t rights = ZX_RIGHT_INSPECT | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_MANAGE_THREAD |
                               ZX_RIGHT_ENUMERATE | ZX_RIGHT_READ;
    zx_handle_t thread, process;
    NEED(child_make(&child));
    channel = channel_on(handle_with(child.process, rights), 0);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    caught = catch_any(channel);
    NEED_OK(zx_exception_get_thread(caught.exception, &thread));
    NEED_OK(zx_exception_get_process(caught.exception, &process));
    EXPECT(basic_info(thread).koid == caught.info.tid && basic_info(process).koid == caught.info.pid);
    EXPECT(basic_info(thread).type == ZX_OBJ_TYPE_THREAD && basic_info(process).type == ZX_OBJ_TYPE_PROCESS);
    EXPECT(handle_rights(thread) == rights && handle_rights(process) == rights);
    EXPECT_EQ(registers_of(thread).rax, NOTHING_THERE);
}

TEST("exception_get_process/of an exception that was reported to a thread's channel: ACCESS_DENIED") {
    NEED(child_make(&child));
    channel = channel_on(child.thread, 0);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    caught = catch_of(channel, &child, ZX_EXCP_FATAL_PAGE_FAULT);
    EXPECT_OK(get_thread(caught.exception));
    EXPECT_STATUS(get_process(caught.exception), ZX_ERR_ACCESS_DENIED);
}

TEST("exception_get_thread/O1 O2 O3 O4 a place that cannot be written: INVALID_ARGS") {
    NEED(child_stops(&child, &channel, &caught));
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t *out = (zx_handle_t *)bad_targets[i];
        EXPECT_STATUS(zx_exception_get_thread(caught.exception, out), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_exception_get_process(caught.exception, out), ZX_ERR_INVALID_ARGS);
    }
}

TEST("exception_get_thread/L4 after their death too; the state can still be set, and means nothing") {
    NEED(child_stops(&child, &channel, &caught));
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    EXPECT_OK(get_thread(caught.exception));
    EXPECT_OK(get_process(caught.exception));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(process_info(child.process).return_code, KILLED);
}
