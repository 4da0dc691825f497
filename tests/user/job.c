/*
 * Jobs: making them, what they show of their members, and killing a whole tree of them.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define GENERATIONS 32
#define EMPTY (ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES)
#define KILLED ZX_TASK_RETCODE_SYSCALL_KILL

static zx_handle_t job_make(zx_handle_t parent) {
    zx_handle_t job;
    MUST(zx_job_create(parent, 0, &job));
    return job;
}

static struct target target_in(zx_handle_t job) {
    struct target t = {0};
    MUST(zx_process_create(job, "member", 6, 0, &t.process, &t.vmar));
    return t;
}

static zx_koid_t koid_of(zx_handle_t handle) { return basic_info(handle).koid; }

static zx_status_t create_in(zx_handle_t parent) {
    zx_handle_t job;
    zx_status_t status = zx_job_create(parent, 0, &job);
    if (status == ZX_OK) MUST(zx_handle_close(job));
    return status;
}

TEST("job_create/bad handles, and handles of other types") { check_handles(KIND_JOB, create_in); }

TEST("job_create/needs MANAGE_JOB on the parent, and nothing else will do") {
    check_rights(zx_job_default(), ZX_RIGHT_MANAGE_JOB, create_in);
    EXPECT_STATUS(create_in(handle_with(zx_job_default(), ZX_RIGHT_WRITE)), ZX_ERR_ACCESS_DENIED);
}

TEST("job_create/options are 0, or INVALID_ARGS, which comes before the handle") {
    zx_handle_t job = UNTOUCHED;
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_job_create(ZX_HANDLE_INVALID, options, &job), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(job, UNTOUCHED);
}

TEST("job_create/a new job: its type, rights, signals, name and parent") {
    zx_handle_t job = job_make(zx_job_default()), child = job_make(job);
    zx_info_handle_basic_t info = basic_info(job);
    char name[ZX_MAX_NAME_LEN] = "x";
    EXPECT(info.type == ZX_OBJ_TYPE_JOB && info.props == ZX_OBJ_PROP_WAITABLE);
    EXPECT_EQ(info.rights, ZX_DEFAULT_JOB_RIGHTS);
    EXPECT_EQ(info.rights, 0x7dfcf);
    EXPECT_EQ(info.related_koid, koid_of(zx_job_default()));
    EXPECT_EQ(basic_info(child).related_koid, info.koid);
    EXPECT_EQ(signals_of(child), EMPTY);
    EXPECT_OK(zx_object_get_property(job, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_EQ(name[0], 0);
    EXPECT_EQ(basic_info(target_in(child).process).related_koid, koid_of(child));
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_job_create(zx_job_default(), 0, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("job_create/a bad pointer is INVALID_ARGS and leaves nothing") { check_gives_back(create_badly); }

static zx_status_t create_one(void) { return create_in(zx_job_default()); }
TEST("job_create/out of memory") { check_out_of_memory(create_one); }

static zx_status_t create_process(void) {
    static zx_handle_t job;
    struct target t;
    if (!job) job = job_make(zx_job_default());
    zx_status_t status = zx_process_create(job, "n", 1, 0, &t.process, &t.vmar);
    if (status == ZX_OK) zx_handle_close(t.vmar);
    if (status == ZX_OK) zx_handle_close(t.process);
    EXPECT_EQ(signals_of(job), EMPTY);
    return status;
}
TEST("process_create/out of memory in a job, which is then as empty as before") { check_out_of_memory(create_process); }

/* As many jobs, each in the one before, as there can be. */
static size_t generations(zx_handle_t *jobs) {
    size_t count = 0;
    zx_handle_t job = zx_job_default();
    while (count <= GENERATIONS && zx_job_create(job, 0, &jobs[count]) == ZX_OK) job = jobs[count++];
    return count;
}

TEST("job_create/there are 32 generations; the last may hold processes, but a job in it is OUT_OF_RANGE") {
    zx_handle_t jobs[GENERATIONS + 1];
    zx_handle_t job = UNTOUCHED;
    NEED_EQ(generations(jobs), GENERATIONS);
    EXPECT_STATUS(zx_job_create(jobs[GENERATIONS - 1], 0, &job), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(job, UNTOUCHED);
    struct target deepest = target_in(jobs[GENERATIONS - 1]);
    EXPECT_OK(zx_task_kill(jobs[0]));
    EXPECT_EQ(process_info(deepest.process).return_code, KILLED);
    EXPECT_STATUS(zx_job_create(jobs[GENERATIONS - 1], 0, &job), ZX_ERR_OUT_OF_RANGE);
}

static void make_line(void) {
    zx_handle_t jobs[GENERATIONS + 1];
    size_t count = generations(jobs);
    struct target t = target_in(jobs[count - 1]);
    for (size_t i = 0; i < count; i++) MUST(zx_handle_close(jobs[i]));
    EXPECT_EQ(basic_info(t.process).type, ZX_OBJ_TYPE_PROCESS);
    MUST(zx_handle_close(t.process));
    MUST(zx_handle_close(t.vmar));
}
TEST("job_create/a line of 32 jobs goes with the last process in it") { check_gives_back(make_line); }

/* Signals and lists. */

TEST("job/NO_JOBS and NO_PROCESSES go down with the first member, and come up with the last") {
    zx_handle_t job = job_make(zx_job_default());
    struct target a = target_in(job), b = target_in(job);
    EXPECT_EQ(signals_of(job), ZX_JOB_NO_JOBS);
    zx_handle_t child = job_make(job), other = job_make(job);
    EXPECT_EQ(signals_of(job), 0);
    MUST(zx_handle_close(child));
    MUST(zx_task_kill(a.process));
    EXPECT_EQ(signals_of(job), 0);
    MUST(zx_handle_close(other));
    EXPECT_EQ(signals_of(job), ZX_JOB_NO_JOBS);
    MUST(zx_task_kill(b.process));
    EXPECT_EQ(signals_of(job), EMPTY);
    target_in(job);
    EXPECT_EQ(signals_of(job), ZX_JOB_NO_JOBS);
}

static size_t count_of(zx_handle_t job, uint32_t topic, zx_koid_t *koids, size_t room) {
    size_t actual = UNTOUCHED, avail = UNTOUCHED;
    EXPECT_OK(zx_object_get_info(job, topic, koids, room * sizeof(*koids), &actual, &avail));
    EXPECT_EQ(actual, avail < room ? avail : room);
    return avail;
}

static zx_status_t list_children(zx_handle_t job) {
    return zx_object_get_info(job, ZX_INFO_JOB_CHILDREN, NULL, 0, NULL, NULL);
}

TEST("object_get_info/JOB_CHILDREN: handles, rights, types") {
    check_bad_handles(list_children);
    check_rights(zx_job_default(), ZX_RIGHT_ENUMERATE, list_children);
    EXPECT_STATUS(list_children(zx_process_self()), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(list_children(handle_of(KIND_THREAD)), ZX_ERR_ACCESS_DENIED);
}

TEST("object_get_info/JOB_CHILDREN and JOB_PROCESSES list direct members alone, by koid; all are counted") {
    zx_handle_t job = job_make(zx_job_default()), jobs[4];
    zx_koid_t koids[5] = {0};
    for (size_t i = 0; i < 4; i++) jobs[i] = job_make(job);
    job_make(jobs[1]);
    struct target inner = target_in(jobs[1]), direct = target_in(job);
    EXPECT_EQ(count_of(job, ZX_INFO_JOB_CHILDREN, koids, 2), 4);
    EXPECT(koids[2] == 0 && koids[0] == koid_of(jobs[0]) && koids[1] == koid_of(jobs[1]));
    EXPECT_EQ(count_of(job, ZX_INFO_JOB_CHILDREN, koids, 5), 4);
    for (size_t i = 0; i < 4; i++) EXPECT_EQ(koids[i], koid_of(jobs[i]));
    EXPECT_EQ(count_of(job, ZX_INFO_JOB_PROCESSES, koids, 5), 1);
    EXPECT_EQ(koids[0], koid_of(direct.process));
    EXPECT_EQ(count_of(jobs[1], ZX_INFO_JOB_PROCESSES, koids, 5), 1);
    EXPECT_EQ(koids[0], koid_of(inner.process));
}

TEST("object_get_child/a job of a job, directly in it, with the rights asked for") {
    zx_handle_t job = job_make(zx_job_default()), child = job_make(job), grandchild = job_make(child),
                found = UNTOUCHED;
    EXPECT_STATUS(zx_object_get_child(job, koid_of(grandchild), ZX_RIGHT_SAME_RIGHTS, &found), ZX_ERR_NOT_FOUND);
    EXPECT_EQ(found, UNTOUCHED);
    NEED_OK(zx_object_get_child(job, koid_of(child), ZX_RIGHT_ENUMERATE, &found));
    EXPECT(koid_of(found) == koid_of(child) && handle_rights(found) == ZX_RIGHT_ENUMERATE);
    NEED_OK(zx_object_get_child(handle_without(job, ZX_RIGHT_WRITE), koid_of(child), ZX_RIGHT_SAME_RIGHTS, &found));
    EXPECT_EQ(handle_rights(found), ZX_DEFAULT_JOB_RIGHTS & ~ZX_RIGHT_WRITE);
}

TEST("job/without a handle it stays while it has members, can be found again, and goes with the last") {
    zx_handle_t job = job_make(zx_job_default()), child = job_make(job), found;
    zx_koid_t koid = koid_of(child);
    struct target t = target_in(child);
    MUST(zx_handle_close(child));
    EXPECT_EQ(signals_of(job), ZX_JOB_NO_PROCESSES);
    NEED_OK(zx_object_get_child(job, koid, ZX_RIGHT_SAME_RIGHTS, &found));
    EXPECT_EQ(signals_of(found), ZX_JOB_NO_JOBS);
    MUST(zx_handle_close(found));
    MUST(zx_task_kill(t.process));
    EXPECT_EQ(signals_of(job), EMPTY);
    EXPECT_STATUS(zx_object_get_child(job, koid, ZX_RIGHT_SAME_RIGHTS, &found), ZX_ERR_NOT_FOUND);
}

/* Killing. */

TEST("task_kill/a job: every job and process in it dies, whatever is beside it lives") {
    zx_handle_t beside = job_make(zx_job_default()), top = job_make(zx_job_default()), jobs[3][3];
    struct target other = target_in(beside), members[3][3];
    static struct child outside;
    NEED(child_make(&outside));
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            jobs[i][k] = job_make(k ? jobs[i][k - 1] : top);
            members[i][k] = target_in(jobs[i][k]);
        }
    }
    EXPECT_OK(zx_task_kill(top));
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            EXPECT_EQ(signals_of(jobs[i][k]), EMPTY | ZX_JOB_TERMINATED);
            EXPECT_EQ(signals_of(members[i][k].process), ZX_PROCESS_TERMINATED);
            EXPECT_EQ(process_info(members[i][k].process).return_code, KILLED);
        }
    }
    EXPECT_EQ(signals_of(top), EMPTY | ZX_JOB_TERMINATED);
    EXPECT_EQ(list_children(top), ZX_OK);
    EXPECT_EQ(count_of(top, ZX_INFO_JOB_CHILDREN, NULL, 0), 0);
    EXPECT(signals_of(beside) == ZX_JOB_NO_JOBS && signals_of(other.process) == 0 && signals_of(outside.process) == 0);
}

TEST("task_kill/a dead job takes no members: BAD_STATE, even if it was empty, and so do the jobs that were in it") {
    zx_handle_t job = job_make(zx_job_default()), child = job_make(job), new = UNTOUCHED;
    struct target t = {UNTOUCHED, UNTOUCHED};
    EXPECT_OK(zx_task_kill(job));
    EXPECT_OK(zx_task_kill(job));
    EXPECT_EQ(signals_of(job), EMPTY | ZX_JOB_TERMINATED);
    EXPECT_EQ(signals_of(child), EMPTY | ZX_JOB_TERMINATED);
    EXPECT_STATUS(zx_job_create(job, 0, &new), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_job_create(child, 0, &new), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_process_create(job, "n", 1, 0, &t.process, &t.vmar), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_process_create(child, "n", 1, 0, &t.process, &t.vmar), ZX_ERR_BAD_STATE);
    EXPECT(new == UNTOUCHED &&t.process == UNTOUCHED &&t.vmar == UNTOUCHED);
}

static void run_forever(zx_handle_t handle, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    (void)handle;
    for (;;) board->words[0]++;
}

static void kill_handle(zx_handle_t handle, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    board->words[0] = 1;
    zx_task_kill(handle);
    board->words[1] = 1;
    for (;;) continue;
}

TEST("task_kill/a process that kills its own job does not return") {
    static struct child killer, brother;
    zx_handle_t job = job_make(zx_job_default());
    zx_signals_t observed;
    NEED(child_make_in(&killer, job) && child_make_in(&brother, job));
    NEED_OK(child_start(&brother, run_forever, ZX_HANDLE_INVALID));
    NEED_OK(child_start(&killer, kill_handle, handle_with(job, ZX_RIGHT_DESTROY | ZX_RIGHT_TRANSFER)));
    EXPECT_OK(zx_object_wait_one(job, ZX_JOB_TERMINATED, zx_deadline_after(ZX_SEC(10)), &observed));
    EXPECT_EQ(observed & EMPTY, EMPTY);
    EXPECT(killer.board->words[0] == 1 && killer.board->words[1] == 0);
    EXPECT_EQ(process_info(brother.process).return_code, KILLED);
    EXPECT_EQ(process_info(killer.process).return_code, KILLED);
}

/* Several processors make members, and close and kill jobs, at the same time. */

static struct {
    zx_handle_t top;
    _Atomic bool over;
    _Atomic uint64_t made, refused;
} race;

static void make_members(void *arg) {
    (void)arg;
    while (!atomic_load(&race.over)) {
        zx_handle_t job = ZX_HANDLE_INVALID;
        struct target t = {0};
        zx_status_t status = zx_job_create(race.top, 0, &job);
        if (status == ZX_OK) status = zx_process_create(job, "n", 1, 0, &t.process, &t.vmar);
        EXPECT(status == ZX_OK || status == ZX_ERR_BAD_STATE);
        atomic_fetch_add(status == ZX_OK ? &race.made : &race.refused, 1);
        zx_handle_close(job);
        if (status != ZX_OK) continue;
        zx_handle_close(t.vmar);
        if (atomic_load(&race.made) % 3) zx_handle_close(t.process);
    }
}

TEST("task_kill/a job that others add to at the same time ends empty, with all that was ever in it dead") {
    static struct worker workers[3];
    for (unsigned turn = 0; turn < 10; turn++) {
        zx_signals_t observed;
        race.top = job_make(zx_job_default());
        atomic_store(&race.over, false);
        atomic_store(&race.made, 0);
        atomic_store(&race.refused, 0);
        for (size_t i = 0; i < 3; i++) NEED(worker_start(&workers[i], make_members, NULL));
        while (atomic_load(&race.made) < 5) zx_nanosleep(0);
        EXPECT_OK(zx_task_kill(race.top));
        EXPECT_OK(zx_object_wait_one(race.top, ZX_JOB_TERMINATED, zx_deadline_after(ZX_SEC(10)), &observed));
        while (atomic_load(&race.refused) < 3) zx_nanosleep(0);
        atomic_store(&race.over, true);
        for (size_t i = 0; i < 3; i++) NEED(worker_join(&workers[i]));
        EXPECT_EQ(signals_of(race.top), EMPTY | ZX_JOB_TERMINATED);
        EXPECT_EQ(count_of(race.top, ZX_INFO_JOB_CHILDREN, NULL, 0), 0);
        MUST(zx_handle_close(race.top));
    }
}

static void close_it(void *arg) { zx_handle_close(*(zx_handle_t *)arg); }

TEST("job/one whose last handle is closed while it gets a process is found from its parent, or the process was "
     "refused") {
    static struct worker worker;
    static zx_handle_t child;
    for (unsigned turn = 0; turn < 100; turn++) {
        zx_handle_t job = job_make(zx_job_default());
        struct target t = {0};
        child = job_make(job);
        NEED(worker_start(&worker, close_it, &child));
        zx_status_t status = zx_process_create(child, "n", 1, 0, &t.process, &t.vmar);
        NEED(worker_join(&worker));
        /* Before or after the close; or between the look-up and it, into a job that has died. */
        EXPECT(status == ZX_OK || status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_BAD_STATE);
        EXPECT_EQ(signals_of(job), status == ZX_OK ? ZX_JOB_NO_PROCESSES : EMPTY);
        EXPECT_OK(zx_task_kill(job));
        EXPECT_EQ(signals_of(job), EMPTY | ZX_JOB_TERMINATED);
        if (status == ZX_OK) EXPECT_EQ(signals_of(t.process), ZX_PROCESS_TERMINATED);
        MUST(zx_handle_close(job));
    }
}
