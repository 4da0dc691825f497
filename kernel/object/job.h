/*
 * Jobs: groups of processes and of further jobs, a tree that begins with the root job.
 *
 * A job refers to its parent, not the other way round: it lives while it has members or a handle. Without either, or
 * once it was killed and has no members left, it is dead: it has left the parent for good, and takes no members. So
 * whatever lives is found from the root, and a kill from above reaches it.
 *
 * A job has a budget below its parent's, vm/budget.h; the root job has the kernel's own.
 *
 * Each job has a lock of its own, which guards its members, and with that which of its children are dead. The locks of
 * a parent and a child may be taken together, the parent's first.
 */
#pragma once

#include "kernel/object/exception_channel.h"
#include "kernel/object/members.h"
#include "kernel/object/output.h"
#include "kernel/object/policy.h"

struct budget;
struct process;

/* How many generations of jobs there can be below the root job. */
#define JOB_HEIGHT_MAX 32

struct job {
    struct object object;
    struct job *parent;            /* [I] with a reference; NULL: the root job */
    struct budget *budget;         /* [I] */
    unsigned height;               /* [I] generations there may be below it */
    char name[ZX_MAX_NAME_LEN];    /* [o] */
    atomic_bool kill_on_oom;       /* [a] ZX_PROP_JOB_KILL_ON_OOM */
    _Atomic zx_time_t marks_pause; /* [a] until then that of its child jobs does not count: see oom.h */
    struct exception_channel exceptions, debugger;
    struct output_turn output;

    struct mutex lock;        /* guards [j] */
    bool killed;              /* [j] */
    bool dead;                /* [j] and the parent's */
    struct policy policy;     /* [j] changes only while it is empty */
    struct members jobs;      /* [j] */
    struct members processes; /* [j] a reference is held to one that becomes DEAD until it has left */
    struct member member;     /* [j] of the parent, until it is dead */
};

static inline struct job *job_from_object(struct object *object) { return container_of(object, struct job, object); }

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t job_create_root(struct job **out);

/* OUT_OF_RANGE (no height left), NO_MEMORY, BAD_STATE (killed or dead). Returns a reference and a handle count. */
MUST_CHECK zx_status_t job_create(struct job *parent, struct job **out);

/* Gives it the job's policy. BAD_STATE once the job was killed, or is dead. */
MUST_CHECK zx_status_t job_add(struct job *job, struct process *process);
void job_remove(struct job *job, struct process *process);

/* BAD_STATE: something is in it; otherwise as policy_add(). */
MUST_CHECK zx_status_t job_add_policy(struct job *job, const zx_policy_basic_t *entries, uint32_t count, bool absolute);

/* The job after `job` in the subtree of `top`, parents first, up to koid `last`. The reference moves on with it. */
MUST_CHECK struct job *job_walk_next(struct job *job, const struct job *top, zx_koid_t last);

/* It was killed, or is dead. */
bool job_is_ending(struct job *job);

/*
 * Kills everything in it, at any depth; nothing can be added afterwards. It runs to completion even if the caller,
 * which may be in the job, is killed.
 */
void job_kill(struct job *job, int64_t return_code);
