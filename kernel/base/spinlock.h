/* Spinlocks: for bounded work, and for whatever an interrupt also touches. Interrupts are off while one is held. */
#pragma once

#include <stdatomic.h>

#include "kernel/base/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/base/switch_point.h"

struct CAPABILITY("spinlock") spinlock {
    atomic_bool locked;
#ifdef DEBUG
    enum lock_rank rank;
    const char *name;
#endif
};

#ifdef DEBUG
#define SPINLOCK_INIT(rank_, name_) \
    { .rank = (rank_), .name = (name_) }
#define SPINLOCK_TRACK(l) lock_rank_acquire((l), (l)->name, (l)->rank)
#else
#define SPINLOCK_INIT(rank_, name_) \
    { .locked = false }
#define SPINLOCK_TRACK(l) ((void)0)
#endif

static inline void spinlock_init(struct spinlock *l, enum lock_rank rank UNUSED, const char *name UNUSED) {
    *l = (struct spinlock)SPINLOCK_INIT(rank, name);
}

/* The two that are the lock: the analysis takes their word for it. */
static inline void spin_lock(struct spinlock *l) ACQUIRE(l) NO_THREAD_SAFETY {
    switch_point();
    irq_off();
    SPINLOCK_TRACK(l);
    while (unlikely(atomic_exchange_explicit(&l->locked, true, memory_order_acquire))) {
        while (atomic_load_explicit(&l->locked, memory_order_relaxed)) arch_pause();
    }
}

static inline void spin_unlock(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY {
    lock_rank_release(l);
    atomic_store_explicit(&l->locked, false, memory_order_release);
    irq_restore();
    switch_point();
}

/* Takes a lock if it is free: for a caller that holds another of its rank and so must not spin. Interrupts are off. */
static inline bool spin_try(struct spinlock *l) {
    return !atomic_exchange_explicit(&l->locked, true, memory_order_acquire);
}
static inline void spin_end_try(struct spinlock *l) { atomic_store_explicit(&l->locked, false, memory_order_release); }

static inline void spin_assert_held(const struct spinlock *l) ASSERTS_HELD(l) { lock_rank_assert_held(l); }
