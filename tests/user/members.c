/*
 * Who belongs to whom: zx_object_get_child, and the lists of koids of zx_object_get_info.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define SAME ZX_RIGHT_SAME_RIGHTS

static zx_koid_t koid_of(zx_handle_t handle) { return basic_info(handle).koid; }

static zx_status_t get_self(zx_handle_t handle) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    zx_status_t status = zx_object_get_child(handle, koid_of(zx_thread_self()), ZX_RIGHT_NONE, &child);
    if (status == ZX_OK) MUST(zx_handle_close(child));
    return status;
}

TEST("object_get_child/what is no handle is BAD_HANDLE") { check_bad_handles(get_self); }

TEST("object_get_child/needs ENUMERATE, and only tasks' handles have that") {
    check_rights(zx_process_self(), ZX_RIGHT_ENUMERATE, get_self);
    const enum kind others[] = {KIND_VMO,    KIND_VMAR,  KIND_CHANNEL, KIND_EVENT,   KIND_EVENTPAIR,
                                KIND_THREAD, KIND_TIMER, KIND_PORT,    KIND_RESOURCE};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        EXPECT_STATUS(get_self(handle_of(others[i])), ZX_ERR_ACCESS_DENIED);
}

TEST("object_get_child/rights beyond the parent's are ACCESS_DENIED, before the child is looked for") {
    zx_handle_t parent = handle_with(zx_process_self(), ZX_RIGHT_ENUMERATE | ZX_RIGHT_READ);
    zx_handle_t child = UNTOUCHED;
    EXPECT_STATUS(zx_object_get_child(parent, 1, ZX_RIGHT_WRITE, &child), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_get_child(parent, 1, SAME | ZX_RIGHT_READ, &child), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_get_child(parent, 1, ZX_RIGHT_READ, &child), ZX_ERR_NOT_FOUND);
    EXPECT_EQ(child, UNTOUCHED);
}

TEST(
    "object_get_child/a thread of a process: the rights that were asked for, or the very ones of the parent's handle") {
    const zx_rights_t wanted[] = {ZX_RIGHT_NONE, ZX_RIGHT_READ, ZX_RIGHT_WAIT | ZX_RIGHT_ENUMERATE, SAME};
    for (size_t i = 0; i < 4; i++) {
        zx_handle_t thread;
        NEED_OK(zx_object_get_child(zx_process_self(), koid_of(zx_thread_self()), wanted[i], &thread));
        zx_info_handle_basic_t info = basic_info(thread);
        EXPECT(info.type == ZX_OBJ_TYPE_THREAD && info.koid == koid_of(zx_thread_self()));
        EXPECT_EQ(info.rights, wanted[i] == SAME ? handle_rights(zx_process_self()) : wanted[i]);
    }
}

TEST("object_get_child/a process of a job, started or not, until it is dead") {
    struct target target = target_make();
    zx_handle_t process;
    zx_koid_t koid = koid_of(target.process);
    NEED_OK(zx_object_get_child(zx_job_default(), koid_of(zx_process_self()), SAME, &process));
    EXPECT_EQ(koid_of(process), koid_of(zx_process_self()));
    EXPECT_EQ(handle_rights(process), handle_rights(zx_job_default()));
    NEED_OK(zx_object_get_child(zx_job_default(), koid, ZX_RIGHT_DESTROY, &process));
    EXPECT_EQ(koid_of(process), koid);
    NEED_OK(zx_task_kill(process));
    EXPECT_EQ(signals_of(target.process), ZX_PROCESS_TERMINATED);
    EXPECT_STATUS(zx_object_get_child(zx_job_default(), koid, SAME, &process), ZX_ERR_NOT_FOUND);
}

TEST("object_get_child/NOT_FOUND: no such koid, another's thread, or one that does not run") {
    struct target target = target_make();
    zx_handle_t thread, child = UNTOUCHED;
    NEED_OK(zx_thread_create(zx_process_self(), "new", 3, 0, &thread));
    const zx_koid_t missing[] = {0,
                                 1,
                                 1023,
                                 koid_of(thread),
                                 koid_of(zx_process_self()),
                                 koid_of(zx_job_default()),
                                 koid_of(target.process),
                                 (zx_koid_t)1 << 40,
                                 INT64_MAX,
                                 UINT64_MAX};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
        EXPECT_STATUS(zx_object_get_child(zx_process_self(), missing[i], SAME, &child), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_object_get_child(zx_job_default(), koid_of(zx_thread_self()), SAME, &child), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_object_get_child(zx_job_default(), 0, SAME, &child), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_object_get_child(target.process, koid_of(zx_thread_self()), SAME, &child), ZX_ERR_NOT_FOUND);
    EXPECT_EQ(child, UNTOUCHED);
}

static void nothing(void *arg) { (void)arg; }

TEST("object_get_child/a thread that has ended is NOT_FOUND") {
    static struct worker worker;
    zx_handle_t thread;
    NEED(worker_start(&worker, nothing, NULL));
    zx_koid_t koid = koid_of(worker.thread);
    NEED(worker_join(&worker));
    EXPECT_STATUS(zx_object_get_child(zx_process_self(), koid, SAME, &thread), ZX_ERR_NOT_FOUND);
}

static void get_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(
            zx_object_get_child(zx_process_self(), koid_of(zx_thread_self()), SAME, (zx_handle_t *)bad_targets[i]),
            ZX_ERR_INVALID_ARGS);
}
TEST("object_get_child/a bad pointer is INVALID_ARGS and leaves nothing") { check_gives_back(get_badly); }

/* Lists. */

#define ROOM 64
struct koids {
    zx_koid_t koid[ROOM];
    size_t actual, avail;
};

static struct koids list_of(zx_handle_t handle, uint32_t topic, size_t room) {
    struct koids list;
    for (size_t i = 0; i < ROOM; i++) list.koid[i] = UNTOUCHED;
    list.actual = list.avail = UNTOUCHED;
    EXPECT_OK(zx_object_get_info(handle, topic, list.koid, room * sizeof(zx_koid_t), &list.actual, &list.avail));
    EXPECT_EQ(list.actual, list.avail < room ? list.avail : room);
    for (size_t i = list.actual; i < ROOM; i++) EXPECT_EQ(list.koid[i], UNTOUCHED);
    for (size_t i = 1; i < list.actual; i++) EXPECT(list.koid[i - 1] < list.koid[i]);
    return list;
}

static bool lists(const struct koids *list, zx_koid_t koid) {
    for (size_t i = 0; i < list->actual; i++) {
        if (list->koid[i] == koid) return true;
    }
    return false;
}

static zx_status_t list_threads(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_PROCESS_THREADS, NULL, 0, NULL, NULL);
}
static zx_status_t list_processes(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_JOB_PROCESSES, NULL, 0, NULL, NULL);
}

TEST("object_get_info/PROCESS_THREADS and JOB_PROCESSES: handles, rights, types") {
    check_bad_handles(list_threads);
    check_bad_handles(list_processes);
    check_rights(zx_process_self(), ZX_RIGHT_ENUMERATE, list_threads);
    check_rights(zx_job_default(), ZX_RIGHT_ENUMERATE, list_processes);
    EXPECT_STATUS(list_threads(zx_job_default()), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(list_processes(zx_process_self()), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(list_threads(handle_of(KIND_THREAD)), ZX_ERR_ACCESS_DENIED);
}

static void sleep_a_while(void *arg) {
    _Atomic bool *wake = arg;
    while (!atomic_load(wake)) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
}

TEST("object_get_info/PROCESS_THREADS lists the threads that run, in order; what fits is written, all are counted") {
    static struct worker workers[5];
    static _Atomic bool wake;
    struct koids list = list_of(zx_process_self(), ZX_INFO_PROCESS_THREADS, ROOM);
    EXPECT(list.avail == 1 && list.koid[0] == koid_of(zx_thread_self()));
    handle_of(KIND_THREAD); /* never started */
    zx_koid_t koids[5];
    for (size_t i = 0; i < 5; i++) {
        NEED(worker_start(&workers[i], sleep_a_while, &wake));
        koids[i] = koid_of(workers[i].thread);
    }
    list = list_of(zx_process_self(), ZX_INFO_PROCESS_THREADS, ROOM);
    EXPECT_EQ(list.avail, 6);
    for (size_t i = 0; i < 5; i++) EXPECT(lists(&list, koids[i]));
    for (size_t room = 0; room < 7; room++)
        EXPECT_EQ(list_of(zx_process_self(), ZX_INFO_PROCESS_THREADS, room).avail, 6);
    atomic_store(&wake, true);
    for (size_t i = 0; i < 5; i++) NEED(worker_join(&workers[i]));
    EXPECT_EQ(list_of(zx_process_self(), ZX_INFO_PROCESS_THREADS, ROOM).avail, 1);
}

TEST("object_get_info/JOB_PROCESSES lists processes, unstarted ones too, until they are dead") {
    struct target target = target_make();
    struct koids list = list_of(zx_job_default(), ZX_INFO_JOB_PROCESSES, ROOM);
    EXPECT(lists(&list, koid_of(zx_process_self())));
    EXPECT(lists(&list, koid_of(target.process)));
    size_t before = list.avail;
    for (size_t room = 0; room <= before; room++)
        EXPECT_EQ(list_of(zx_job_default(), ZX_INFO_JOB_PROCESSES, room).avail, before);
    NEED_OK(zx_task_kill(target.process));
    list = list_of(zx_job_default(), ZX_INFO_JOB_PROCESSES, ROOM);
    EXPECT(!lists(&list, koid_of(target.process)));
    EXPECT_EQ(list.avail, before - 1);
    EXPECT_EQ(list_of(target.process, ZX_INFO_PROCESS_THREADS, ROOM).avail, 0);
}

TEST("object_get_info/lists into bad places are INVALID_ARGS") {
    size_t count;
    for (size_t i = 0; i < bad_target_count; i++) {
        void *bad = (void *)bad_targets[i];
        EXPECT_STATUS(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_THREADS, bad, 8, NULL, NULL),
                      ZX_ERR_INVALID_ARGS);
        if (!bad) continue;
        EXPECT_STATUS(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_THREADS, NULL, 0, bad, &count),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_THREADS, NULL, 0, &count, bad),
                      ZX_ERR_INVALID_ARGS);
    }
}

/* Threads come and go while they are listed and looked up. */

static _Atomic bool done;

static void come_and_go(void *arg) {
    static struct worker worker;
    (void)arg;
    for (int i = 0; i < 200; i++) {
        if (!worker_start(&worker, nothing, NULL) || !worker_join(&worker)) break;
    }
    atomic_store(&done, true);
}

TEST("object_get_child/of threads that come and go") {
    static struct worker maker;
    NEED(worker_start(&maker, come_and_go, NULL));
    while (!atomic_load(&done)) {
        struct koids list = list_of(zx_process_self(), ZX_INFO_PROCESS_THREADS, ROOM);
        EXPECT(list.actual == list.avail && (list.avail >= 2 || atomic_load(&done)));
        for (size_t i = 0; i < list.actual; i++) {
            zx_handle_t thread;
            zx_status_t status = zx_object_get_child(zx_process_self(), list.koid[i], SAME, &thread);
            EXPECT(status == ZX_OK || status == ZX_ERR_NOT_FOUND);
            if (status == ZX_OK) EXPECT_OK(zx_handle_close(thread));
        }
        zx_nanosleep(0);
    }
    NEED(worker_join(&maker));
}

/* Processes and jobs are looked up while they are made, by somebody who lets go of them at once. */

static _Atomic uint64_t finds;

static void find_all(zx_handle_t job, uint32_t topic) {
    struct koids list = list_of(job, topic, ROOM);
    for (size_t i = 0; i < list.actual; i++) {
        zx_handle_t found;
        if (zx_object_get_child(job, list.koid[i], SAME, &found) != ZX_OK) continue;
        EXPECT_OK(zx_handle_close(found));
        finds++;
    }
}

static void look_around(void *job) {
    while (!atomic_load(&done)) {
        find_all(*(zx_handle_t *)job, ZX_INFO_JOB_PROCESSES);
        find_all(*(zx_handle_t *)job, ZX_INFO_JOB_CHILDREN);
    }
}

TEST("object_get_child/L who finds a process or a job while it is made, and lets go of it, does not end it") {
    static struct worker looker;
    zx_handle_t job, process, vmar, child;
    NEED_OK(zx_job_create(zx_job_default(), 0, &job));
    NEED(worker_start(&looker, look_around, &job));
    zx_time_t begun = zx_clock_get_monotonic();
    while (race_goes_on(begun, finds > 50)) {
        NEED_OK(zx_process_create(job, "made", 4, 0, &process, &vmar));
        NEED_OK(zx_job_create(job, 0, &child));
        EXPECT(!(signals_of(process) & ZX_PROCESS_TERMINATED));
        struct koids list = list_of(job, ZX_INFO_JOB_CHILDREN, ROOM);
        EXPECT(lists(&list, koid_of(child)));
        const zx_handle_t made[] = {process, vmar, child};
        EXPECT_OK(zx_handle_close_many(made, 3));
    }
    atomic_store(&done, true);
    NEED(worker_join(&looker));
}
