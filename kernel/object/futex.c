/*
 * Futexes; see futex.h. Waiters are in buckets chosen by address space and address, in the order they came; a
 * bucket's mutex guards its waiters, and the word is read under it. No page fault is resolved under a lock: if the read
 * fails, the page is brought in with the lock released, and all begins again.
 */
#include "kernel/object/futex.h"

#include <bsd/sys/queue.h>

#include "arch/time.h"
#include "arch/usercopy.h"
#include "kernel/base/string.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/thread.h"
#include "vm/usercopy.h"

#define BUCKET_BITS 8
#define BUCKETS (1u << BUCKET_BITS)

struct futex_waiter {
    TAILQ_ENTRY(futex_waiter) link;        /* [x] of `bucket`, like all that is marked so */
    const struct aspace *aspace;           /* [I] */
    vaddr_t addr;                          /* [x] */
    _Atomic(struct futex_bucket *) bucket; /* [x/a] changes under both locks when it is moved */
    bool queued;                           /* [x] */
    struct waitq queue;                    /* of one */
};

struct futex_bucket {
    struct mutex lock;                  /* guards [x] */
    TAILQ_HEAD(, futex_waiter) waiters; /* [x] */
};

static struct futex_bucket buckets[BUCKETS];

void futex_init(void) {
    for (size_t i = 0; i < BUCKETS; i++) {
        mutex_init(&buckets[i].lock, RANK_FUTEX, "futex");
        TAILQ_INIT(&buckets[i].waiters);
    }
}

static struct futex_bucket *bucket_for(vaddr_t addr) {
    uint64_t mix = ((uint64_t)(uintptr_t)thread_current()->aspace ^ addr) * 0x9e3779b97f4a7c15u;
    return &buckets[mix >> (64 - BUCKET_BITS)];
}

static zx_status_t check_word(user_in_t word) { return word.addr % sizeof(int32_t) ? ZX_ERR_INVALID_ARGS : ZX_OK; }

/*
 * Copies go by eight bytes where they can, and by single bytes elsewhere: of a word within aligned eight, a load of
 * those never shows half a change. A misaligned word is refused later, whatever it held.
 */
static bool load_word(vaddr_t addr, int32_t *out) {
    const vaddr_t pair = addr & ~(vaddr_t)7;
    char bytes[16] = {0};
    const size_t len = addr - pair + sizeof(*out) > 8 ? 16 : 8;
    thread_current()->faults_off = true;
    bool loaded = arch_copy_from_user(bytes, pair, len) == 0;
    thread_current()->faults_off = false;
    memcpy(out, bytes + (addr - pair), sizeof(*out));
    return loaded;
}

/* BAD_STATE: the word has another value; SHOULD_WAIT: it is not in memory now. */
static zx_status_t compare_locked(struct futex_bucket *bucket UNUSED, user_in_t word, int32_t value)
    REQUIRES(&bucket->lock) {
    int32_t now;
    if (!user_readable(word, sizeof(now))) return ZX_ERR_INVALID_ARGS;
    if (!load_word(word.addr, &now)) return ZX_ERR_SHOULD_WAIT;
    return now == value ? ZX_OK : ZX_ERR_BAD_STATE;
}

/* Brings the word in, after compare_locked() failed for want of it. */
static zx_status_t bring_in(user_in_t word) {
    int32_t now;
    return thread_killed() ? ZX_ERR_INTERNAL_INTR_RETRY : user_get(&now, word);
}

/*
 * Leaves the queue after the sleep, unless a waker took it out. A wake that came first counts, whatever ended the
 * sleep.
 */
static zx_status_t wait_end(struct futex_waiter *waiter, zx_status_t status) {
    bool settled = status == ZX_OK;
    while (!settled) {
        struct futex_bucket *bucket = atomic_load(&waiter->bucket);
        mutex_lock(&bucket->lock);
        settled = atomic_load(&waiter->bucket) == bucket; /* else it was moved before the lock was taken */
        if (settled && waiter->queued)
            TAILQ_REMOVE(&bucket->waiters, waiter, link);
        else if (settled)
            status = ZX_OK;
        mutex_unlock(&bucket->lock);
    }
    return status;
}

/* Compares and sleeps, with no gap. SHOULD_WAIT: the word is not in memory. */
static zx_status_t wait_once(user_in_t word, int32_t value, zx_time_t deadline) {
    struct futex_bucket *bucket = bucket_for(word.addr);
    struct futex_waiter waiter = {
        .aspace = thread_current()->aspace, .addr = word.addr, .queued = true, .queue = WAITQ_INIT(waiter.queue)};
    atomic_init(&waiter.bucket, bucket);
    mutex_lock(&bucket->lock);
    zx_status_t status = compare_locked(bucket, word, value);
    if (status == ZX_OK && deadline <= arch_time_now()) status = ZX_ERR_TIMED_OUT;
    if (status != ZX_OK) {
        mutex_unlock(&bucket->lock);
        return status;
    }
    TAILQ_INSERT_TAIL(&bucket->waiters, &waiter, link);
    return wait_end(&waiter, waitq_block_mutex(&waiter.queue, &bucket->lock, deadline, WAIT_INTERRUPTIBLE));
}

zx_status_t futex_wait(user_in_t word, int32_t value, zx_time_t deadline) {
    zx_status_t status = check_word(word);
    if (status != ZX_OK) return status;
    while ((status = wait_once(word, value, deadline)) == ZX_ERR_SHOULD_WAIT) {
        status = bring_in(word);
        if (status != ZX_OK) return status;
    }
    return status;
}

/* The first waiter for that word of this process at or after `from`. */
static struct futex_waiter *next_waiter(struct futex_bucket *bucket UNUSED, struct futex_waiter *from, vaddr_t addr)
    REQUIRES(&bucket->lock) {
    const struct aspace *aspace = thread_current()->aspace;
    while (from && (from->aspace != aspace || from->addr != addr)) from = TAILQ_NEXT(from, link);
    return from;
}

static void wake_locked(struct futex_bucket *bucket, vaddr_t addr, uint32_t count) REQUIRES(&bucket->lock) {
    struct futex_waiter *waiter, *next;
    for (waiter = next_waiter(bucket, TAILQ_FIRST(&bucket->waiters), addr); waiter && count > 0;
         waiter = next, count--) {
        next = next_waiter(bucket, TAILQ_NEXT(waiter, link), addr);
        TAILQ_REMOVE(&bucket->waiters, waiter, link);
        waiter->queued = false;
        waitq_wake_one(&waiter->queue, ZX_OK);
    }
}

zx_status_t futex_wake(user_in_t word, uint32_t count) {
    zx_status_t status = check_word(word);
    if (status != ZX_OK || count == 0) return status;
    struct futex_bucket *bucket = bucket_for(word.addr);
    mutex_lock(&bucket->lock);
    wake_locked(bucket, word.addr, count);
    mutex_unlock(&bucket->lock);
    return ZX_OK;
}

static void move_locked(struct futex_bucket *from, vaddr_t addr, struct futex_bucket *to, vaddr_t other, uint32_t count)
    REQUIRES(&from->lock, &to->lock) {
    struct futex_waiter *waiter, *next;
    for (waiter = next_waiter(from, TAILQ_FIRST(&from->waiters), addr); waiter && count > 0; waiter = next, count--) {
        next = next_waiter(from, TAILQ_NEXT(waiter, link), addr);
        TAILQ_REMOVE(&from->waiters, waiter, link);
        waiter->addr = other;
        atomic_store(&waiter->bucket, to);
        TAILQ_INSERT_TAIL(&to->waiters, waiter, link);
    }
}

/* Locks of one rank are taken in the order of their addresses, which the analysis cannot know. The two may be one. */
static void lock_two(struct futex_bucket *a, struct futex_bucket *b) ACQUIRE(&a->lock, &b->lock) NO_THREAD_SAFETY {
    mutex_lock(a < b ? &a->lock : &b->lock);
    if (a != b) mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) RELEASE(&a->lock, &b->lock) NO_THREAD_SAFETY {
    if (a != b) mutex_unlock(a < b ? &b->lock : &a->lock);
    mutex_unlock(a < b ? &a->lock : &b->lock);
}

zx_status_t futex_requeue(user_in_t word, uint32_t wake_count, int32_t value, user_in_t other, uint32_t requeue_count) {
    struct futex_bucket *from = bucket_for(word.addr), *to = bucket_for(other.addr);
    for (;;) {
        lock_two(from, to);
        zx_status_t status = compare_locked(from, word, value);
        if (status == ZX_OK && (word.addr == other.addr || check_word(word) != ZX_OK || check_word(other) != ZX_OK))
            status = ZX_ERR_INVALID_ARGS;
        if (status == ZX_OK) {
            wake_locked(from, word.addr, wake_count);
            move_locked(from, word.addr, to, other.addr, requeue_count);
        }
        unlock_two(from, to);
        if (status != ZX_ERR_SHOULD_WAIT) return status;
        status = bring_in(word);
        if (status != ZX_OK) return status;
    }
}
