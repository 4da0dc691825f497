/*
 * The tree of jobs, where it takes a reference without a handle to get there: what system calls meet only in a race.
 */
#include "kernel/object/job.h"

#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "tests/kernel/support.h"

static struct job *root, *parent, *child;

static bool begin(void) {
    return job_create_root(&root) == ZX_OK && job_create(root, &parent) == ZX_OK && job_create(parent, &child) == ZX_OK;
}

/* As if the last handle to it were closed. */
static void lose_handle(struct job *job) { object_handle_unref(&job->object); }

static void job_end(struct job *job) {
    if (atomic_load(&job->object.handles) != 0) lose_handle(job);
    object_unref(&job->object);
}

static void end(void) {
    job_end(child);
    job_end(parent);
    job_end(root);
}

static bool has_jobs(struct job *job) { return !(object_signals(&job->object) & ZX_JOB_NO_JOBS); }

KTEST("job/without a handle or a member it is dead, and so are those above it: it takes none any more") {
    struct process *process;
    struct job *job;
    NEED(begin() && has_jobs(root) && has_jobs(parent));
    lose_handle(parent);
    EXPECT(has_jobs(root) && !members_empty(&root->jobs));
    lose_handle(child);
    EXPECT(!has_jobs(parent) && !has_jobs(root) && members_empty(&parent->jobs) && members_empty(&root->jobs));
    EXPECT(process_create(child, "late", &process) == ZX_ERR_BAD_STATE);
    EXPECT(job_create(parent, &job) == ZX_ERR_BAD_STATE);
    job_kill(root, -1024);
    EXPECT(object_signals(&root->object) & ZX_JOB_TERMINATED);
    end();
}

KTEST("job/without a handle it stays while something is in it, and a kill reaches that") {
    struct process *process;
    NEED(begin() && process_create(child, "left", &process) == ZX_OK);
    lose_handle(child);
    lose_handle(parent);
    EXPECT(has_jobs(root) && has_jobs(parent));
    job_kill(root, -1024);
    EXPECT(object_signals(&process->object) & ZX_PROCESS_TERMINATED);
    EXPECT(object_signals(&child->object) & ZX_JOB_TERMINATED);
    EXPECT(object_signals(&root->object) & ZX_JOB_TERMINATED);
    object_unref(&process->object);
    end();
}

KTEST("job/one that had left before its parent was killed takes no member any more") {
    struct process *process;
    struct job *job;
    NEED(begin());
    lose_handle(child);
    job_kill(root, -1024);
    EXPECT(!(object_signals(&child->object) & ZX_JOB_TERMINATED));
    EXPECT(process_create(child, "late", &process) == ZX_ERR_BAD_STATE);
    EXPECT(job_create(child, &job) == ZX_ERR_BAD_STATE);
    end();
}

KTEST("job/one that was found stays listed when whoever made it closes the last handle") {
    NEED(begin());
    struct object *found = members_find(&parent->jobs, child->object.koid);
    NEED(found == &child->object);
    lose_handle(child);
    EXPECT(has_jobs(parent));
    handle_discard(handle_adopt(found, 0));
    EXPECT(!has_jobs(parent) && !members_find(&parent->jobs, child->object.koid));
    end();
}
