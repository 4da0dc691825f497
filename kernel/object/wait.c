/*
 * Waiting for signals; see wait.h. The wait lives on the waiter's stack; its own lock, inside the object's, guards it.
 */
#include "kernel/object/wait.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/object/handle.h"
#include "kernel/sched/waitq.h"

struct wait {
    struct observer observer;
    zx_signals_t signals; /* [I] */
    struct spinlock lock; /* guards the rest */
    struct waitq waiter;
    zx_signals_t seen;
    bool satisfied;
    bool cancelled;
};

static void wait_notify(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    spin_lock(&wait->lock);
    wait->seen |= signals;
    if (signals & wait->signals) {
        wait->satisfied = true;
        waitq_wake_all(&wait->waiter, ZX_OK);
    }
    spin_unlock(&wait->lock);
}

static void wait_cancelled(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    spin_lock(&wait->lock);
    wait->seen |= signals | ZX_SIGNAL_HANDLE_CLOSED;
    wait->cancelled = true;
    waitq_wake_all(&wait->waiter, ZX_OK);
    spin_unlock(&wait->lock);
}

/* Sleeps until the wait is over; returns with the lock released. */
static zx_status_t wait_block(struct wait *wait, zx_time_t deadline) {
    spin_lock(&wait->lock);
    if (wait->satisfied || wait->cancelled) {
        spin_unlock(&wait->lock);
        return ZX_OK;
    }
    if (deadline <= arch_time_now()) {
        spin_unlock(&wait->lock);
        return ZX_ERR_TIMED_OUT;
    }
    return waitq_block(&wait->waiter, &wait->lock, deadline, WAIT_INTERRUPTIBLE);
}

zx_status_t object_wait_one(struct object *object, struct handle_table *table, zx_handle_t value, zx_signals_t signals,
                            zx_time_t deadline, zx_signals_t *observed) {
    struct wait wait = {
        .observer = {.table = table, .value = value, .notify = wait_notify, .cancelled = wait_cancelled},
        .signals = signals,
        .lock = SPINLOCK_INIT(RANK_WAIT, "wait"),
        .waiter = WAITQ_INIT(wait.waiter),
    };
    object_observe(object, &wait.observer);
    /* The handle may have been closed when there was nothing to cancel yet. */
    if (table && !handle_names(table, value, object)) object_cancel(object, table, value);
    zx_status_t status = wait_block(&wait, deadline);
    object_unobserve(object, &wait.observer);
    *observed = wait.seen;
    if (wait.cancelled) return ZX_ERR_CANCELED;
    return wait.satisfied ? ZX_OK : status;
}
