/*
 * The slow halves of mutexes; see mutex.h.
 *
 * `owner`: a free mutex is taken by compare-and-swap without a lock, contended or not. An owner without waiters
 * releases it the same way. MUTEX_CONTENDED is set and cleared, and a mutex that has it is released, only under the
 * queue's lock; it is set exactly while the queue has waiters. So an owner that finds it set sees the waiters in the
 * queue, and the owner sees a waiter that sets it in the hold of that lock in which it goes to sleep.
 *
 * That lock is one of a few that mutexes share, chosen by the mutex's address: once `owner` shows that the mutex is
 * released, the next owner may free it, with the struct that contains it, while the releasing thread has yet to unlock
 * the queue. For the same reason a release takes the first waiter out of the queue before it changes `owner`, and wakes
 * it afterwards.
 *
 * `coming` lets mutex_unlock_fair() hand the mutex to a thread that is in no queue. A spinning thread stores itself
 * there if the field is NULL, and an unlock stores the waiter that it wakes. The owner clears it in the hold of the
 * queue's lock that makes that thread the owner. Each thread removes itself before it leaves or blocks, and checks
 * under that lock whether it has become the owner: so no thread blocks on a mutex that it owns, and the field never
 * names a thread that has ended.
 *
 * A spinning thread compares the owner's address with those of the running threads and never dereferences it: the owner
 * may have released the mutex, ended and been freed. If another thread runs at that address by then, one check is
 * wasted.
 */
#include "kernel/sched/mutex.h"

#include "kernel/base/log.h"
#include "kernel/base/trace.h"
#include "kernel/sched/sched.h"

#ifdef DEBUG
void mutex_check_place(const struct mutex *m) {
    if (!arch_irq_enabled() && arch_this_cpu()->irq_off_depth > 0) panic("mutex '%s' taken under a spinlock", m->name);
}
#endif

/*
 * Some microseconds: what it takes to block and be woken, and less than a window of a transfer. Locks are held for less
 * mostly.
 */
unsigned mutex_spins = 500;

#define QUEUE_LOCKS 64
static struct {
    _Alignas(CACHE_LINE) struct spinlock lock;
} queue_locks[QUEUE_LOCKS] = {[0 ... QUEUE_LOCKS - 1] = {SPINLOCK_INIT(RANK_MUTEX, "a mutex's waiters")}};

static struct spinlock *queue_lock(const struct mutex *m) {
    const uintptr_t line = (uintptr_t)m / 64;
    return &queue_locks[(line ^ line / QUEUE_LOCKS) % QUEUE_LOCKS].lock;
}

static uintptr_t owner_of(uintptr_t word) { return word & ~MUTEX_CONTENDED; }

/* Takes the mutex if it is free; true if it is the running thread's. If it is not, its owner word gets the mark. */
static bool take(struct mutex *m, uintptr_t mark) {
    uintptr_t self = (uintptr_t)thread_current(), next;
    uintptr_t word = atomic_load_explicit(&m->owner, memory_order_acquire);
    do {
        if (owner_of(word) == self) return true;
        next = word | (owner_of(word) ? mark : self);
    } while (next != word && !atomic_compare_exchange_weak_explicit(&m->owner, &word, next, memory_order_seq_cst,
                                                                    memory_order_acquire));
    return owner_of(next) == self;
}

/* Puts `to` in the place of `from`, if that is the thread that is coming. */
static void coming_change(struct mutex *m, struct thread *from, struct thread *to) {
    if (atomic_load_explicit(&m->coming, memory_order_relaxed) != from) return;
    (void)!atomic_compare_exchange_strong_explicit(&m->coming, &from, to, memory_order_relaxed, memory_order_relaxed);
}

static bool owner_runs(const struct mutex *m) {
    return sched_is_running((const struct thread *)owner_of(atomic_load_explicit(&m->owner, memory_order_relaxed)));
}

/* The longest pause between two checks: each check takes the cache line from the owner, which is to release it. */
#define LONGEST_PAUSE 64

/* Waits for the mutex while its owner runs, for a bounded time. True: it is the running thread's. */
static bool spin(struct mutex *m) {
    bool mine = take(m, 0);
    for (unsigned spins = 0, pause; !mine && spins < mutex_spins && owner_runs(m); spins += pause) {
        coming_change(m, NULL, thread_current());
        pause = spins < LONGEST_PAUSE ? spins + 1 : LONGEST_PAUSE; /* twice the last one */
        for (unsigned i = 0; i < pause; i++) arch_pause();
        mine = take(m, 0);
    }
    coming_change(m, thread_current(), NULL);
    return mine;
}

static void trace_wait(const struct mutex *m) {
    if (!tracing(KTRACE_GRP_LOCK)) return;
    trace_record(KTRACE_LOCK, 0, (uintptr_t)m, 0);
#ifdef DEBUG
    trace_name(m->name);
#endif
}

void mutex_lock_slow(struct mutex *m) {
    struct thread *self = thread_current();
    CHECK(!mutex_held(m));
    trace_wait(m);
    self->came_late = false;
    while (!spin(m)) {
        struct spinlock *lock = queue_lock(m);
        spin_lock(lock);
        if (take(m, MUTEX_CONTENDED)) {
            spin_unlock(lock);
            break;
        }
        zx_status_t status = waitq_block(&m->waiters, lock, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        CHECK(status == ZX_OK);
        self->came_late = true;
    }
    trace(KTRACE_GRP_LOCK, KTRACE_LOCK_END, 0, (uintptr_t)m, 0);
}

/*
 * Releases the mutex and wakes the first waiter, which becomes the owner if the caller asks for that or if it was woken
 * before and came too late. Without a waiter, a fair release makes the thread in `coming` the owner. No other thread
 * changes `owner` meanwhile: marking it takes the queue's lock, and the mutex is not free. The analysis is off here,
 * and trusts the annotation.
 */
static void release(struct mutex *m, bool fair) RELEASE(m) NO_THREAD_SAFETY {
    struct spinlock *lock = queue_lock(m);
    spin_lock(lock);
    struct thread *first = waitq_take(&m->waiters), *heir = NULL;
    const uintptr_t contended = TAILQ_EMPTY(&m->waiters.threads) ? 0 : MUTEX_CONTENDED;
    if (first && (fair || first->came_late))
        heir = first;
    else if (first)
        coming_change(m, NULL, first);
    else if (fair)
        heir = atomic_exchange_explicit(&m->coming, NULL, memory_order_relaxed);
    atomic_store_explicit(&m->owner, (uintptr_t)heir | contended, memory_order_release);
    if (first) thread_wake(first, &m->waiters, ZX_OK);
    spin_unlock(lock);
}

void mutex_unlock_slow(struct mutex *m) {
    CHECK(mutex_held(m));
    release(m, false);
}

void mutex_hand_over(struct mutex *m) {
    CHECK(mutex_held(m));
    lock_rank_release(m);
    release(m, true);
}
