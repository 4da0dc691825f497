/*
 * Jobs; see job.h. The tree's lock is outside every process's: killing marks all jobs of a subtree under it and takes
 * references to their processes, and releases it before it kills these. Walks follow parent pointers instead of
 * recursing.
 */
#include "kernel/object/job.h"

#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "kernel/sched/mutex.h"
#include "vm/heap.h"

static struct mutex tree_lock = MUTEX_INIT(tree_lock, RANK_JOB, "job tree");

static bool is_empty(const struct job *job) { return LIST_EMPTY(&job->jobs) && LIST_EMPTY(&job->processes); }

/* What a job shows of its members. */
static void signal_members(struct job *job) REQUIRES(&tree_lock) {
    zx_signals_t set = 0;
    if (LIST_EMPTY(&job->processes)) set |= ZX_JOB_NO_PROCESSES;
    if (LIST_EMPTY(&job->jobs)) set |= ZX_JOB_NO_JOBS;
    if (job->killed && is_empty(job)) set |= ZX_JOB_TERMINATED;
    object_signal(&job->object, (ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS) & ~set, set);
}

/* When it may have become empty: shows it, and leaves the parent if nothing keeps it there; then the same there. */
static void settle(struct job *job) REQUIRES(&tree_lock) {
    for (; job; job = job->parent) {
        signal_members(job);
        if (!job->listed || !is_empty(job) || (!job->killed && atomic_load(&job->object.handles) != 0)) break;
        LIST_REMOVE(job, link);
        job->listed = false;
    }
}

/* Lists a job at its parent, and that at its own. BAD_STATE: one of them was killed. */
static zx_status_t list_upwards(struct job *job) REQUIRES(&tree_lock) {
    const struct job *at = job;
    while (!at->killed && !at->listed && at->parent) at = at->parent;
    if (at->killed) return ZX_ERR_BAD_STATE;
    while (job->parent && !job->listed) {
        struct job *const parent = job->parent;
        LIST_INSERT_HEAD(&parent->jobs, job, link);
        job->listed = true;
        signal_members(parent);
        job = parent;
    }
    return ZX_OK;
}

static void job_on_zero_handles(struct object *object) {
    mutex_lock(&tree_lock);
    settle(job_from_object(object));
    mutex_unlock(&tree_lock);
}

/* The reference to the parent may be its last: a whole chain of jobs is freed in one loop. */
static void job_free(struct object *object) {
    struct job *job = job_from_object(object);
    while (job) {
        struct job *parent = job->parent;
        mutex_lock(&tree_lock);
        ASSERT(is_empty(job));
        settle(job);
        ASSERT(!job->listed);
        mutex_unlock(&tree_lock);
        heap_free(job);
        job = parent && object_unref_last(&parent->object) ? parent : NULL;
    }
}

static zx_koid_t job_related_koid(struct object *object) {
    const struct job *parent = job_from_object(object)->parent;
    return parent ? parent->object.koid : ZX_KOID_INVALID;
}

static const struct object_ops job_ops = {
    .type = ZX_OBJ_TYPE_JOB,
    .default_rights = ZX_DEFAULT_JOB_RIGHTS,
    .name_offset = OBJECT_NAME(struct job),
    .free = job_free,
    .on_zero_handles = job_on_zero_handles,
    .related_koid = job_related_koid,
};

static struct job *job_new(struct job *parent) {
    struct job *job = heap_new(struct job);
    if (!job) return NULL;
    object_init(&job->object, &job_ops, ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS);
    if (parent) object_ref(&parent->object);
    job->parent = parent;
    job->height = parent ? parent->height - 1 : JOB_HEIGHT_MAX;
    LIST_INIT(&job->jobs);
    LIST_INIT(&job->processes);
    return job;
}

zx_status_t job_create_root(struct job **out) {
    *out = job_new(NULL);
    return *out ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t job_create(struct job *parent, struct job **out) {
    if (parent->height == 0) return ZX_ERR_OUT_OF_RANGE;
    struct job *job = job_new(parent);
    if (!job) return ZX_ERR_NO_MEMORY;
    object_handle_ref(&job->object);
    mutex_lock(&tree_lock);
    zx_status_t status = list_upwards(job);
    mutex_unlock(&tree_lock);
    if (status == ZX_OK)
        *out = job;
    else
        object_unref(&job->object);
    return status;
}

zx_status_t job_add(struct job *job, struct process *process) {
    mutex_lock(&tree_lock);
    zx_status_t status = list_upwards(job);
    if (status == ZX_OK) {
        LIST_INSERT_HEAD(&job->processes, process, job_link);
        signal_members(job);
    }
    mutex_unlock(&tree_lock);
    return status;
}

void job_remove(struct job *job, struct process *process) {
    mutex_lock(&tree_lock);
    LIST_REMOVE(process, job_link);
    settle(job);
    mutex_unlock(&tree_lock);
}

/* Lists are in no order: the lowest koid above is looked for each time. */
struct process *job_next_process(struct job *job, zx_koid_t *koid) {
    struct process *process, *best = NULL;
    mutex_lock(&tree_lock);
    LIST_FOREACH (process, &job->processes, job_link) {
        zx_koid_t candidate = process->object.koid;
        if (candidate > *koid && (!best || candidate < best->object.koid)) best = process;
    }
    if (best) {
        object_ref(&best->object);
        *koid = best->object.koid;
    }
    mutex_unlock(&tree_lock);
    return best;
}

/* One that waits for the lock to leave is passed over. */
struct job *job_next_job(struct job *job, zx_koid_t *koid) {
    struct job *child, *best;
    mutex_lock(&tree_lock);
    do {
        best = NULL;
        LIST_FOREACH (child, &job->jobs, link) {
            zx_koid_t candidate = child->object.koid;
            if (candidate > *koid && (!best || candidate < best->object.koid)) best = child;
        }
        if (best) *koid = best->object.koid;
    } while (best && !object_try_ref(&best->object));
    mutex_unlock(&tree_lock);
    return best;
}

struct job *job_find_child(struct job *job, zx_koid_t koid) {
    struct job *child;
    mutex_lock(&tree_lock);
    LIST_FOREACH (child, &job->jobs, link) {
        if (child->object.koid == koid) break;
    }
    if (child && !object_try_ref(&child->object)) child = NULL;
    if (child) object_handle_ref(&child->object);
    mutex_unlock(&tree_lock);
    return child;
}

/*
 * The job after `job` in the subtree of `top`, parents first; below one that was killed before there is nothing to do.
 */
static struct job *walk_next(struct job *job, const struct job *top, bool descend) REQUIRES(&tree_lock) {
    if (descend && !LIST_EMPTY(&job->jobs)) return LIST_FIRST(&job->jobs);
    for (; job != top; job = job->parent) {
        if (LIST_NEXT(job, link)) return LIST_NEXT(job, link);
    }
    return NULL;
}

SLIST_HEAD(job_list, job);
SLIST_HEAD(process_list, process);

/* Marks the whole subtree. What is found last, which is deepest, becomes first of `victims`; each has a reference. */
static void doom(struct job *top, struct process_list *victims) REQUIRES(&tree_lock) {
    struct job_list jobs = SLIST_HEAD_INITIALIZER(jobs);
    bool killed_now = true;
    for (struct job *job = top; job; job = walk_next(job, top, killed_now)) {
        struct process *process;
        killed_now = !job->killed;
        if (!killed_now) continue;
        job->killed = true;
        SLIST_INSERT_HEAD(&jobs, job, doomed);
        LIST_FOREACH (process, &job->processes, job_link) {
            object_ref(&process->object);
            SLIST_INSERT_HEAD(victims, process, doomed);
        }
    }
    struct job *job;
    SLIST_FOREACH (job, &jobs, doomed) settle(job);
}

void job_kill(struct job *job, int64_t return_code) {
    struct process_list victims = SLIST_HEAD_INITIALIZER(victims);
    mutex_lock(&tree_lock);
    doom(job, &victims);
    mutex_unlock(&tree_lock);
    struct process *process;
    while ((process = SLIST_FIRST(&victims))) {
        SLIST_REMOVE_HEAD(&victims, doomed);
        process_kill(process, return_code);
        object_unref(&process->object);
    }
}
