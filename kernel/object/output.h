/*
 * Turns at the console. A thread that writes has its process's turn, its job's, and that of each job above, up to the
 * root's: one after the other; at each, the thread that has waited longest is next. So of all that wait in a job each
 * of its processes and child jobs has one turn before any has a second, however many threads, processes or jobs are in
 * it.
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

/* For a thread of `process`. INTR_RETRY: the thread was interrupted; it has no turn. */
MUST_CHECK zx_status_t output_begin(struct process *process);
void output_end(struct process *process);
