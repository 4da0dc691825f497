/* Limits of jobs: handles, in the tables of a job's processes and in the messages that these wrote. */
#include "tests/user/limited.h"
#include "tests/user/probe.h"

static zx_status_t copy_one(zx_handle_t event, uint64_t index) {
    zx_handle_t copy;
    (void)index;
    return zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy);
}
static void copy_all(zx_handle_t event, uintptr_t board) { take_all((struct board *)board, copy_one, event); }

TEST("handle_duplicate/exactly as many handles as the job's limit, then NO_MEMORY; all go with the process") {
    zx_handle_t job = job_make(zx_job_default());
    struct child child = child_in(job, copy_all, event_make());
    const uint64_t before = limit_used(job, HANDLES);
    EXPECT(before >= 1);
    EXPECT_OK(limit_set(job, HANDLES, before + 100));
    test_turn(&child, 2);
    EXPECT_EQ(taken(&child), 100);
    EXPECT_EQ(limit_used(job, HANDLES), before + 100);
    EXPECT_OK(limit_set(job, HANDLES, before + 101));
    test_turn(&child, 3);
    EXPECT_EQ(taken(&child), 101);
    child_kill(&child);
    EXPECT(all_is_given_back(job));
    EXPECT_EQ(limit_of(job, HANDLES).peak, before + 101);
}

static zx_status_t send_event(zx_handle_t channel, uint64_t index) {
    zx_handle_t event;
    zx_status_t status = zx_event_create(0, &event);
    (void)index;
    return status == ZX_OK ? zx_channel_write(channel, 0, NULL, 0, &event, 1) : status;
}
static void send_events(zx_handle_t channel, uintptr_t board) { take_all((struct board *)board, send_event, channel); }

TEST("channel_write/handles in messages count in the writer's job, also when that is dead, until they are read") {
    zx_handle_t job = job_make(zx_job_default()), event;
    struct pair pair = pair_make();
    struct child child = child_in(job, send_events, pair.b);
    const uint64_t before = limit_used(job, HANDLES);
    EXPECT_OK(limit_set(job, HANDLES, before + 100));
    test_turn(&child, 2);
    EXPECT_EQ(taken(&child), 100);
    EXPECT_EQ(limit_used(job, HANDLES), before + 100);
    MUST(zx_channel_read(pair.a, 0, NULL, &event, 0, 1, NULL, NULL));
    EXPECT_EQ(limit_used(job, HANDLES), before + 99);
    EXPECT_STATUS(zx_channel_read(pair.a, ZX_CHANNEL_READ_MAY_DISCARD, NULL, NULL, 0, 0, NULL, NULL),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(limit_used(job, HANDLES), before + 98);
    test_turn(&child, 3);
    EXPECT_EQ(taken(&child), 102);
    child_kill(&child);
    MUST(zx_task_kill(job));
    EXPECT_EQ(limit_used(job, HANDLES), 100);
    for (int i = 0; i < 50; i++) {
        MUST(zx_handle_close(event));
        MUST(zx_channel_read(pair.a, 0, NULL, &event, 0, 1, NULL, NULL));
    }
    MUST(zx_handle_close(event));
    EXPECT_EQ(limit_used(job, HANDLES), 50);
    MUST(zx_handle_close(pair.a));
    EXPECT(all_is_given_back(job));
}

/* At the limit: passes handles on to itself and back, and would send a copy of one. */
static void pass_on(zx_handle_t job, uintptr_t board) {
    zx_handle_t end, other, events[2];
    zx_info_job_limits_t info;
    CHILD_NEED(zx_channel_create(0, &end, &other) == ZX_OK, 1);
    for (size_t i = 0; i < 2; i++) CHILD_NEED(zx_event_create(0, &events[i]) == ZX_OK, 2);
    zx_handle_disposition_t copy = {ZX_HANDLE_OP_DUPLICATE, events[0], 0, ZX_RIGHT_SAME_RIGHTS, ZX_OK};
    child_turn((struct board *)board, 1);
    for (int i = 0; i < 3; i++) {
        CHILD_NEED(zx_channel_write(end, 0, NULL, 0, events, 2) == ZX_OK, 3);
        CHILD_NEED(zx_channel_read(other, 0, NULL, events, 0, 2, NULL, NULL) == ZX_OK, 4);
    }
    copy.handle = events[0];
    CHILD_NEED(zx_channel_write_etc(end, 0, NULL, 0, &copy, 1) == ZX_ERR_NO_MEMORY, 5);
    CHILD_NEED(copy.result == ZX_ERR_NO_MEMORY, 6);
    CHILD_NEED(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL) == ZX_ERR_SHOULD_WAIT, 7);
    CHILD_NEED(zx_object_get_info(job, ZX_INFO_JOB_LIMITS, &info, sizeof(info), NULL, NULL) == ZX_OK, 8);
    zx_process_exit(info.handles.used == info.handles.limit && info.handles.peak == info.handles.limit ? 0 : 9);
}

TEST("channel_write_etc/NO_MEMORY: a copy of a handle beyond the job's limit; what is moved needs no room") {
    zx_handle_t job = job_make(zx_job_default()), theirs;
    MUST(zx_handle_duplicate(job, ZX_RIGHT_SAME_RIGHTS, &theirs));
    struct child child = child_in(job, pass_on, theirs);
    EXPECT_OK(limit_set(job, HANDLES, limit_used(job, HANDLES)));
    atomic_store(&child.board->words[TEST_IS_AT], 1);
    EXPECT_EQ(child_wait(&child), 0);
    child_close(&child);
    EXPECT(all_is_given_back(job));
}
