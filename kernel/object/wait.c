/*
 * Waiting for signals; see wait.h. Waits live with the waiting thread; the waiter's lock, inside the objects' own,
 * guards what observers change.
 */
#include "kernel/object/wait.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/object/handle.h"

void waiter_end(struct waiter *waiter) {
    waiter->over = true;
    waitq_wake_all(&waiter->queue, ZX_OK);
}

/* It wants what it has not seen yet, and until it is satisfied what it waits for: a bounded number of times each. */
static void wait_notify(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    spin_lock(&wait->waiter->lock);
    wait->seen |= signals;
    if (signals & wait->signals) {
        wait->satisfied = true;
        waiter_end(wait->waiter);
    }
    const zx_signals_t wanted = wait->satisfied ? ~wait->seen : ~wait->seen | wait->signals;
    spin_unlock(&wait->waiter->lock);
    observer_want(observer, wanted);
}

/* From then on the wait is the waiting thread's alone. */
static bool wait_cancelled(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    spin_lock(&wait->waiter->lock);
    wait->seen |= signals | ZX_SIGNAL_HANDLE_CLOSED;
    wait->cancelled = true;
    waiter_end(wait->waiter);
    spin_unlock(&wait->waiter->lock);
    return false;
}

static const struct observer_ops wait_ops = {.notify = wait_notify, .cancelled = wait_cancelled};

void wait_begin(struct wait *wait, struct handle_table *table, struct waiter *waiter) {
    wait->seen = 0;
    wait->satisfied = wait->cancelled = false;
    wait->waiter = waiter;
    wait->observer = (struct observer){.ops = &wait_ops, .table = table, .value = wait->value};
    object_observe(wait->object, &wait->observer);
    /* The handle may have been closed when there was nothing to cancel yet. */
    if (table && !handle_names(table, wait->value, wait->object)) object_cancel(wait->object, table, wait->value);
}

zx_status_t waiter_block(struct waiter *waiter, zx_time_t deadline) {
    zx_status_t status = ZX_OK;
    spin_lock(&waiter->lock);
    if (!waiter->over && deadline > arch_time_now())
        return waitq_block(&waiter->queue, &waiter->lock, deadline, WAIT_INTERRUPTIBLE);
    if (!waiter->over) status = ZX_ERR_TIMED_OUT;
    spin_unlock(&waiter->lock);
    return status;
}

/* What it all came to. A condition that holds beats the deadline, and a closed handle beats both. */
static zx_status_t outcome(const struct wait *waits, size_t count, zx_status_t status) {
    for (size_t i = 0; i < count; i++) {
        if (waits[i].cancelled) return ZX_ERR_CANCELED;
    }
    for (size_t i = 0; i < count; i++) {
        if (waits[i].satisfied) return ZX_OK;
    }
    return status;
}

zx_status_t objects_wait(struct handle_table *table, struct wait *waits, size_t count, zx_time_t deadline) {
    struct waiter waiter = WAITER_INIT(waiter);
    for (size_t i = 0; i < count; i++) wait_begin(&waits[i], table, &waiter);
    zx_status_t status = waiter_block(&waiter, deadline);
    for (size_t i = 0; i < count; i++) wait_finish(&waits[i]);
    return outcome(waits, count, status);
}

zx_status_t object_wait_one(struct object *object, struct handle_table *table, zx_handle_t value, zx_signals_t signals,
                            zx_time_t deadline, zx_signals_t *observed) {
    struct wait wait = {.object = object, .value = value, .signals = signals};
    zx_status_t status = objects_wait(table, &wait, 1, deadline);
    *observed = wait.seen;
    return status;
}
