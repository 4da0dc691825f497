/*
 * Numbers of processes and jobs: properties, and what object_get_info tells of jobs and of a process's handles.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define DEBUG_ADDR ZX_PROP_PROCESS_DEBUG_ADDR
#define VDSO_BASE ZX_PROP_PROCESS_VDSO_BASE_ADDRESS
#define KILL_ON_OOM ZX_PROP_JOB_KILL_ON_OOM
#define BREAK_ON_SET ZX_PROCESS_DEBUG_ADDR_BREAK_ON_SET

static zx_status_t set(zx_handle_t handle, uint32_t property, uint64_t value) {
    return zx_object_set_property(handle, property, &value, sizeof(value));
}

static uint64_t get(zx_handle_t handle, uint32_t property) {
    uint64_t value = UNTOUCHED;
    EXPECT_OK(zx_object_get_property(handle, property, &value, sizeof(value)));
    return value;
}

TEST("object_set_property/PROCESS_DEBUG_ADDR is set once, but that BREAK_ON_SET may be replaced") {
    struct target t = target_make(), other = target_make();
    EXPECT_EQ(get(t.process, DEBUG_ADDR), 0);
    EXPECT_STATUS(set(t.process, DEBUG_ADDR, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(set(t.process, DEBUG_ADDR, BREAK_ON_SET));
    EXPECT_EQ(get(t.process, DEBUG_ADDR), BREAK_ON_SET);
    EXPECT_OK(set(t.process, DEBUG_ADDR, BREAK_ON_SET));
    EXPECT_OK(set(t.process, DEBUG_ADDR, 0x123456789abcdef0));
    EXPECT_EQ(get(t.process, DEBUG_ADDR), 0x123456789abcdef0);
    EXPECT_STATUS(set(t.process, DEBUG_ADDR, BREAK_ON_SET), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(set(t.process, DEBUG_ADDR, 0x123456789abcdef0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(set(t.process, DEBUG_ADDR, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(get(t.process, DEBUG_ADDR), 0x123456789abcdef0);
    EXPECT_OK(set(other.process, DEBUG_ADDR, UINT64_MAX));
    EXPECT_EQ(get(other.process, DEBUG_ADDR), UINT64_MAX);
    MUST(zx_task_kill(t.process));
    EXPECT_EQ(get(t.process, DEBUG_ADDR), 0x123456789abcdef0);
}

/* Each thread tries to be the one that sets it. */
#define RACERS 4
static struct racer {
    struct worker worker;
    zx_handle_t process;
    uint64_t value;
    zx_status_t status;
} racers[RACERS];

static void race(void *arg) {
    struct racer *racer = arg;
    racer->status = set(racer->process, DEBUG_ADDR, racer->value);
}

TEST("object_set_property/PROCESS_DEBUG_ADDR: of several that set it at once, one does") {
    struct target t = target_make();
    unsigned winners = 0;
    for (uint64_t i = 0; i < RACERS; i++) {
        racers[i].process = t.process;
        racers[i].value = 100 + i;
        NEED(worker_start(&racers[i].worker, race, &racers[i]));
    }
    for (size_t i = 0; i < RACERS; i++) NEED(worker_join(&racers[i].worker));
    for (size_t i = 0; i < RACERS; i++) {
        if (racers[i].status != ZX_OK) EXPECT_STATUS(racers[i].status, ZX_ERR_ACCESS_DENIED);
        if (racers[i].status != ZX_OK) continue;
        winners++;
        EXPECT_EQ(get(t.process, DEBUG_ADDR), racers[i].value);
    }
    EXPECT_EQ(winners, 1);
}

TEST("object_get_property/PROCESS_VDSO_BASE_ADDRESS is 0, and cannot be set") {
    EXPECT_EQ(get(zx_process_self(), VDSO_BASE), 0);
    EXPECT_STATUS(set(zx_process_self(), VDSO_BASE, 1), ZX_ERR_INVALID_ARGS);
}

static zx_info_job_t job_info(zx_handle_t job) {
    zx_info_job_t info = {0};
    EXPECT_OK(zx_object_get_info(job, ZX_INFO_JOB, &info, sizeof(info), NULL, NULL));
    return info;
}

TEST("object_set_property/JOB_KILL_ON_OOM is 0 or 1, shows in ZX_INFO_JOB, and cannot be got") {
    zx_handle_t job, child;
    uint64_t value;
    NEED_OK(zx_job_create(zx_job_default(), 0, &job));
    EXPECT(!job_info(job).kill_on_oom);
    EXPECT_OK(set(job, KILL_ON_OOM, 1));
    NEED_OK(zx_job_create(job, 0, &child));
    EXPECT(job_info(job).kill_on_oom && !job_info(child).kill_on_oom);
    EXPECT_STATUS(set(job, KILL_ON_OOM, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(set(job, KILL_ON_OOM, (uint64_t)1 << 32), ZX_ERR_INVALID_ARGS);
    EXPECT(job_info(job).kill_on_oom);
    EXPECT_OK(set(job, KILL_ON_OOM, 0));
    EXPECT(!job_info(job).kill_on_oom);
    EXPECT_STATUS(zx_object_get_property(job, KILL_ON_OOM, &value, sizeof(value)), ZX_ERR_INVALID_ARGS);
}

static zx_status_t mark(zx_handle_t job) { return set(job, KILL_ON_OOM, 1); }

TEST("object_set_property/JOB_KILL_ON_OOM needs SET_POLICY: a program cannot say it of its own job, nor take it back") {
    zx_handle_t job = handle_of(KIND_JOB), weak = handle_without(job, ZX_RIGHT_SET_POLICY);
    check_rights(job, ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_SET_POLICY, mark);
    EXPECT(job_info(job).kill_on_oom);
    EXPECT_STATUS(set(weak, KILL_ON_OOM, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_set_property(weak, KILL_ON_OOM, (void *)8, 7), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_set_property(weak, KILL_ON_OOM, (void *)8, 8), ZX_ERR_ACCESS_DENIED);
    EXPECT(job_info(job).kill_on_oom);
    EXPECT_OK(set(job, KILL_ON_OOM, 0));
}

TEST("object_set_property/numbers of tasks: size, then type, then pointer; what is too large is as good") {
    zx_handle_t job = handle_of(KIND_JOB), process = handle_of(KIND_PROCESS);
    uint64_t value[2] = {1, 1};
    EXPECT_STATUS(zx_object_set_property(job, DEBUG_ADDR, (void *)8, 7), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_set_property(job, DEBUG_ADDR, (void *)8, 8), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_set_property(process, DEBUG_ADDR, (void *)8, 8), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_set_property(process, KILL_ON_OOM, (void *)8, 7), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_set_property(process, KILL_ON_OOM, (void *)8, 8), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_set_property(job, KILL_ON_OOM, (void *)8, 8), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_object_set_property(job, KILL_ON_OOM, value, sizeof(value)));
    EXPECT_OK(set(job, KILL_ON_OOM, 0));
}

TEST("object_get_property/numbers of tasks: size, then type, then pointer, and not a byte more") {
    zx_handle_t process = handle_of(KIND_PROCESS);
    uint64_t value[2] = {UNTOUCHED, UNTOUCHED};
    EXPECT_STATUS(zx_object_get_property(handle_of(KIND_JOB), DEBUG_ADDR, (void *)8, 7), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_STATUS(zx_object_get_property(handle_of(KIND_JOB), DEBUG_ADDR, (void *)8, 8), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_object_get_property(process, VDSO_BASE, (void *)8, 8), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_object_get_property(process, VDSO_BASE, value, sizeof(value)));
    EXPECT(value[0] == 0 && value[1] == UNTOUCHED);
}

TEST("object_get_info/JOB: it has exited when it was killed and all in it is dead") {
    zx_handle_t job;
    struct target t = {0};
    NEED_OK(zx_job_create(zx_job_default(), 0, &job));
    NEED_OK(zx_process_create(job, "member", 6, 0, &t.process, &t.vmar));
    zx_info_job_t info = job_info(job);
    EXPECT(!info.exited && info.return_code == 0 && !info.debugger_attached);
    NEED_OK(zx_task_kill(job));
    NEED_OK(zx_object_wait_one(job, ZX_JOB_TERMINATED, zx_deadline_after(ZX_SEC(10)), NULL));
    info = job_info(job);
    EXPECT(info.exited && info.return_code == ZX_TASK_RETCODE_SYSCALL_KILL);
}

static zx_status_t ask_job(zx_handle_t handle) {
    zx_info_job_t info;
    return zx_object_get_info(handle, ZX_INFO_JOB, &info, sizeof(info), NULL, NULL);
}

TEST("object_get_info/JOB: handles, rights, types") {
    check_bad_handles(ask_job);
    check_rights(handle_of(KIND_JOB), ZX_RIGHT_INSPECT, ask_job);
    EXPECT_STATUS(ask_job(handle_of(KIND_PROCESS)), ZX_ERR_WRONG_TYPE);
}

static uint32_t count_of(zx_handle_t process, zx_obj_type_t type) {
    zx_info_process_handle_stats_t stats;
    MUST(zx_object_get_info(process, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats.handle_count[type];
}

TEST("object_get_info/PROCESS_HANDLE_STATS counts the handles of a process by type, duplicates too") {
    zx_handle_t self = zx_process_self(), event = event_make(), copy;
    uint32_t events = count_of(self, ZX_OBJ_TYPE_EVENT), vmos = count_of(self, ZX_OBJ_TYPE_VMO);
    EXPECT(events >= 1);
    MUST(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
    EXPECT(count_of(self, ZX_OBJ_TYPE_EVENT) == events + 1 && count_of(self, ZX_OBJ_TYPE_VMO) == vmos);
    struct pair pair = pair_make();
    MUST(zx_channel_write(pair.a, 0, NULL, 0, &copy, 1));
    EXPECT_EQ(count_of(self, ZX_OBJ_TYPE_EVENT), events);
    struct target t = target_make();
    zx_info_process_handle_stats_t stats, none = {0};
    EXPECT_OK(zx_object_get_info(t.process, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats), NULL, NULL));
    EXPECT_BYTES(&stats, &none, sizeof(stats));
}
