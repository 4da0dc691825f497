/*
 * Failure injection; see inject.h. Only the thread that armed it is hit, so that a test fails its own allocations and
 * nobody else's.
 */
#include "vm/inject.h"

#ifdef DEBUG
#include <stdatomic.h>

#include "kernel/sched/thread.h"

static _Atomic(struct thread *) victim;
static uint64_t countdown; /* the victim's own */
static atomic_bool fired;

void inject_arm(uint64_t nth) {
    countdown = nth;
    atomic_store(&fired, false);
    atomic_store(&victim, nth ? thread_current() : NULL);
}

bool inject_fired(void) { return atomic_load(&fired); }

bool inject_failure(void) {
    if (!atomic_load_explicit(&victim, memory_order_relaxed) || atomic_load(&victim) != thread_current()) return false;
    if (--countdown != 0) return false;
    atomic_store(&victim, NULL);
    atomic_store(&fired, true);
    return true;
}
#endif
