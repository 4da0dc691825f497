/*
 * Failure injection: in debug builds a test can make the n-th allocation from now, of a page or from the heap, fail; or
 * limit the number of pages that can still be allocated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef DEBUG
/* The n-th allocation by the running thread from now on fails, once; 0 turns injection off. */
void inject_arm(uint64_t nth);
/*
 * The running thread charges a budget of its own, below the one it has: of so many pages, with a heap that is empty.
 * inject_unlimit() is to follow; what was allocated meanwhile stays charged to it. False: no memory, or a limit is
 * already in force.
 */
bool inject_limit(uint64_t pages);
void inject_unlimit(void);

/* Has the armed failure happened, or was the limit reached? */
bool inject_fired(void);
/* Called by the allocators: before, and when the running thread's budget has refused. */
bool inject_failure(void);
void inject_refused(void);
#else
static inline bool inject_failure(void) { return false; }
static inline void inject_refused(void) {}
#endif
