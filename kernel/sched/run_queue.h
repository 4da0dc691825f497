/*
 * What a processor has to run: its ready threads, its timers, and the lock that guards both, and the state of every
 * thread whose `queue` it is. For the rest of kernel/sched.
 *
 * A thread belongs to the run queue of the processor where it runs, ran last or is ready. To move it to another, its
 * queue's lock is taken, and the thread is in no queue until the other's lock is. No processor waits for one of these
 * locks while it holds another, so they have no order. To the analysis they are one: `sched_held`.
 */
#pragma once

#include "kernel/base/cpu.h"
#include "kernel/sched/ready.h"
#include "kernel/sched/thread.h"

struct run_queue {
    _Alignas(CACHE_LINE) struct spinlock lock; /* guards [s] */
    _Atomic(struct thread *) running;          /* [s/a] */

    /* [s] */
    struct ready ready;
    struct timers timers;
    zx_time_t alarm;      /* what the machine's alarm is set to */
    unsigned last_looked; /* at that processor, when one with less to do was wanted */

    unsigned cpu; /* [I] */
    struct thread idle;
};

static inline struct run_queue *this_queue(void) { return arch_this_cpu()->queue; }

static inline void run_queue_lock(struct run_queue *queue) ACQUIRE(sched_held) NO_THREAD_SAFETY {
    spin_lock(&queue->lock);
}

static inline void run_queue_unlock(struct run_queue *queue) RELEASE(sched_held) NO_THREAD_SAFETY {
    spin_unlock(&queue->lock);
}

static inline void run_queue_assert_held(const struct run_queue *queue) ASSERTS_HELD(sched_held) {
    spin_assert_held(&queue->lock);
}

/* Locks the queue that the thread belongs to, and so the thread, which is not freed meanwhile. */
static inline struct run_queue *run_queue_lock_of(const struct thread *t) ACQUIRE(sched_held) NO_THREAD_SAFETY {
    for (;;) {
        struct run_queue *queue = atomic_load_explicit(&t->queue, memory_order_relaxed);
        spin_lock(&queue->lock);
        if (likely(atomic_load_explicit(&t->queue, memory_order_acquire) == queue)) return queue;
        spin_unlock(&queue->lock);
    }
}

/* The queue of a thread that is locked; of any other, where it was a moment ago. */
static inline struct run_queue *run_queue_of(const struct thread *t) {
    return atomic_load_explicit(&t->queue, memory_order_relaxed);
}
