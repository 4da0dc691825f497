/*
 * The base of tests of tasks: a process of a job of its own, and a thread that is to be its first. The only user code
 * is an address where none is: a thread that runs there crashes.
 */
#pragma once

#include "kernel/object/user_thread.h"
#include "tests/kernel/support.h"

#define NOWHERE USER_BASE

extern struct job *job;
extern struct process *process;
extern struct user_thread *thread;

bool task_begin(void);
/* The process is dead, or is killed now. */
void task_end(void);

/* Starts the process with that thread, or one more. */
zx_status_t task_start(struct user_thread *first);

/* Waits until only our reference is left, so that nothing is freed behind our back, and drops it. */
void thread_end(struct user_thread *t);

/* Waits for the signal. */
bool comes_up(struct object *object, zx_signals_t signal);
/* Waits for the end of the process, and returns its code; 0 if it cannot be waited for. */
int64_t return_code(void);
