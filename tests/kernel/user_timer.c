/*
 * Timers from the inside: the thread that lets them go off, at the first deadline of many; and one that is set while
 * its last handle goes.
 */
#include "kernel/object/user_timer.h"

#include "arch/time.h"
#include "kernel/object/handle.h"
#include "kernel/object/wait.h"
#include "tests/kernel/support.h"

static struct object *timer_new(uint32_t slack_mode) {
    struct object *timer;
    return user_timer_create(slack_mode, &timer) == ZX_OK ? timer : NULL;
}

static bool is_signalled(struct object *timer) { return object_signals(timer) & ZX_TIMER_SIGNALED; }

static bool goes_off(struct object *timer) {
    zx_signals_t observed;
    return object_wait_one(timer, NULL, NULL, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, &observed) == ZX_OK;
}

KTEST("timer/the keeper lets each go off at its time, in whatever order they were set") {
    struct object *timers[8];
    zx_time_t deadlines[countof(timers)];
    const zx_time_t begin = arch_time_now();
    for (unsigned i = 0; i < countof(timers); i++) {
        NEED((timers[i] = timer_new(ZX_TIMER_SLACK_CENTER)));
        deadlines[i] = begin + ZX_MSEC(1 + i * 5 % countof(timers));
        user_timer_set(timers[i], NULL, deadlines[i], 0);
    }
    for (unsigned i = 0; i < countof(timers); i++) {
        EXPECT(goes_off(timers[i]));
        EXPECT(arch_time_now() >= deadlines[i]);
        object_unref(timers[i]);
    }
}

KTEST("timer/one whose time has come goes off at once, and what is set anew or cancelled does not") {
    struct object *timer = timer_new(ZX_TIMER_SLACK_LATE), *after = timer_new(ZX_TIMER_SLACK_LATE);
    NEED(timer && after);
    user_timer_set(timer, NULL, 0, 0);
    EXPECT(is_signalled(timer));
    user_timer_set(timer, NULL, arch_time_now() + ZX_SEC(3600), 0);
    EXPECT(!is_signalled(timer));
    user_timer_set(timer, NULL, INT64_MIN, 0);
    EXPECT(is_signalled(timer));
    user_timer_set(timer, NULL, ZX_TIME_INFINITE, 0);
    EXPECT(!is_signalled(timer));
    user_timer_set(timer, NULL, arch_time_now() + ZX_MSEC(1), 0);
    user_timer_cancel(timer);
    user_timer_set(after, NULL, arch_time_now() + ZX_MSEC(5), 0);
    EXPECT(goes_off(after) && !is_signalled(timer));
    object_unref(timer);
    object_unref(after);
}

#define HOUR ZX_SEC(3600)

/*
 * Sets one for an hour after another: does it go off with that? The other must not do so before both are set; and a
 * third, set for later, shows when both have had their turn.
 */
static bool goes_with_another(uint32_t slack_mode, zx_duration_t slack) {
    struct object *timer = timer_new(slack_mode), *other = timer_new(ZX_TIMER_SLACK_CENTER);
    struct object *after = timer_new(ZX_TIMER_SLACK_CENTER);
    if (!timer || !other || !after) return false;
    zx_duration_t soon = ZX_MSEC(2);
    do {
        soon *= 2;
        const zx_time_t deadline = arch_time_now() + soon;
        user_timer_set(other, NULL, deadline, 0);
        user_timer_set(timer, NULL, deadline + HOUR, slack);
    } while (is_signalled(other) && !is_signalled(timer));
    user_timer_set(after, NULL, arch_time_now() + soon, 0);
    bool together = goes_off(after) && is_signalled(other) && is_signalled(timer);
    object_unref(timer);
    object_unref(other);
    object_unref(after);
    return together;
}

KTEST("timer/within its slack, on the side that it has slack to, it goes off with another") {
    EXPECT(goes_with_another(ZX_TIMER_SLACK_EARLY, HOUR));
    EXPECT(goes_with_another(ZX_TIMER_SLACK_CENTER, HOUR));
    EXPECT(!goes_with_another(ZX_TIMER_SLACK_LATE, HOUR));
    EXPECT(!goes_with_another(ZX_TIMER_SLACK_EARLY, HOUR - 1));
    EXPECT(!goes_with_another(ZX_TIMER_SLACK_CENTER, 0));
}

#define MANY 100

KTEST("timer/after 10,000 random changes those that are set go off, not before their time, and no others") {
    static struct object *timers[MANY];
    static zx_time_t deadlines[MANY]; /* 0: not set */
    for (unsigned i = 0; i < MANY; i++) NEED((timers[i] = timer_new(ZX_TIMER_SLACK_CENTER)));
    random_seed(8);
    for (int step = 0; step < 10000; step++) {
        const uint64_t i = random_below(MANY);
        deadlines[i] = random_below(4) ? arch_time_now() + ZX_USEC(20000 + (int64_t)random_below(40000)) : 0;
        if (deadlines[i])
            user_timer_set(timers[i], NULL, deadlines[i], 0);
        else
            user_timer_cancel(timers[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        if (deadlines[i]) EXPECT(goes_off(timers[i]) && arch_time_now() >= deadlines[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        EXPECT(is_signalled(timers[i]) == (deadlines[i] != 0));
        object_unref(timers[i]);
    }
}

KTEST("timer/set after its last handle was closed, it goes with its last reference") {
    struct object *timer = timer_new(ZX_TIMER_SLACK_CENTER), *after = timer_new(ZX_TIMER_SLACK_CENTER);
    NEED(timer && after);
    handle_discard(handle_make(timer, ZX_DEFAULT_TIMER_RIGHTS));
    user_timer_set(timer, NULL, arch_time_now() + ZX_MSEC(1), 0);
    object_unref(timer);
    user_timer_set(after, NULL, arch_time_now() + ZX_MSEC(3), 0);
    EXPECT(goes_off(after));
    object_unref(after);
}

static zx_status_t make(void *arg) { return user_timer_create(ZX_TIMER_SLACK_EARLY, arg); }
static bool always(void *arg UNUSED) { return true; }

KTEST("timer/if there is no memory there is no timer") {
    struct object *timer = NULL;
    EXPECT(fail_each_allocation(make, always, &timer) >= 1);
    object_unref(timer);
}
