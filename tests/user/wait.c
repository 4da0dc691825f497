/*
 * zx_object_wait_one: what ends a wait, and what it reports.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define SOON (zx_deadline_after(ZX_MSEC(5)))
#define NEVER (zx_deadline_after(ZX_SEC(10)))

static zx_status_t poll_it(zx_handle_t handle) {
    zx_signals_t observed = UNTOUCHED;
    zx_status_t status = zx_object_wait_one(handle, 0, 0, &observed);
    EXPECT((status == ZX_ERR_TIMED_OUT) == (observed != UNTOUCHED));
    return status;
}

TEST("object_wait_one/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(poll_it); }
TEST("object_wait_one/H6 without WAIT it is ACCESS_DENIED") {
    check_rights(handle_of(KIND_VMO), ZX_RIGHT_WAIT, poll_it);
}

TEST("object_wait_one/objects without signals: their handles lack WAIT, and cannot get it") {
    EXPECT_STATUS(poll_it(handle_of(KIND_VMAR)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(poll_it(handle_of(KIND_RESOURCE)), ZX_ERR_ACCESS_DENIED);
}

TEST("object_wait_one/every type that can be waited on can be polled") {
    const enum kind kinds[] = {KIND_VMO, KIND_CHANNEL, KIND_EVENT, KIND_EVENTPAIR, KIND_PROCESS, KIND_THREAD, KIND_JOB};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        EXPECT_STATUS(poll_it(handle_of(kinds[i])), ZX_ERR_TIMED_OUT);
}

TEST("object_wait_one/the signals that objects begin with") {
    struct target target = target_make();
    zx_handle_t thread, job;
    struct pair pair = pair_make();
    NEED_OK(zx_thread_create(target.process, "t", 1, 0, &thread));
    NEED_OK(zx_job_create(zx_job_default(), 0, &job));
    EXPECT_EQ(signals_of(vmo_make(PAGE)), ZX_VMO_ZERO_CHILDREN);
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_WRITABLE);
    EXPECT_EQ(signals_of(target.process), 0);
    EXPECT_EQ(signals_of(thread), 0);
    EXPECT_EQ(signals_of(job), ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES);
}

TEST("object_wait_one/a signal that is there ends the wait at once, even with a deadline long past") {
    struct pair pair = pair_make();
    const zx_time_t deadlines[] = {ZX_TIME_INFINITE_PAST, -1, 0, 1, ZX_TIME_INFINITE};
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        zx_signals_t observed = 0;
        EXPECT_OK(zx_object_wait_one(pair.a, ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE, deadlines[i], &observed));
        EXPECT_EQ(observed, ZX_CHANNEL_WRITABLE);
    }
}

TEST("object_wait_one/TIMED_OUT not before the deadline, with what was seen") {
    struct pair pair = pair_make();
    zx_signals_t observed = 0;
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_object_wait_one(pair.a, ZX_CHANNEL_READABLE, deadline, &observed), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_EQ(observed, ZX_CHANNEL_WRITABLE);
}

TEST("object_wait_one/TIMED_OUT at once for a deadline that has passed") {
    struct pair pair = pair_make();
    const zx_time_t deadlines[] = {ZX_TIME_INFINITE_PAST, -1, 0, zx_clock_get_monotonic()};
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++)
        EXPECT_STATUS(zx_object_wait_one(pair.a, ZX_CHANNEL_READABLE, deadlines[i], NULL), ZX_ERR_TIMED_OUT);
}

TEST("object_wait_one/waiting for no signal is only over with the deadline") {
    zx_signals_t observed = 0;
    EXPECT_STATUS(zx_object_wait_one(vmo_make(PAGE), 0, SOON, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_EQ(observed, ZX_VMO_ZERO_CHILDREN);
}

TEST("object_wait_one/bits that no object has are fine to wait for") {
    EXPECT_STATUS(zx_object_wait_one(vmo_make(PAGE), ~ZX_VMO_ZERO_CHILDREN, SOON, NULL), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_object_wait_one(vmo_make(PAGE), UINT32_MAX, SOON, NULL));
}

TEST("object_wait_one/bad pointers are INVALID_ARGS, whatever the wait gave; NULL is none") {
    zx_handle_t vmo = vmo_make(PAGE);
    EXPECT_OK(zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, NULL));
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_signals_t *bad = (zx_signals_t *)bad_targets[i];
        if (!bad) continue;
        EXPECT_STATUS(zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, bad), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_wait_one(vmo, 0, 0, bad), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_wait_one(ZX_HANDLE_INVALID, 0, 0, bad), ZX_ERR_BAD_HANDLE);
    }
}

/* One wait in another thread. */
struct waiting {
    struct worker worker;
    zx_handle_t handle;
    zx_signals_t signals;
    zx_status_t status;
    zx_signals_t observed;
};

static void wait_now(void *arg) {
    struct waiting *w = arg;
    w->status = zx_object_wait_one(w->handle, w->signals, NEVER, &w->observed);
}

static bool wait_begin(struct waiting *w, zx_handle_t handle, zx_signals_t signals) {
    w->handle = handle;
    w->signals = signals;
    w->observed = UNTOUCHED;
    if (!worker_start(&w->worker, wait_now, w)) return false;
    return thread_waits(w->worker.thread) && TEST_EQ(w->observed, UNTOUCHED);
}

static void wait_end(struct waiting *w, zx_status_t status, zx_signals_t observed) {
    if (!worker_join(&w->worker)) return;
    EXPECT_STATUS(w->status, status);
    EXPECT_EQ(w->observed, observed);
}

static struct waiting first, second, third;

TEST("object_wait_one/a signal that comes wakes the waiter") {
    struct pair pair = pair_make();
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_READABLE));
    NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    wait_end(&first, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
}

TEST("object_wait_one/a signal that comes and goes has been seen") {
    struct pair pair = pair_make();
    char byte;
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_READABLE));
    NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    NEED_OK(zx_channel_read(pair.a, 0, &byte, NULL, 1, 0, NULL, NULL));
    EXPECT_EQ(signals_of(pair.a), ZX_CHANNEL_WRITABLE);
    wait_end(&first, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
}

TEST("object_wait_one/pulses of other signals are in what was observed") {
    struct pair pair = pair_make();
    char byte;
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_PEER_CLOSED));
    NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    NEED_OK(zx_channel_read(pair.a, 0, &byte, NULL, 1, 0, NULL, NULL));
    MUST(zx_handle_close(pair.b));
    wait_end(&first, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE | ZX_CHANNEL_PEER_CLOSED);
}

TEST("object_wait_one/all waiters of a signal wake") {
    struct pair pair = pair_make();
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_READABLE));
    NEED(wait_begin(&second, pair.a, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED));
    NEED(wait_begin(&third, pair.a, ZX_CHANNEL_PEER_CLOSED));
    NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    wait_end(&first, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    wait_end(&second, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    settle();
    EXPECT_EQ(third.observed, UNTOUCHED);
    MUST(zx_handle_close(pair.b));
    wait_end(&third, ZX_OK, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE | ZX_CHANNEL_PEER_CLOSED);
}

TEST("object_wait_one/H9 closing the handle cancels the wait, other handles' waits go on") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t other = handle_with(vmo, ZX_RIGHT_SAME_RIGHTS);
    NEED(wait_begin(&first, vmo, ZX_USER_SIGNAL_0));
    NEED(wait_begin(&second, other, ZX_USER_SIGNAL_0));
    MUST(zx_handle_close(vmo));
    wait_end(&first, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
    settle();
    EXPECT_EQ(second.observed, UNTOUCHED);
    MUST(zx_handle_close(other));
    wait_end(&second, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
}

TEST("object_wait_one/H9 replacing the handle cancels the wait") {
    zx_handle_t vmo = vmo_make(PAGE);
    NEED(wait_begin(&first, vmo, ZX_USER_SIGNAL_0));
    NEED_OK(zx_handle_replace(vmo, ZX_RIGHT_SAME_RIGHTS, &vmo));
    wait_end(&first, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
}

TEST("object_wait_one/a replacement that fails cancels the wait too") {
    zx_handle_t vmo = vmo_make(PAGE);
    NEED(wait_begin(&first, vmo, ZX_USER_SIGNAL_0));
    EXPECT_STATUS(zx_handle_replace(vmo, ZX_RIGHT_MANAGE_JOB, &vmo), ZX_ERR_INVALID_ARGS);
    wait_end(&first, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
}

TEST("object_wait_one/a handle that is sent away and read cancels the wait") {
    struct pair pair = pair_make();
    zx_handle_t vmo = vmo_make(PAGE);
    NEED(wait_begin(&first, vmo, ZX_USER_SIGNAL_0));
    send_handle(pair.a, vmo);
    zx_handle_t read;
    NEED_OK(zx_channel_read(pair.b, 0, NULL, &read, 0, 1, NULL, NULL));
    wait_end(&first, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_EQ(signals_of(read), ZX_VMO_ZERO_CHILDREN);
}

TEST("object_wait_one/a handle that is sent away cancels the wait though nobody reads it, or it could not be sent") {
    struct pair pair = pair_make();
    for (int i = 0; i < 2; i++) {
        zx_handle_t vmo = vmo_make(PAGE);
        NEED(wait_begin(&first, vmo, ZX_USER_SIGNAL_0));
        EXPECT_STATUS(zx_channel_write(pair.a, 0, NULL, 0, &vmo, 1), i ? ZX_ERR_PEER_CLOSED : ZX_OK);
        wait_end(&first, ZX_ERR_CANCELED, ZX_VMO_ZERO_CHILDREN | ZX_SIGNAL_HANDLE_CLOSED);
        zx_handle_close(pair.b);
    }
}

TEST("object_wait_one/closing the other end's handle is a signal, not an end of the handle") {
    struct pair pair = pair_make();
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_PEER_CLOSED));
    MUST(zx_handle_close(pair.b));
    wait_end(&first, ZX_OK, ZX_CHANNEL_WRITABLE | ZX_CHANNEL_PEER_CLOSED);
}

TEST("object_wait_one/the object stays while somebody waits, though its handle is closed") {
    struct pair pair = pair_make();
    NEED(wait_begin(&first, pair.a, ZX_CHANNEL_READABLE));
    MUST(zx_handle_close(pair.a));
    wait_end(&first, ZX_ERR_CANCELED, ZX_CHANNEL_WRITABLE | ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
}

TEST("object_wait_one/many short waits in several threads give all back") {
    struct pair pair = pair_make();
    static struct waiting many[20];
    for (size_t i = 0; i < 20; i++) {
        many[i].handle = pair.a;
        many[i].signals = ZX_CHANNEL_PEER_CLOSED;
        NEED(worker_start(&many[i].worker, wait_now, &many[i]));
    }
    for (size_t i = 0; i < 20; i++) NEED(thread_waits(many[i].worker.thread));
    MUST(zx_handle_close(pair.b));
    for (size_t i = 0; i < 20; i++) {
        NEED(worker_join(&many[i].worker));
        EXPECT_OK(many[i].status);
        EXPECT(many[i].observed & ZX_CHANNEL_PEER_CLOSED);
    }
}
