/*
 * Ready threads; see ready.h. Two levels of trees: of shares, ordered by what they have used, and in each its threads.
 * A share is in the tree while it has ready threads; those that run are in neither, and are charged as they stop.
 */
#include "kernel/sched/ready_path.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"

static int share_compare(const struct share *a, const struct share *b) {
    if (a->used != b->used) return a->used < b->used ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int thread_compare(const struct thread *a, const struct thread *b) {
    if (a->used != b->used) return a->used < b->used ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

RB_GENERATE_INTERNAL(share_tree, share, node, share_compare, UNUSED static)
RB_GENERATE_INTERNAL(ready_tree, thread, node, thread_compare, UNUSED static)

void ready_init(struct ready *ready, unsigned cpu) {
    *ready = (struct ready){.cpu = cpu};
    TAILQ_INIT(&ready->urgent);
}

struct thread *ready_first_of_many(struct ready *ready) {
    if (!TAILQ_EMPTY(&ready->urgent)) return TAILQ_FIRST(&ready->urgent);
    return RB_MIN(ready_tree, &RB_MIN(share_tree, &ready->shares)->threads);
}

/* On its way from one processor to another, a thread's `used` is what it is above the floor. */
void ready_leave(struct thread *t) {
    if (t->share) t->used -= t->share->floor;
    t->share = NULL;
}

void ready_join_share(struct ready *ready, struct thread *t) {
    t->share = &t->shares[ready->cpu];
    t->used += t->share->floor;
}

void ready_adopt(struct ready *ready, struct thread *t) {
    if (!t->urgent) ready_adopt_user(ready, t);
}

static void insert(struct ready *ready, struct thread *t) REQUIRES(sched_held) {
    if (t->urgent) {
        TAILQ_INSERT_TAIL(&ready->urgent, t, link);
        return;
    }
    t->order = ready->order++;
    ready_adopt_user(ready, t);
    if (RB_EMPTY(&t->share->threads)) {
        t->share->order = t->order;
        RB_INSERT(share_tree, &ready->shares, t->share);
    }
    RB_INSERT(ready_tree, &t->share->threads, t);
}

/* There are more now than the only one that there was. */
void ready_put_beside(struct ready *ready, struct thread *t) {
    struct thread *alone = ready->only;
    ready->only = NULL;
    if (alone) insert(ready, alone);
    insert(ready, t);
}

void ready_take_out(struct ready *ready, struct thread *t) {
    if (t->urgent) {
        TAILQ_REMOVE(&ready->urgent, t, link);
        return;
    }
    RB_REMOVE(ready_tree, &t->share->threads, t);
    if (RB_EMPTY(&t->share->threads)) RB_REMOVE(share_tree, &ready->shares, t->share);
}

void ready_move_share(struct ready *ready, struct share *share, zx_duration_t used) {
    RB_REMOVE(share_tree, &ready->shares, share);
    share->used = used;
    RB_INSERT(share_tree, &ready->shares, share);
}

void ready_hurry(struct ready *ready, struct thread *t) {
    if (t->urgent) return;
    (void)ready_choose(ready, t);
    t->used = t->share->floor;
    ready_share_set_used(ready, t->share, ready->floor);
    (void)ready_put(ready, t);
}

/* By how much a process may be ahead of the floor for what was done for it: others may not have wanted that time. */
#define OWED_MAX ZX_MSEC(100)

/* What an urgent thread does for a process. A debt is not forgiven as what was not used is, but it has a bound. */
void ready_charge_payer(struct ready *ready, struct share *payer, zx_duration_t ran) {
    struct share *share = &payer[ready->cpu];
    const zx_duration_t used = ready_at_least(share->used, ready->floor),
                        most = ready_at_least(used, ready->floor + OWED_MAX);
    ready_share_set_used(ready, share, used + ran < most ? used + ran : most);
}

zx_duration_t ready_owed(struct ready *ready, const struct thread *running) {
    struct thread *next = ready_first(ready);
    if (next && next == ready->only) ready_adopt(ready, next);
    if (!next || (running->urgent && !next->urgent)) return NOTHING_OWED;
    if (next->urgent) return 0;
    if (next->share == running->share) return running->used - next->used;
    return running->share->used - next->share->used;
}

#ifdef DEBUG
struct thread *ready_take_past(struct ready *ready, unsigned skip) {
    struct thread *t;
    struct share *share;
    if (ready->only) return ready_take(ready);
    TAILQ_FOREACH (t, &ready->urgent, link) {
        if (skip-- == 0) return ready_choose(ready, t);
    }
    RB_FOREACH (share, share_tree, &ready->shares) {
        RB_FOREACH (t, ready_tree, &share->threads) {
            if (skip-- == 0) return ready_choose(ready, t);
        }
    }
    panic("fewer threads are ready");
}
#endif
