/*
 * Giving back what can be made again, when there is no memory for a page fault: the page tables of address spaces,
 * which faults load again; and what the kernel keeps to use again, empty slabs and spare stacks.
 *
 * What belongs to the job that ran short goes first, then what belongs to the jobs above it as well; when it is a limit
 * that was reached, nothing outside the job that has it. It is done in parts: between them the lock is given back, and
 * a kill ends it. No lock is held when it begins. So memory that is full of translations is no reason for any program
 * to end.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "arch/types.h"
#include "kernel/base/compiler.h"

struct aspace;
struct budget;

/* Of an address space among all; or how far somebody is who goes through them. */
struct aspace_place {
    LIST_ENTRY(aspace_place) link; /* [l] */
    bool is_aspace;                /* [I] */
};

/* From now on the tables of `as` may be given back; and from now on not. Its budget must be there in between. */
void reclaim_begin(struct aspace *as);
void reclaim_end(struct aspace *as);

/* Gives back all that can be made again and that belongs to `budget` or to one below it. */
void reclaim(const struct budget *budget);

/* What the running thread is still short of after that: not the pages that the faults of one instruction may take. */
enum shortage {
    SHORTAGE_NONE,
    SHORTAGE_LIMIT,  /* one of its budgets has reached its limit */
    SHORTAGE_MEMORY, /* there is none */
};
MUST_CHECK enum shortage reclaim_for_fault(void);

/*
 * kernel/object/oom.c: has a program end for want of memory, and waits until that is over; until something wants the
 * running thread at the boundary to user mode, if it can go there now; or until it is killed. NO_MEMORY: there is no
 * program that may end.
 */
MUST_CHECK zx_status_t upcall_out_of_memory(bool can_go);
