/*
 * The part of ready.h that every switch between threads needs, inline, for kernel/sched/sched.c. The rules are in
 * ready.h; what only some switches need is in ready.c. The first group of its functions below is for this header alone.
 */
#pragma once

#include "kernel/sched/ready.h"
#include "kernel/sched/thread.h"

struct thread *ready_first_of_many(struct ready *ready) REQUIRES(sched_held);
void ready_join_share(struct ready *ready, struct thread *t) REQUIRES(sched_held);
/* There are more now than the only one that there was. */
void ready_put_beside(struct ready *ready, struct thread *t) REQUIRES(sched_held);
void ready_take_out(struct ready *ready, struct thread *t) REQUIRES(sched_held);
void ready_move_share(struct ready *ready, struct share *share, zx_duration_t used) REQUIRES(sched_held);
void ready_charge_payer(struct ready *ready, struct share *payer, zx_duration_t ran) REQUIRES(sched_held);

/* By how much what has slept may be behind the running one. What is ready all the time is behind it by less. */
#define BEHIND_MAX ZX_MSEC(2)

/* Use below the floor counts as the floor. */
static inline zx_duration_t ready_at_least(zx_duration_t used, zx_duration_t floor) {
    return used < floor ? floor : used;
}

static inline struct thread *ready_first(struct ready *ready) REQUIRES(sched_held) {
    return ready->only || ready_length(ready) == 0 ? ready->only : ready_first_of_many(ready);
}

/* Of those that are not urgent: one that gets its place among others here, or comes to run. */
static inline void ready_adopt_user(struct ready *ready, struct thread *t) REQUIRES(sched_held) {
    if (unlikely(!t->share)) ready_join_share(ready, t);
    struct share *share = t->share;
    t->used = ready_at_least(t->used, share->floor);
    if (RB_EMPTY(&share->threads)) share->used = ready_at_least(share->used, ready->floor);
}

/*
 * A thread of this processor becomes ready. Returns the length. A processor that reads the length after a store of its
 * own, both sequentially consistent, sees the thread, or the caller's later read sees that store.
 */
static inline unsigned ready_put(struct ready *ready, struct thread *t) REQUIRES(sched_held) {
    unsigned before = atomic_fetch_add_explicit(&ready->length, 1, memory_order_seq_cst);
    if (before > 0)
        ready_put_beside(ready, t);
    else
        ready->only = t;
    return before + 1;
}

/* The share's place in the tree, if it is there, follows. */
static inline void ready_share_set_used(struct ready *ready, struct share *share, zx_duration_t used)
    REQUIRES(sched_held) {
    if (RB_EMPTY(&share->threads))
        share->used = used;
    else
        ready_move_share(ready, share, used);
}

/* Takes one out that is ready. */
static inline struct thread *ready_choose(struct ready *ready, struct thread *t) REQUIRES(sched_held) {
    if (t == ready->only)
        ready->only = NULL;
    else
        ready_take_out(ready, t);
    atomic_store_explicit(&ready->length, ready_length(ready) - 1, memory_order_relaxed);
    if (t->urgent) return t;
    if (unlikely(!t->share)) ready_join_share(ready, t);
    t->used = ready_at_least(t->used, t->share->floor);
    if (t->share->used < ready->floor) ready_share_set_used(ready, t->share, ready->floor);
    return t;
}

/* Takes the next out, which this processor is going to run; NULL if there is none. */
static inline struct thread *ready_take(struct ready *ready) REQUIRES(sched_held) {
    struct thread *first = ready_first(ready);
    return first ? ready_choose(ready, first) : NULL;
}

/* The running thread has run for so long. */
static inline void ready_charge(struct ready *ready, struct thread *running, zx_duration_t ran) REQUIRES(sched_held) {
    struct share *share = running->share;
    if (running->urgent) {
        if (running->payer) ready_charge_payer(ready, running->payer, ran);
        return;
    }
    zx_duration_t used = share->used + ran;
    running->used += ran;
    share->floor = ready_at_least(share->floor, running->used - BEHIND_MAX);
    ready->floor = ready_at_least(ready->floor, used - BEHIND_MAX);
    ready_share_set_used(ready, share, used);
}
