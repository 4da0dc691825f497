/*
 * Debugging other processes, on exception channels, suspend tokens and registers alone: what the monitor and gdbserver
 * both do.
 *
 * A process is either stopped, none of its threads executing, or under way. While it is stopped each thread has an
 * `action`, which debug_go() acts on. While it is under way its owner waits for `channel` and `handle`, and calls
 * debug_take() when one of them shows something. Whatever stops a thread is kept until it was told: several at once are
 * told one after the other, each once.
 *
 * Should the debugger end without detaching, threads at breakpoints and steps go on. The breakpoints stay, unless there
 * is a guard: debug_guard.h.
 *
 * One thread uses a process's functions at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>

#include "user/lib/debug_guard.h"
#include "user/lib/debug_machine.h"

/* Why a thread has stopped. */
enum debug_reason {
    DEBUG_NOTHING,    /* it was suspended, or has just begun: nothing to report */
    DEBUG_BEGUN,      /* the first of its process, at its first instruction */
    DEBUG_STEPPED,    /* its step is done */
    DEBUG_BREAKPOINT, /* at one of ours; the pc is its address */
    DEBUG_WATCH,      /* one of the processor's, `watch` */
    DEBUG_TRAP,       /* a breakpoint or step that is the program's own; the pc is behind it */
    DEBUG_FAULT,      /* all else: `report` */
};

enum debug_action { DEBUG_HOLD, DEBUG_GO, DEBUG_STEP };

struct debug_thread {
    struct debug_thread *next;
    struct debug_process *process;
    zx_koid_t koid;
    zx_handle_t handle;
    zx_handle_t exception; /* it is in one */
    zx_handle_t held;      /* a token that holds this thread alone */
    zx_exception_report_t report;
    zx_thread_state_t state; /* when all were last stopped, right before it */
    enum debug_reason reason;
    bool told;
    int watch;
    enum debug_action action;
    enum debug_action wanted; /* the action, while another steps alone */
    bool pass;                /* on going on: its fault is for the program's own handlers */
    bool second_chance;       /* … and for us again, if those pass it on */
    bool passed_on;           /* its fault is one that came again */
    bool stepping;
    struct machine_step step;
    unsigned watches_version;
    zx_vaddr_t step_begin, step_end; /* for its owner: where steps are not told */
};

/* A condition of a breakpoint, in a code of the owner's. From malloc(). */
struct debug_condition {
    struct debug_condition *next;
    size_t len;
    uint8_t code[];
};

/* A breakpoint in the text. */
struct debug_break {
    struct debug_break *next;
    zx_vaddr_t addr;
    uint8_t was[MACHINE_BREAK_MAX];     /* what belongs there */
    bool inserted;                      /* by debug_break_insert(): does not show in memory */
    bool written;                       /* like other memory, by debug_write(): shows */
    bool lifted;                        /* a thread steps over it, and it is not in the text */
    struct debug_condition *conditions; /* for its owner; freed with it */
};

struct debug_process {
    struct debug_process *next; /* for its owner */
    zx_koid_t koid;
    zx_handle_t handle, channel;
    zx_handle_t held;          /* a token: it is stopped */
    struct guard_table *table; /* the guard's notes; NULL: there is no guard */
    struct debug_thread *threads;
    struct debug_break *breaks;
    struct machine_watch watches[MACHINE_WATCHES];
    unsigned watches_version;
    bool hold_new; /* threads that begin stay there */
    bool ended;
    bool attached;   /* for its owner: it was there before */
    bool begun;      /* for its owner: another has started it, which is to be told */
    unsigned passed; /* for its owner: the last fault that was passed on */
};

/* --- beginning and end --- */

/*
 * Attaches to a process and stops it; takes the handle. ALREADY_BOUND: somebody else debugs it. BAD_STATE: it is dying,
 * or dead. ACCESS_DENIED: a process cannot debug itself, or the handle lacks rights.
 */
zx_status_t debug_attach(zx_handle_t process, struct debug_process **out);

/* Attaches with an exception channel that is there already, and with what was noted of it; takes both handles. */
zx_status_t debug_adopt(zx_handle_t process, zx_handle_t channel, struct guard_table *table,
                        struct debug_process **out);

/* Handles an exception that came another way than by the process's channel; takes the handle. */
void debug_message(struct debug_process *p, const zx_exception_info_t *info, zx_handle_t exception);

/* Lets go of it: all breakpoints are taken out, and all threads go on as if nothing had been. Frees it. */
void debug_detach(struct debug_process *p);

/* --- stopping and going on --- */

/* Takes what has come, without waiting. */
void debug_take(struct debug_process *p);

/* Waits until something has come, and takes it. */
void debug_wait(struct debug_process *p);

/* Stops all threads, and returns when they have stopped. */
void debug_stop(struct debug_process *p);

/* Each thread does its action. Those that are told to go on from one of our breakpoints meet it again. */
void debug_go(struct debug_process *p);

/* One thread of a process that is under way does its action, which is not to hold; the others stay as they are. */
void debug_thread_go(struct debug_thread *t);

/* Sets every thread's action. */
void debug_set_actions(struct debug_process *p, enum debug_action action);

/* A thread with something to report that was not reported yet; NULL: none. */
struct debug_thread *debug_news(struct debug_process *p);

/* Steps the thread one instruction, past a breakpoint too; all others are stopped. False: it did not get there. */
bool debug_step_alone(struct debug_thread *t);

/*
 * Takes a thread past the breakpoint that it has met, which is nothing to tell then. The process is stopped afterwards,
 * and all its threads have the actions that they had. The thread may be gone.
 */
void debug_skip_break(struct debug_thread *t);

struct debug_thread *debug_thread_find(struct debug_process *p, zx_koid_t koid);

/* --- memory and breakpoints, of a process that is stopped --- */

/*
 * As the program knows it: breakpoints that were inserted do not show, and what is written over one is there when it is
 * taken out. A breakpoint instruction that is written to text by itself is a breakpoint too, for some debuggers know no
 * other way; it shows, and is removed when something else is written there.
 */
zx_status_t debug_read(struct debug_process *p, zx_vaddr_t addr, void *buffer, size_t len, size_t *actual);
zx_status_t debug_write(struct debug_process *p, zx_vaddr_t addr, const void *buffer, size_t len, size_t *actual);

/* In the text. Twice at one address is once. NO_MEMORY: nothing is there. */
zx_status_t debug_break_insert(struct debug_process *p, zx_vaddr_t addr);
/* NOT_FOUND: there is none. */
zx_status_t debug_break_remove(struct debug_process *p, zx_vaddr_t addr);
struct debug_break *debug_break_find(const struct debug_process *p, zx_vaddr_t addr);
void debug_breaks_remove(struct debug_process *p);
void debug_conditions_free(struct debug_condition *conditions);

/* The processor's. NOT_SUPPORTED: it cannot; NO_RESOURCES: not one more. */
zx_status_t debug_watch_insert(struct debug_process *p, const struct machine_watch *watch);
zx_status_t debug_watch_remove(struct debug_process *p, const struct machine_watch *watch);
