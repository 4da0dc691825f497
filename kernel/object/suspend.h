/*
 * Suspension. A token holds a thread, or a process with every thread it has or gets, until the token's last handle is
 * closed; tokens count, and a thread runs user code only when there is none for it and none for its process.
 *
 * A suspended thread parks at the boundary to user mode, where it holds nothing. While it is parked all of its
 * registers lie in memory, to be read and changed.
 */
#pragma once

#include "kernel/sched/object.h"

struct process;
struct user_thread;

/*
 * Suspends a process or thread, and gives the token, with a reference. It takes effect some time later. WRONG_TYPE;
 * NOT_SUPPORTED: the running thread or its process; BAD_STATE: dying or dead; NO_MEMORY.
 */
MUST_CHECK zx_status_t task_suspend(struct object *task, struct object **token);

/* For the boundary to user mode: parks the running thread if it is suspended, until it may run on or is killed. */
void suspend_park(void);

/* For process.c, under the process's lock: a thread is about to start; a thread is killed, suspended or not. */
void suspend_new_thread(struct user_thread *thread);
void suspend_give_way(struct user_thread *thread);

/*
 * Keeps a parked thread parked and alive, with its registers in memory, until suspend_release(). BAD_STATE: it is not
 * parked.
 */
MUST_CHECK zx_status_t suspend_hold(struct user_thread *thread);
void suspend_release(struct user_thread *thread);
