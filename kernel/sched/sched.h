/*
 * The scheduler: the ready threads of a processor take turns (kernel/sched/ready.h says in which order), preempted in
 * user mode and in the kernel wherever interrupts are on. Each processor has a run queue of its own (run_queue.h).
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

/* Once round it: lets run what is ready, or waits for an interrupt. */
void sched_idle_once(void);

/* Runs on a kernel stack of its own, forever: frees what dead threads leave. */
void sched_reaper(void *arg);

/* For the rest of kernel/sched. */

struct run_queue;

/* Makes a thread ready that belongs to the queue and is in none, at whatever processor is best. */
void sched_make_ready(struct run_queue *queue, struct thread *t) RELEASE(sched_held);

/* The same, but at this one. */
void sched_put(struct run_queue *queue, struct thread *t) REQUIRES(sched_held);

/*
 * Switches from the running thread, whose new state is already set, to the next one. Returns when the thread runs
 * again: the queue of the processor that it is on by then, which is locked.
 */
MUST_CHECK struct run_queue *sched_switch(struct run_queue *own) REQUIRES(sched_held);

/* thread_yield() for the one that is next after `skip` others, counted round and round. Interrupts are off. */
void sched_yield_past(unsigned skip);

/*
 * Does a thread at that address run on a processor? For a hint: it is never looked at, and may have been freed; by the
 * time the caller acts another may run.
 */
bool sched_is_running(const struct thread *t);

/* Sets this processor's alarm for whatever comes first: a timer, or the end of the running thread's turn. */
void sched_alarm_update(struct run_queue *own) REQUIRES(sched_held);

/* Ends a blocked thread's wait. The caller makes it ready. */
void sched_end_wait(struct run_queue *queue, struct thread *t, zx_status_t status) REQUIRES(sched_held);

/* Ends a thread's wait in that queue, which it was taken out of. */
void thread_wake(struct thread *t, const struct waitq *q, zx_status_t status);
