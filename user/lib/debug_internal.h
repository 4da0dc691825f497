/* What the files of the debugger's library share. */
#pragma once

#include "user/lib/debug.h"

/* Acts on a thread's action, if that is not DEBUG_HOLD: it goes on, as far as no token holds it. */
void debug_thread_release(struct debug_thread *t);

/* If the thread was to make a step, it is no more. */
void debug_step_finish(struct debug_thread *t);

/* Notes what each thread does, before suspending it hides that. */
void debug_note_states(struct debug_process *p);
