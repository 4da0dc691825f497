/*
 * What the measurements ask of the system they run on: jargoon.c and linux.c answer, each with what its system's
 * programs would use. All else that measures is the same source on both, linked with the same C library.
 *
 * Nothing here returns a failure: what fails ends the run with a reason, for half a table is none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

extern const char *const system_name;

/*
 * Once, before all else; and at the end, with main()'s status. The latter does not return where main() may not either.
 */
void system_start(void);
int system_end(int status);

_Noreturn void fail(const char *what, const char *why);

/* Bytes that the kernel uses, what programs have and free memory apart. */
uint64_t system_memory_used(void);

/* --- other processes and their memory --- */

/* PRESENT pages are the target's own, ABSENT ones were never touched, SHARED ones are copied when written. */
enum page_state { PRESENT, ABSENT, SHARED, PAGE_STATES };

/* A target's memory: so many pages, in mappings of `each` or, with 0, in one, over so many snapshots. */
struct layout {
    size_t pages;
    enum page_state state;
    size_t each; /* pages */
    unsigned generations;
};

struct target {
    uintptr_t base; /* where its memory begins */
    struct layout layout;
};

/* A process with that memory, that does not run meanwhile. NULL if the system has no such thing. */
struct target *target_make(const struct layout *layout);
void target_end(struct target *target);

/* One transfer between the target and this process. */
struct transfer {
    struct target *target;
    uintptr_t there;
    unsigned char *here;
    size_t len;
};

/*
 * A way to write and to read, given a struct transfer; the first of them is the one that the others are compared with.
 */
struct method {
    const char *name;
    void (*write)(const void *transfer);
    void (*read)(const void *transfer);
    size_t most; /* beyond so many bytes it is too slow to be worth the wait */
};

extern const struct method methods[];
extern const size_t method_count;

/* Eight bytes to each of so many pages of the target. */
struct words {
    struct target *target;
    unsigned char *here;
    size_t count;
};
#define WORD ((size_t)8)

/* All of them in one call, if the system has such a call; else NULL. */
extern void (*const words_write)(const void *words);

/* --- everything else --- */

void measure_own(void); /* what only this system has */

void *memory_map(size_t len); /* absent pages */
void memory_unmap(void *memory, size_t len);

void call_cheapest(void); /* the cheapest that does anything */
void call_refused(void);  /* a write to a process that does not exist */
void handle_twice(void);  /* a second handle to an object, made and closed */
void process_life(void);  /* a process that does nothing but end: made, started, waited for */
void program_life(void);  /* the same with a program, this one */

/* Small calls, each on objects of one's own: made once, by small_own(). */
enum small {
    SMALL_HANDLE,  /* a second handle, made and closed */
    SMALL_SIGNAL,  /* an event, raised and lowered */
    SMALL_OBJECT,  /* memory without a page, made and closed */
    SMALL_MESSAGE, /* eight bytes, sent and received */
    SMALL_MAP,     /* a page mapped and unmapped */
    SMALL_FAULT,   /* TOUCHED pages touched for the first time, and then given back together */
    SMALLS
};
#define TOUCHED 64
void *small_own(void);
void small_run(enum small what, const void *own);

/* Processes that do small calls for a while whenever they are asked, and answer small_rate(). */
#define WORKERS 2
void workers_start(void);
void worker_ask(unsigned which, enum small what);
double worker_answer(unsigned which);
void workers_end(void);

/* In together.c: how many of them a second this thread does, at this moment. */
double small_rate(enum small what, const void *own);

/* Another process that sends eight bytes back; one call is one round. */
void echo_start(void);
void echo_round(void);
void echo_end(void);

/* What this program does in such a process; it is told by its arguments. */
bool system_is_child(int argc, char **argv);
