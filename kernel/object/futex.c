/*
 * Futexes; see futex.h. Each address space has its own waiters, in a tree ordered by the word's address, and for one
 * word in order of arrival: the waiters of one process do not slow down the calls of another. A mutex guards the tree,
 * and the word is read under it. No page fault is resolved under a lock: if the read fails, the page is faulted in with
 * the lock released, and the operation starts over.
 */
#include "kernel/object/futex.h"

#include "arch/time.h"
#include "arch/usercopy.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "vm/aspace.h"
#include "vm/usercopy.h"

struct futex_waiter {
    /* [x] */
    RB_ENTRY(futex_waiter) node;
    vaddr_t addr; /* of the word */
    bool queued;

    struct waiter waiter;
};

/* A waiter that arrives at a word, or is moved to it, is placed behind those already there. */
static int waiter_compare(const struct futex_waiter *a, const struct futex_waiter *b) {
    return a->addr < b->addr ? -1 : 1;
}

RB_GENERATE_INTERNAL(futex_tree, futex_waiter, node, waiter_compare, UNUSED static)

/* A futex belongs to the address space that the calling thread runs in. */
static struct aspace *own_space(void) { return thread_current()->aspace; }

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
static zx_status_t compare_locked(struct aspace *as UNUSED, user_in_t word, int32_t value) REQUIRES(&as->futex_lock) {
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

static void leave_locked(struct aspace *as, struct futex_waiter *waiter) REQUIRES(&as->futex_lock) {
    RB_REMOVE(futex_tree, &as->futexes, waiter);
    waiter->queued = false;
}

/* The one that has waited longest for the word, or NULL. */
static struct futex_waiter *first_waiter(struct aspace *as, vaddr_t addr) REQUIRES(&as->futex_lock) {
    struct futex_waiter *first = NULL, *at = RB_ROOT(&as->futexes);
    while (at) {
        if (at->addr == addr) first = at;
        at = at->addr < addr ? RB_RIGHT(at, node) : RB_LEFT(at, node);
    }
    return first;
}

static void wake_locked(struct aspace *as, vaddr_t addr, uint32_t count) REQUIRES(&as->futex_lock) {
    struct futex_waiter *waiter;
    for (; count > 0 && (waiter = first_waiter(as, addr)); count--) {
        leave_locked(as, waiter);
        waiter_end(&waiter->waiter);
    }
}

/*
 * Leaves the queue after a sleep that no waker ended. A wake that came before it was left counts, whatever ended the
 * sleep; but what woke a thread that was killed before is the next one's.
 */
static zx_status_t wait_end(struct aspace *as, struct futex_waiter *waiter, zx_status_t status) {
    mutex_lock(&as->futex_lock);
    if (waiter->queued)
        leave_locked(as, waiter);
    else if (thread_killed())
        wake_locked(as, waiter->addr, 1);
    else
        status = ZX_OK;
    mutex_unlock(&as->futex_lock);
    return status;
}

/* Compares and sleeps, with no gap. SHOULD_WAIT: the word is not in memory. */
static zx_status_t wait_once(user_in_t word, int32_t value, zx_time_t deadline) {
    struct aspace *as = own_space();
    struct futex_waiter waiter = {.addr = word.addr, .queued = true, .waiter = WAITER_INIT(thread_current())};
    mutex_lock(&as->futex_lock);
    zx_status_t status = compare_locked(as, word, value);
    if (status == ZX_OK && deadline <= arch_time_now()) status = ZX_ERR_TIMED_OUT;
    if (status != ZX_OK) {
        mutex_unlock(&as->futex_lock);
        return status;
    }
    RB_INSERT(futex_tree, &as->futexes, &waiter);
    mutex_unlock(&as->futex_lock);
    status = waiter_block(&waiter.waiter, deadline, WAIT_INTERRUPTIBLE);
    return status == ZX_OK ? ZX_OK : wait_end(as, &waiter, status);
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

zx_status_t futex_wake(user_in_t word, uint32_t count) {
    zx_status_t status = check_word(word);
    if (status != ZX_OK || count == 0) return status;
    struct aspace *as = own_space();
    mutex_lock(&as->futex_lock);
    wake_locked(as, word.addr, count);
    mutex_unlock(&as->futex_lock);
    return ZX_OK;
}

/* To another word. */
static void move_locked(struct aspace *as, vaddr_t addr, vaddr_t other, uint32_t count) REQUIRES(&as->futex_lock) {
    struct futex_waiter *waiter;
    for (; count > 0 && (waiter = first_waiter(as, addr)); count--) {
        RB_REMOVE(futex_tree, &as->futexes, waiter);
        waiter->addr = other;
        RB_INSERT(futex_tree, &as->futexes, waiter);
    }
}

zx_status_t futex_requeue(user_in_t word, uint32_t wake_count, int32_t value, user_in_t other, uint32_t requeue_count) {
    struct aspace *as = own_space();
    for (;;) {
        mutex_lock(&as->futex_lock);
        zx_status_t status = compare_locked(as, word, value);
        if (status == ZX_OK && (word.addr == other.addr || check_word(word) != ZX_OK || check_word(other) != ZX_OK))
            status = ZX_ERR_INVALID_ARGS;
        if (status == ZX_OK) {
            wake_locked(as, word.addr, wake_count);
            move_locked(as, word.addr, other.addr, requeue_count);
        }
        mutex_unlock(&as->futex_lock);
        if (status != ZX_ERR_SHOULD_WAIT) return status;
        status = bring_in(word);
        if (status != ZX_OK) return status;
    }
}
