/*
 * Mutexes: for work that can take longer, or sleep. Never taken by an interrupt.
 *
 * A thread that finds one taken spins for a bounded while, as long as the owner runs on another processor; then it
 * blocks. mutex_unlock() releases the mutex and wakes the first waiter, but the first thread to try gets it: a thread
 * that takes one in a loop does not wait for switches to others. No waiter starves: one that was woken but came too
 * late is handed the mutex the next time it is first in the queue. mutex_unlock_fair() hands it over at once.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/base/spinlock.h"
#include "kernel/sched/waitq.h"

struct CAPABILITY("mutex") mutex {
    _Atomic uintptr_t owner;         /* [a] the owning thread, 0 when free; plus MUTEX_CONTENDED when others wait */
    _Atomic(struct thread *) coming; /* [a] a thread that spins, or that was woken to take it; NULL: none known */
    struct waitq waiters;            /* [m] */
#ifdef DEBUG
    enum lock_rank rank;
    const char *name;
#endif
};

#define MUTEX_CONTENDED ((uintptr_t)1)

/* Debug builds: panics where a spinlock is held, though the mutex may be free just then. */
void mutex_check_place(const struct mutex *m);

#ifdef DEBUG
#define MUTEX_INIT(m, rank_, name_) \
    { .waiters = WAITQ_INIT((m).waiters), .rank = (rank_), .name = (name_) }
#define MUTEX_TRACK(m) (mutex_check_place(m), lock_rank_acquire((m), (m)->name, (m)->rank))
#else
#define MUTEX_INIT(m, rank_, name_) \
    { .waiters = WAITQ_INIT((m).waiters) }
#define MUTEX_TRACK(m) ((void)0)
#endif

static inline void mutex_init(struct mutex *m, enum lock_rank rank UNUSED, const char *name UNUSED) {
    atomic_init(&m->owner, 0);
    atomic_init(&m->coming, NULL);
    waitq_init(&m->waiters);
#ifdef DEBUG
    m->rank = rank;
    m->name = name;
#endif
}

void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m) RELEASE(m);
void mutex_hand_over(struct mutex *m) RELEASE(m);

/* How often a thread checks a mutex before it blocks. Set by the explorer. */
extern unsigned mutex_spins;

/* The two that are the lock: the analysis takes their word for it. */
static inline void mutex_lock(struct mutex *m) ACQUIRE(m) NO_THREAD_SAFETY {
    switch_point();
    MUTEX_TRACK(m);
    uintptr_t free = 0;
    /* In one order with what sharers do, see sharers.h. */
    if (unlikely(!atomic_compare_exchange_strong_explicit(&m->owner, &free, (uintptr_t)arch_current_thread(),
                                                          memory_order_seq_cst, memory_order_relaxed)))
        mutex_lock_slow(m);
    switch_point();
}

static inline void mutex_unlock(struct mutex *m) RELEASE(m) NO_THREAD_SAFETY {
    lock_rank_release(m);
    uintptr_t self = (uintptr_t)arch_current_thread();
    if (unlikely(
            !atomic_compare_exchange_strong_explicit(&m->owner, &self, 0, memory_order_release, memory_order_relaxed)))
        mutex_unlock_slow(m);
    switch_point();
}

/*
 * The same, but if other threads want the mutex, one of them owns it on return, and the caller cannot take it before.
 * For callers that would retake it at once and hold it for long each time.
 */
static inline void mutex_unlock_fair(struct mutex *m) RELEASE(m) NO_THREAD_SAFETY {
    if (likely(atomic_load_explicit(&m->owner, memory_order_relaxed) == (uintptr_t)arch_current_thread() &&
               !atomic_load_explicit(&m->coming, memory_order_relaxed)))
        mutex_unlock(m);
    else
        mutex_hand_over(m);
}

/*
 * For a call that works in parts, after each part: fair unless it was the last. Separate short calls compete as usual:
 * if each handed over a mutex that its thread soon takes again, each would cost a switch.
 */
static ALWAYS_INLINE void mutex_unlock_part(struct mutex *m, bool last) RELEASE(m) NO_THREAD_SAFETY {
    if (likely(last))
        mutex_unlock(m);
    else
        mutex_unlock_fair(m);
}

static inline void mutex_assert_held(const struct mutex *m) ASSERTS_HELD(m) { lock_rank_assert_held(m); }

static inline bool mutex_held(struct mutex *m) {
    return (atomic_load_explicit(&m->owner, memory_order_relaxed) & ~MUTEX_CONTENDED) ==
           (uintptr_t)arch_current_thread();
}
