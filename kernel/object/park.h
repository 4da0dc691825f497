/*
 * Parking: a thread is held at the boundary to user mode, where it holds nothing, with all of its registers in memory
 * for others to read and change. A suspension parks it, and so does an exception while a handler has it.
 */
#pragma once

#include "kernel/object/user_thread.h"

/* The running thread is parked from here on, by a suspension or, if there is one, in an exception. */
void park_begin(struct user_thread *self, struct exception *exception) REQUIRES(&self->process->lock);

/* Sleeps until the running thread is no longer parked; not at all, if it is not. No lock is held. */
void park_sleep(void);

/* Lets a parked thread go on, to what else wants its attention. Leaves others alone. */
void park_end(struct user_thread *thread) REQUIRES(&thread->process->lock);

/*
 * Is it parked, with all its registers in memory? Then it stays so while the lock is held. BAD_STATE: it is not;
 * NOT_SUPPORTED: it is held on its way out, and has no registers any more. May release the lock meanwhile.
 */
MUST_CHECK zx_status_t park_check(struct user_thread *thread) REQUIRES(&thread->process->lock);
