/*
 * When memory runs out: a page fault finds none, and nothing can be given back any more that can be made again. Either
 * the machine has no page left, or a limit is reached: of the faulting thread's job, or of one above it. Then a process
 * ends that is in the job that lacks, the root job or the one whose limit it is, or below it; with return code -1025
 * (ZX_TASK_RETCODE_OOM_KILL) and one line in the log. Then the fault is tried again.
 *
 * Which one, this rule says, and not who happened to touch a page. It begins with the job that lacks:
 *
 *   1. Of what is in it, child jobs with ZX_PROP_JOB_KILL_ON_OOM come first, and then what is largest. A child job is
 *      as large as its budget says, what is below it included; a process as large as what goes with it.
 *   2. If what comes first is a process, it ends. If it is a job, the same is asked of what is in that.
 *
 * Passed over is a process that has the root resource, unless its job or one above it has KILL_ON_OOM; and a job with
 * nobody in it. If a limit lacks, and the faulting process itself is chosen or nobody is, the fault is an exception: it
 * has filled what it may have by itself, and its handler may know better. So it is if the machine lacks and nobody is
 * chosen.
 *
 * What goes with a process: the pages of VMOs that only it maps, or that nobody maps and of which it has the only
 * handle; the kernel's stacks for its threads; and its handles. Each VMO is one process's at most, and is counted once:
 * so a choice takes as long as it takes to go through memory once, whatever programs do. What was made after it began
 * is not looked at.
 *
 * A process that is dying already is chosen as others are, and its end awaited. So is that of any other, once, before
 * one that is not dying is made to end: it may be enough. After a process has ended for a KILL_ON_OOM, that of its
 * job's siblings does not count for a second: else a program could make small jobs for ever that end instead of it.
 *
 * What a process had sent to others, and they keep, is still charged to its job when it has ended: see SECURITY.md.
 */
#pragma once

#include "kernel/object/job.h"

/* From now on programs may end because the machine has no page left: those in `root`, which stays. NULL: none. */
void oom_begin(struct job *root);

/* Runs on a kernel stack of its own, forever: has those end that were chosen, one after the other. */
void oom_keeper(void *arg);

/* With a reference each, or NULL: the process that is to end now, if it is not dying; and the first that is dying. */
struct oom_choice {
    struct process *victim, *dying;
};
MUST_CHECK struct oom_choice oom_choose(struct job *top);
