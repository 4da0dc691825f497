/*
 * Jobs: groups of processes. So far there is one, the root job.
 */
#pragma once

#include "kernel/base/object.h"
#include "kernel/sched/mutex.h"

struct process;

struct job {
    struct object object;
    struct mutex lock;          /* guards [j] */
    bool killed;                /* [j] */
    char name[ZX_MAX_NAME_LEN]; /* kernel/object/name.h */
    LIST_HEAD(, process)
    processes; /* [j] borrowed: whoever brings a process to DEAD holds a reference until it has left */
};

static inline struct job *job_from_object(struct object *object) { return container_of(object, struct job, object); }

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t job_create_root(struct job **out);

/* BAD_STATE once the job was killed. */
MUST_CHECK zx_status_t job_add(struct job *job, struct process *process);
void job_remove(struct job *job, struct process *process);

/* Goes through the members by koid: the first process above `*koid`, with a reference, and `*koid` becomes its own. */
MUST_CHECK struct process *job_next_process(struct job *job, zx_koid_t *koid);

/* Kills all processes; none can be added afterwards. */
void job_kill(struct job *job, int64_t return_code);
