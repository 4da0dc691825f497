/* What the files of the debugger's library share. */
#pragma once

#include "user/lib/debug.h"

/* If the thread was to make a step, it is no more. */
void debug_step_finish(struct debug_thread *t);

/* Takes a breakpoint out of the text, and puts it in again; it stays in the list. */
void debug_break_lift(struct debug_process *p, struct debug_break *b);
zx_status_t debug_break_plant(struct debug_process *p, struct debug_break *b);
void debug_break_free(struct debug_break *b);

zx_koid_t debug_koid(zx_handle_t handle);

/* Notes what each thread does, before suspending it hides that. */
void debug_note_states(struct debug_process *p);
