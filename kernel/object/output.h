/*
 * Turns at the console. A thread that writes has its process's turn, its job's, and that of each job above, up to the
 * root's: one after the other, and at each the next is who has waited longest. So of all that wait in a job each of its
 * processes and child jobs has one turn before any has a second, however many threads, processes or jobs are in it.
 */
#pragma once

#include "kernel/sched/waitq.h"

struct process;

/* A process's or a job's: one of its threads has it, or it is free. Guarded by the lock of output.c. */
struct output_turn {
    struct waitq waits;
    bool taken;
};

static inline void output_turn_init(struct output_turn *turn) { waitq_init(&turn->waits); }

/* For a thread of `process`. INTR_RETRY: something wants the thread; it has no turn. */
MUST_CHECK zx_status_t output_begin(struct process *process);
void output_end(struct process *process);
