/*
 * Suspension. A token holds a thread, or a process with every thread it has or gets, until the token's last handle is
 * closed; tokens count, and a thread runs user code only when there is none for it and none for its process.
 * A suspended thread parks (park.h).
 */
#pragma once

#include "kernel/object/user_thread.h"

/* Suspends a process or thread, soon. WRONG_TYPE; NOT_SUPPORTED: one's own; BAD_STATE: dying or dead; NO_MEMORY. */
MUST_CHECK zx_status_t task_suspend(struct object *task, struct object **token);

/* For the boundary to user mode: parks the running thread if it is suspended, until it may run on or is killed. */
void suspend_park(void);

/* For process.c: a thread is about to start. */
void suspend_new_thread(struct user_thread *thread) REQUIRES(&thread->process->lock);
