/*
 * Wait queues: threads that wait for the same thing, in the order they came.
 *
 * A lock of the owner's guards what the wait is about; the scheduler's guards the queue itself. waitq_block() sleeps
 * and releases the owner's lock with no gap in which a wake could be lost.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <zircon/types.h>

#include "kernel/base/spinlock.h"

struct thread;

struct waitq {
    TAILQ_HEAD(, thread) threads; /* [s] */
};

#define WAITQ_INIT(q) \
    { TAILQ_HEAD_INITIALIZER((q).threads) }

static inline void waitq_init(struct waitq *q) { TAILQ_INIT(&q->threads); }

enum wait_kind {
    WAIT_UNINTERRUPTIBLE, /* for what the kernel itself will end soon */
    WAIT_INTERRUPTIBLE,   /* a kill ends it, and so does a suspension */
};

/*
 * Sleeps on `q` until woken, and releases `lock`. Returns what the waker gave, or ZX_ERR_TIMED_OUT at the deadline, or
 * ZX_ERR_INTERNAL_INTR_RETRY when something wants the thread at the boundary to user mode.
 */
MUST_CHECK zx_status_t waitq_block(struct waitq *q, struct spinlock *lock, zx_time_t deadline, enum wait_kind kind)
    RELEASE(lock);

/*
 * A wait of one thread, interruptible, that may be over before it sleeps. waiter_block() returns ZX_OK when it is; else
 * as waitq_block() does.
 */
struct waiter {
    /* [s] */
    struct waitq queue;
    bool over;
};

#define WAITER_INIT(w) \
    { .queue = WAITQ_INIT((w).queue) }

MUST_CHECK zx_status_t waiter_block(struct waiter *waiter, zx_time_t deadline);
void waiter_end(struct waiter *waiter);

/* Wakes the first, if there is one; its waitq_block() returns `status`. True: there was one. */
bool waitq_wake_one(struct waitq *q, zx_status_t status);
void waitq_wake_all(struct waitq *q, zx_status_t status);
