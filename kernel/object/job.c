/*
 * Jobs; see job.h. The job's lock is outside every process's: killing holds it while it takes references, and lets go
 * before it kills.
 */
#include "kernel/object/job.h"

#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "vm/heap.h"

static void job_destroy(struct object *object) {
    struct job *job = job_from_object(object);
    ASSERT(LIST_EMPTY(&job->processes));
    heap_free(job);
}

static const struct object_ops job_ops = {
    .type = ZX_OBJ_TYPE_JOB,
    .default_rights = ZX_DEFAULT_JOB_RIGHTS,
    .destroy = job_destroy,
};

zx_status_t job_create_root(struct job **out) {
    struct job *job = heap_new(struct job);
    if (!job) return ZX_ERR_NO_MEMORY;
    object_init(&job->object, &job_ops, ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS);
    mutex_init(&job->lock, RANK_JOB, "job");
    LIST_INIT(&job->processes);
    *out = job;
    return ZX_OK;
}

zx_status_t job_add(struct job *job, struct process *process) {
    zx_status_t status = ZX_ERR_BAD_STATE;
    mutex_lock(&job->lock);
    if (!job->killed) {
        LIST_INSERT_HEAD(&job->processes, process, job_link);
        object_signal(&job->object, ZX_JOB_NO_PROCESSES, 0);
        status = ZX_OK;
    }
    mutex_unlock(&job->lock);
    return status;
}

/* Under the lock: what a job with no members shows. */
static void signal_empty(struct job *job) {
    if (LIST_EMPTY(&job->processes))
        object_signal(&job->object, 0, ZX_JOB_NO_PROCESSES | (job->killed ? ZX_JOB_TERMINATED : 0));
}

void job_remove(struct job *job, struct process *process) {
    mutex_lock(&job->lock);
    LIST_REMOVE(process, job_link);
    signal_empty(job);
    mutex_unlock(&job->lock);
}

/* Some process of the job that is not being killed yet, with a reference. */
static struct process *next_victim(struct job *job) {
    struct process *process;
    mutex_lock(&job->lock);
    job->killed = true;
    signal_empty(job);
    LIST_FOREACH (process, &job->processes, job_link) {
        if (!process_is_dying(process)) break;
    }
    if (process) object_ref(&process->object);
    mutex_unlock(&job->lock);
    return process;
}

/* The list is in no order: the lowest koid above is looked for each time. */
struct process *job_next_process(struct job *job, zx_koid_t *koid) {
    struct process *process, *best = NULL;
    mutex_lock(&job->lock);
    LIST_FOREACH (process, &job->processes, job_link) {
        zx_koid_t candidate = process->object.koid;
        if (candidate > *koid && (!best || candidate < best->object.koid)) best = process;
    }
    if (best) {
        object_ref(&best->object);
        *koid = best->object.koid;
    }
    mutex_unlock(&job->lock);
    return best;
}

void job_kill(struct job *job, int64_t return_code) {
    struct process *process;
    while ((process = next_victim(job))) {
        process_kill(process, return_code);
        object_unref(&process->object);
    }
}
