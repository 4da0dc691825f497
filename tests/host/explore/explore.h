/*
 * Between the parts of the explorer; README.md beside this file says how it works.
 *
 * The parts: the simulated processors (cpus.c) run one at a time. schedule.c says which; it is asked at each point.
 * stage.c makes a small world and has an actor on each of several processors make one call; outcome.c writes down how
 * all ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arch/types.h"
#include "tests/host/host.h"

struct explore_site;

/* --- cpus.c: processors --- */

#define CPUS 5         /* at most: the director's, three for actors, and one for what they leave to others */
#define DIRECTOR_CPU 0 /* takes no part in what is explored */

/* Starts so many; then `body` runs as a kernel thread of the director's. Returns when it calls cpus_leave(). */
void cpus_start(unsigned count, size_t memory, void (*body)(void));

/* Leaves the machine as it is and returns to the caller of cpus_start() or cpus_resume(). */
void cpus_leave(void);
/* Goes on where cpus_leave() was called, or where a snapshot says that it was. */
void cpus_resume(void);

unsigned cpus_running(void);
/* Could it continue, if it were chosen? Not if it waits for an interrupt, or for a lock that is held. */
bool cpus_can_run(unsigned id);
/* The running processor gives way to another, and returns when it is its turn again. */
void cpus_switch(unsigned id);
/* The running processor does what interrupts have come for it, if it takes any. */
void cpus_take_interrupts(void);
/* A store to that address: a processor that spins on it may look again. */
void cpus_stored(const volatile void *address);
/* The running processor waits for others before it can continue. */
void cpus_spin(const volatile void *address);
/* Time advances to the next alarm; false if there is none. */
bool cpus_next_alarm(void);
bool cpus_alarm_pending(void);
/* Is it time for that one's alarm? */
bool cpus_has_alarm(unsigned id);

/* Has the running processor stop until the gate is opened; all others run as long as they can. */
void cpus_gate(void);
void cpus_open_gate(unsigned id);
/* The director lets all others run until none can. */
void cpus_settle(void);
/* The same, with the schedule deciding who runs. */
void cpus_explore(void);

/* --- schedule.c: choices --- */

/* The processor that runs must give way: which is next? Never returns where none can and the schedule ends. */
void schedule_blocked(void);
bool schedule_is_exploring(void);
/* The running processor sends an interrupt to that one: it comes between any two steps of its. */
void schedule_kicked(unsigned id);
/* The running processor looks at the clock or sets its alarm; or time advances. */
void schedule_looked_at_time(bool changed);

/* How the next schedule is chosen. */
enum schedule_mode {
    SCHEDULE_WINDOWS, /* calls give way only where they wait, and between their windows */
    SCHEDULE_ALL,     /* anywhere, `bound` times */
    SCHEDULE_REPLAY,
};
void schedule_begin_pass(enum schedule_mode mode, unsigned bound, bool timed);
/* Before each schedule: the machine goes back to where it begins, or to a mark that it passes too. */
void schedule_begin(void);
/* Has the machine stopped only for a mark to be made? It is made now, and the machine is to continue. */
bool schedule_marked(void);
/* After each schedule; false when all have been tried. */
bool schedule_next(void);
/* Was this one given up, because it only repeats another? */
bool schedule_redundant(void);
/* How many places have been met that several processors use and that were not known to be such when the pass began. */
unsigned schedule_grew(void);
uint64_t schedule_nodes(void);
/* "7:2 31:1": at which points another processor came than the one that ran. */
void schedule_print(FILE *to);
bool schedule_parse(const char *text);
/* Did the replay meet each of its points? */
bool schedule_followed(void);
/* Whether schedules that only repeat others are left out; if not, every point is a choice. */
void schedule_reduce(bool reduce);

/* --- lookup.c --- */

/* Is that code in the function that removes a handle? In one that uses a handle as a part of its act? */
bool is_removal(uintptr_t pc);
bool is_part_of_act(uintptr_t pc);

/* --- trace.c --- */

struct trace_entry {
    unsigned point, cpu;
    const struct explore_site *site; /* NULL: not an atomic operation */
    const char *what;                /* the lock's name, or what it is */
    uintptr_t pc, caller;            /* where it was made, and where that function was called */
    char kind;                       /* 'r'ead, 'w'rite, 'a'fter, 's'witch … */
};
unsigned trace_length(void);
/* Forgets what came after. */
void trace_cut(unsigned length);
void trace_add(struct trace_entry entry);
void trace_print(FILE *to);

/* --- snapshot.c --- */

/* What belongs to the machine: its memory goes back to what it was at the snapshot. */
void snapshot_add(void *start, size_t size);
void snapshot_take(void);
/* Images of later, a stack of them. False if there is no room for another. */
#define SNAPSHOT_IMAGES 64
bool snapshot_push(void);
void snapshot_pop(void);
/* Goes back to the last image that there is, or else to the snapshot. */
void snapshot_restore(void);
size_t snapshot_pages(void);

/* --- tlb.c --- */

/* All that any processor knows of an address space. */
void tlb_visit(const struct arch_aspace *as, bool (*visit)(vaddr_t va, paddr_t pa, unsigned prot, void *arg),
               void *arg);

/* --- main.c --- */

/* Says what is wrong, with the schedule that led there, and ends the program. */
_Noreturn void explore_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
