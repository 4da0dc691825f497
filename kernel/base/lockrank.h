/*
 * The order in which locks may be taken. Ranks rise from the outside in; a thread may take a lock only if its
 * rank is above that of every lock it holds, or equal to the highest with a higher address. Debug builds
 * keep what each thread holds and panic, with both names, when it takes one out of order, releases what it does
 * not hold, or returns to user mode holding any.
 */
#pragma once

#include <stdint.h>

#include "kernel/base/compiler.h"

enum lock_rank {
    RANK_JOB = 1,       /* job tree */
    RANK_PROCESS,       /* a process's threads and state */
    RANK_TRANSIT,       /* which channel ends lie in messages of which others */
    RANK_CHANNEL,       /* both ends' queues */
    RANK_HANDLES,       /* one handle table */
    RANK_ASPACE,        /* regions of one address space */
    RANK_VMO,           /* pages and mappings of one VMO */
    RANK_VMO_COUNT,     /* who maps a VMO, while it is counted */
    RANK_VMO_FAMILY,    /* who is whose child */
    RANK_TRANSLATIONS,  /* page tables of one address space */
    RANK_KERNEL_STACKS, /* the kernel-stack area */
    RANK_REPORT,        /* whose line of the report is being written */
    RANK_TIMERS,        /* which timers of user mode are set */
    RANK_FUTEX,         /* those who wait for some words of memory */
    RANK_SIGNALS,       /* signals and observers of one object */
    RANK_WAIT,          /* what a wait is about: an event's own lock */
    RANK_RANDOM,        /* the random generator's key */
    RANK_HEAP,          /* one size class */
    RANK_PAGES,         /* the page allocator */
    RANK_SCHED,         /* run queues, wait queues, timers */
    RANK_LOG,           /* the log's device */
};

#define LOCK_STACK_DEPTH 12

struct lock_stack {
    unsigned depth;
    struct held_lock {
        const void *lock;
        const char *name;
        enum lock_rank rank;
    } held[LOCK_STACK_DEPTH];
};

#ifdef DEBUG
void lock_rank_acquire(const void *lock, const char *name, enum lock_rank rank);
void lock_rank_release(const void *lock);
void lock_rank_assert_held(const void *lock);
/* Panics if this thread holds anything. */
void lock_rank_assert_none(void);
#else
static inline void lock_rank_acquire(const void *lock UNUSED, const char *name UNUSED, enum lock_rank rank UNUSED) {}
static inline void lock_rank_release(const void *lock UNUSED) {}
static inline void lock_rank_assert_held(const void *lock UNUSED) {}
static inline void lock_rank_assert_none(void) {}
#endif
