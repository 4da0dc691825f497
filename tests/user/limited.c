/* Jobs with limits, and children in them that take what they may; see limited.h. */
#include "tests/user/limited.h"

#include "tests/user/probe.h"

zx_handle_t job_make(zx_handle_t parent) {
    zx_handle_t job;
    MUST(zx_job_create(parent, 0, &job));
    return job;
}

zx_status_t limit_set(zx_handle_t job, uint32_t property, uint64_t value) {
    return zx_object_set_property(job, property, &value, sizeof(value));
}

static zx_info_job_limits_t limits_of(zx_handle_t job) {
    zx_info_job_limits_t info = {0};
    EXPECT_OK(zx_object_get_info(job, ZX_INFO_JOB_LIMITS, &info, sizeof(info), NULL, NULL));
    return info;
}

zx_job_limit_t limit_of(zx_handle_t job, uint32_t property) {
    const zx_info_job_limits_t info = limits_of(job);
    const zx_job_limit_t limits[KINDS] = {info.memory, info.handles, info.threads, info.processes, info.jobs};
    return limits[property - MEMORY];
}

uint64_t limit_used(zx_handle_t job, uint32_t property) { return limit_of(job, property).used; }

bool all_is_given_back(zx_handle_t job) {
    const zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    for (;;) {
        const zx_info_job_limits_t info = limits_of(job);
        if (info.memory.used + info.handles.used + info.threads.used + info.processes.used + info.jobs.used == 0)
            return true;
        if (zx_clock_get_monotonic() >= deadline) return false;
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    }
}

static void await(_Atomic uint64_t *word, uint64_t value) {
    while (atomic_load(word) < value) zx_nanosleep(0);
}

void child_turn(struct board *board, uint64_t turn) {
    atomic_store(&board->words[CHILD_IS_AT], turn);
    await(&board->words[TEST_IS_AT], turn);
}

void test_turn(struct child *child, uint64_t turn) {
    atomic_store(&child->board->words[TEST_IS_AT], turn - 1);
    await(&child->board->words[CHILD_IS_AT], turn);
}

void take_all(struct board *board, zx_status_t (*take)(zx_handle_t arg, uint64_t index), zx_handle_t arg) {
    uint64_t count = 0;
    zx_status_t status;
    for (uint64_t turn = 1;; turn++) {
        child_turn(board, turn);
        while ((status = take(arg, count)) == ZX_OK) count++;
        atomic_store(&board->words[COUNT], count);
        atomic_store(&board->words[STATUS], (uint64_t)(int64_t)status);
    }
}

uint64_t taken(const struct child *child) {
    EXPECT_EQ((int64_t)child->board->words[STATUS], ZX_ERR_NO_MEMORY);
    return child->board->words[COUNT];
}

struct child child_in(zx_handle_t job, child_entry *entry, zx_handle_t arg) {
    struct child child;
    MUST_BE(child_make_in(&child, job));
    MUST(child_start(&child, entry, arg));
    test_turn(&child, 1);
    return child;
}

void child_kill(struct child *child) {
    MUST(zx_task_kill(child->process));
    EXPECT_EQ(child_wait(child), ZX_TASK_RETCODE_SYSCALL_KILL);
    child_close(child);
}
