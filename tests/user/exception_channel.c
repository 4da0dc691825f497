/*
 * zx_task_create_exception_channel: who can have one, how many there are, and how long they live.
 */
#include "tests/user/catch.h"

#define NEEDED (ZX_RIGHT_INSPECT | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_MANAGE_THREAD)

static struct child child;

static zx_status_t create(zx_handle_t task, uint32_t options) {
    zx_handle_t channel;
    zx_status_t status = zx_task_create_exception_channel(task, options, &channel);
    if (status == ZX_OK) MUST(zx_handle_close(channel));
    return status;
}

static zx_status_t create_standard(zx_handle_t task) { return create(task, 0); }

static zx_handle_t job_make(void) {
    zx_handle_t job;
    MUST(zx_job_create(zx_job_default(), 0, &job));
    return job;
}

static void sleep_long(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    zx_nanosleep(ZX_TIME_INFINITE);
}

TEST("task_create_exception_channel/options other than DEBUGGER: INVALID_ARGS, before the handle is looked at") {
    EXPECT_STATUS(create(ZX_HANDLE_INVALID, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(create(ZX_HANDLE_INVALID, UINT32_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(create(ZX_HANDLE_INVALID, DEBUGGER), ZX_ERR_BAD_HANDLE);
}

TEST("task_create_exception_channel/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") {
    check_bad_handles(create_standard);
}

TEST("task_create_exception_channel/H5 H6 H13 rights, then a thread's debugger, then the type, then ENUMERATE") {
    const zx_handle_t tasks[] = {handle_of(KIND_THREAD), handle_of(KIND_PROCESS), handle_of(KIND_JOB)};
    for (size_t i = 0; i < 3; i++) {
        zx_rights_t rights = NEEDED | (i > 0 ? ZX_RIGHT_ENUMERATE : 0);
        check_rights(handle_with(tasks[i], rights), rights, create_standard);
        EXPECT_OK(create(handle_with(tasks[i], rights), 0));
        EXPECT_STATUS(create(handle_with(tasks[i], rights), DEBUGGER), i == 0 ? ZX_ERR_INVALID_ARGS : ZX_OK);
    }
    EXPECT_STATUS(create(handle_without(tasks[0], ZX_RIGHT_INSPECT), DEBUGGER), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(create(handle_of(KIND_EVENT), 0), ZX_ERR_ACCESS_DENIED);
}

TEST("task_create_exception_channel/the end: a channel, with TRANSFER, WAIT and READ, that nobody can write") {
    zx_handle_t channel = channel_on(zx_process_self(), 0);
    zx_info_handle_basic_t info = basic_info(channel);
    EXPECT(info.type == ZX_OBJ_TYPE_CHANNEL && info.rights == (ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT | ZX_RIGHT_READ));
    EXPECT(info.props == ZX_OBJ_PROP_WAITABLE);
    EXPECT_STATUS(zx_channel_write(channel, 0, "x", 1, NULL, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_channel_read(channel, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST("task_create_exception_channel/O1 O2 O3 O4 a place that cannot be written: INVALID_ARGS, and the place is free") {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_task_create_exception_channel(zx_process_self(), 0, (zx_handle_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_OK(create(zx_process_self(), 0));
}

TEST("task_create_exception_channel/one of each kind: another is ALREADY_BOUND until its end is closed") {
    const struct {
        zx_handle_t task;
        uint32_t options;
    } kinds[] = {{zx_thread_self(), 0},       {zx_process_self(), 0},          {zx_process_self(), DEBUGGER},
                 {handle_of(KIND_JOB), 0},    {handle_of(KIND_JOB), DEBUGGER}, {handle_of(KIND_THREAD), 0},
                 {handle_of(KIND_PROCESS), 0}};
    zx_handle_t channels[7];
    for (size_t i = 0; i < 7; i++) channels[i] = channel_on(kinds[i].task, kinds[i].options);
    for (int times = 0; times < 2; times++) {
        for (size_t i = 0; i < 7; i++) EXPECT_STATUS(create(kinds[i].task, kinds[i].options), ZX_ERR_ALREADY_BOUND);
        for (size_t i = 0; i < 7; i++) {
            MUST(zx_handle_close(channels[i]));
            channels[i] = channel_on(kinds[i].task, kinds[i].options);
        }
    }
}

TEST("task_create_exception_channel/L4 L6 the dead, the dying and a killed job: BAD_STATE; PEER_CLOSED shows it") {
    zx_handle_t job = job_make();
    NEED(child_make_in(&child, job));
    const zx_handle_t channels[] = {channel_on(child.thread, 0), channel_on(child.process, 0),
                                    channel_on(child.process, DEBUGGER), channel_on(job, 0), channel_on(job, DEBUGGER)};
    NEED_OK(child_start(&child, sleep_long, ZX_HANDLE_INVALID));
    struct caught starts = catch_of(channels[4], &child, ZX_EXCP_PROCESS_STARTING);
    release(starts, 0);
    starts = catch_of(channels[2], &child, ZX_EXCP_THREAD_STARTING);
    release(starts, 0);
    MUST(zx_task_kill(job));
    EXPECT_STATUS(create(child.process, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(create(child.process, DEBUGGER), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(create(job, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(create(job, DEBUGGER), ZX_ERR_BAD_STATE);
    EXPECT_EQ(child_wait(&child), KILLED);
    NEED_OK(zx_object_wait_one(job, ZX_JOB_TERMINATED, ZX_TIME_INFINITE, NULL));
    EXPECT_STATUS(create(child.thread, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(create(child.process, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(create(job, DEBUGGER), ZX_ERR_BAD_STATE);
    for (size_t i = 0; i < 5; i++) EXPECT(signals_of(channels[i]) & ZX_CHANNEL_PEER_CLOSED);
    /* What lies in it can still be read. */
    struct caught exits = catch_of(channels[2], &child, ZX_EXCP_THREAD_EXITING);
    EXPECT_OK(zx_handle_close(exits.exception));
    zx_info_process_t info = process_info(child.process);
    EXPECT(info.exited && !info.debugger_attached);
}

TEST("task_create_exception_channel/when TERMINATED is up the channel is closed already; so it is of what never ran") {
    NEED(child_make(&child));
    zx_handle_t channel = channel_on(child.process, 0), thread = channel_on(child.thread, 0);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(signals_of(channel), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_EQ(signals_of(thread), ZX_CHANNEL_WRITABLE);
    MUST(zx_handle_close(child.thread));
    EXPECT_EQ(signals_of(thread), ZX_CHANNEL_PEER_CLOSED);

    zx_handle_t job = job_make();
    channel = channel_on(job, 0);
    EXPECT_EQ(signals_of(channel), ZX_CHANNEL_WRITABLE);
    MUST(zx_handle_close(job));
    EXPECT_EQ(signals_of(channel), ZX_CHANNEL_PEER_CLOSED);
}

TEST("object_get_info/debugger_attached: while the process's debugger has its channel open, and not for its job's") {
    NEED(child_make(&child));
    EXPECT(!process_info(child.process).debugger_attached);
    for (int i = 0; i < 2; i++) {
        zx_handle_t debugger = channel_on(child.process, DEBUGGER);
        EXPECT(process_info(child.process).debugger_attached);
        MUST(zx_handle_close(debugger));
        EXPECT(!process_info(child.process).debugger_attached);
    }
    zx_handle_t others = channel_on(child.process, 0);
    EXPECT(!process_info(child.process).debugger_attached);
    MUST(zx_handle_close(others));
    zx_handle_t job = channel_on(handle_of(KIND_JOB), DEBUGGER);
    EXPECT(!process_info(handle_of(KIND_PROCESS)).debugger_attached);
    MUST(zx_handle_close(job));
}

TEST("object_get_info/JOB tells whether the job's own debugger has its channel open") {
    zx_handle_t job = job_make();
    zx_info_job_t info;
    for (int i = 0; i < 3; i++) {
        zx_handle_t channel = i ? channel_on(i == 1 ? job : zx_job_default(), i == 1 ? DEBUGGER : 0) : 0;
        EXPECT_OK(zx_object_get_info(job, ZX_INFO_JOB, &info, sizeof(info), NULL, NULL));
        EXPECT_EQ(info.debugger_attached, i == 1);
        MUST(zx_handle_close(channel));
    }
}

static zx_status_t create_on_self(void) { return create(zx_process_self(), DEBUGGER); }

TEST("task_create_exception_channel/T20 NO_MEMORY at each allocation, and the place is free") {
    check_out_of_memory(create_on_self);
}

static void die_with_a_message(void) {
    NEED(child_make(&child));
    zx_handle_t channel = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, load_nothing, ZX_HANDLE_INVALID));
    NEED_OK(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), KILLED);
    child_close(&child);
    MUST(zx_handle_close(channel));
}

TEST("task_create_exception_channel/unread exceptions of the dead are given back with the channel") {
    check_gives_back(die_with_a_message);
}
