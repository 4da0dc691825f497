/*
 * zx_object_wait_many: what it refuses, what ends it, and what it reports for every item.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define MAX ZX_WAIT_MANY_MAX_ITEMS
#define NEVER (zx_deadline_after(ZX_SEC(10)))
#define S0 ZX_USER_SIGNAL_0
#define S1 ZX_USER_SIGNAL_1

static zx_wait_item_t item(zx_handle_t handle, zx_signals_t signals) {
    return (zx_wait_item_t){.handle = handle, .waitfor = signals, .pending = UNTOUCHED};
}

/* The handle in question stands last of three; the others are fine and satisfied. */
static zx_status_t poll_last(zx_handle_t handle) {
    zx_handle_t event = handle_of(KIND_EVENT);
    MUST(zx_object_signal(event, 0, S0));
    zx_wait_item_t items[] = {item(event, S0), item(event, S1), item(handle, S0)};
    zx_status_t status = zx_object_wait_many(items, 3, 0);
    for (size_t i = 0; i < 3; i++) EXPECT((status == ZX_OK) == (items[i].pending != UNTOUCHED));
    return status;
}

TEST("object_wait_many/what is no handle is BAD_HANDLE, and nothing is written") { check_bad_handles(poll_last); }
TEST("object_wait_many/without WAIT it is ACCESS_DENIED") {
    check_rights(handle_of(KIND_VMO), ZX_RIGHT_WAIT, poll_last);
}

TEST("object_wait_many/objects without signals: their handles lack WAIT, and cannot get it") {
    EXPECT_STATUS(poll_last(handle_of(KIND_VMAR)), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(poll_last(handle_of(KIND_RESOURCE)), ZX_ERR_ACCESS_DENIED);
}

TEST("object_wait_many/the first wrong item is the answer") {
    zx_handle_t denied = handle_with(handle_of(KIND_VMO), ZX_RIGHT_NONE);
    zx_wait_item_t items[] = {item(handle_of(KIND_VMO), 0), item(denied, 0), item(ZX_HANDLE_INVALID, 0)};
    EXPECT_STATUS(zx_object_wait_many(items, 3, 0), ZX_ERR_ACCESS_DENIED);
    items[0].handle = ZX_HANDLE_INVALID;
    EXPECT_STATUS(zx_object_wait_many(items, 3, 0), ZX_ERR_BAD_HANDLE);
}

TEST("object_wait_many/64 items and no more: OUT_OF_RANGE before anything is looked at") {
    static zx_wait_item_t items[MAX + 1];
    for (size_t i = 0; i <= MAX; i++) items[i] = item(handle_of(KIND_EVENT), 0);
    EXPECT_STATUS(zx_object_wait_many(items, MAX, 0), ZX_ERR_TIMED_OUT);
    for (size_t i = 0; i < MAX; i++) EXPECT_EQ(items[i].pending, 0);
    EXPECT_STATUS(zx_object_wait_many(items, MAX + 1, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_object_wait_many(NULL, MAX + 1, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_object_wait_many(items, SIZE_MAX, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(items[MAX].pending, UNTOUCHED);
}

TEST("object_wait_many/no items: a sleep, then TIMED_OUT, whatever the pointer") {
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_object_wait_many(NULL, 0, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_STATUS(zx_object_wait_many(NULL, 0, 0), ZX_ERR_TIMED_OUT);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_object_wait_many((zx_wait_item_t *)bad_targets[i], 0, 0), ZX_ERR_TIMED_OUT);
}

TEST("object_wait_many/items that cannot be read are INVALID_ARGS, in part too") {
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_object_wait_many((zx_wait_item_t *)bad_sources[i], 1, NEVER), ZX_ERR_INVALID_ARGS);
    zx_wait_item_t *last = (zx_wait_item_t *)(buffer_make(PAGE) + PAGE) - 1;
    *last = item(handle_of(KIND_EVENT), 0);
    EXPECT_STATUS(zx_object_wait_many(last, 2, NEVER), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_wait_many(last, 1, 0), ZX_ERR_TIMED_OUT);
}

TEST("object_wait_many/items that cannot be written are INVALID_ARGS, whatever the wait gave") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_wait_item_t *items = map_here(vmo, 0, PAGE, PERM_R);
    zx_wait_item_t wanted = item(vmo, ZX_VMO_ZERO_CHILDREN);
    MUST(zx_vmo_write(vmo, &wanted, 0, sizeof(wanted)));
    EXPECT_STATUS(zx_object_wait_many(items, 1, 0), ZX_ERR_INVALID_ARGS);
    wanted.waitfor = 0;
    MUST(zx_vmo_write(vmo, &wanted, 0, sizeof(wanted)));
    EXPECT_STATUS(zx_object_wait_many(items, 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(items[0].pending, UNTOUCHED);
}

TEST("object_wait_many/a signal that is there ends it at once, even with a deadline long past; all items are told") {
    struct pair pair = pair_make();
    zx_handle_t event = event_make();
    const zx_time_t deadlines[] = {ZX_TIME_INFINITE_PAST, -1, 0, 1, ZX_TIME_INFINITE};
    MUST(zx_object_signal(event, 0, S1));
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        zx_wait_item_t items[] = {item(event, S0), item(pair.a, ZX_CHANNEL_WRITABLE), item(handle_of(KIND_VMO), 0)};
        EXPECT_OK(zx_object_wait_many(items, 3, deadlines[i]));
        EXPECT_EQ(items[0].pending, S1);
        EXPECT_EQ(items[1].pending, ZX_CHANNEL_WRITABLE);
        EXPECT_EQ(items[2].pending, ZX_VMO_ZERO_CHILDREN);
        EXPECT(items[0].handle == event && items[0].waitfor == S0);
    }
}

TEST("object_wait_many/TIMED_OUT not before the deadline, and all items are told") {
    zx_handle_t event = event_make();
    MUST(zx_object_signal(event, 0, S1));
    zx_wait_item_t items[] = {item(event, S0), item(handle_of(KIND_VMO), S0)};
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_object_wait_many(items, 2, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_EQ(items[0].pending, S1);
    EXPECT_EQ(items[1].pending, ZX_VMO_ZERO_CHILDREN);
}

/* A wait in another thread. */
struct waiting {
    struct worker worker;
    zx_wait_item_t items[MAX];
    size_t count;
    zx_status_t status;
    atomic_bool over;
};

static void wait_now(void *arg) {
    struct waiting *w = arg;
    w->status = zx_object_wait_many(w->items, w->count, NEVER);
    w->over = true;
}

static bool waiting_start(struct waiting *w) {
    w->over = false;
    if (!worker_start(&w->worker, wait_now, w)) return false;
    return thread_waits(w->worker.thread) && TEST_TRUE(!w->over);
}

static bool waits(struct waiting *w, zx_wait_item_t first, zx_wait_item_t second) {
    w->items[0] = first;
    w->items[1] = second;
    w->count = 2;
    return waiting_start(w);
}

static void wait_ends(struct waiting *w, zx_status_t status, zx_signals_t first, zx_signals_t second) {
    if (!worker_join(&w->worker)) return;
    EXPECT_STATUS(w->status, status);
    EXPECT_EQ(w->items[0].pending, first);
    EXPECT_EQ(w->items[1].pending, second);
}

static struct waiting one, two;

TEST("object_wait_many/any item's signal wakes the waiter") {
    struct pair pair = pair_make();
    zx_handle_t event = event_make();
    NEED(waits(&one, item(event, S0), item(pair.a, ZX_CHANNEL_READABLE)));
    NEED(waits(&two, item(event, S0), item(pair.a, ZX_CHANNEL_PEER_CLOSED)));
    NEED_OK(zx_channel_write(pair.b, 0, "x", 1, NULL, 0));
    wait_ends(&one, ZX_OK, 0, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    settle();
    EXPECT(!two.over);
    NEED_OK(zx_object_signal(event, 0, S0));
    wait_ends(&two, ZX_OK, S0, ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
}

TEST("object_wait_many/signals that came and went are pending, those waited for and others") {
    zx_handle_t a = event_make();
    zx_handle_t b = event_make();
    NEED(waits(&one, item(a, S0), item(b, S0)));
    NEED_OK(zx_object_signal(b, 0, S1));
    NEED_OK(zx_object_signal(b, S1, 0));
    settle();
    EXPECT(!one.over);
    NEED_OK(zx_object_signal(a, 0, S0));
    NEED_OK(zx_object_signal(a, S0, 0));
    wait_ends(&one, ZX_OK, S0, S1);
    EXPECT_EQ(signals_of(a) | signals_of(b), 0);
}

TEST("object_wait_many/one handle may stand in several items") {
    zx_handle_t event = event_make();
    NEED(waits(&one, item(event, S0), item(event, S1)));
    NEED_OK(zx_object_signal(event, 0, S1));
    wait_ends(&one, ZX_OK, S1, S1);
    NEED(waits(&one, item(event, S0), item(event, S0)));
    MUST(zx_handle_close(event));
    wait_ends(&one, ZX_ERR_CANCELED, S1 | ZX_SIGNAL_HANDLE_CLOSED, S1 | ZX_SIGNAL_HANDLE_CLOSED);
}

TEST("object_wait_many/closing a handle cancels it, and only that item says so; other handles' waits go on") {
    zx_handle_t a = event_make();
    zx_handle_t b = event_make();
    zx_handle_t same = handle_with(b, ZX_RIGHT_SAME_RIGHTS);
    NEED(waits(&one, item(a, S0), item(b, S0)));
    NEED(waits(&two, item(a, S0), item(same, S0)));
    MUST(zx_handle_close(b));
    wait_ends(&one, ZX_ERR_CANCELED, 0, ZX_SIGNAL_HANDLE_CLOSED);
    settle();
    EXPECT(!two.over);
    NEED_OK(zx_object_signal(same, 0, S0));
    wait_ends(&two, ZX_OK, 0, S0);
}

TEST("object_wait_many/so do replacing it and sending it away") {
    struct pair pair = pair_make();
    zx_handle_t a = event_make();
    zx_handle_t b = event_make();
    NEED(waits(&one, item(a, S0), item(b, S0)));
    NEED_OK(zx_handle_replace(a, ZX_RIGHT_SAME_RIGHTS, &a));
    wait_ends(&one, ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED, 0);
    NEED(waits(&one, item(a, S0), item(b, S0)));
    send_handle(pair.a, b);
    NEED_OK(zx_channel_read(pair.b, 0, NULL, &b, 0, 1, NULL, NULL));
    wait_ends(&one, ZX_ERR_CANCELED, 0, ZX_SIGNAL_HANDLE_CLOSED);
}

TEST("object_wait_many/objects of every type that has signals, together") {
    const enum kind kinds[] = {KIND_VMO, KIND_CHANNEL, KIND_EVENT, KIND_EVENTPAIR, KIND_PROCESS, KIND_THREAD, KIND_JOB};
    one.count = sizeof(kinds) / sizeof(kinds[0]);
    for (size_t i = 0; i < one.count; i++) one.items[i] = item(handle_of(kinds[i]), S0);
    NEED(waiting_start(&one));
    NEED_OK(zx_object_signal(handle_of(KIND_THREAD), 0, S0));
    NEED(worker_join(&one.worker));
    EXPECT_STATUS(one.status, ZX_OK);
    for (size_t i = 0; i < one.count; i++) EXPECT_EQ(one.items[i].pending & S0, kinds[i] == KIND_THREAD ? S0 : 0);
}

#define CROWD 12
static struct waiting crowd[CROWD];

TEST("object_wait_many/a dozen threads for 64 objects each, woken by one after the other") {
    zx_handle_t events[MAX];
    for (size_t i = 0; i < MAX; i++) events[i] = event_make();
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i].count = MAX;
        for (size_t j = 0; j < MAX; j++) crowd[i].items[j] = item(events[j], j == i * 5 ? S0 : S1);
        NEED(waiting_start(&crowd[i]));
    }
    for (size_t i = 0; i < CROWD; i++) {
        NEED_OK(zx_object_signal(events[i * 5], 0, S0));
        NEED(worker_join(&crowd[i].worker));
        EXPECT_STATUS(crowd[i].status, ZX_OK);
        for (size_t j = 0; j < MAX; j++) EXPECT_EQ(crowd[i].items[j].pending, j % 5 == 0 && j / 5 <= i ? S0 : 0);
    }
}

static void wait_for_ever(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    zx_wait_item_t items[] = {{handle, ZX_CHANNEL_READABLE, 0}, {handle, ZX_CHANNEL_PEER_CLOSED, 0}};
    zx_object_wait_many(items, 2, ZX_TIME_INFINITE);
    board->words[2] = 1;
    zx_process_exit(1);
}

static void kill_waiter(void) {
    struct pair pair = pair_make();
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, wait_for_ever, pair.a));
    NEED(thread_waits(child.thread));
    NEED_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    EXPECT_EQ(child.board->words[2], 0);
    EXPECT_EQ(signals_of(pair.b), ZX_CHANNEL_PEER_CLOSED);
    MUST(zx_handle_close(pair.b));
    child_close(&child);
}

TEST("object_wait_many/a kill ends it, and it leaves nothing") { check_gives_back(kill_waiter); }

#define FEW 8

static zx_status_t poll_more(void) {
    zx_wait_item_t items[FEW + 1] = {item(handle_of(KIND_VMO), ZX_VMO_ZERO_CHILDREN)};
    for (size_t i = 1; i <= FEW; i++) items[i] = item(handle_of(KIND_EVENT), 0);
    return zx_object_wait_many(items, FEW + 1, 0);
}

TEST("object_wait_many/out of memory") { check_out_of_memory(poll_more); }

TEST("object_wait_many/up to eight items need no memory") {
    zx_wait_item_t items[FEW];
    for (size_t count = 0; count <= FEW; count++) {
        for (size_t i = 0; i < count; i++) items[i] = item(handle_of(KIND_EVENT), S0);
        fail_arm(1);
        EXPECT_STATUS(zx_object_wait_many(items, count, 0), ZX_ERR_TIMED_OUT);
        EXPECT(!fail_over());
    }
}

#define POLLS 1000

static zx_duration_t time_of_one(zx_handle_t event) {
    zx_signals_t seen_now;
    zx_time_t before = zx_clock_get_monotonic();
    for (int i = 0; i < POLLS; i++) MUST(zx_object_wait_one(event, S0, 0, &seen_now));
    return zx_clock_get_monotonic() - before;
}

static zx_duration_t time_of_many(zx_handle_t event) {
    zx_wait_item_t only = item(event, S0);
    zx_time_t before = zx_clock_get_monotonic();
    for (int i = 0; i < POLLS; i++) MUST(zx_object_wait_many(&only, 1, 0));
    return zx_clock_get_monotonic() - before;
}

/* With the sanitizer's checks of the array; tests/70-scaling.t has the release kernel, and 1.3. */
TEST("object_wait_many/one item costs at most 1.4 times what object_wait_one does, checks included") {
    zx_handle_t event = event_make();
    MUST(zx_object_signal(event, 0, S0));
    zx_duration_t bare = time_of_one(event);
    zx_duration_t many = time_of_many(event);
    test_note("%lld ns, and object_wait_one %lld", (long long)many / POLLS, (long long)bare / POLLS);
    if (times_are_exact()) EXPECT(many * 10 <= bare * 14);
}

/* Signals go up and down while threads come and go: every one of them must get what it waits for. */

static zx_handle_t pulsed[4];
static atomic_uint seen;

static void wait_often(void *arg) {
    (void)arg;
    for (int i = 0; i < 300; i++) {
        zx_wait_item_t items[4];
        for (size_t j = 0; j < 4; j++) items[j] = item(pulsed[j], S0);
        EXPECT_OK(zx_object_wait_many(items, 4, NEVER));
        EXPECT((items[0].pending | items[1].pending | items[2].pending | items[3].pending) & S0);
        atomic_fetch_add(&seen, 1);
    }
}

TEST("object_wait_many/pulses and waits that meet") {
    struct worker *workers = (struct worker *)buffer_make(4 * sizeof(struct worker));
    for (size_t i = 0; i < 4; i++) pulsed[i] = event_make();
    for (size_t i = 0; i < 4; i++) NEED(worker_start(&workers[i], wait_often, NULL));
    for (unsigned i = 0; atomic_load(&seen) < 4 * 300; i++) {
        NEED_OK(zx_object_signal(pulsed[i % 4], 0, S0));
        NEED_OK(zx_object_signal(pulsed[i % 4], S0, 0));
        zx_nanosleep(0);
    }
    for (size_t i = 0; i < 4; i++) NEED(worker_join(&workers[i]));
}
