/*
 * Budgets: what a job and all below it may have, and what they have now. Each job has one, in a tree like that of the
 * jobs; that of the root job is the kernel's own. A budget has a count for each kind of thing, and what is charged to
 * it is charged to all above it too: so a count is the sum of what the job itself has and of its children's counts. Not
 * so at the root, which has no limits: it counts only what is its own, and the sum is made when it is asked for. So the
 * processors do not all contend for one word, and a charge to a child of the root's changes one count.
 *
 * Memory is counted where pages are allocated (vm/page.c): to the budget of the running thread, whatever the page is
 * for. The page names the budget that was charged, and freeing the page refunds that budget. Each budget has a heap of
 * its own, whose slabs are pages as well. A thread's stack and a handle's slot are charged to the budget of their
 * process.
 *
 * A refund does not lower a count at once. It leaves up to BUDGET_SPARE_MOST of each kind, still counted, as spare for
 * the next charges of the same processors, so that processors do not all write one word. A charge that would go beyond
 * a limit or the peak takes the spare of all processors out of the count first, and only then is refused, or raises
 * the peak. So neither is off by what is spare; and what is reported as used is without it.
 *
 * A charge takes no lock. It adds to one count after the other, on the way up, by compare-and-swap, and only where the
 * limit allows it. If one refuses, those below get back what was added; they may have refused others meanwhile, as if
 * that had been had and given back. A count is above its limit only if that was lowered, and for the heap of threads
 * that must not fail (thread_must_succeed()): by BUDGET_OVERDRAFT at most, or so much above what was used when the
 * limit was set. Without a bound a program could make such threads until it had all memory. And the handle of a
 * reported exception is counted whatever the limit: there is one for each thread.
 *
 * A budget outlives its job for as long as pages are charged to it. The word that counts them has a bit more, for the
 * job: the thread that makes it 0 puts the budget on the list of ended ones, from which it is freed. Every charge is
 * also charged to the ancestors, so they live as long. Only what belongs to a thread of the job charges it: so the bit
 * is set then, and limits have it too.
 */
#pragma once

#include "kernel/base/compiler.h"
#include "kernel/base/cpu.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

struct job;

enum budget_kind {
    BUDGET_MEMORY,    /* pages */
    BUDGET_HANDLES,   /* in the tables of the job's processes, and in messages that they wrote */
    BUDGET_THREADS,   /* of the job's processes: objects, until they are freed; as the next two */
    BUDGET_PROCESSES, /* of the job */
    BUDGET_JOBS,      /* its children */
    BUDGET_KINDS,
};

#define BUDGET_UNLIMITED UINT64_MAX
#define BUDGET_OVERDRAFT ((uint64_t)16) /* pages */

/* In the words of BUDGET_MEMORY: there is a job. */
#define BUDGET_HAS_JOB ((uint64_t)1 << 63)

/*
 * What is counted but not used: each kind of thing that was given back, and that the next charge takes. BUDGET_CLOSED:
 * the job has ended, and all that is given back is counted down.
 */
struct budget_spare {
    _Atomic uint32_t of[BUDGET_KINDS];                            /* [a] */
    char apart[2 * CACHE_LINE - BUDGET_KINDS * sizeof(uint32_t)]; /* from what other processors write */
};
#define BUDGET_SPARE_MOST 256u
#define BUDGET_CLOSED ((uint32_t)1 << 31)

struct budget_count {
    /* [a] */
    _Atomic uint64_t used; /* with what is spare */
    _Atomic uint64_t limit;
    _Atomic uint64_t overdrawn; /* the limit of what must not fail: so much more than that, or than was used then */
    _Atomic uint64_t peak;      /* the most that `used` was before it fell */
};

/* A budget's place among all budgets, or the place of a thread that walks them. */
struct budget_place {
    LIST_ENTRY(budget_place) link; /* [d] */
    bool is_budget;                /* [I] */
};

struct budget {
    struct budget *above;  /* [I] its parent, if that is charged as well: if it is not the root's */
    struct budget *parent; /* [I] NULL: the root's */
    struct job *job;       /* [I] its job; for callers that know that the job exists. NULL: none, or the root's */
    char apart[CACHE_LINE];
    struct budget_spare spare[CPU_PARTS];
    struct budget_count counts[BUDGET_KINDS];
    struct heap heap;
    struct budget_place place;
    uint64_t below;      /* what its children have, added up by budgets_sound() */
    struct budget *next; /* in the list of ended ones */
};

extern struct budget root_budget;

/* Has a job, and no limits. NULL: no memory. Its own memory is charged to the running thread's. */
MUST_CHECK struct budget *budget_create(struct budget *parent);
/* The job has ended; nothing more is charged to it. */
void budget_leave(struct budget *budget);

static inline struct budget *budget_current(void) { return thread_current()->budget; }

/* From now on the running thread charges `budget`. Returns the one charged until now. */
static inline struct budget *budget_assume(struct budget *budget) {
    struct budget *before = thread_current()->budget;
    thread_current()->budget = budget;
    return before;
}

/* False: a limit is reached, and nothing was charged. */
MUST_CHECK static ALWAYS_INLINE bool budget_charge(struct budget *budget, enum budget_kind kind, uint64_t amount);
static ALWAYS_INLINE void budget_refund(struct budget *budget, enum budget_kind kind, uint64_t amount);

/* The same beyond the limits, by BUDGET_OVERDRAFT. */
MUST_CHECK bool budget_overdraw(struct budget *budget, enum budget_kind kind, uint64_t amount);
/* And whatever the limits are: for what the kernel gives a job's threads, of which each has one at most. */
void budget_add(struct budget *budget, enum budget_kind kind, uint64_t amount);

/*
 * For what passes from one budget to another: what counts in both stays as it is. The nearest that is charged with
 * both, or NULL (each may be); and a charge or refund of those below that, from `budget` on.
 */
struct budget *budget_shared(struct budget *a, struct budget *b);
MUST_CHECK bool budget_charge_below(const struct budget *shared, struct budget *budget, enum budget_kind kind,
                                    uint64_t amount);
void budget_refund_below(const struct budget *shared, struct budget *budget, enum budget_kind kind, uint64_t amount);

/* At this moment, and at the moment when it was most: of the root's, the most that was its own. No lock is held. */
uint64_t budget_used(const struct budget *budget, enum budget_kind kind);
uint64_t budget_peak(const struct budget *budget, enum budget_kind kind);

/* Its own limit; and the least of its own and its ancestors'. BUDGET_UNLIMITED: none. */
uint64_t budget_limit(const struct budget *budget, enum budget_kind kind);
uint64_t budget_effective_limit(const struct budget *budget, enum budget_kind kind);

/*
 * OUT_OF_RANGE: its parent's effective limit is lower; NOT_SUPPORTED: it is the root's. A limit below what is used
 * refuses further charges.
 */
MUST_CHECK zx_status_t budget_set_limit(struct budget *budget, enum budget_kind kind, uint64_t limit);

/* How much more could be charged now, as far as it alone is asked; and as far as all are that are charged as well. */
uint64_t budget_own_room(const struct budget *budget, enum budget_kind kind);
uint64_t budget_room(const struct budget *budget, enum budget_kind kind);

/* Is it `top`, or below that? */
bool budget_is_within(const struct budget *budget, const struct budget *top);

/* Gives back the empty slabs of its heap, and of the heaps of all below it. No lock is held. */
void budgets_trim(const struct budget *budget);

/*
 * Has each at least what its children have together, and all together the pages that are in use? For self-checks: only
 * while nothing is allocated or freed.
 */
bool budgets_sound(void);

/* --- what is inlined --- */

/* The same where others are charged as well, or the spare does not do. */
MUST_CHECK bool budget_charge_slow(struct budget *budget, enum budget_kind kind, uint64_t amount);
void budget_refund_slow(struct budget *budget, enum budget_kind kind, uint64_t amount);

static ALWAYS_INLINE bool budget_spare_change(_Atomic uint32_t *spare, uint32_t from, uint64_t to, memory_order order) {
    return likely(to <= BUDGET_SPARE_MOST) &&
           likely(atomic_compare_exchange_strong_explicit(spare, &from, (uint32_t)to, order, memory_order_relaxed));
}

/* False: there is less, more is counted than the limit allows, or another was faster. */
MUST_CHECK static ALWAYS_INLINE bool budget_spare_take(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    const struct budget_count *count = &budget->counts[kind];
    _Atomic uint32_t *spare = &budget->spare[cpu_part()].of[kind];
    const uint32_t had = atomic_load_explicit(spare, memory_order_relaxed);
    return likely(atomic_load_explicit(&count->used, memory_order_relaxed) <=
                  atomic_load_explicit(&count->limit, memory_order_relaxed)) &&
           budget_spare_change(spare, had, had - amount, memory_order_relaxed);
}

/*
 * False: there would be too much, it is closed, or another was faster. Releases what was done with the things, all of
 * which comes before the budget is freed.
 */
MUST_CHECK static ALWAYS_INLINE bool budget_spare_put(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    _Atomic uint32_t *spare = &budget->spare[cpu_part()].of[kind];
    const uint32_t had = atomic_load_explicit(spare, memory_order_relaxed);
    return budget_spare_change(spare, had, had + amount, memory_order_release);
}

static ALWAYS_INLINE bool budget_charge(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    return likely(!budget->above && budget_spare_take(budget, kind, amount)) ||
           budget_charge_slow(budget, kind, amount);
}

static ALWAYS_INLINE void budget_refund(struct budget *budget, enum budget_kind kind, uint64_t amount) {
    if (unlikely(budget->above || !budget_spare_put(budget, kind, amount))) budget_refund_slow(budget, kind, amount);
}
