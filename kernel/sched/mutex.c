/*
 * The slow halves of mutexes; see mutex.h. `owner` is changed by compare-and-swap without a lock while nobody waits,
 * and only under the scheduler's lock once MUTEX_CONTENDED is set. Unlocking a contended mutex makes the first waiter
 * its owner before that waiter even runs.
 */
#include "kernel/sched/mutex.h"

#include "kernel/base/log.h"
#include "kernel/sched/sched.h"

void mutex_init(struct mutex *m, enum lock_rank rank UNUSED, const char *name UNUSED) {
    atomic_init(&m->owner, 0);
    waitq_init(&m->waiters);
#ifdef DEBUG
    m->rank = rank;
    m->name = name;
#endif
}

#ifdef DEBUG
void mutex_check_place(const struct mutex *m) {
    if (!arch_irq_enabled() && arch_this_cpu()->irq_off_depth > 0) panic("mutex '%s' taken under a spinlock", m->name);
}
#endif

/* Makes sure that the owner will see us when it unlocks; false if the mutex became free and is now ours. */
static bool mutex_mark_contended(struct mutex *m) {
    uintptr_t owner = atomic_load_explicit(&m->owner, memory_order_relaxed);
    for (;;) {
        uintptr_t next = owner == 0 ? (uintptr_t)thread_current() : owner | MUTEX_CONTENDED;
        if (atomic_compare_exchange_weak_explicit(&m->owner, &owner, next, memory_order_acquire, memory_order_relaxed))
            return owner != 0;
    }
}

void mutex_lock_slow(struct mutex *m) {
    CHECK(!mutex_held(m));
    spin_lock(&sched_lock);
    if (mutex_mark_contended(m)) {
        zx_status_t status = waitq_block_locked(&m->waiters, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        CHECK(status == ZX_OK && mutex_held(m));
    }
    spin_unlock(&sched_lock);
}

/*
 * The first waiter becomes the owner, or nobody: nobody else can begin to wait meanwhile, for that takes the lock. The
 * analysis knows the mutex released by name only: this is where it is.
 */
static void hand_over(struct mutex *m) RELEASE(m) REQUIRES(&sched_lock) NO_THREAD_SAFETY {
    struct thread *heir = TAILQ_FIRST(&m->waiters.threads);
    uintptr_t owner = (uintptr_t)heir;
    if (heir && TAILQ_NEXT(heir, link)) owner |= MUTEX_CONTENDED;
    atomic_store_explicit(&m->owner, owner, memory_order_release);
    if (heir) waitq_wake_locked(heir, ZX_OK);
}

void mutex_unlock_slow(struct mutex *m) {
    CHECK(mutex_held(m));
    spin_lock(&sched_lock);
    CHECK(!TAILQ_EMPTY(&m->waiters.threads));
    hand_over(m);
    spin_unlock(&sched_lock);
}

zx_status_t waitq_block_mutex(struct waitq *q, struct mutex *m, zx_time_t deadline, enum wait_kind kind) {
    CHECK(mutex_held(m));
    spin_lock(&sched_lock);
    lock_rank_release(m);
    hand_over(m);
    zx_status_t status = waitq_block_locked(q, deadline, kind);
    spin_unlock(&sched_lock);
    return status;
}
