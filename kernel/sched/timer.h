/*
 * Timers: call something at a time. One queue for each processor, ordered by deadline; the machine's alarm is set
 * for the first. `fire` runs in an interrupt, under the scheduler's lock.
 */
#pragma once

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <zircon/types.h>

#include "kernel/base/spinlock.h"

extern struct spinlock sched_lock;

struct timer {
    /* [s] */
    RB_ENTRY(timer) node;
    zx_time_t deadline;
    bool armed;
    unsigned cpu; /* whose queue it is in */
    void (*fire)(struct timer *timer);
};

/* A deadline of ZX_TIME_INFINITE arms nothing. */
void timer_arm(struct timer *timer, zx_time_t deadline, void (*fire)(struct timer *timer)) REQUIRES(&sched_lock);
void timer_disarm(struct timer *timer) REQUIRES(&sched_lock);

/* Fires what is due on this processor; if that is much, some of it. */
void timer_run(zx_time_t now) REQUIRES(&sched_lock);

/* A processor's next deadline, or ZX_TIME_INFINITE. */
extern zx_time_t timer_first[] GUARDED_BY(sched_lock);
static inline zx_time_t timer_next(unsigned cpu) REQUIRES(&sched_lock) { return timer_first[cpu]; }
