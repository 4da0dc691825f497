/*
 * The end of programs for want of memory; see oom.h. The faulting thread chooses, in its own time: it walks jobs,
 * processes and handles with one reference at a time and no lock held in between, so changes made meanwhile may be
 * missed. A kernel thread ends the chosen processes, one at a time, if memory is still short by then; it is urgent,
 * since the others wait for it.
 */
#include "kernel/object/oom.h"

#include <zircon/syscalls/object.h>
#include <zircon/time.h>

#include "arch/time.h"
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

/* So long the marks of a job's children do not count after one of them has had a process end. */
#define MARKS_PAUSE ZX_SEC(1)

static uint64_t pages_of(const struct job *job) { return budget_used(job->budget, BUDGET_MEMORY); }

/* A process with a reference, or none. */
struct candidate {
    struct process *process;
    bool is_measured;
    bool is_root; /* measured: it has the root resource */
    uint64_t bytes;
};

static uint64_t bytes_of_stacks(struct process *process) {
    const zx_koid_t last = koid_last();
    zx_koid_t koids[16];
    uint64_t bytes = 0;
    size_t count = 0;
    do {
        count = members_koids(&process->threads, count ? koids[count - 1] : 0, last, koids, countof(koids));
        bytes += count * KSTACK_SIZE;
    } while (count == countof(koids));
    return bytes;
}

/* Of a VMO that one has a handle to: what is there only for that handle. */
static uint64_t bytes_held(struct vmo *vmo) {
    if (atomic_load(&vmo->object.handles) > 1 || vmo_counts(vmo).sharers > 0) return 0;
    return vmo_committed_bytes(vmo, 0, UINT64_MAX);
}

static void measure_handles(struct candidate *c) {
    struct handle held;
    uint32_t index = 0;
    while (!thread_killed() && handle_next(&c->process->handles, &index, &held)) {
        const zx_obj_type_t type = held.object->ops->type;
        c->bytes += sizeof(struct handle_slot);
        if (type == ZX_OBJ_TYPE_RESOURCE) c->is_root |= resource_from_object(held.object)->kind == ZX_RSRC_KIND_ROOT;
        if (type == ZX_OBJ_TYPE_VMO) c->bytes += bytes_held(vmo_from_object(held.object));
        object_unref(held.object);
    }
}

static void measure(struct candidate *c) {
    struct task_memory memory;
    if (c->is_measured) return;
    aspace_measure(c->process->aspace, &memory);
    c->bytes = memory.only_here + bytes_of_stacks(c->process);
    measure_handles(c);
    c->is_measured = true;
}

/* Of a child job, or of the process itself if there is none. */
static uint64_t pages_in(const struct job *child, struct candidate *c) {
    if (child) return pages_of(child);
    measure(c);
    return c->bytes >> PAGE_SHIFT;
}

static bool comes_first(const struct job *child) {
    return child && atomic_load(&child->kill_on_oom) && atomic_load(&child->parent->marks_pause) <= arch_time_now();
}

/* By what they are in, below the lowest job that both are in. */
static bool is_before(struct candidate *a, struct candidate *b) {
    const struct job *at_a = a->process->job, *at_b = b->process->job, *child_a = NULL, *child_b = NULL;
    while (at_a != at_b) {
        if (at_a->height <= at_b->height) {
            child_a = at_a;
            at_a = at_a->parent;
        } else {
            child_b = at_b;
            at_b = at_b->parent;
        }
    }
    bool first_a = comes_first(child_a), first_b = comes_first(child_b);
    return first_a != first_b ? first_a : pages_in(child_a, a) > pages_in(child_b, b);
}

static bool is_marked(const struct job *job, const struct job *top) {
    while (!atomic_load(&job->kill_on_oom) && job != top) job = job->parent;
    return atomic_load(&job->kill_on_oom);
}

static bool may_end(struct candidate *c, const struct job *top) {
    if (is_marked(c->process->job, top)) return true;
    measure(c);
    return !c->is_root;
}

/* The one that comes first stays. Those that are dying end anyway. Takes the reference. */
static void consider(struct candidate *best, struct process *process, const struct job *top) {
    struct candidate c = {.process = process};
    if ((!best->process || is_before(&c, best)) && (process_is_dying(process) || may_end(&c, top))) {
        process = best->process;
        *best = c;
    }
    if (process) object_unref(&process->object);
}

/* Of one job. A dead process has nothing left. */
static void consider_processes(struct candidate *best, struct process **dying, struct job *job, const struct job *top,
                               zx_koid_t last) {
    zx_koid_t koid = 0;
    struct object *object;
    while (!thread_killed() && (object = members_next(&job->processes, &koid, last))) {
        struct process *process = process_from_object(object);
        const enum process_state state = atomic_load(&process->state);
        if (state == PROCESS_DYING && !*dying) {
            object_ref(object);
            *dying = process;
        }
        if (state == PROCESS_DEAD)
            object_unref(object);
        else
            consider(best, process, top);
    }
}

struct oom_choice oom_choose(struct job *top) {
    const zx_koid_t last = koid_last();
    struct candidate best = {0};
    struct process *dying = NULL;
    object_ref(&top->object);
    for (struct job *job = top; job; job = job_walk_next(job, top, last))
        consider_processes(&best, &dying, job, top, last);
    return (struct oom_choice){best.process, dying};
}

/* --- when --- */

/* A thread whose fault waits, and what for. */
struct need {
    TAILQ_ENTRY(need) link;
    const struct budget *lacks;
    struct oom_choice choice;
    struct waitq waits;
    bool over;
};

/* Guards all below. */
static struct spinlock lock = SPINLOCK_INIT(RANK_WAIT, "out of memory");
static struct job *root GUARDED_BY(lock);
static struct waitq keeper GUARDED_BY(lock) = WAITQ_INIT(keeper);
static TAILQ_HEAD(, need) needs GUARDED_BY(lock) = TAILQ_HEAD_INITIALIZER(needs);
static struct need *served GUARDED_BY(lock); /* in no list; NULL: none, or no thread waits for it any more */

void oom_begin(struct job *job) {
    spin_lock(&lock);
    root = job;
    spin_unlock(&lock);
}

static void release(struct process *process) {
    if (process) object_unref(&process->object);
}

static void choice_release(struct oom_choice choice) {
    release(choice.victim);
    release(choice.dying);
}

/* Takes over its references. */
static struct need await_need(void) {
    spin_lock(&lock);
    while (!(served = TAILQ_FIRST(&needs))) {
        (void)!waitq_block(&keeper, &lock, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        spin_lock(&lock);
    }
    TAILQ_REMOVE(&needs, served, link);
    const struct need need = {.lacks = served->lacks, .choice = served->choice};
    spin_unlock(&lock);
    return need;
}

static void end_need(void) {
    spin_lock(&lock);
    if (served) {
        served->over = true;
        waitq_wake_all(&served->waits, ZX_OK);
    }
    spin_unlock(&lock);
}

/* Waits until nothing is left of it but what others share. */
static void await_end(struct process *process) {
    zx_signals_t observed;
    (void)!object_wait_one(&process->object, NULL, NULL, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, &observed);
}

static void pause_marks(const struct job *job) {
    for (; job->parent; job = job->parent) {
        if (atomic_load(&job->kill_on_oom)) atomic_store(&job->parent->marks_pause, arch_time_now() + MARKS_PAUSE);
    }
}

static void end_process(struct process *process) {
    if (!process_is_dying(process)) {
        log_line("out of memory: process %lu of job %lu ends, which has %lu pages: '%s'", process->object.koid,
                 process->job->object.koid, pages_of(process->job), object_printable_name(&process->object).text);
        pause_marks(process->job);
    }
    process_kill(process, ZX_TASK_RETCODE_OOM_KILL);
    await_end(process);
}

/* Memory may have been freed meanwhile. The job that lacks it is above the processes, so it lives as long. */
static void serve(const struct need *need) {
    if (reclaim_for(need->lacks)) return;
    if (need->choice.dying) await_end(need->choice.dying);
    if (need->choice.victim && !reclaim_for(need->lacks)) end_process(need->choice.victim);
}

void oom_keeper(void *arg UNUSED) {
    thread_current()->urgent = true;
    for (;;) {
        const struct need need = await_need();
        serve(&need);
        choice_release(need.choice);
        end_need();
    }
}

/* A copy cannot end for a suspension: it looks for a kill now and then. */
#define COPY_LOOKS ZX_MSEC(2)

static bool is_to_stop(bool user) { return user ? thread_interrupted() : thread_killed(); }

/* Until it is over, or the thread is to stop. */
static void await_keeper(struct need *need, bool user) {
    waitq_init(&need->waits);
    spin_lock(&lock);
    TAILQ_INSERT_TAIL(&needs, need, link);
    (void)waitq_wake_one(&keeper, ZX_OK);
    while (!need->over && !is_to_stop(user)) {
        const zx_time_t deadline = user ? ZX_TIME_INFINITE : arch_time_now() + COPY_LOOKS;
        (void)!waitq_block(&need->waits, &lock, deadline, user ? WAIT_INTERRUPTIBLE : WAIT_UNINTERRUPTIBLE);
        spin_lock(&lock);
    }
    bool is_queued = !need->over && served != need;
    if (is_queued) TAILQ_REMOVE(&needs, need, link);
    if (served == need) served = NULL;
    spin_unlock(&lock);
    if (is_queued) choice_release(need->choice);
}

static struct job *job_that_lacks(const struct budget *lacks) {
    if (lacks != &root_budget) return lacks->job;
    spin_lock(&lock);
    struct job *job = root;
    spin_unlock(&lock);
    return job;
}

zx_status_t upcall_out_of_memory(const struct budget *lacks, bool user) {
    struct job *top = job_that_lacks(lacks);
    struct need need = {.lacks = lacks};
    if (top) need.choice = oom_choose(top);
    struct process *victim = need.choice.victim;
    /* It has filled the limit itself. */
    if (victim && victim->aspace == thread_current()->aspace && lacks != &root_budget) {
        object_unref(&victim->object);
        need.choice.victim = NULL;
    }
    if (!need.choice.victim && !need.choice.dying) return reclaim_for(lacks) ? ZX_OK : ZX_ERR_NO_MEMORY;
    await_keeper(&need, user);
    return ZX_OK;
}
