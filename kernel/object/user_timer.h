/*
 * Timers as user mode knows them: objects that assert a signal at a deadline. (kernel/sched/timer.h has those that wake
 * sleepers.)
 *
 * A kernel thread sleeps until the first of them is due. A timer's slack lets it fire together with another, so that
 * one wake-up serves both.
 */
#pragma once

#include "kernel/sched/object.h"

struct process;

/* NO_MEMORY. The slack mode is one of ZX_TIMER_SLACK_*. Returns a reference. */
MUST_CHECK zx_status_t user_timer_create(uint32_t slack_mode, struct object **out);

/*
 * Clears SIGNALED, and asserts it at the deadline, or at once if that has passed. ZX_TIME_INFINITE is never. The time
 * that firing takes is charged to the payer, to which the timer has a reference until then; NULL: to no process.
 */
void user_timer_set(struct object *timer, struct process *payer, zx_time_t deadline, zx_duration_t slack);
/* Takes SIGNALED down, and forgets the deadline. */
void user_timer_cancel(struct object *timer);

/* Runs on a kernel stack of its own, forever: fires timers. */
void user_timers_keeper(void *arg);
