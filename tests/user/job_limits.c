/*
 * Limits of jobs: that exactly so much can be had, that one more is NO_MEMORY or a page fault and changes nothing, and
 * that what was had is given back when it is gone, whoever had it last.
 */
#include "tests/user/limited.h"
#include "tests/user/probe.h"

static const uint32_t properties[] = {MEMORY, HANDLES, THREADS, PROCESSES, JOBS};

static uint64_t get(zx_handle_t job, uint32_t property) {
    uint64_t value = UNTOUCHED;
    EXPECT_OK(zx_object_get_property(job, property, &value, sizeof(value)));
    return value;
}

/* --- setting and asking --- */

static zx_status_t ask(zx_handle_t handle) {
    zx_info_job_limits_t info;
    return zx_object_get_info(handle, ZX_INFO_JOB_LIMITS, &info, sizeof(info), NULL, NULL);
}

TEST("object_get_info/JOB_LIMITS: handles, rights, types; and a buffer that is too small") {
    zx_info_job_limits_t info;
    size_t actual = 7, avail = 7;
    check_bad_handles(ask);
    check_rights(handle_of(KIND_JOB), ZX_RIGHT_INSPECT, ask);
    EXPECT_STATUS(ask(handle_of(KIND_PROCESS)), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_get_info(handle_of(KIND_JOB), ZX_INFO_JOB_LIMITS, &info, sizeof(info) - 1, &actual, &avail),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT(actual == 0 && avail == 1);
}

TEST("object_get_property/JOB_LIMIT_*: no limit at first, then what was set, memory in whole pages") {
    zx_handle_t job = job_make(zx_job_default());
    for (size_t i = 0; i < KINDS; i++) {
        EXPECT_EQ(get(job, properties[i]), ZX_JOB_UNLIMITED);
        EXPECT_EQ(limit_of(job, properties[i]).limit, ZX_JOB_UNLIMITED);
        EXPECT_OK(limit_set(job, properties[i], 3 * PAGE + 1));
        EXPECT_EQ(get(job, properties[i]), 3 * PAGE + (properties[i] != MEMORY));
        EXPECT_OK(limit_set(job, properties[i], ZX_JOB_UNLIMITED));
        EXPECT_EQ(get(job, properties[i]), ZX_JOB_UNLIMITED);
        EXPECT_OK(limit_set(job, properties[i], (uint64_t)1 << 63));
        EXPECT_EQ(get(job, properties[i]), (uint64_t)1 << 63);
        EXPECT_OK(limit_set(job, properties[i], 0));
        EXPECT_EQ(get(job, properties[i]), 0);
    }
}

static zx_status_t set_one(zx_handle_t job) { return limit_set(job, JOBS, 1); }

TEST("object_set_property/JOB_LIMIT_*: size, then type, then the right, then pointer, then value") {
    zx_handle_t process = handle_of(KIND_PROCESS), outer = job_make(zx_job_default()), job = job_make(outer);
    zx_handle_t weak = handle_without(job, ZX_RIGHT_SET_POLICY);
    for (size_t i = 0; i < KINDS; i++) {
        EXPECT_STATUS(zx_object_set_property(process, properties[i], (void *)8, 7), ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT_STATUS(zx_object_set_property(process, properties[i], (void *)8, 8), ZX_ERR_WRONG_TYPE);
        EXPECT_STATUS(zx_object_set_property(weak, properties[i], (void *)8, 8), ZX_ERR_ACCESS_DENIED);
        EXPECT_STATUS(zx_object_set_property(job, properties[i], (void *)8, 8), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(limit_set(outer, properties[i], 2 * PAGE));
        EXPECT_STATUS(limit_set(job, properties[i], 3 * PAGE), ZX_ERR_OUT_OF_RANGE);
        EXPECT_EQ(get(job, properties[i]), ZX_JOB_UNLIMITED);
        EXPECT_STATUS(limit_set(weak, properties[i], PAGE), ZX_ERR_ACCESS_DENIED);
        EXPECT_EQ(get(weak, properties[i]), ZX_JOB_UNLIMITED);
    }
    check_rights(job, ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_SET_POLICY, set_one);
    EXPECT_STATUS(limit_set(job, JOBS + 1, 1), ZX_ERR_INVALID_ARGS);
}

TEST("object_set_property/JOB_LIMIT_*: as wide as the ancestors' at most, and the least of all is what counts") {
    zx_handle_t outer = job_make(zx_job_default()), middle = job_make(outer), job = job_make(middle);
    for (size_t i = 0; i < KINDS; i++) {
        EXPECT_OK(limit_set(outer, properties[i], 8 * PAGE));
        EXPECT_EQ(limit_of(job, properties[i]).limit, 8 * PAGE);
        EXPECT_STATUS(limit_set(job, properties[i], ZX_JOB_UNLIMITED), ZX_ERR_OUT_OF_RANGE);
        EXPECT_STATUS(limit_set(job, properties[i], 9 * PAGE), ZX_ERR_OUT_OF_RANGE);
        EXPECT_OK(limit_set(job, properties[i], 8 * PAGE));
        EXPECT_OK(limit_set(middle, properties[i], 5 * PAGE));
        EXPECT_EQ(limit_of(job, properties[i]).limit, 5 * PAGE);
        EXPECT_EQ(get(job, properties[i]), 8 * PAGE);
        EXPECT_OK(limit_set(job, properties[i], 4 * PAGE));
        EXPECT_EQ(limit_of(job, properties[i]).limit, 4 * PAGE);
        EXPECT_EQ(limit_of(outer, properties[i]).limit, 8 * PAGE);
    }
}

TEST("object_set_property/JOB_LIMIT_*: the root job has none, and all that is used") {
    zx_handle_t root = zx_job_default(), job = job_make(root);
    EXPECT_EQ(basic_info(root).related_koid, 0);
    for (size_t i = 0; i < KINDS; i++) {
        EXPECT_STATUS(limit_set(root, properties[i], (uint64_t)1 << 62), ZX_ERR_NOT_SUPPORTED);
        EXPECT_STATUS(limit_set(root, properties[i], ZX_JOB_UNLIMITED), ZX_ERR_NOT_SUPPORTED);
        EXPECT_EQ(get(root, properties[i]), ZX_JOB_UNLIMITED);
        const zx_job_limit_t limit = limit_of(root, properties[i]);
        EXPECT(limit.used > 0 && limit.peak >= limit.used && limit.limit == ZX_JOB_UNLIMITED);
    }
    job_make(job_make(job));
    EXPECT(limit_used(root, JOBS) >= 3 && limit_used(job, JOBS) == 2);
}

/* --- objects --- */

static zx_status_t process_in(zx_handle_t job, struct target *t) {
    return zx_process_create(job, "p", 1, 0, &t->process, &t->vmar);
}

static void target_close(const struct target *t) {
    zx_handle_close(t->process);
    zx_handle_close(t->vmar);
}

TEST(
    "process_create, thread_create, job_create/exactly as many as the job's limit, then NO_MEMORY, until one is gone") {
    zx_handle_t job = job_make(zx_job_default()), jobs[4], threads[4], none = UNTOUCHED;
    struct target targets[4], no_target = {UNTOUCHED, UNTOUCHED};
    for (size_t i = 0; i < KINDS; i++) EXPECT_OK(limit_set(job, properties[i], i < 2 ? ZX_JOB_UNLIMITED : 3));
    for (size_t i = 0; i < 3; i++) {
        MUST(process_in(job, &targets[i]));
        MUST(zx_thread_create(targets[0].process, "t", 1, 0, &threads[i]));
        jobs[i] = job_make(job);
        for (size_t k = 2; k < KINDS; k++) EXPECT_EQ(limit_used(job, properties[k]), i + 1);
    }
    EXPECT_STATUS(process_in(job, &no_target), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(zx_thread_create(targets[1].process, "t", 1, 0, &none), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(zx_job_create(job, 0, &none), ZX_ERR_NO_MEMORY);
    EXPECT(no_target.process == UNTOUCHED && no_target.vmar == UNTOUCHED && none == UNTOUCHED);
    MUST(zx_handle_close(jobs[0]));
    MUST(zx_handle_close(threads[0]));
    target_close(&targets[2]);
    for (size_t k = 2; k < KINDS; k++) EXPECT_EQ(limit_used(job, properties[k]), 2);
    MUST(process_in(job, &targets[3]));
    MUST(zx_thread_create(targets[3].process, "t", 1, 0, &threads[3]));
    jobs[3] = job_make(job);
    EXPECT_STATUS(zx_job_create(job, 0, &none), ZX_ERR_NO_MEMORY);
    for (size_t k = 2; k < KINDS; k++) EXPECT_EQ(limit_of(job, properties[k]).peak, 3);
}

TEST("process_create, job_create/what is in a job counts in all jobs above it, and the tightest limit holds") {
    zx_handle_t outer = job_make(zx_job_default()), inner = job_make(outer), other = job_make(outer);
    zx_handle_t none = UNTOUCHED;
    struct target t[3];
    EXPECT_OK(limit_set(outer, PROCESSES, 2));
    EXPECT_OK(limit_set(outer, JOBS, 3));
    MUST(process_in(inner, &t[0]));
    MUST(process_in(other, &t[1]));
    EXPECT_STATUS(process_in(inner, &t[2]), ZX_ERR_NO_MEMORY);
    EXPECT(limit_used(inner, PROCESSES) == 1 && limit_used(other, PROCESSES) == 1 && limit_used(outer, PROCESSES) == 2);
    zx_handle_t below = job_make(inner);
    EXPECT_STATUS(zx_job_create(below, 0, &none), ZX_ERR_NO_MEMORY);
    EXPECT(limit_used(below, JOBS) == 0 && limit_used(inner, JOBS) == 1 && limit_used(outer, JOBS) == 3);
    MUST(zx_handle_close(other));
    EXPECT_EQ(limit_used(outer, JOBS), 3); /* it has a process */
    target_close(&t[1]);
    EXPECT(limit_used(outer, JOBS) == 2 && limit_used(outer, PROCESSES) == 1);
}

TEST("object_set_property/JOB_LIMIT_* below what is used refuses more, and takes nothing away") {
    zx_handle_t job = job_make(zx_job_default()), jobs[3], none = UNTOUCHED;
    for (size_t i = 0; i < 3; i++) jobs[i] = job_make(job);
    EXPECT_OK(limit_set(job, JOBS, 1));
    EXPECT(limit_used(job, JOBS) == 3 && limit_of(job, JOBS).limit == 1);
    EXPECT_STATUS(zx_job_create(job, 0, &none), ZX_ERR_NO_MEMORY);
    MUST(zx_handle_close(jobs[0]));
    MUST(zx_handle_close(jobs[1]));
    EXPECT_STATUS(zx_job_create(job, 0, &none), ZX_ERR_NO_MEMORY);
    MUST(zx_handle_close(jobs[2]));
    EXPECT_OK(zx_job_create(job, 0, &jobs[0]));
    EXPECT(limit_used(job, JOBS) == 1 && limit_of(job, JOBS).peak == 3);
}

/* --- what a process in the job does --- */

#define STEPS ((uint64_t)1000)
#define FAR ((uint64_t)2 << 20) /* bytes, for each of which there is a page table */

static void stay(zx_handle_t none, uintptr_t board) {
    child_turn((struct board *)board, 1);
    zx_process_exit(none);
}

TEST("thread_start/the stack that the kernel has for a thread is memory of the thread's job, from its start on") {
    zx_handle_t job = job_make(zx_job_default()), thread;
    struct child child = child_in(job, stay, ZX_HANDLE_INVALID);
    const uint64_t before = limit_used(job, MEMORY);
    MUST(zx_thread_create(child.process, "t", 1, 0, &thread));
    EXPECT_EQ(limit_used(job, MEMORY), before);
    EXPECT_OK(limit_set(job, MEMORY, before + PAGE));
    EXPECT_STATUS(zx_thread_start(thread, 0, 0, 0, 0), ZX_ERR_NO_MEMORY);
    EXPECT_EQ(limit_used(job, MEMORY), before);
    EXPECT_OK(limit_set(job, MEMORY, before + 40 * PAGE));
    EXPECT_OK(zx_thread_start(thread, (uintptr_t)zx_thread_exit, child.stack - 16 * PAGE + PAGE, 0, 0));
    EXPECT_STATUS(zx_thread_start(thread, 0, 0, 0, 0), ZX_ERR_BAD_STATE);
    EXPECT(limit_of(job, MEMORY).peak >= before + 2 * PAGE);
    EXPECT_OK(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(10)), NULL));
    MUST(zx_handle_close(thread));
    child_kill(&child);
    EXPECT(all_is_given_back(job));
}

static zx_status_t commit_one(zx_handle_t vmo, uint64_t index) {
    return zx_vmo_write(vmo, &index, index * PAGE, sizeof(index));
}
static void commit_all(zx_handle_t vmo, uintptr_t board) { take_all((struct board *)board, commit_one, vmo); }

TEST("vmo_write/exactly as many pages as the job's limit, then NO_MEMORY; they are charged until the VMO is gone") {
    zx_handle_t job = job_make(zx_job_default()), vmo = vmo_make(1000 * PAGE), theirs;
    MUST(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &theirs));
    struct child child = child_in(job, commit_all, theirs);
    const uint64_t limit = limit_used(job, MEMORY) + 40 * PAGE;
    EXPECT_OK(limit_set(job, MEMORY, limit));
    test_turn(&child, 2);
    const uint64_t count = taken(&child);
    EXPECT(count > 20 && count <= 40); /* beside the pages there are what leads to them, and the child's own */
    EXPECT_EQ(limit_used(job, MEMORY), limit);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, count * PAGE);
    EXPECT_OK(limit_set(job, MEMORY, limit + 10 * PAGE));
    test_turn(&child, 3);
    EXPECT(taken(&child) > count + 5 && taken(&child) <= count + 10);
    EXPECT_EQ(limit_used(job, MEMORY), limit + 10 * PAGE);
    MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
    EXPECT_EQ(limit_used(job, MEMORY), limit + 9 * PAGE);
    poke(vmo, 0, 1); /* by this process, which has no limit */
    EXPECT_EQ(limit_used(job, MEMORY), limit + 9 * PAGE);
    test_turn(&child, 4);
    EXPECT_EQ(limit_used(job, MEMORY), limit + 10 * PAGE);
    EXPECT_EQ(limit_of(job, MEMORY).peak, limit + 10 * PAGE);
    child_kill(&child);
    EXPECT(limit_used(job, MEMORY) >= vmo_info(vmo).committed_bytes - PAGE);
    MUST(zx_handle_close(vmo));
    EXPECT(all_is_given_back(job));
}

/* Of as many bytes as there may be. */
static zx_status_t send_one(zx_handle_t channel, uint64_t index) {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    (void)index;
    return zx_channel_write(channel, 0, bytes, sizeof(bytes), NULL, 0);
}
static void send_all(zx_handle_t channel, uintptr_t board) { take_all((struct board *)board, send_one, channel); }

TEST("channel_write/messages that nobody reads are memory of the writer's job, also when that is dead, until they are "
     "read") {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    zx_handle_t job = job_make(zx_job_default());
    struct pair pair = pair_make();
    struct child child = child_in(job, send_all, pair.b);
    EXPECT_OK(limit_set(job, MEMORY, limit_used(job, MEMORY) + 200 * PAGE));
    test_turn(&child, 2);
    const uint64_t count = taken(&child);
    EXPECT(count >= 5 && count <= 200 * PAGE / sizeof(bytes));
    child_kill(&child);
    MUST(zx_task_kill(job));
    EXPECT(limit_used(job, MEMORY) >= count * sizeof(bytes));
    for (uint64_t i = 0; i < count; i++)
        EXPECT_OK(zx_channel_read(pair.a, 0, bytes, NULL, sizeof(bytes), 0, NULL, NULL));
    EXPECT(all_is_given_back(job));
}

/* The test has mapped it; the address is on the board. */
static void touch_each(struct board *board, uint64_t step, bool write) {
    volatile char *at = (volatile char *)atomic_load(&board->words[COUNT]);
    child_turn(board, 1);
    for (uint64_t i = 0; i < STEPS; i++, at += step) {
        if (write)
            *at = 1;
        else
            (void)*at;
        atomic_store(&board->words[COUNT], i + 1);
    }
    zx_process_exit(0);
}
static void write_pages(zx_handle_t none, uintptr_t board) {
    (void)none;
    touch_each((struct board *)board, PAGE, true);
}
static void read_far_apart(zx_handle_t none, uintptr_t board) {
    (void)none;
    touch_each((struct board *)board, FAR, false);
}

/* Lets it touch what it may, up to 40 pages more, until it ends as it must. Returns at how many places it did. */
static uint64_t touched(zx_handle_t job, zx_handle_t vmo, uint64_t size, child_entry *entry, int64_t end) {
    struct child child;
    zx_vaddr_t at;
    MUST_BE(child_make_in(&child, job));
    MUST(zx_vmar_map(child.vmar, PERM_RW, 0, vmo, 0, size, &at));
    atomic_store(&child.board->words[COUNT], at);
    MUST(child_start(&child, entry, ZX_HANDLE_INVALID));
    test_turn(&child, 1);
    const uint64_t limit = limit_used(job, MEMORY) + 40 * PAGE;
    EXPECT_OK(limit_set(job, MEMORY, limit));
    atomic_store(&child.board->words[TEST_IS_AT], 1);
    EXPECT_EQ(child_wait(&child), end);
    EXPECT_EQ(limit_of(job, MEMORY).peak, limit);
    const uint64_t count = atomic_load(&child.board->words[COUNT]);
    child_close(&child);
    return count;
}

TEST("memory/a store that needs a page beyond the job's limit is a page fault, and another job's store is none") {
    zx_handle_t job = job_make(zx_job_default()), vmo = vmo_make(STEPS * PAGE);
    const uint64_t count = touched(job, vmo, STEPS * PAGE, write_pages, ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT(count > 20 && count <= 40);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, count * PAGE);
    poke(vmo, count * PAGE, 1);
    MUST(zx_handle_close(vmo));
    EXPECT(all_is_given_back(job));
}

TEST("memory/page tables are memory of the job that caused them, and go when it has reached its limit") {
    zx_handle_t job = job_make(zx_job_default()), vmo = vmo_make(STEPS * FAR);
    EXPECT_EQ(touched(job, vmo, STEPS * FAR, read_far_apart, 0), STEPS);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, 0);
    EXPECT(all_is_given_back(job));
}

static zx_status_t write_one(zx_handle_t process, uint64_t index) {
    size_t actual;
    return zx_process_write_memory(process, PLACE + index * PAGE, &index, sizeof(index), &actual);
}
static void write_all(zx_handle_t process, uintptr_t board) { take_all((struct board *)board, write_one, process); }

TEST("write_memory/pages that a write makes in another's memory are the writer's job's, and its limit ends it") {
    zx_handle_t job = job_make(zx_job_default()), vmo = vmo_make(1000 * PAGE), theirs;
    struct target target = target_make();
    target_map(&target, PLACE, vmo, 0, 1000 * PAGE, PERM_RW);
    MUST(zx_handle_duplicate(target.process, ZX_RIGHT_SAME_RIGHTS, &theirs));
    struct child child = child_in(job, write_all, theirs);
    const uint64_t limit = limit_used(job, MEMORY) + 40 * PAGE;
    EXPECT_OK(limit_set(job, MEMORY, limit));
    test_turn(&child, 2);
    EXPECT(taken(&child) > 20 && taken(&child) <= 40);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, taken(&child) * PAGE);
    EXPECT_EQ(limit_used(job, MEMORY), limit);
    child_kill(&child);
    target_close(&target);
    MUST(zx_handle_close(vmo));
    EXPECT(all_is_given_back(job));
}
