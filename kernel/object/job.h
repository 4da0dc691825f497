/*
 * Jobs: groups of processes and of further jobs, a tree that begins with the root job.
 *
 * One lock guards the shape of the whole tree. A job refers to its parent, not the other way round: it is listed there
 * while it has members or a handle, and not once it is dead; adding a member to one that is not listed lists it
 * again. So whatever lives is found from the root, and a kill from above reaches it.
 */
#pragma once

#include "kernel/sched/object.h"

struct process;

/* How many generations of jobs there can be below the root job. */
#define JOB_HEIGHT_MAX 32

struct job {
    struct object object;
    struct job *parent;         /* [I] with a reference; NULL: the root job */
    unsigned height;            /* [I] generations there may be below it */
    char name[ZX_MAX_NAME_LEN]; /* [o] */

    /* [j] members are borrowed */
    bool killed;
    bool listed;                    /* in the parent's `jobs` */
    LIST_ENTRY(job) link;           /* there */
    SLIST_ENTRY(job) doomed;        /* while it is being killed */
    LIST_HEAD(, job) jobs;          /* one whose last reference has gone waits for the lock to leave */
    LIST_HEAD(, process) processes; /* a reference is held to one that becomes DEAD until it has left */
};

static inline struct job *job_from_object(struct object *object) { return container_of(object, struct job, object); }

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t job_create_root(struct job **out);

/*
 * OUT_OF_RANGE (the parent has no height left), NO_MEMORY, BAD_STATE (it was killed). Returns a reference and a handle
 * count.
 */
MUST_CHECK zx_status_t job_create(struct job *parent, struct job **out);

/* BAD_STATE once the job was killed. */
MUST_CHECK zx_status_t job_add(struct job *job, struct process *process);
void job_remove(struct job *job, struct process *process);

/* Goes through the members by koid: the first process above `*koid`, with a reference, and `*koid` becomes its own. */
MUST_CHECK struct process *job_next_process(struct job *job, zx_koid_t *koid);
/* The same for child jobs. */
MUST_CHECK struct job *job_next_job(struct job *job, zx_koid_t *koid);
/*
 * The child job that has this koid, with a reference and a handle count, so that it stays listed; NULL: there is none.
 */
MUST_CHECK struct job *job_find_child(struct job *job, zx_koid_t koid);

/* Kills all that is in it, however deep; nothing can be added afterwards. */
void job_kill(struct job *job, int64_t return_code);
