/*
 * A guard for a debugger: a process of its own that undoes what the debugger has done to others, should that end
 * without a word. The exceptions of each debugged process come to the guard first, which hands them on: nobody else is
 * ever asked about a breakpoint whose owner has ended. Breakpoints and steps are noted in memory that both have, before
 * the process meets them.
 *
 * Guard and debugger talk over a channel: a process's handle one way, an exception channel and the memory the other.
 */
#pragma once

#include <zircon/syscalls.h>

#include "user/lib/debug_machine.h"

struct debug_process;

#define GUARD_BREAKS 4000
#define GUARD_STEPS 250

/* In the padding of what the guard hands on: the thread was put back to the breakpoint that it has met. */
#define GUARD_PUT_BACK 1

struct guard_break {
    zx_vaddr_t addr;
    uint8_t was[MACHINE_BREAK_MAX];
    bool planted; /* set last, and cleared first */
};

struct guard_step {
    zx_koid_t thread; /* 0: none; set last */
    struct machine_step step;
};

/* What was done to one process. */
struct guard_table {
    bool released;   /* all is undone */
    unsigned in_use; /* of the breaks, those before this one */
    struct guard_break breaks[GUARD_BREAKS];
    struct guard_step steps[GUARD_STEPS];
};

/* --- the debugger's side --- */

/* From now on processes that are attached to have this guard: a process, and a channel to it, which is taken. */
void guard_use(zx_handle_t process, zx_handle_t channel);

/* Is there one, or was there? */
bool guard_used(void);
bool guard_is_gone(void);

/* As zx_task_create_exception_channel() for a debugger; `table` is mapped. ACCESS_DENIED: it is the guard itself. */
zx_status_t guard_attach(zx_handle_t process, zx_handle_t *channel, struct guard_table **table);
void guard_detach(struct guard_table *table);

/* Notes; NULL tables have none. NO_RESOURCES: the table is full. */
zx_status_t guard_note_break(struct guard_table *table, zx_vaddr_t addr, const uint8_t was[MACHINE_BREAK_MAX]);
void guard_forget_break(struct guard_table *table, zx_vaddr_t addr);
void guard_note_step(struct guard_table *table, zx_koid_t thread, const struct machine_step *step);
void guard_forget_step(struct guard_table *table, zx_koid_t thread);

/* --- the guard's side --- */

/* Has a process that is stopped know the breakpoints and steps that were noted. */
void guard_recall(struct debug_process *p, const struct guard_table *table);

/* Serves the debugger at the other end of the channel until it has ended; takes the channel. Returns an exit status. */
int guard_run(zx_handle_t debugger);
