/*
 * Waits: of several threads for the same thing, in the order they came, in a wait queue; or of one, by a waiter.
 *
 * A spinlock of the owner's guards a wait queue and what the wait is about. waitq_block() sleeps and releases that lock
 * with no gap in which a wake could be lost. The queue is the owner's, and stays while threads use the lock.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <zircon/types.h>

#include "kernel/base/spinlock.h"

struct thread;

struct waitq {
    TAILQ_HEAD(, thread) threads; /* guarded by the owner's lock */
};

#define WAITQ_INIT(q) \
    { TAILQ_HEAD_INITIALIZER((q).threads) }

static inline void waitq_init(struct waitq *q) { TAILQ_INIT(&q->threads); }

enum wait_kind {
    WAIT_UNINTERRUPTIBLE, /* for what the kernel itself will end soon */
    WAIT_INTERRUPTIBLE,   /* a kill ends it, and so does a suspension */
};

/*
 * Sleeps on `q`, of the owner of `lock`, until woken, and releases that. Returns what the waker gave, or
 * ZX_ERR_TIMED_OUT at the deadline, or ZX_ERR_INTERNAL_INTR_RETRY when something wants the thread at the boundary to
 * user mode.
 */
MUST_CHECK zx_status_t waitq_block(struct waitq *q, struct spinlock *lock, zx_time_t deadline, enum wait_kind kind)
    RELEASE(lock);

/* Wakes the first, if there is one; its waitq_block() returns `status`. True: there was one. Under the owner's lock. */
bool waitq_wake_one(struct waitq *q, zx_status_t status);
void waitq_wake_all(struct waitq *q, zx_status_t status);

/* Takes the first out, if there is one; the caller wakes it. Under the owner's lock. */
struct thread *waitq_take(struct waitq *q);

/*
 * A wait of one thread that may be over before it sleeps. waiter_block() returns ZX_OK when it is; else as
 * waitq_block() does. The caller of waiter_end() keeps the thread from ending meanwhile; the waiter may be freed once
 * the wait is over.
 */
struct waiter {
    struct thread *thread; /* [I] */
    bool over;             /* [s] of the thread */
};

#define WAITER_INIT(thread_) \
    { .thread = (thread_) }

MUST_CHECK zx_status_t waiter_block(struct waiter *waiter, zx_time_t deadline, enum wait_kind kind);
void waiter_end(struct waiter *waiter);
