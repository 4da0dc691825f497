/*
 * Timers.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define UP ZX_TIMER_SIGNALED
#define SOON zx_deadline_after(ZX_MSEC(20))
#define LATER zx_deadline_after(ZX_SEC(100))
#define LONG ZX_SEC(200) /* a slack that reaches from SOON to LATER */

static zx_handle_t timer_make(uint32_t options) {
    zx_handle_t timer;
    MUST(zx_timer_create(options, ZX_CLOCK_MONOTONIC, &timer));
    return timer;
}

/* Is it up within the next ten seconds? */
static bool goes_off(zx_handle_t timer) {
    return TEST_STATUS(zx_object_wait_one(timer, UP, zx_deadline_after(ZX_SEC(10)), NULL), ZX_OK);
}

TEST("timer_create/a clock other than MONOTONIC, or another option than the three kinds of slack, is INVALID_ARGS") {
    zx_handle_t timer = UNTOUCHED;
    for (zx_clock_t clock = 1; clock != 0; clock <<= 1)
        EXPECT_STATUS(zx_timer_create(0, clock, &timer), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_timer_create(3, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
    for (uint32_t options = 4; options != 0; options <<= 1)
        EXPECT_STATUS(zx_timer_create(options, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(timer, UNTOUCHED);
}

TEST("timer_create/a new timer: its type, rights and signals") {
    zx_info_handle_basic_t info = basic_info(timer_make(ZX_TIMER_SLACK_LATE));
    EXPECT(info.type == ZX_OBJ_TYPE_TIMER && info.related_koid == 0 && info.props == ZX_OBJ_PROP_WAITABLE);
    EXPECT_EQ(info.rights, ZX_DEFAULT_TIMER_RIGHTS);
    EXPECT_EQ(info.rights, 0xd00b);
    EXPECT_EQ(signals_of(timer_make(ZX_TIMER_SLACK_EARLY)), 0);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_timer_create(0, ZX_CLOCK_MONOTONIC, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("timer_create/a bad pointer is INVALID_ARGS and leaves nothing") { check_gives_back(create_badly); }

static zx_status_t create_one(void) {
    zx_handle_t timer;
    zx_status_t status = zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer);
    if (status == ZX_OK) MUST(zx_handle_close(timer));
    return status;
}
TEST("timer_create/out of memory") { check_out_of_memory(create_one); }

static zx_status_t set_it(zx_handle_t handle) { return zx_timer_set(handle, 0, 0); }
static zx_status_t cancel_it(zx_handle_t handle) { return zx_timer_cancel(handle); }

TEST("timer_set, timer_cancel/bad handles, and handles of other types") {
    check_handles(KIND_TIMER, set_it);
    check_handles(KIND_TIMER, cancel_it);
}

TEST("timer_set, timer_cancel/need WRITE") {
    check_rights(timer_make(0), ZX_RIGHT_WRITE, set_it);
    check_rights(timer_make(0), ZX_RIGHT_WRITE, cancel_it);
}

TEST("timer_set/a negative slack is OUT_OF_RANGE, before the handle is looked at") {
    zx_handle_t timer = timer_make(0);
    MUST(zx_timer_set(timer, 0, 0));
    EXPECT_STATUS(zx_timer_set(timer, LATER, -1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_timer_set(ZX_HANDLE_INVALID, LATER, INT64_MIN), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(signals_of(timer), UP);
}

TEST("timer_set/the signal comes up at the deadline, not before, and stays") {
    for (uint32_t options = 0; options < 3; options++) {
        zx_handle_t timer = timer_make(options);
        zx_time_t deadline = SOON;
        NEED_OK(zx_timer_set(timer, deadline, 0));
        NEED(goes_off(timer));
        EXPECT(zx_clock_get_monotonic() >= deadline);
        settle();
        EXPECT_EQ(signals_of(timer), UP);
    }
}

TEST("timer_set/a deadline that has passed signals at once") {
    const zx_time_t past[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, zx_clock_get_monotonic()};
    for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
        zx_handle_t timer = timer_make(0);
        NEED_OK(zx_timer_set(timer, past[i], i % 2 ? INT64_MAX : 0));
        EXPECT_EQ(signals_of(timer), UP);
    }
}

TEST("timer_set/ZX_TIME_INFINITE takes the signal down, and it does not come up") {
    zx_handle_t timer = timer_make(0);
    NEED_OK(zx_timer_set(timer, 0, 0));
    NEED_OK(zx_timer_set(timer, ZX_TIME_INFINITE, 0));
    EXPECT_STATUS(zx_object_wait_one(timer, UP, SOON, NULL), ZX_ERR_TIMED_OUT);
}

TEST("timer_set/again: the signal goes down, and what it was set to before is forgotten") {
    zx_handle_t timer = timer_make(0);
    NEED_OK(zx_timer_set(timer, 0, 0));
    NEED_OK(zx_timer_set(timer, SOON, 0));
    NEED_OK(zx_timer_set(timer, LATER, 0));
    EXPECT_EQ(signals_of(timer), 0);
    EXPECT_STATUS(zx_object_wait_one(timer, UP, zx_deadline_after(ZX_MSEC(60)), NULL), ZX_ERR_TIMED_OUT);
    NEED_OK(zx_timer_set(timer, SOON, 0));
    EXPECT(goes_off(timer));
}

TEST("timer_cancel/takes the signal down and forgets the deadline; one that is not set stays so") {
    zx_handle_t timer = timer_make(0);
    EXPECT_OK(zx_timer_cancel(timer));
    NEED_OK(zx_timer_set(timer, 0, 0));
    EXPECT_OK(zx_timer_cancel(timer));
    EXPECT_EQ(signals_of(timer), 0);
    NEED_OK(zx_timer_set(timer, SOON, 0));
    EXPECT_OK(zx_timer_cancel(timer));
    EXPECT_STATUS(zx_object_wait_one(timer, UP, zx_deadline_after(ZX_MSEC(60)), NULL), ZX_ERR_TIMED_OUT);
}

TEST("timer_set/user signals are nobody's but the program's") {
    zx_handle_t timer = timer_make(0);
    NEED_OK(zx_object_signal(timer, 0, ZX_USER_SIGNAL_3));
    EXPECT_STATUS(zx_object_signal(timer, 0, UP), ZX_ERR_INVALID_ARGS);
    NEED_OK(zx_timer_set(timer, 0, 0));
    EXPECT_EQ(signals_of(timer), UP | ZX_USER_SIGNAL_3);
    NEED_OK(zx_timer_cancel(timer));
    EXPECT_EQ(signals_of(timer), ZX_USER_SIGNAL_3);
}

TEST("timer_set/slack: it goes off with another timer only on the side it was made for, else at its deadline") {
    zx_handle_t early = timer_make(ZX_TIMER_SLACK_EARLY), center = timer_make(ZX_TIMER_SLACK_CENTER);
    zx_handle_t late = timer_make(ZX_TIMER_SLACK_LATE), first = timer_make(0);
    NEED_OK(zx_timer_set(first, zx_deadline_after(ZX_MSEC(300)), 0));
    NEED_OK(zx_timer_set(early, LATER, LONG));
    NEED_OK(zx_timer_set(center, LATER, LONG));
    NEED_OK(zx_timer_set(late, LATER, LONG));
    EXPECT(goes_off(first) && goes_off(early) && goes_off(center));
    EXPECT_EQ(signals_of(late), 0);
    /* The late one is still to come: it draws those that may wait for it. */
    NEED_OK(zx_timer_set(early, SOON, LONG));
    EXPECT(goes_off(early));
    NEED_OK(zx_timer_set(center, SOON, INT64_MAX));
    NEED_OK(zx_timer_set(first, SOON, 0));
    EXPECT(goes_off(first));
    EXPECT_EQ(signals_of(center), 0);
}

TEST("timer_set/many at once go off in the order of their deadlines") {
    static zx_handle_t timers[50];
    zx_time_t begun = zx_clock_get_monotonic();
    for (size_t i = 0; i < 50; i++) {
        timers[i] = timer_make(0);
        NEED_OK(zx_timer_set(timers[i], begun + ZX_MSEC(20 + i * 7 % 50), 0));
    }
    for (size_t k = 4; k < 50; k += 9) {
        /* The one that comes k-th: 7 times 43 is 1 more than 6 times 50. */
        NEED(goes_off(timers[k * 43 % 50]));
        EXPECT(zx_clock_get_monotonic() >= begun + ZX_MSEC(20 + k));
        for (size_t before = 0; before < k; before++) EXPECT_EQ(signals_of(timers[before * 43 % 50]), UP);
    }
}

static void close_set(void) {
    for (int i = 0; i < 20; i++) {
        zx_handle_t timer = timer_make(0);
        MUST(zx_timer_set(timer, i % 2 ? LATER : zx_deadline_after(ZX_USEC(i * 10)), 0));
        MUST(zx_handle_close(timer));
    }
}
TEST("timer_set/a timer that is set goes with its last handle") { check_gives_back(close_set); }

static _Atomic bool over;
static void set_again(void *arg) {
    zx_handle_t timer = *(zx_handle_t *)arg;
    for (unsigned i = 0; !atomic_load(&over); i++) {
        EXPECT_OK(zx_timer_set(timer, zx_deadline_after(ZX_USEC(i % 50)), i % 3 ? 0 : ZX_MSEC(1)));
        if (i % 7 == 0) EXPECT_OK(zx_timer_cancel(timer));
    }
}

TEST("timer_set/by several threads, while it goes off: in the end it does what the last one said") {
    static struct worker workers[3];
    static zx_handle_t timer;
    timer = timer_make(0);
    for (size_t i = 0; i < 3; i++) NEED(worker_start(&workers[i], set_again, &timer));
    for (int i = 0; i < 50; i++) EXPECT(goes_off(timer));
    atomic_store(&over, true);
    for (size_t i = 0; i < 3; i++) NEED(worker_join(&workers[i]));
    NEED_OK(zx_timer_set(timer, LATER, 0));
    settle();
    EXPECT_EQ(signals_of(timer), 0);
}
