/*
 * The ready threads of a processor, and which of them runs next.
 *
 * Processes have equal shares of a processor, however many threads they have, and so have the threads of one process.
 * Time on the processor is charged to both. The process that has used least runs next, and of its threads the one that
 * has used least. Sleep saves up no credit: a thread or process that slept counts as if it had used hardly less than
 * the running one, the floor. So it runs before those that did not sleep, but not if it takes more than its share of
 * the processor.
 *
 * Urgent threads, a few kernel threads, run before all others, in the order in which they became ready. Work that one
 * does for a process is charged to that process, but a process never owes more than a tenth of a second for it.
 *
 * Putting a thread in, taking the next one, and counting its time are in ready_path.h.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdatomic.h>
#include <zircon/types.h>

#include "kernel/base/spinlock.h"
#include "kernel/sched/timer.h"

struct thread;

RB_HEAD(share_tree, share);
RB_HEAD(ready_tree, thread);

/* A process's share of one processor; the kernel's own threads have one too. All zero at first. */
struct share {
    /* [s] */
    RB_ENTRY(share) node; /* in `shares`, while any of its threads are ready */
    struct ready_tree threads;
    zx_duration_t used;
    zx_duration_t floor; /* of its threads' `used` */
    uint64_t order;      /* of those that have used as much, the order of becoming ready */
};

struct ready {
    /* [s] */
    struct thread *only; /* the one that is ready, if there is only one: in no tree or queue, and not adopted yet */
    TAILQ_HEAD(, thread) urgent;
    struct share_tree shares;
    zx_duration_t floor; /* of the shares' `used` */
    uint64_t order;      /* the next */
    unsigned cpu;        /* [I] */
    atomic_uint length;  /* [s/a] how many there are */
};

void ready_init(struct ready *ready, unsigned cpu);

static inline unsigned ready_length(const struct ready *ready) {
    return atomic_load_explicit(&ready->length, memory_order_seq_cst);
}

/* A thread that is not ready leaves this processor for another; and comes to another, which is going to run it. */
void ready_leave(struct thread *t) REQUIRES(sched_held);
void ready_adopt(struct ready *ready, struct thread *t) REQUIRES(sched_held);

/* A thread that is ready comes before all but urgent ones. */
void ready_hurry(struct ready *ready, struct thread *t) REQUIRES(sched_held);

/*
 * How much more the running thread has had than the next, which is owed that. NOTHING_OWED if there is no other, or
 * none that the running one, being urgent, would make way for.
 */
#define NOTHING_OWED (-((zx_duration_t)1 << 60))
zx_duration_t ready_owed(struct ready *ready, const struct thread *running) REQUIRES(sched_held);

#ifdef DEBUG
/* Takes the one out that would be next after so many others. There are more than those. */
struct thread *ready_take_past(struct ready *ready, unsigned skip) REQUIRES(sched_held);
#endif
