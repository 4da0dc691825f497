/* The counter of time of the host's machine. */
#pragma once

static inline bool arch_ticks_are_quick(void) { return false; }
static inline void arch_ticks_quick(uint64_t *out) { *out = arch_ticks(); }
