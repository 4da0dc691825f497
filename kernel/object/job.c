/*
 * Jobs; see job.h. No lock is held for longer than it takes to add, find or remove one member: a kill marks one job,
 * kills its processes, and continues with the next by koid. Walks follow parent pointers instead of recursing.
 */
#include "kernel/object/job.h"

#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "vm/budget.h"

_Static_assert(RANK_JOB + JOB_HEIGHT_MAX == RANK_LAST_JOB, "each generation has a rank");

static bool is_empty(const struct job *job) { return members_empty(&job->jobs) && members_empty(&job->processes); }

/* A set of a job's members changes, and the signal that is up while the set is empty. `policy` is the new member's. */
static zx_status_t add_member(struct job *job, struct members *set, struct member *member, struct object *object,
                              struct policy *policy, zx_signals_t none) {
    mutex_lock(&job->lock);
    bool takes = !job->killed && !job->dead;
    if (takes) {
        if (members_empty(set)) object_signal(&job->object, none, 0);
        *policy = job->policy;
        members_add(set, member, object);
        if (set == &job->processes) heap_keep(&job->budget->heap, true);
    }
    mutex_unlock(&job->lock);
    return takes ? ZX_OK : ZX_ERR_BAD_STATE;
}

/* Before it shows that it is dead. */
static void shut_exceptions(struct job *job) REQUIRES(&job->lock) {
    exception_channel_shut(&job->exceptions);
    exception_channel_shut(&job->debugger);
}

static void remove_member(struct job *job, struct members *set, struct member *member, zx_signals_t none)
    REQUIRES(&job->lock) {
    members_remove(set, member);
    if (!members_empty(set)) return;
    /* Nothing is allocated there: what is freed from now on is not kept. */
    if (set == &job->processes && job->parent) heap_keep(&job->budget->heap, false);
    bool terminated = job->killed && is_empty(job);
    if (terminated) shut_exceptions(job);
    /* One change: a thread woken by the end of a killed job's last process finds the job terminated. */
    object_signal(&job->object, 0, none | (terminated ? ZX_JOB_TERMINATED : 0));
}

/* Under the parent's lock, if it has one. True: it has died just now. */
static bool die(struct job *job) {
    mutex_lock(&job->lock);
    bool unused = job->parent && atomic_load(&job->object.handles) == 0;
    bool dies = !job->dead && is_empty(job) && (job->killed || unused);
    if (dies) {
        job->dead = true;
        shut_exceptions(job);
    }
    if (dies && job->killed) object_signal(&job->object, 0, ZX_JOB_TERMINATED);
    mutex_unlock(&job->lock);
    return dies;
}

/* For a job that may have lost what kept it in its parent. If it dies, the parent has lost a member. */
static void settle(struct job *job) {
    struct job *parent;
    for (; (parent = job->parent); job = parent) {
        mutex_lock(&parent->lock);
        bool died = die(job);
        if (died) remove_member(parent, &parent->jobs, &job->member, ZX_JOB_NO_JOBS);
        mutex_unlock(&parent->lock);
        object_tell_rest();
        if (!died) return;
    }
    (void)die(job);
}

static void job_on_zero_handles(struct object *object) { settle(job_from_object(object)); }

/* The reference to the parent may be its last: a whole chain of jobs is freed in one loop. */
static void job_free(struct object *object) {
    struct job *job = job_from_object(object);
    while (job) {
        struct job *parent = job->parent;
        ASSERT(is_empty(job));
        exception_channel_destroy(&job->exceptions);
        exception_channel_destroy(&job->debugger);
        if (parent) budget_refund(parent->budget, BUDGET_JOBS, 1);
        if (parent) budget_leave(job->budget);
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
    struct budget *budget = parent ? budget_create(parent->budget) : &root_budget;
    if (!job || !budget) {
        heap_free(job);
        if (parent && budget) budget_leave(budget);
        return NULL;
    }
    job->budget = budget;
    if (parent) budget->job = job;
    object_init(&job->object, &job_ops, ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS);
    if (parent) object_ref(&parent->object);
    job->parent = parent;
    job->height = parent ? parent->height - 1 : JOB_HEIGHT_MAX;
    mutex_init(&job->lock, (enum lock_rank)(RANK_JOB + JOB_HEIGHT_MAX - job->height), "job");
    members_init(&job->jobs, &job->lock);
    members_init(&job->processes, &job->lock);
    output_turn_init(&job->output);
    exception_channel_init(&job->exceptions);
    exception_channel_init(&job->debugger);
    return job;
}

zx_status_t job_create_root(struct job **out) {
    *out = job_new(NULL);
    return *out ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t job_create(struct job *parent, struct job **out) {
    if (parent->height == 0) return ZX_ERR_OUT_OF_RANGE;
    if (!budget_charge(parent->budget, BUDGET_JOBS, 1)) return ZX_ERR_NO_MEMORY;
    struct job *job = job_new(parent);
    if (!job) {
        budget_refund(parent->budget, BUDGET_JOBS, 1);
        return ZX_ERR_NO_MEMORY;
    }
    object_handle_ref(&job->object);
    zx_status_t status = add_member(parent, &parent->jobs, &job->member, &job->object, &job->policy, ZX_JOB_NO_JOBS);
    if (status == ZX_OK)
        *out = job;
    else
        object_unref(&job->object);
    return status;
}

zx_status_t job_add(struct job *job, struct process *process) {
    return add_member(job, &job->processes, &process->member, &process->object, &process->handles.policy,
                      ZX_JOB_NO_PROCESSES);
}

void job_remove(struct job *job, struct process *process) {
    mutex_lock(&job->lock);
    remove_member(job, &job->processes, &process->member, ZX_JOB_NO_PROCESSES);
    bool empty = is_empty(job);
    mutex_unlock(&job->lock);
    object_tell_rest();
    if (empty) settle(job);
}

zx_status_t job_add_policy(struct job *job, const zx_policy_basic_t *entries, uint32_t count, bool absolute) {
    mutex_lock(&job->lock);
    zx_status_t status = is_empty(job) ? policy_add(&job->policy, entries, count, absolute) : ZX_ERR_BAD_STATE;
    mutex_unlock(&job->lock);
    return status;
}

bool job_is_ending(struct job *job) {
    mutex_lock(&job->lock);
    bool ending = job->killed || job->dead;
    mutex_unlock(&job->lock);
    return ending;
}

struct job *job_walk_next(struct job *job, const struct job *top, zx_koid_t last) {
    struct job *at = job;
    zx_koid_t koid = 0;
    struct object *next;
    while (!(next = members_next(&at->jobs, &koid, last)) && at != top) {
        koid = at->object.koid;
        at = at->parent;
    }
    object_unref(&job->object);
    return next ? job_from_object(next) : NULL;
}

/* From the mark on it takes no more members. */
static void kill_members(struct job *job, int64_t return_code) {
    struct object *process;
    zx_koid_t koid = 0;
    mutex_lock(&job->lock);
    job->killed = true;
    mutex_unlock(&job->lock);
    while ((process = members_next(&job->processes, &koid, UINT64_MAX))) {
        process_kill(process_from_object(process), return_code);
        object_unref(process);
    }
    settle(job);
}

/* Another kill may still be under way below a job that is already killed, so all are visited. */
void job_kill(struct job *top, int64_t return_code) {
    object_ref(&top->object);
    for (struct job *job = top; job; job = job_walk_next(job, top, UINT64_MAX)) kill_members(job, return_code);
}
