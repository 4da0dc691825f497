/* Failure injection: debug builds can be told that the n-th allocation from now, of a page or from the heap, fails. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef DEBUG
/* The n-th allocation by the running thread from now on fails, once; 0 turns injection off. */
void inject_arm(uint64_t nth);
/* Has the armed failure happened? */
bool inject_fired(void);
/* Called by the allocators. */
bool inject_failure(void);
#else
static inline bool inject_failure(void) { return false; }
#endif
