/*
 * Failure injection; see inject.h. Only the thread that armed it is hit, so that a test fails its own allocations and
 * no others.
 */
#include "vm/inject.h"

#ifdef DEBUG
#include <stdatomic.h>

#include "vm/budget.h"

static _Atomic(struct thread *) victim;
static uint64_t countdown; /* the victim's own */
static atomic_bool fired;

void inject_arm(uint64_t nth) {
    countdown = nth;
    atomic_store(&fired, false);
    atomic_store(&victim, nth ? thread_current() : NULL);
}

bool inject_fired(void) { return atomic_load(&fired); }

static struct budget *limited, *own; /* of the thread that is limited, and what it had before */

bool inject_limit(uint64_t pages) {
    struct budget *budget = limited ? NULL : budget_create(budget_current());
    if (!budget || budget_set_limit(budget, BUDGET_MEMORY, pages) != ZX_OK) {
        if (budget) budget_leave(budget);
        return false;
    }
    atomic_store(&fired, false);
    limited = budget;
    own = budget_assume(limited);
    return true;
}

void inject_unlimit(void) {
    if (!limited || budget_current() != limited) return;
    (void)budget_assume(own);
    budget_leave(limited);
    limited = own = NULL;
}

void inject_refused(void) {
    if (budget_current() == limited) atomic_store(&fired, true);
}

bool inject_failure(void) {
    if (!atomic_load_explicit(&victim, memory_order_relaxed) || atomic_load(&victim) != thread_current()) return false;
    if (--countdown != 0) return false;
    atomic_store(&victim, NULL);
    atomic_store(&fired, true);
    return true;
}
#endif
