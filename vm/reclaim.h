/*
 * Freeing what can be made again, when there is no memory for a page fault: the page tables of address spaces, which
 * faults load again; and what the kernel keeps to use again, empty slabs and spare stacks.
 *
 * What belongs to the faulting thread's job is freed first, then what belongs to the jobs above it as well; when it is
 * a limit that was reached, nothing outside the job that has it. It is done in parts: between them the lock is
 * released, and a kill ends it. No lock is held when it begins. So memory that is full of translations is no reason for
 * any program to end.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "arch/types.h"
#include "kernel/base/compiler.h"

struct aspace;
struct budget;

/* An address space's place among all, or the place of a thread that walks them. */
struct aspace_place {
    LIST_ENTRY(aspace_place) link; /* [l] */
    bool is_aspace;                /* [I] */
};

/* From now on the tables of `as` may be given back; and from now on not. Its budget must be there in between. */
void reclaim_begin(struct aspace *as);
void reclaim_end(struct aspace *as);

/* Gives back all that can be made again and that belongs to `budget` or to one below it. */
void reclaim(const struct budget *budget);

/*
 * Has the budget itself room for the pages that the faults of one instruction may take; the root's: has the machine?
 * Before the answer is no, what can be made again is given back.
 */
MUST_CHECK bool reclaim_for(const struct budget *budget);

/* The same for the running thread's and all above it. Returns the lowest that has none; NULL: all have. */
MUST_CHECK const struct budget *reclaim_for_fault(void);

/*
 * kernel/object/oom.c: a fault lacks memory in that budget. Has a program end for it, and waits until that is over;
 * until something wants the running thread at the boundary to user mode, if it can go there now; or until it is killed.
 * NO_MEMORY: no program is to end.
 */
MUST_CHECK zx_status_t upcall_out_of_memory(const struct budget *lacks, bool can_go);
