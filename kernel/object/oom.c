/*
 * The end of programs for want of memory; see oom.h. One thread of the kernel's chooses, so that there is one victim at
 * a time; those whose faults wait for it sleep in rounds, of which each is one try of that thread's. It goes through
 * jobs, processes and handles with a reference at a time and no lock in between: what changes meanwhile may be missed.
 */
#include "kernel/object/oom.h"

#include <zircon/syscalls/object.h>
#include <zircon/time.h>

#include "arch/time.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/wait.h"
#include "kernel/sched/name.h"
#include "kernel/sched/thread.h"
#include "vm/aspace_list.h"
#include "vm/budget.h"
#include "vm/kstack.h"
#include "vm/vmo.h"

/* --- who --- */

static uint64_t pages_of(const struct job *job) { return budget_used(job->budget, BUDGET_MEMORY); }

/* But for what is in the jobs below it. */
static uint64_t own_pages(struct job *job) {
    uint64_t pages = pages_of(job), below = 0;
    zx_koid_t koid = 0;
    struct object *child;
    while ((child = members_next(&job->jobs, &koid))) {
        below += pages_of(job_from_object(child));
        object_unref(child);
    }
    return pages - min_u64(pages, below);
}

static uint64_t bytes_of_stacks(struct process *process) {
    zx_koid_t koids[16];
    uint64_t bytes = 0;
    size_t count = 0;
    do {
        count = members_koids(&process->threads, count ? koids[count - 1] : 0, UINT64_MAX, koids, countof(koids));
        bytes += count * KSTACK_SIZE;
    } while (count == countof(koids));
    return bytes;
}

/* And whether it has the root resource. */
static uint64_t bytes_of_handles(struct process *process, bool *is_root) {
    struct handle held;
    uint32_t index = 0;
    uint64_t bytes = 0;
    *is_root = false;
    while (handle_next(&process->handles, &index, &held)) {
        const zx_obj_type_t type = held.object->ops->type;
        bytes += sizeof(struct handle_slot);
        if (type == ZX_OBJ_TYPE_RESOURCE) *is_root |= resource_from_object(held.object)->kind == ZX_RSRC_KIND_ROOT;
        if (type == ZX_OBJ_TYPE_VMO && vmo_counts(vmo_from_object(held.object)).sharers == 0)
            bytes += vmo_committed_bytes(vmo_from_object(held.object), 0, UINT64_MAX);
        object_unref(held.object);
    }
    return bytes;
}

/* A process with a reference, or none, and how large it is. */
struct candidate {
    struct process *process;
    uint64_t size;
};

/* The larger of the two stays. Takes the process's reference. */
static void consider(struct candidate *best, struct process *process, uint64_t size) {
    struct process *other = process;
    if (!best->process || size > best->size) {
        other = best->process;
        *best = (struct candidate){process, size};
    }
    if (other) object_unref(&other->object);
}

/* Of one job, those with the root resource only if that does not matter. */
static void consider_processes(struct candidate *best, struct job *job, bool root_too) {
    zx_koid_t koid = 0;
    struct object *object;
    while ((object = members_next(&job->processes, &koid))) {
        struct process *process = process_from_object(object);
        struct task_memory memory;
        bool is_root;
        aspace_measure(process->aspace, &memory);
        uint64_t size = memory.only_here + bytes_of_stacks(process) + bytes_of_handles(process, &is_root);
        if (process_is_dying(process) || (is_root && !root_too))
            object_unref(object);
        else
            consider(best, process, size);
    }
}

/* Rule 1, or rule 2; see oom.h. */
static struct process *choose(struct job *root, bool marked) {
    struct candidate best = {0};
    object_ref(&root->object);
    for (struct job *job = root; job; job = job_walk_next(job, root)) {
        struct candidate largest = {0};
        if (marked && !atomic_load(&job->kill_on_oom)) continue;
        uint64_t pages = marked ? pages_of(job) : own_pages(job);
        if (best.process && pages <= best.size) continue;
        object_ref(&job->object);
        for (struct job *at = job; at; at = marked ? job_walk_next(at, job) : NULL)
            consider_processes(&largest, at, marked);
        if (!marked) object_unref(&job->object);
        if (largest.process) consider(&best, largest.process, pages);
    }
    return best.process;
}

struct process *oom_choose(struct job *root) {
    struct process *process = choose(root, true);
    return process ? process : choose(root, false);
}

/* --- when --- */

/* Guards all below. */
static struct spinlock lock = SPINLOCK_INIT(RANK_WAIT, "out of memory");
static struct job *root GUARDED_BY(lock);
static struct waitq keeper GUARDED_BY(lock) = WAITQ_INIT(keeper);
static struct waitq sufferers GUARDED_BY(lock) = WAITQ_INIT(sufferers);
static bool wanted GUARDED_BY(lock);     /* somebody waits for the end of this round */
static uint64_t rounds GUARDED_BY(lock); /* that are over */
static bool in_vain GUARDED_BY(lock);    /* the last of them: there was nobody to choose */

void oom_begin(struct job *job) {
    spin_lock(&lock);
    root = job;
    spin_unlock(&lock);
}

/* Until somebody wants a round. */
static struct job *await_round(void) {
    spin_lock(&lock);
    while (!wanted) {
        (void)!waitq_block(&keeper, &lock, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        spin_lock(&lock);
    }
    struct job *job = root;
    spin_unlock(&lock);
    return job;
}

static void end_round(bool success) {
    spin_lock(&lock);
    wanted = false;
    in_vain = !success;
    rounds++;
    waitq_wake_all(&sufferers, ZX_OK);
    spin_unlock(&lock);
}

/* Takes the reference. Returns when nothing is left of it but what others have a share in. */
static void end_process(struct process *process) {
    zx_signals_t observed;
    log_line("out of memory: process %lu of job %lu ends, which has %lu pages: '%s'", process->object.koid,
             process->job->object.koid, pages_of(process->job), object_printable_name(&process->object).text);
    process_kill(process, ZX_TASK_RETCODE_OOM_KILL);
    (void)!object_wait_one(&process->object, NULL, NULL, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, &observed);
    object_unref(&process->object);
}

/* It may be that memory has come back by itself. */
static bool play_round(struct job *job) {
    if (reclaim_for_fault() == SHORTAGE_NONE) return true;
    struct process *process = job ? oom_choose(job) : NULL;
    if (process) end_process(process);
    return process;
}

void oom_keeper(void *arg UNUSED) {
    for (;;) end_round(play_round(await_round()));
}

/* A copy cannot end for a suspension: it looks for a kill now and then. */
#define COPY_LOOKS ZX_MSEC(2)

static bool is_to_stop(bool user) { return user ? thread_interrupted() : thread_killed(); }

zx_status_t upcall_out_of_memory(bool user) {
    spin_lock(&lock);
    const uint64_t before = rounds;
    wanted = root;
    (void)waitq_wake_one(&keeper, ZX_OK);
    while (wanted && rounds == before && !is_to_stop(user)) {
        const zx_time_t deadline = user ? ZX_TIME_INFINITE : arch_time_now() + COPY_LOOKS;
        (void)!waitq_block(&sufferers, &lock, deadline, user ? WAIT_INTERRUPTIBLE : WAIT_UNINTERRUPTIBLE);
        spin_lock(&lock);
    }
    bool success = root && !(rounds != before && in_vain);
    spin_unlock(&lock);
    return success ? ZX_OK : ZX_ERR_NO_MEMORY;
}
