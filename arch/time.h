/* Time: a clock that never runs backwards, the counter it is made from, and one alarm per processor. */
#pragma once

#include "arch/types.h"

/* Nanoseconds since boot. */
zx_time_t arch_time_now(void);

/*
 * Seconds since the beginning of 1970, by the clock that runs while the machine is off; 0 if it shows no time. Slow,
 * and for the boot processor at boot only.
 */
int64_t arch_wall_seconds(void);

uint64_t arch_ticks(void);
uint64_t arch_ticks_per_second(void);

/* Where they are quick: the same in a few instructions, not in strict order with what the code around it does. */
static inline bool arch_ticks_are_quick(void);
static inline void arch_ticks_quick(uint64_t *out);

/* Has this processor call upcall_alarm() at `deadline` or soon after. Replaces the one before. INFINITE: none. */
void arch_alarm_set(zx_time_t deadline);

#include "arch_inline/time.h"
