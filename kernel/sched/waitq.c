/*
 * Wait queues; see waitq.h. A blocked thread is in exactly one queue, and its timer may be armed. A waker, the timer or
 * an interrupt of the wait takes it out of both under the scheduler's lock, so a wait ends once.
 */
#include "kernel/sched/waitq.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/sched/sched.h"

void waitq_wake_locked(struct thread *t, zx_status_t status) {
    ASSERT(t->state == THREAD_BLOCKED);
    TAILQ_REMOVE(&t->blocked_on->threads, t, link);
    t->blocked_on = NULL;
    if (t->wait_timer.armed) timer_disarm(&t->wait_timer);
    t->wake_status = status;
    sched_make_ready(t);
}

static void wait_timed_out(struct timer *timer) {
    spin_assert_held(&sched_lock);
    waitq_wake_locked(container_of(timer, struct thread, wait_timer), ZX_ERR_TIMED_OUT);
}

zx_status_t waitq_block_locked(struct waitq *q, zx_time_t deadline, enum wait_kind kind) {
    struct thread *self = thread_current();
    if (kind == WAIT_INTERRUPTIBLE && thread_interrupted()) return ZX_ERR_INTERNAL_INTR_RETRY;
    self->state = THREAD_BLOCKED;
    self->wait_kind = kind;
    self->blocked_on = q;
    TAILQ_INSERT_TAIL(&q->threads, self, link);
    if (deadline != ZX_TIME_INFINITE) timer_arm(&self->wait_timer, deadline, wait_timed_out);
    sched_switch();
    return self->wake_status;
}

zx_status_t waitq_block(struct waitq *q, struct spinlock *lock, zx_time_t deadline, enum wait_kind kind) {
    spin_lock(&sched_lock);
    spin_unlock(lock);
    zx_status_t status = waitq_block_locked(q, deadline, kind);
    spin_unlock(&sched_lock);
    return status;
}

zx_status_t waiter_block(struct waiter *waiter, zx_time_t deadline) {
    zx_status_t status = ZX_OK;
    spin_lock(&sched_lock);
    if (!waiter->over) {
        bool passed = deadline != ZX_TIME_INFINITE && deadline <= arch_time_now();
        status = passed ? ZX_ERR_TIMED_OUT : waitq_block_locked(&waiter->queue, deadline, WAIT_INTERRUPTIBLE);
    }
    spin_unlock(&sched_lock);
    return status;
}

void waiter_end(struct waiter *waiter) {
    spin_lock(&sched_lock);
    struct thread *sleeper = TAILQ_FIRST(&waiter->queue.threads);
    waiter->over = true;
    if (sleeper) waitq_wake_locked(sleeper, ZX_OK);
    spin_unlock(&sched_lock);
}

bool waitq_wake_one(struct waitq *q, zx_status_t status) {
    spin_lock(&sched_lock);
    struct thread *first = TAILQ_FIRST(&q->threads);
    if (first) waitq_wake_locked(first, status);
    spin_unlock(&sched_lock);
    return first != NULL;
}

void waitq_wake_all(struct waitq *q, zx_status_t status) {
    while (waitq_wake_one(q, status)) continue;
}
