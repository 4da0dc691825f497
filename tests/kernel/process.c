/*
 * Processes, threads and jobs as far as they go without a program: the only user code here is an address where none is.
 */
#include "kernel/object/process.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/user_thread.h"
#include "kernel/object/wait.h"
#include "kernel/sched/sched.h"
#include "tests/kernel/task_rig.h"

/* A process leaves its job right after it has said that it is dead. */
static bool job_empties(zx_signals_t signals) {
    zx_signals_t observed;
    return object_wait_one(&job->object, NULL, NULL, ZX_JOB_NO_PROCESSES, ZX_TIME_INFINITE, &observed) == ZX_OK &&
           (observed & signals) == signals;
}

static bool shows(struct object *object, zx_signals_t signals) { return (object_signals(object) & signals) == signals; }

static bool terminates(struct process *p, int64_t code) {
    struct process_info info;
    if (!comes_up(&p->object, ZX_PROCESS_TERMINATED)) return false;
    process_get_info(p, &info);
    return info.exited && info.return_code == code;
}

/* The same for one that was killed as soon as it had started. It may have run by then: it crashes. */
static bool terminates_early(struct process *p, int64_t code) {
    if (!terminates(p, code)) return !turns_are_kept() && terminates(p, ZX_TASK_RETCODE_EXCEPTION_KILL);
    return true;
}

KTEST("process/killed before it started, it is dead at once, and leaves its job") {
    NEED(task_begin());
    EXPECT(!shows(&job->object, ZX_JOB_NO_PROCESSES));
    process_kill(process, 7);
    EXPECT(terminates(process, 7) && shows(&job->object, ZX_JOB_NO_PROCESSES));
    process_kill(process, 8);
    EXPECT(terminates(process, 7));
    task_end();
}

KTEST("process/at its death all its handles and mappings go, although it is still referenced") {
    zx_handle_t value;
    struct vmo *vmo = vmo_of(4, false);
    NEED(task_begin() && vmo && vmo_commit(vmo, 0, PAGES(4)) == ZX_OK);
    NEED(handle_reserve(&process->handles, &value) == ZX_OK);
    handle_publish(&process->handles, value, handle_make(&vmo->object, 0));
    vaddr_t va = map_pages(process->root, vmo, 0, 4, RW, RW);
    EXPECT(va && user_store(process->aspace, va, 1) == ZX_OK);
    process_kill(process, 0);
    EXPECT(atomic_load(&vmo->object.refs) == 1 && atomic_load(&vmo->object.handles) == 0);
    EXPECT(process->root->dead);
    vmo_unref(vmo);
    task_end();
}

KTEST("process/one that nobody can start any more dies with its last handle") {
    NEED(task_begin());
    struct handle a = handle_make(&process->object, 0), b = handle_make(&process->object, 0);
    object_handle_unref(&process->object);
    handle_discard(a);
    EXPECT(!process_is_dying(process));
    handle_discard(b);
    EXPECT(process_is_dying(process) && shows(&process->object, ZX_PROCESS_TERMINATED));
    task_end();
}

KTEST("process/who finds it before its maker has a handle, and lets go of it, does not end it") {
    zx_koid_t koid = 0;
    NEED(task_begin());
    struct object *found = members_next(&job->processes, &koid, UINT64_MAX);
    NEED(found == &process->object);
    handle_discard(handle_make(found, 0));
    object_unref(found);
    EXPECT(!process_is_dying(process));
    task_end();
}

static void start_first(void *arg) { *(zx_status_t *)arg = task_start(thread); }

KTEST("process/its text counts as text before any thread of it can be started") {
    struct runner r;
    zx_status_t status = ZX_ERR_INTERNAL;
    NEED(task_begin());
    aspace_lock(process->aspace);
    bool started = runner_start(&r, NULL, start_first, &status);
    if (started) runner_settle(&r);
    EXPECT(!process->aspace->started && atomic_load(&process->state) == PROCESS_INITIAL);
    mutex_unlock(&process->aspace->lock);
    if (started) runner_join(&r);
    EXPECT(status == ZX_OK && process->aspace->started);
    EXPECT(terminates(process, ZX_TASK_RETCODE_EXCEPTION_KILL));
    task_end();
}

KTEST("process/a thread that starts where nothing is crashes, and its process with it") {
    NEED(task_begin() && task_start(thread) == ZX_OK);
    EXPECT(terminates(process, ZX_TASK_RETCODE_EXCEPTION_KILL));
    EXPECT(shows(&thread->object, ZX_THREAD_TERMINATED) && !shows(&thread->object, ZX_THREAD_RUNNING));
    EXPECT(job_empties(0));
    task_end();
}

KTEST("process/killed between its start and its first instruction, it has the killer's code") {
    NEED(task_begin());
    arch_irq_disable(); /* so that it cannot come to run in between */
    zx_status_t status = task_start(thread);
    process_kill(process, 42);
    arch_irq_enable();
    EXPECT(status == ZX_OK && terminates_early(process, 42));
    task_end();
}

KTEST("process/it starts once, with one thread; further threads only afterwards") {
    struct user_thread *second;
    NEED(task_begin() && user_thread_create(process, "second", &second) == ZX_OK);
    EXPECT(user_thread_start(second, NOWHERE, NOWHERE, 0, 0) == ZX_ERR_BAD_STATE);
    EXPECT(task_start(thread) == ZX_OK && task_start(second) == ZX_ERR_BAD_STATE &&
           task_start(thread) == ZX_ERR_BAD_STATE);
    EXPECT(user_thread_start(thread, NOWHERE, NOWHERE, 0, 0) == ZX_ERR_BAD_STATE);
    /* Unless the first has crashed by now. */
    zx_status_t status = user_thread_start(second, NOWHERE, NOWHERE, 0, 0);
    EXPECT(status == ZX_OK || (status == ZX_ERR_BAD_STATE && process_is_dying(process)));
    EXPECT(terminates(process, ZX_TASK_RETCODE_EXCEPTION_KILL));
    EXPECT(user_thread_start(second, NOWHERE, NOWHERE, 0, 0) == ZX_ERR_BAD_STATE);
    thread_end(second);
    task_end();
}

KTEST("process/starting a dead one takes the handle that comes along, and nothing stays") {
    struct vmo *vmo = vmo_of(1, false);
    NEED(task_begin() && vmo);
    process_kill(process, 0);
    struct handle arg = handle_make(&vmo->object, 0);
    EXPECT(process_start(process, thread, NOWHERE, NOWHERE, arg, 0) == ZX_ERR_BAD_STATE);
    EXPECT(atomic_load(&vmo->object.handles) == 0 && atomic_load(&vmo->object.refs) == 1);
    vmo_unref(vmo);
    task_end();
}

KTEST("process/thirty processes of four threads each crash at once, and leave nothing") {
    static struct process *processes[30];
    static struct user_thread *threads[30][4];
    NEED(task_begin());
    for (size_t p = 0; p < countof(processes); p++) {
        NEED(process_create(job, "crash", &processes[p]) == ZX_OK);
        for (size_t t = 0; t < 4; t++) NEED(user_thread_create(processes[p], "crash", &threads[p][t]) == ZX_OK);
        NEED(process_start(processes[p], threads[p][0], NOWHERE, NOWHERE, (struct handle){0}, 0) == ZX_OK);
        for (size_t t = 1; t < 4; t++) (void)!user_thread_start(threads[p][t], NOWHERE, NOWHERE, 0, 0);
    }
    for (size_t p = 0; p < countof(processes); p++) {
        EXPECT(terminates(processes[p], ZX_TASK_RETCODE_EXCEPTION_KILL));
        for (size_t t = 0; t < 4; t++) thread_end(threads[p][t]);
        object_unref(&processes[p]->object);
    }
    task_end();
}

KTEST("job/killing it kills every process, and it takes no more") {
    struct process *second, *late;
    NEED(task_begin() && process_create(job, "second", &second) == ZX_OK);
    arch_irq_disable(); /* so that the one that is started does not crash first */
    zx_status_t status = task_start(thread);
    job_kill(job, -1024);
    arch_irq_enable();
    EXPECT(status == ZX_OK && terminates_early(process, -1024) && terminates(second, -1024));
    EXPECT(job_empties(ZX_JOB_TERMINATED));
    EXPECT(process_create(job, "late", &late) == ZX_ERR_BAD_STATE);
    object_unref(&second->object);
    task_end();
}

/* The koid of the next member above `koid`, or 0. */
static zx_koid_t next_process(zx_koid_t koid) {
    struct object *next = members_next(&job->processes, &koid, UINT64_MAX);
    if (!next) return 0;
    object_unref(next);
    return koid;
}

KTEST("process/members of a job are gone through by koid, until they are dead") {
    struct process *second;
    NEED(task_begin() && process_create(job, "second", &second) == ZX_OK);
    const zx_koid_t low = process->object.koid, high = second->object.koid;
    EXPECT(next_process(0) == low && next_process(low) == high && next_process(high) == 0);
    EXPECT(next_process(low - 1) == low && next_process(UINT64_MAX) == 0);
    process_kill(second, 0);
    EXPECT(next_process(low) == 0);
    object_unref(&second->object);
    task_end();
}

KTEST("process/threads are members once they were started") {
    zx_koid_t koid = 0;
    NEED(task_begin());
    EXPECT(!members_next(&process->threads, &koid, UINT64_MAX) && koid == 0);
    task_end();
}

static zx_status_t create_process(void *arg UNUSED) {
    struct process *made;
    zx_status_t status = process_create(job, "made", &made);
    if (status != ZX_OK) return status;
    process_kill(made, 0);
    object_unref(&made->object);
    return ZX_OK;
}

static zx_status_t create_thread(void *arg UNUSED) {
    struct user_thread *made;
    zx_status_t status = user_thread_create(process, "made", &made);
    if (status == ZX_OK) object_unref(&made->object);
    return status;
}

static zx_status_t start_with_handle(void *arg) {
    struct vmo *vmo = arg;
    return process_start(process, thread, NOWHERE, NOWHERE, handle_make(&vmo->object, 0), 0);
}

static bool alone(void *arg UNUSED) { return !process_is_dying(process) && members_empty(&process->threads); }

KTEST("process/whichever allocation fails, none is half made or half started") {
    struct vmo *vmo = vmo_of(1, false);
    NEED(task_begin() && vmo);
    EXPECT(fail_each_allocation(create_process, alone, NULL) >= 1);
    EXPECT(fail_each_allocation(create_thread, alone, NULL) >= 1);
    EXPECT(fail_each_allocation(start_with_handle, alone, vmo) >= 1);
    EXPECT(terminates(process, ZX_TASK_RETCODE_EXCEPTION_KILL) && atomic_load(&vmo->object.handles) == 0);
    vmo_unref(vmo);
    task_end();
}
