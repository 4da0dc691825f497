/* Timer queues, one for each processor: a tree ordered by deadline, then by address. */
#include "kernel/sched/timer.h"

#include "arch/time.h"
#include "kernel/base/cpu.h"
#include "kernel/base/log.h"
#include "kernel/sched/sched.h"

static int timer_compare(const struct timer *a, const struct timer *b) {
    if (a->deadline != b->deadline) return a->deadline < b->deadline ? -1 : 1;
    if (a == b) return 0;
    return (uintptr_t)a < (uintptr_t)b ? -1 : 1;
}

RB_HEAD(timer_tree, timer);
RB_GENERATE_INTERNAL(timer_tree, timer, node, timer_compare, UNUSED static)

/* Every thread's timer may be due at once, and interrupts are off. The alarm for the rest follows immediately. */
#define FIRE_MAX 32

static struct timer_tree queues[MAX_CPUS] GUARDED_BY(sched_lock);
zx_time_t timer_first[MAX_CPUS] = {[0 ... MAX_CPUS - 1] = ZX_TIME_INFINITE};

/* The first of a queue came or went. */
static void first_changed(unsigned cpu) REQUIRES(&sched_lock) {
    const struct timer *first = RB_MIN(timer_tree, &queues[cpu]);
    timer_first[cpu] = first ? first->deadline : ZX_TIME_INFINITE;
}

void timer_arm(struct timer *timer, zx_time_t deadline, void (*fire)(struct timer *)) {
    ASSERT(!timer->armed);
    if (deadline == ZX_TIME_INFINITE) return;
    timer->deadline = deadline;
    timer->fire = fire;
    timer->cpu = arch_this_cpu()->id;
    timer->armed = true;
    RB_INSERT(timer_tree, &queues[timer->cpu], timer);
    if (deadline >= timer_first[timer->cpu]) return;
    first_changed(timer->cpu);
    sched_alarm_update();
}

void timer_disarm(struct timer *timer) {
    if (!timer->armed) return;
    RB_REMOVE(timer_tree, &queues[timer->cpu], timer);
    timer->armed = false;
    if (timer->deadline == timer_first[timer->cpu]) first_changed(timer->cpu);
}

void timer_run(zx_time_t now) {
    struct timer_tree *queue = &queues[arch_this_cpu()->id];
    struct timer *first;
    for (unsigned fired = 0; fired < FIRE_MAX; fired++) {
        first = RB_MIN(timer_tree, queue);
        if (!first || first->deadline > now) break;
        timer_disarm(first);
        first->fire(first);
    }
}
