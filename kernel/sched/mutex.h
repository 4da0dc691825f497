/*
 * Mutexes: for work that can take longer, or sleep. Ownership is handed over in the order of arrival, so that no
 * thread that takes one in a loop keeps others from it. Never taken by an interrupt.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/base/spinlock.h"
#include "kernel/sched/waitq.h"

struct CAPABILITY("mutex") mutex {
    _Atomic uintptr_t owner; /* [a] the owning thread, plus MUTEX_CONTENDED when others wait; 0 when free */
    struct waitq waiters;    /* [s] */
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

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name);
void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m) RELEASE(m);

/* The two that are the lock: the analysis takes their word for it. */
static inline void mutex_lock(struct mutex *m) ACQUIRE(m) NO_THREAD_SAFETY {
    switch_point();
    MUTEX_TRACK(m);
    uintptr_t free = 0;
    if (unlikely(!atomic_compare_exchange_strong_explicit(&m->owner, &free, (uintptr_t)arch_current_thread(),
                                                          memory_order_acquire, memory_order_relaxed)))
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

static inline void mutex_assert_held(const struct mutex *m) ASSERTS_HELD(m) { lock_rank_assert_held(m); }

static inline bool mutex_held(struct mutex *m) {
    return (atomic_load_explicit(&m->owner, memory_order_relaxed) & ~MUTEX_CONTENDED) ==
           (uintptr_t)arch_current_thread();
}

/* waitq_block() for a wait whose condition a mutex guards: sleeps on `q`, and releases `m` with no gap before. */
MUST_CHECK zx_status_t waitq_block_mutex(struct waitq *q, struct mutex *m, zx_time_t deadline, enum wait_kind kind)
    RELEASE(m);
