/*
 * Waiting for signals; see wait.h. Waits live with the waiting thread; an object's lock guards what its signals change
 * of them, and the scheduler's, inside those, the end of the sleep.
 */
#include "kernel/object/wait.h"

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/object/handle.h"

/* What it has not seen yet, and until it is satisfied what it waits for: a bounded number of times each. */
static zx_signals_t wanted(const struct wait *wait) {
    return wait->satisfied ? ~wait->seen : ~wait->seen | wait->signals;
}

static void wait_notify(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    wait->seen |= signals;
    if (!wait->satisfied && (signals & wait->signals)) {
        wait->satisfied = true;
        waiter_end(wait->waiter);
    }
    observer_want(observer, wanted(wait));
}

/* From then on the wait is the waiting thread's alone. */
static bool wait_cancelled(struct observer *observer, zx_signals_t signals) {
    struct wait *wait = container_of(observer, struct wait, observer);
    wait->seen |= signals | ZX_SIGNAL_HANDLE_CLOSED;
    wait->cancelled = true;
    waiter_end(wait->waiter);
    return false;
}

static const struct observer_ops wait_ops = {.notify = wait_notify, .cancelled = wait_cancelled};

void wait_begin(struct wait *wait, struct handle_table *table, struct waiter *waiter) {
    wait->satisfied = wait->cancelled = false;
    wait->waiter = waiter;
    wait->observer.ops = &wait_ops;
    wait->observer.table = table;
    wait->observer.value = wait->value;
    wait->observer.wanted = wanted(wait);
    object_observe(wait->object, &wait->observer);
    /* The handle may have been closed when there was nothing to cancel yet. */
    if (table && !handle_names(table, wait->value, wait->object)) object_cancel(wait->object, table, wait->value);
}

/* What it all came to. A condition that holds beats the deadline, and a closed handle beats both. */
static ALWAYS_INLINE zx_status_t outcome(const struct wait *waits, size_t count, zx_status_t status) {
    for (size_t i = 0; i < count; i++) {
        if (waits[i].cancelled) return ZX_ERR_CANCELED;
    }
    for (size_t i = 0; i < count; i++) {
        if (waits[i].satisfied) return ZX_OK;
    }
    return status;
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

static ALWAYS_INLINE zx_status_t wait_for(struct handle_table *table, struct wait *waits, size_t count,
                                          zx_time_t deadline) {
    zx_status_t seen = look(waits, count, deadline);
    if (seen != ZX_ERR_SHOULD_WAIT) return seen;
    struct waiter waiter = WAITER_INIT(waiter);
    for (size_t i = 0; i < count; i++) wait_begin(&waits[i], table, &waiter);
    zx_status_t status = waiter_block(&waiter, deadline);
    for (size_t i = 0; i < count; i++) wait_finish(&waits[i]);
    return outcome(waits, count, status);
}

zx_status_t objects_wait(struct handle_table *table, struct wait *waits, size_t count, zx_time_t deadline) {
    return wait_for(table, waits, count, deadline);
}

zx_status_t object_wait_one(struct object *object, struct handle_table *table, zx_handle_t value, zx_signals_t signals,
                            zx_time_t deadline, zx_signals_t *observed) {
    struct wait wait;
    wait.object = object;
    wait.value = value;
    wait.signals = signals;
    zx_status_t status = wait_for(table, &wait, 1, deadline);
    *observed = wait.seen;
    return status;
}
