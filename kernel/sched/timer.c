/* A processor's timers: a tree ordered by deadline, then by address. */
#include "kernel/sched/timer.h"

#include "kernel/base/log.h"

static int timer_compare(const struct timer *a, const struct timer *b) {
    if (a->deadline != b->deadline) return a->deadline < b->deadline ? -1 : 1;
    if (a == b) return 0;
    return (uintptr_t)a < (uintptr_t)b ? -1 : 1;
}

RB_GENERATE_INTERNAL(deadline_tree, timer, node, timer_compare, UNUSED static)

/* Every thread's timer may be due at once, and interrupts are off. The alarm for the rest follows immediately. */
#define FIRE_MAX 32

void timers_init(struct timers *timers) { *timers = (struct timers){.first = ZX_TIME_INFINITE}; }

/* The first timer was added or removed. */
static void first_changed(struct timers *timers) REQUIRES(sched_held) {
    const struct timer *first = RB_MIN(deadline_tree, &timers->tree);
    timers->first = first ? first->deadline : ZX_TIME_INFINITE;
}

void timer_arm(struct timers *timers, struct timer *timer, zx_time_t deadline, void (*fire)(struct timer *)) {
    ASSERT(!timer->armed);
    if (deadline == ZX_TIME_INFINITE) return;
    timer->deadline = deadline;
    timer->fire = fire;
    timer->armed = true;
    RB_INSERT(deadline_tree, &timers->tree, timer);
    if (deadline < timers->first) timers->first = deadline;
}

void timer_disarm(struct timers *timers, struct timer *timer) {
    if (!timer->armed) return;
    RB_REMOVE(deadline_tree, &timers->tree, timer);
    timer->armed = false;
    if (timer->deadline == timers->first) first_changed(timers);
}

void timer_run(struct timers *timers, zx_time_t now) {
    for (unsigned fired = 0; fired < FIRE_MAX; fired++) {
        struct timer *first = RB_MIN(deadline_tree, &timers->tree);
        if (!first || first->deadline > now) break;
        timer_disarm(timers, first);
        first->fire(first);
    }
}
