/*
 * When memory runs out: a page fault finds none, no limit is in the way, and nothing can be given back any more. Then
 * a program ends, with return code -1025 (ZX_TASK_RETCODE_OOM_KILL) and one line in the log, and the fault is tried
 * again.
 *
 * Which one, this rule says, and not who happened to touch a page:
 *
 *   1. Of the jobs with ZX_PROP_JOB_KILL_ON_OOM, the one that has most memory, what is below it included: the largest
 *      process in it or below it.
 *   2. If there is no process in such a job: of all jobs, the one that has most memory of its own, what is below it not
 *      included: the largest process in it of those without a handle to the root resource. If it has none such, the
 *      next job.
 *
 * A job's memory is what its budget counts. A process is as large as the pages of VMOs that only it maps, or that it
 * has a handle to and nobody maps; the kernel's stacks for its threads; and its handles. Nobody is chosen until the end
 * of the last one is complete. If there is nobody to choose, the fault is an exception.
 */
#pragma once

#include "kernel/object/job.h"

/* From now on programs may end for want of memory: those in `root`, which stays, and below it. NULL: none. */
void oom_begin(struct job *root);

/* Runs on a kernel stack of its own, forever: chooses, and waits for the end. */
void oom_keeper(void *arg);

/* The process that is to end now, with a reference; NULL: there is none. */
MUST_CHECK struct process *oom_choose(struct job *root);
