/*
 * The scheduler: the ready threads of a processor take turns (kernel/sched/ready.h says in which order), preempted in
 * user mode and in the kernel wherever interrupts are on. One lock guards run queues, wait queues and timers.
 */
#pragma once

#include "kernel/sched/thread.h"

/* Makes the code that calls it, on the boot stack, this processor's idle thread. Done once, before anything waits. */
void sched_init(void);

/* How many processors run threads. */
extern atomic_uint sched_cpus;
static inline unsigned sched_cpu_count(void) { return atomic_load_explicit(&sched_cpus, memory_order_acquire); }

/* The idle loop. Never returns. */
NORETURN void sched_idle(void);

/* Runs on a kernel stack of its own, forever: frees what dead threads leave. */
void sched_reaper(void *arg);

/* For the rest of kernel/sched. */

/* Puts a thread that is in no queue into a run queue. */
void sched_make_ready(struct thread *t) REQUIRES(&sched_lock);

/* Leaves the running thread, whose new state and queue are already set, for the next one. */
void sched_switch(void) REQUIRES(&sched_lock);

/* thread_yield() for the one that is next after `skip` others, counted round and round. Interrupts are off. */
void sched_yield_past(unsigned skip);

/*
 * Does a thread at that address run on a processor? For a hint: it is never looked at, and may have been freed; by the
 * time the caller acts another may run.
 */
bool sched_is_running(const struct thread *t);

/* Sets this processor's alarm for whatever comes first: a timer, or the end of the running thread's turn. */
void sched_alarm_update(void) REQUIRES(&sched_lock);

/* waitq_block() and waitq_wake_one() without the locking. */
MUST_CHECK zx_status_t waitq_block_locked(struct waitq *q, zx_time_t deadline, enum wait_kind kind)
    REQUIRES(&sched_lock);
void waitq_wake_locked(struct thread *t, zx_status_t status) REQUIRES(&sched_lock);
