/*
 * Reclaiming memory; see reclaim.h. One spinlock guards the list of all address spaces. A thread that walks it has its
 * own place in it, and holds a reference to one address space at a time. That one may end meanwhile: it is marked so
 * under its lock of translations.
 */
#include "vm/reclaim.h"

#include "kernel/base/spinlock.h"
#include "kernel/sched/thread.h"
#include "vm/aspace.h"
#include "vm/budget.h"
#include "vm/kstack.h"

/*
 * An instruction and what it accesses lie in eight pages at most, each below three tables. With less room than that it
 * might fault again and again, each time for what was given back for the time before.
 */
#define ENOUGH 32

/* Guards [l]. */
static struct spinlock lock = SPINLOCK_INIT(RANK_ASPACES, "address spaces");
static LIST_HEAD(, aspace_place) spaces GUARDED_BY(lock);

void reclaim_begin(struct aspace *as) {
    as->has_tables = as->place.is_aspace = true;
    spin_lock(&lock);
    LIST_INSERT_HEAD(&spaces, &as->place, link);
    spin_unlock(&lock);
}

void reclaim_end(struct aspace *as) {
    spin_lock(&lock);
    LIST_REMOVE(&as->place, link);
    spin_unlock(&lock);
    mutex_lock(&as->translations_lock);
    as->has_tables = false;
    mutex_unlock(&as->translations_lock);
}

/* Moves `here` behind the next. False: there is none. `*out`: that one, with a reference, if it is the budget's. */
static bool next_space(struct aspace_place *here, const struct budget *budget, struct aspace **out) {
    *out = NULL;
    spin_lock(&lock);
    struct aspace_place *next = LIST_NEXT(here, link);
    if (next) {
        LIST_REMOVE(here, link);
        LIST_INSERT_AFTER(next, here, link);
        struct aspace *as = next->is_aspace ? container_of(next, struct aspace, place) : NULL;
        if (as && budget_is_within(as->budget, budget)) {
            aspace_ref(as);
            *out = as;
        }
    }
    spin_unlock(&lock);
    return next;
}

/* A few tables. False: it has no more. */
static bool drop_some(struct aspace *as, vaddr_t *at) {
    mutex_lock(&as->translations_lock);
    bool more = as->has_tables && arch_mmu_drop_some(&as->arch, at);
    mutex_unlock_part(&as->translations_lock, !more);
    return more;
}

static void drop_tables(struct aspace *as) {
    vaddr_t at = 0;
    while (drop_some(as, &at) && !thread_killed()) continue;
}

static void drop_all_tables(const struct budget *budget) {
    struct aspace_place here = {.is_aspace = false};
    struct aspace *as;
    spin_lock(&lock);
    LIST_INSERT_HEAD(&spaces, &here, link);
    spin_unlock(&lock);
    while (!thread_killed() && next_space(&here, budget, &as)) {
        if (!as) continue;
        drop_tables(as);
        aspace_unref(as);
    }
    spin_lock(&lock);
    LIST_REMOVE(&here, link);
    spin_unlock(&lock);
}

void reclaim(const struct budget *budget) {
    lock_rank_assert_none();
    drop_all_tables(budget);
    budgets_trim(budget);
    if (budget == &root_budget) kstack_trim();
}

static bool is_short(const struct budget *budget) {
    return budget == &root_budget ? !pages_left(ENOUGH) : budget_own_room(budget, BUDGET_MEMORY) < ENOUGH;
}

bool reclaim_for(const struct budget *budget) {
    if (is_short(budget)) reclaim(budget);
    return !is_short(budget);
}

static const struct budget *short_one(void) {
    const struct budget *budget = budget_current();
    while (budget && !is_short(budget)) budget = budget->parent;
    return budget;
}

const struct budget *reclaim_for_fault(void) {
    const struct budget *at = budget_current(), *lacks = short_one();
    for (bool last = false; lacks && !last && !thread_killed(); at = at->parent, lacks = short_one()) {
        last = at == lacks || !at->parent;
        reclaim(at);
    }
    return lacks;
}
