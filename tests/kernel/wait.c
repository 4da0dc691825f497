/*
 * Waiting for signals: satisfied, timed out, cancelled, interrupted.
 */
#include "kernel/object/wait.h"

#include "arch/time.h"
#include "kernel/object/handle.h"
#include "kernel/sched/sched.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

static void no_free(struct object *object UNUSED) {}
static const struct object_ops event_ops = {.type = ZX_OBJ_TYPE_EVENT, .free = no_free};

#define S0 ZX_USER_SIGNAL_0
#define S1 ZX_USER_SIGNAL_1
#define S2 ZX_USER_SIGNAL_2

static struct object event;
static struct handle_table table;
static zx_handle_t value; /* the event's, in the table */

static bool begin(zx_signals_t signals) {
    object_init(&event, &event_ops, signals);
    handle_table_init(&table, &root_budget);
    if (handle_reserve(&table, &value) != ZX_OK) return false;
    handle_publish(&table, value, handle_make(&event, 0));
    return true;
}

static void end(void) {
    EXPECT(RB_EMPTY(&event.observers));
    handle_table_destroy(&table);
    object_unref(&event);
}

/* A wait through the handle. */
static zx_status_t wait_one(zx_signals_t signals, zx_time_t deadline, zx_signals_t *observed) {
    struct handle_slot *use;
    zx_status_t status = handle_use_any(&table, value, 0, &use);
    if (status != ZX_OK) return status;
    status = object_wait_one(&event, &table, use, signals, deadline, observed);
    handle_done(&table, use);
    return status;
}

/* A wait by another thread. */
struct sleeper {
    struct runner runner;
    zx_signals_t signals, observed;
    zx_time_t deadline;
    zx_status_t status;
};

static void wait_run(void *arg) {
    struct sleeper *w = arg;
    w->status = wait_one(w->signals, w->deadline, &w->observed);
}

/* Starts the wait and lets it sleep. */
static bool waits(struct sleeper *w, zx_signals_t signals) {
    *w = (struct sleeper){.signals = signals, .deadline = ZX_TIME_INFINITE, .status = ZX_ERR_INTERNAL};
    if (!runner_start(&w->runner, NULL, wait_run, w)) return false;
    runner_settle(&w->runner);
    return w->status == ZX_ERR_INTERNAL;
}

static bool ended(struct sleeper *w, zx_status_t status, zx_signals_t observed) {
    runner_join(&w->runner);
    return w->status == status && w->observed == observed;
}

KTEST("wait/what is up already needs no wait, even past the deadline") {
    zx_signals_t observed;
    NEED(begin(S0 | S2));
    EXPECT(wait_one(S0 | S1, 0, &observed) == ZX_OK && observed == (S0 | S2));
    EXPECT(wait_one(S1, 0, &observed) == ZX_ERR_TIMED_OUT && observed == (S0 | S2));
    EXPECT(wait_one(0, 0, &observed) == ZX_ERR_TIMED_OUT);
    end();
}

KTEST("wait/a deadline ends it, not before its time") {
    zx_signals_t observed;
    NEED(begin(0));
    zx_time_t deadline = arch_time_now() + ZX_MSEC(3);
    EXPECT(wait_one(S0, deadline, &observed) == ZX_ERR_TIMED_OUT && observed == 0);
    EXPECT(arch_time_now() >= deadline);
    end();
}

KTEST("wait/a signal wakes those who wait for it, and nobody else") {
    struct sleeper zero, one;
    NEED(begin(0) && waits(&zero, S0) && waits(&one, S1));
    object_signal(&event, 0, S0);
    EXPECT(ended(&zero, ZX_OK, S0));
    runner_settle(&one.runner);
    EXPECT(one.status == ZX_ERR_INTERNAL);
    object_signal(&event, S0, S1);
    EXPECT(ended(&one, ZX_OK, S0 | S1));
    end();
}

KTEST("wait/a pulse wakes, although the signal is down again when the waiter looks") {
    struct sleeper w;
    NEED(begin(0) && waits(&w, S0));
    object_signal(&event, 0, S0);
    object_signal(&event, S0, 0);
    EXPECT(ended(&w, ZX_OK, S0));
    end();
}

KTEST("wait/H9 closing the handle cancels the waits that went through it") {
    struct sleeper w;
    struct handle handle;
    NEED(begin(S1) && waits(&w, S0));
    EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
    EXPECT(ended(&w, ZX_ERR_CANCELED, S1 | ZX_SIGNAL_HANDLE_CLOSED));
    handle_discard(handle);
    end();
}

KTEST("wait/H9 a handle that was closed before the wait began cancels it too") {
    zx_signals_t observed;
    struct handle handle;
    struct handle_slot *use;
    NEED(begin(0) && handle_use_any(&table, value, 0, &use) == ZX_OK);
    EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
    EXPECT(object_wait_one(&event, &table, use, S0, ZX_TIME_INFINITE, &observed) == ZX_ERR_CANCELED);
    EXPECT(observed == ZX_SIGNAL_HANDLE_CLOSED);
    handle_done(&table, use);
    handle_discard(handle);
    end();
}

KTEST("wait/H9 a handle that is closed after the signal came, before the waiter runs, cancels it too") {
    struct sleeper w;
    struct handle handle;
    NEED(begin(0) && waits(&w, S0));
    object_signal(&event, 0, S0);
    EXPECT(RB_EMPTY(&event.observers));
    EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
    /* Unless the sleeper, woken by the signal, left before the handle was gone. */
    if (turns_are_kept())
        EXPECT(ended(&w, ZX_ERR_CANCELED, S0 | ZX_SIGNAL_HANDLE_CLOSED));
    else
        runner_join(&w.runner);
    handle_discard(handle);
    end();
}

KTEST("wait/closing another handle to the same object cancels nothing") {
    struct sleeper w;
    zx_handle_t other;
    struct handle handle;
    NEED(begin(0) && handle_reserve(&table, &other) == ZX_OK);
    handle_publish(&table, other, handle_make(&event, 0));
    NEED(waits(&w, S0) && handle_remove(&table, other, &handle) == ZX_OK);
    handle_discard(handle);
    runner_settle(&w.runner);
    EXPECT(w.status == ZX_ERR_INTERNAL);
    object_signal(&event, 0, S0);
    EXPECT(ended(&w, ZX_OK, S0));
    end();
}

KTEST("wait/an interrupt ends it, to be begun again") {
    struct sleeper w;
    NEED(begin(0) && waits(&w, S0));
    thread_interrupt(&w.runner.thread, ATTENTION_KILL);
    EXPECT(ended(&w, ZX_ERR_INTERNAL_INTR_RETRY, 0));
    end();
}

KTEST("wait/a hundred threads on one object all wake") {
    static struct sleeper sleepers[100];
    NEED(begin(0));
    for (size_t i = 0; i < countof(sleepers); i++) NEED(waits(&sleepers[i], S0));
    object_signal(&event, 0, S0);
    object_tell_rest();
    for (size_t i = 0; i < countof(sleepers); i++) EXPECT(ended(&sleepers[i], ZX_OK, S0));
    end();
}

/* Waits for many, in a thread of its own. */
struct many_sleeper {
    struct runner runner;
    struct wait waits[3];
    zx_handle_t values[3];
    zx_time_t deadline;
    zx_status_t status;
};

static void many_run(void *arg) {
    struct many_sleeper *w = arg;
    for (size_t i = 0; i < countof(w->waits); i++) {
        if (handle_use_any(&table, w->values[i], 0, &w->waits[i].use) != ZX_OK) return;
    }
    w->status = objects_wait(&table, w->waits, countof(w->waits), w->deadline);
    for (size_t i = 0; i < countof(w->waits); i++) handle_done(&table, w->waits[i].use);
}

static bool waits_for(struct many_sleeper *w, struct object *other, zx_handle_t other_value) {
    *w = (struct many_sleeper){.deadline = ZX_TIME_INFINITE, .status = ZX_ERR_INTERNAL};
    w->waits[0] = (struct wait){.object = &event, .signals = S0};
    w->waits[1] = (struct wait){.object = other, .signals = S1};
    w->waits[2] = (struct wait){.object = &event, .signals = S1};
    w->values[0] = w->values[2] = value;
    w->values[1] = other_value;
    if (!runner_start(&w->runner, NULL, many_run, w)) return false;
    runner_settle(&w->runner);
    return w->status == ZX_ERR_INTERNAL;
}

static bool many_ended(struct many_sleeper *w, zx_status_t status, zx_signals_t first, zx_signals_t second) {
    runner_join(&w->runner);
    return w->status == status && w->waits[0].seen == first && w->waits[1].seen == second && w->waits[2].seen == first;
}

static struct object other;

static bool begin_two(zx_handle_t *other_value) {
    if (!begin(0) || handle_reserve(&table, other_value) != ZX_OK) return false;
    object_init(&other, &event_ops, S2);
    handle_publish(&table, *other_value, handle_make(&other, 0));
    return true;
}

static void end_two(void) {
    EXPECT(RB_EMPTY(&other.observers));
    end();
    object_unref(&other);
}

KTEST("wait/for many: any one of them ends it, and all tell what they saw, pulses too") {
    struct many_sleeper w;
    zx_handle_t other_value;
    NEED(begin_two(&other_value) && waits_for(&w, &other, other_value));
    object_signal(&event, 0, S2);
    object_signal(&event, S2, 0);
    object_signal(&other, 0, S1);
    object_signal(&other, S1, 0);
    EXPECT(many_ended(&w, ZX_OK, S2, S1 | S2));
    end_two();
}

KTEST("wait/for many: a closed handle wins over a signal that came first, and shows in its own waits alone") {
    struct many_sleeper w;
    zx_handle_t other_value;
    struct handle handle;
    NEED(begin_two(&other_value) && waits_for(&w, &other, other_value));
    object_signal(&other, 0, S1);
    EXPECT(handle_remove(&table, value, &handle) == ZX_OK);
    /* Unless the sleeper, woken by the signal, began to leave before the handle was gone. */
    if (turns_are_kept() || w.waits[0].cancelled) {
        EXPECT(many_ended(&w, ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED, S1 | S2));
        EXPECT(w.waits[0].cancelled && !w.waits[1].cancelled && w.waits[2].cancelled);
    } else {
        runner_join(&w.runner);
        EXPECT(w.status == ZX_OK || w.status == ZX_ERR_CANCELED);
    }
    handle_discard(handle);
    end_two();
}

KTEST("wait/for many: an interrupt after a signal is no reason to begin again") {
    struct many_sleeper w;
    zx_handle_t other_value;
    NEED(begin_two(&other_value) && waits_for(&w, &other, other_value));
    object_signal(&event, 0, S1);
    thread_interrupt(&w.runner.thread, ATTENTION_KILL);
    EXPECT(many_ended(&w, ZX_OK, S1, S2));
    NEED(waits_for(&w, &other, other_value) == false);
    runner_join(&w.runner);
    EXPECT(w.status == ZX_OK);
    end_two();
}

KTEST("wait/for none: until the deadline, or an interrupt") {
    zx_time_t deadline = arch_time_now() + ZX_MSEC(3);
    EXPECT(objects_wait(NULL, NULL, 0, deadline) == ZX_ERR_TIMED_OUT && arch_time_now() >= deadline);
    EXPECT(objects_wait(NULL, NULL, 0, 0) == ZX_ERR_TIMED_OUT);
}
