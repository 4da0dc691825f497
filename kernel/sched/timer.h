/*
 * Timers: call something at a time. One queue for each processor, ordered by deadline; the machine's alarm is set
 * for the first. The scheduler's lock guards the queue and is held while `fire` runs, in an interrupt.
 */
#pragma once

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <zircon/types.h>

struct timer {
    /* [s] */
    RB_ENTRY(timer) node;
    zx_time_t deadline;
    bool armed;
    unsigned cpu; /* whose queue it is in */
    void (*fire)(struct timer *timer);
};

/* Under the scheduler's lock. A deadline of ZX_TIME_INFINITE arms nothing. */
void timer_arm(struct timer *timer, zx_time_t deadline, void (*fire)(struct timer *timer));
void timer_disarm(struct timer *timer);

/* Under the scheduler's lock: fires what is due on this processor; if that is much, some of it. */
void timer_run(zx_time_t now);

/* Under the scheduler's lock: this processor's next deadline, or ZX_TIME_INFINITE. */
zx_time_t timer_next(void);
