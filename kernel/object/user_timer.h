/*
 * Timers as user mode knows them: objects that show a signal from a time on. (kernel/sched/timer.h has those that wake
 * sleepers.)
 *
 * A kernel thread sleeps until the first of them is due. The slack that a timer is set with lets it go off together
 * with another: then there is one wake-up for both.
 */
#pragma once

#include "kernel/sched/object.h"

struct process;

/* NO_MEMORY. The slack mode is one of ZX_TIMER_SLACK_*. Returns a reference. */
MUST_CHECK zx_status_t user_timer_create(uint32_t slack_mode, struct object **out);

/*
 * Takes SIGNALED down, and puts it up at the deadline, or at once if that has passed. ZX_TIME_INFINITE is never. The
 * time that it takes to go off is the payer's, to which the timer has a reference until then; NULL: nobody's.
 */
void user_timer_set(struct object *timer, struct process *payer, zx_time_t deadline, zx_duration_t slack);
/* Takes SIGNALED down, and forgets the deadline. */
void user_timer_cancel(struct object *timer);

/* Runs on a kernel stack of its own, forever: lets timers go off. */
void user_timers_keeper(void *arg);
