/*
 * Sharers of a mutex: threads that only look at what it guards, several at a time.
 *
 * A sharer does not write the mutex: it counts itself in a part of the sharers, of which each processor, or each few,
 * has one, and goes on if the mutex is free. So those on different processors write no cache line in common. A thread
 * that is to change what the mutex guards locks it, and waits until no part counts any sharer; new ones wait for the
 * mutex meanwhile. One that only looks may lock it as ever, without waiting for sharers.
 *
 * Why none is overlooked: a sharer counts itself and then reads the owner; the owner sets itself and then reads the
 * counts; all four are sequentially consistent. So the owner sees the sharer, or the sharer sees that there is an
 * owner, and gives way. A mutex that is handed over is never free in between, so the same holds for the heir.
 *
 * A sharer may sleep for another lock, of a higher rank than the mutex. It must not take the mutex.
 */
#pragma once

#include "kernel/sched/mutex.h"

/* One part. */
struct sharers {
    atomic_uint count;    /* [a] threads; plus SHARERS_AWAITED while the owner of the mutex sleeps until it is 0 */
    struct waiter awaits; /* the owner's, set before SHARERS_AWAITED */
};

#define SHARERS_AWAITED (1u << 31)

void sharers_join_slow(struct mutex *m, struct sharers *part);
void sharers_left(struct sharers *part);
void sharers_await(struct sharers *part);

/* The lock itself, as mutex_lock() is: the analysis takes its word for it. */
static inline void mutex_share(struct mutex *m, struct sharers *part) ACQUIRE_SHARED(m) NO_THREAD_SAFETY {
    switch_point();
    atomic_fetch_add(&part->count, 1);
    if (unlikely(atomic_load(&m->owner) != 0)) sharers_join_slow(m, part);
    MUTEX_TRACK(m);
    switch_point();
}

static inline void mutex_unshare(struct mutex *m UNUSED, struct sharers *part) RELEASE_SHARED(m) NO_THREAD_SAFETY {
    lock_rank_release(m);
    if (unlikely(atomic_fetch_sub(&part->count, 1) == (SHARERS_AWAITED | 1))) sharers_left(part);
    switch_point();
}

/*
 * For a thread that will share the mutex again and again, in between: one that waits for it, blocked, spinning or woken
 * and on the way, owns it on return, and sharers wait. mutex_unlock_fair() does so for threads that own it in turn.
 */
static inline void mutex_let_pass(struct mutex *m) {
    if (likely(!atomic_load_explicit(&m->coming, memory_order_relaxed))) return;
    mutex_lock(m);
    mutex_unlock_fair(m);
}

/* For the owner of the mutex, of each part: no sharer is left when all have returned. */
static inline void sharers_wait(struct sharers *part) {
    if (unlikely(atomic_load(&part->count) != 0)) sharers_await(part);
}
