/*
 * The slow halves of sharing a mutex; see sharers.h.
 *
 * The owner that sleeps marks the count in the step in which it sees that it is not 0. Sharers that come and give way
 * may still count themselves for a moment, so several may find that they were the last: one of them clears the mark,
 * while the count is 0, and only that one ends the owner's wait. Until then the owner sleeps, and its waiter stays.
 */
#include "kernel/sched/sharers.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"

/* The one after which none is left, if the owner sleeps. */
void sharers_left(struct sharers *part) {
    unsigned none = SHARERS_AWAITED;
    if (atomic_compare_exchange_strong(&part->count, &none, 0)) waiter_end(&part->awaits);
}

/* Gives way to the owner; counted again while nobody owns the mutex but the running thread. */
void sharers_join_slow(struct mutex *m, struct sharers *part) {
    if (atomic_fetch_sub(&part->count, 1) == (SHARERS_AWAITED | 1)) sharers_left(part);
    mutex_lock(m);
    atomic_fetch_add(&part->count, 1);
    mutex_unlock_fair(m);
}

void sharers_await(struct sharers *part) {
    for (unsigned spins = 0; spins < mutex_spins; spins++) {
        if (atomic_load(&part->count) == 0) return;
        arch_pause();
    }
    part->awaits = (struct waiter)WAITER_INIT(thread_current());
    unsigned count = atomic_load(&part->count);
    while (count != 0 && !atomic_compare_exchange_weak(&part->count, &count, count | SHARERS_AWAITED)) {}
    if (count == 0) return;
    zx_status_t status = waiter_block(&part->awaits, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
    CHECK(status == ZX_OK);
}
