/*
 * Waits; see waitq.h. A blocked thread's run queue has its timer, if one is armed. A waker, the timer or an interrupt
 * of the wait ends it under that queue's lock, so a wait ends once. A waker takes the thread out of its wait queue
 * first. After a deadline or an interrupt the thread leaves that itself, as soon as it runs; if a waker has taken it
 * out meanwhile, it was woken. So a waker never looks for another.
 */
#include "kernel/sched/waitq.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/sched.h"

void sched_end_wait(struct run_queue *queue, struct thread *t, zx_status_t status) {
    ASSERT(t->state == THREAD_BLOCKED);
    if (t->wait_timer.armed) timer_disarm(&queue->timers, &t->wait_timer);
    t->wake_status = status;
}

/* The thread stays on its processor, whose lock is held. */
static void wait_timed_out(struct timer *timer) {
    struct thread *t = container_of(timer, struct thread, wait_timer);
    struct run_queue *queue = run_queue_of(t);
    run_queue_assert_held(queue);
    sched_end_wait(queue, t, ZX_ERR_TIMED_OUT);
    sched_put(queue, t);
}

/* Until the running thread's wait has ended; `wake_status` then says how. Returns the queue that is locked by then. */
static inline struct run_queue *block(struct run_queue *own, struct thread *self, const void *on, zx_time_t deadline,
                                      enum wait_kind kind) REQUIRES(sched_held) {
    self->wake_status = ZX_ERR_INTERNAL_INTR_RETRY;
    if (kind == WAIT_INTERRUPTIBLE && arch_attention(&self->arch)) return own;
    self->state = THREAD_BLOCKED;
    self->wait_kind = kind;
    self->blocked_on = on;
    if (deadline != ZX_TIME_INFINITE) timer_arm(&own->timers, &self->wait_timer, deadline, wait_timed_out);
    return sched_switch(own);
}

/* Ends a thread's wait over a wait queue or a waiter, if it still sleeps over that. */
static inline void end_sleep(struct run_queue *queue, struct thread *t, const void *on, zx_status_t status)
    RELEASE(sched_held) {
    if (t->state == THREAD_BLOCKED && t->blocked_on == on) {
        sched_end_wait(queue, t, status);
        sched_make_ready(queue, t);
    } else {
        run_queue_unlock(queue);
    }
}

void thread_wake(struct thread *t, const struct waitq *q, zx_status_t status) {
    struct run_queue *queue = run_queue_lock_of(t);
    t->wake_status = status;
    end_sleep(queue, t, q, status);
}

struct thread *waitq_take(struct waitq *q) {
    struct thread *first = TAILQ_FIRST(&q->threads);
    if (!first) return NULL;
    TAILQ_REMOVE(&q->threads, first, waiting);
    first->in_waitq = false;
    return first;
}

/* For a thread whose sleep no waker ended. If one has taken it from the queue since, returns the waker's status. */
static zx_status_t leave(struct waitq *q, struct spinlock *lock, zx_status_t status) {
    struct thread *self = thread_current();
    spin_lock(lock);
    if (self->in_waitq)
        TAILQ_REMOVE(&q->threads, self, waiting);
    else
        status = self->wake_status;
    self->in_waitq = false;
    spin_unlock(lock);
    return status;
}

zx_status_t waitq_block(struct waitq *q, struct spinlock *lock, zx_time_t deadline, enum wait_kind kind) {
    struct thread *self = thread_current();
    TAILQ_INSERT_TAIL(&q->threads, self, waiting);
    self->in_waitq = true;
    struct run_queue *own = run_queue_lock_of(self);
    spin_unlock(lock);
    own = block(own, self, q, deadline, kind);
    zx_status_t status = self->wake_status;
    run_queue_unlock(own);
    bool ended_itself = status == ZX_ERR_TIMED_OUT || status == ZX_ERR_INTERNAL_INTR_RETRY;
    return ended_itself ? leave(q, lock, status) : status;
}

bool waitq_wake_one(struct waitq *q, zx_status_t status) {
    struct thread *first = waitq_take(q);
    if (first) thread_wake(first, q, status);
    return first != NULL;
}

void waitq_wake_all(struct waitq *q, zx_status_t status) {
    while (waitq_wake_one(q, status)) continue;
}

static ALWAYS_INLINE zx_status_t sleep_over(struct waiter *waiter, zx_time_t deadline, enum wait_kind kind) {
    struct thread *self = waiter->thread;
    zx_status_t status = ZX_OK;
    struct run_queue *own = run_queue_lock_of(self);
    if (!waiter->over && deadline != ZX_TIME_INFINITE && deadline <= arch_time_now()) {
        status = ZX_ERR_TIMED_OUT;
    } else if (!waiter->over) {
        own = block(own, self, waiter, deadline, kind);
        status = self->wake_status;
    }
    run_queue_unlock(own);
    return status;
}

static NOINLINE zx_status_t sleep_until(struct waiter *waiter, zx_time_t deadline, enum wait_kind kind) {
    return sleep_over(waiter, deadline, kind);
}

/* Most waits have no deadline: theirs is a shorter way. */
zx_status_t waiter_block(struct waiter *waiter, zx_time_t deadline, enum wait_kind kind) {
    if (unlikely(deadline != ZX_TIME_INFINITE)) return sleep_until(waiter, deadline, kind);
    return sleep_over(waiter, ZX_TIME_INFINITE, kind);
}

void waiter_end(struct waiter *waiter) {
    struct run_queue *queue = run_queue_lock_of(waiter->thread);
    waiter->over = true;
    end_sleep(queue, waiter->thread, waiter, ZX_OK);
}
