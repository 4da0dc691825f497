/*
 * The locks, the order in which they may be taken, and the marks of the fields that they guard.
 *
 * Ranks rise from the outside in: a thread may take a lock only if its rank is above that of every lock it holds, or
 * equal to the highest with a higher address. Debug builds track the locks that each thread holds and panic, with both
 * names, when it takes one out of order, releases one that it does not hold, or returns to user mode holding any.
 *
 * A field's comment begins with its mark, which means the same everywhere:
 *
 *   [I]     immutable: set before any other thread can reach the struct
 *   [a]     atomic, and changed and read under no lock
 *   [T]     only its own thread touches it; in a processor's data only that processor, with interrupts off
 *   [p]     read and changed under the lock whose rank has this letter below: of the struct itself, or, where that has
 *           none of this rank, of the one that it belongs to
 *   [p+w]   changed under both; either suffices for reading
 *   [p/a]   atomic: changed under the lock, and read without it for a hint, or because it only moves on
 *
 * A mark may begin a comment on its own line; it then applies to all fields down to the next empty line.
 */
#pragma once

#include <stdint.h>

#include "kernel/base/compiler.h"

enum lock_rank {
    /* mutexes */
    RANK_JOB = 1, /* [j] of a job: what is in it. Each generation has a rank of its own, the root job's is the first */
    RANK_LAST_JOB = RANK_JOB + 32,
    RANK_PROCESS,       /* [p] of a process: state, return code, running threads, suspensions, exceptions, parking */
    RANK_TRANSIT,       /* [q] one: which channel end is in which queue */
    RANK_CHANNEL,       /* [c] of both ends of a channel or event pair: the peer, queues, waiting calls */
    RANK_CHUNKS,        /* [n] of a handle table: which slots it has. Taken inside a process's lock when that starts */
    RANK_HANDLES,       /* [h] of one of its shelves: the slots there */
    RANK_ASPACE,        /* [r] of an address space: all its regions */
    RANK_VMO,           /* [v] of a VMO: page tree, size, cache policy; of a store: its mappings */
    RANK_VMO_FAMILY,    /* [f] one: parents and children of VMOs */
    RANK_TRANSLATIONS,  /* [t] of an address space: its page tables, its I/O ports */
    RANK_KERNEL_STACKS, /* [k] one: the area of kernel stacks, and the kernel's page tables there */
    RANK_TRACE,         /* one: the rings of tracing, and whether events are recorded */
    RANK_REPORT,        /* one: whose line of the report is being written, in debug builds */
    RANK_RESOURCES,     /* [z] one: which ranges resources cover */
    RANK_TIMERS,        /* [u] one: which timers of user mode are set */
    RANK_FUTEX,         /* [x] of an address space: threads that wait on words of its memory */
    RANK_SIGNALS,       /* [o] of an object: its signals, its observers, its name */
    /* spinlocks */
    RANK_INTERRUPT, /* [i] one: what becomes of interrupts */
    RANK_EXCEPTION, /* [e] of a task's place for an exception channel: the channel, and whether the task is dead */
    RANK_WAIT,      /* [w] of a port, a parked thread, the console: what a wait is about */
    RANK_RANDOM,    /* one: the generator's key */
    RANK_BUDGETS,   /* [d] one: the list of all budgets */
    RANK_ASPACES,   /* [l] one: the list of all address spaces */
    RANK_HEAP,      /* [b] of a heap's size class: its slabs */
    RANK_PAGES,     /* [g] one: free lists of pages */
    RANK_LOOSE,     /* [y] of some processors: their loose pages */
    RANK_MUTEX,     /* [m] of some mutexes: their waiters, and that they are contended */
    RANK_SCHED,     /* [s] of a processor: its run queue and timers, the state of its threads, their waiters */
    RANK_LOG,       /* of a device: the log, the console's input, the interrupt controllers */
};

#define LOCK_STACK_DEPTH 12

#ifdef DEBUG
struct lock_stack {
    unsigned depth;
    struct held_lock {
        const void *lock;
        const char *name;
        enum lock_rank rank;
    } held[LOCK_STACK_DEPTH];
};

void lock_rank_acquire(const void *lock, const char *name, enum lock_rank rank);
void lock_rank_release(const void *lock);
void lock_rank_assert_held(const void *lock);
/* Panics if this thread holds anything. */
void lock_rank_assert_none(void);
#else
struct lock_stack {};

static inline void lock_rank_acquire(const void *lock UNUSED, const char *name UNUSED, enum lock_rank rank UNUSED) {}
static inline void lock_rank_release(const void *lock UNUSED) {}
static inline void lock_rank_assert_held(const void *lock UNUSED) {}
static inline void lock_rank_assert_none(void) {}
#endif
