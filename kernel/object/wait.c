/*
 * Waiting for signals; see wait.h. Waits live with the waiting thread; an object's lock guards what its signals change
 * of them, and the thread's run queue's, inside those, the end of the sleep.
 *
 * A satisfied or cancelled wait no longer observes, and the last thing done to it is to end its waiter. So a thread
 * that waits for a single object, and whose waiter was ended, takes no lock to leave. But it checks that the handle is
 * still open: a close since then found no wait to cancel.
 */
#include "kernel/object/wait.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/object/handle.h"
#include "kernel/sched/thread.h"

/* What it has not seen yet, and what it waits for: a bounded number of times each. */
static zx_signals_t wanted(const struct wait *wait) { return ~wait->seen | wait->signals; }

static void wait_notify(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    struct object *object = wait->object;
    mutex_assert_held(&object->lock);
    wait->seen |= signals;
    if (signals & wait->signals) {
        wait->satisfied = true;
        observer_remove(object, observer);
        waiter_end(wait->waiter);
    } else {
        observer_want(observer, wanted(wait));
    }
}

static bool wait_cancelled(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    wait->seen |= signals;
    wait->cancelled = true;
    waiter_end(wait->waiter);
    return false;
}

static const struct observer_ops wait_ops = {.notify = wait_notify, .cancelled = wait_cancelled};

static ALWAYS_INLINE void wait_begin(struct wait *wait, struct handle_table *table, struct waiter *waiter) {
    const zx_handle_t value = wait->use ? handle_use_value(wait->use) : ZX_HANDLE_INVALID;
    wait->satisfied = wait->cancelled = false;
    wait->waiter = waiter;
    wait->observer.ops = &wait_ops;
    wait->observer.table = table;
    wait->observer.value = value;
    wait->observer.wanted = wanted(wait);
    object_observe_changes(wait->object, &wait->observer);
    /* The handle may have been closed when there was nothing to cancel yet. */
    if (wait->use && !handle_use_stays_open(wait->use)) object_cancel(wait->object, table, value);
}

/* Is its handle closed by now? Whatever has ended it. */
static bool is_cancelled(struct wait *wait) {
    wait->cancelled = wait->cancelled || (wait->use && !handle_use_is_open(wait->use));
    if (wait->cancelled) wait->seen |= ZX_SIGNAL_HANDLE_CLOSED;
    return wait->cancelled;
}

/* What it all came to. A condition that holds beats the deadline, and a closed handle beats both. */
static ALWAYS_INLINE zx_status_t outcome(struct wait *waits, size_t count, zx_status_t status) {
    bool cancelled = false, satisfied = false;
    for (size_t i = 0; i < count; i++) {
        cancelled = is_cancelled(&waits[i]) || cancelled;
        satisfied = waits[i].satisfied || satisfied;
    }
    if (cancelled) return ZX_ERR_CANCELED;
    return satisfied ? ZX_OK : status;
}

/* Is there nothing to wait for? Then what is seen is what is up now. TIMED_OUT, or ZX_OK; else SHOULD_WAIT. */
static ALWAYS_INLINE zx_status_t look(struct wait *waits, size_t count, zx_time_t deadline) {
    zx_status_t status = ZX_ERR_SHOULD_WAIT;
    for (size_t i = 0; i < count; i++) {
        waits[i].seen = object_signals(waits[i].object);
        if (waits[i].seen & waits[i].signals) status = ZX_OK;
    }
    if (status == ZX_OK || deadline == ZX_TIME_INFINITE) return status;
    return deadline > arch_time_now() ? status : ZX_ERR_TIMED_OUT;
}

zx_status_t objects_wait(struct handle_table *table, struct wait *waits, size_t count, zx_time_t deadline) {
    zx_status_t seen = look(waits, count, deadline);
    if (seen != ZX_ERR_SHOULD_WAIT) return seen;
    struct waiter waiter = WAITER_INIT(thread_current());
    for (size_t i = 0; i < count; i++) wait_begin(&waits[i], table, &waiter);
    zx_status_t status = waiter_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
    for (size_t i = 0; i < count; i++) object_unobserve(waits[i].object, &waits[i].observer);
    return outcome(waits, count, status);
}

zx_status_t object_wait(struct handle_table *table, struct wait *wait, zx_time_t deadline) {
    zx_status_t seen = look(wait, 1, deadline);
    if (seen != ZX_ERR_SHOULD_WAIT) return seen;
    struct waiter waiter = WAITER_INIT(thread_current());
    wait_begin(wait, table, &waiter);
    zx_status_t status = waiter_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
    if (status != ZX_OK) object_unobserve(wait->object, &wait->observer);
    return outcome(wait, 1, status);
}
