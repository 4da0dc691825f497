/* What the files of the debugger's library share. */
#pragma once

#include "user/lib/debug.h"

/* If the thread was to make a step, it is no more. */
void debug_step_finish(struct debug_thread *t);

/* Notes what each thread does, before suspending it hides that. */
void debug_note_states(struct debug_process *p);
