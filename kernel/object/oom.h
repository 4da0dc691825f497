/*
 * When memory runs out: a page fault finds none, and nothing is left to reclaim. Either the machine has no page left,
 * or a limit is reached: of the faulting thread's job, or of one above it. Then a process ends that is in the job that
 * lacks, the root job or the one whose limit it is, or below it; with return code -1025 (ZX_TASK_RETCODE_OOM_KILL) and
 * one line in the log. Then the fault is retried.
 *
 * A rule says which one, not the accident of which thread touched a page. It begins with the job that lacks memory:
 *
 *   1. Of what is in it, child jobs with ZX_PROP_JOB_KILL_ON_OOM come first, and then what is largest. A child job is
 *      as large as its budget says, what is below it included; a process as large as what its end frees.
 *   2. If what comes first is a process, it ends. If it is a job, the same is asked of what is in that.
 *
 * Passed over is a process that has the root resource, unless its job or one above it has KILL_ON_OOM; and a job with
 * no process in it. If a limit is reached, and the faulting process itself or none is chosen, the fault is an
 * exception: the process has used up the limit by itself, and its handler may know better. The same holds if the
 * machine lacks memory and no process is chosen.
 *
 * What the end of a process frees: the pages of VMOs that only it maps, or that no process maps and of which it has the
 * only handle; the kernel's stacks for its threads; and its handles. Each VMO is one process's at most, and is counted
 * once: so a choice takes as long as one pass over memory, whatever programs do. Objects made after it began are
 * skipped.
 *
 * A process that is already dying is chosen like any other, and its end awaited. So is the end of another dying
 * process, once, before a live one is ended: that may be enough. After a process has ended for a KILL_ON_OOM, that of
 * its job's siblings does not count for a second: else a program could make small jobs for ever that end instead of it.
 *
 * What a process had sent to others, and they keep, is still charged to its job when it has ended: see SECURITY.md.
 */
#pragma once

#include "kernel/object/job.h"

/* From now on programs may end because the machine has no page left: those in `root`, which stays. NULL: none. */
void oom_begin(struct job *root);

/* Runs on a kernel stack of its own, forever: has those end that were chosen, one after the other. */
void oom_keeper(void *arg);

/* With a reference each, or NULL: the process that comes first, dying or not; and one that is dying. */
struct oom_choice {
    struct process *victim, *dying;
};
MUST_CHECK struct oom_choice oom_choose(struct job *top);
