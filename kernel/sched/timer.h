/*
 * Timers: call something at a time. Each processor has its own, ordered by deadline, guarded by its run queue's lock;
 * the machine's alarm is set for the first. `fire` runs in an interrupt, under that lock.
 */
#pragma once

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <zircon/types.h>

#include "kernel/base/spinlock.h"

/* For the analysis: the lock of a run queue. No processor waits for a second one. */
extern struct CAPABILITY("run queue") run_queue_held { char none; } sched_held;

struct timer {
    /* [s] */
    RB_ENTRY(timer) node;
    zx_time_t deadline;
    bool armed;
    void (*fire)(struct timer *timer);
};

RB_HEAD(deadline_tree, timer);

struct timers {
    /* [s] */
    struct deadline_tree tree;
    zx_time_t first; /* the next deadline, or ZX_TIME_INFINITE */
};

void timers_init(struct timers *timers);

/* On this processor, whose alarm the caller then brings up to date. A deadline of ZX_TIME_INFINITE arms nothing. */
void timer_arm(struct timers *timers, struct timer *timer, zx_time_t deadline, void (*fire)(struct timer *timer))
    REQUIRES(sched_held);
void timer_disarm(struct timers *timers, struct timer *timer) REQUIRES(sched_held);

/* Fires what is due; if that is much, some of it. */
void timer_run(struct timers *timers, zx_time_t now) REQUIRES(sched_held);
