/* The counter of time, inline; see arch/x86_64/time.c. */
#pragma once

extern bool time_is_acpis; /* the clock is made of ACPI's timer, not of the processors' counters */

static inline bool arch_ticks_are_quick(void) { return !time_is_acpis; }

/* By halves, as they come. */
static inline void arch_ticks_quick(uint64_t *out) {
    __asm__ volatile("rdtsc\n\tmovl %%eax, (%1)\n\tmovl %%edx, 4(%1)" : "=m"(*out) : "r"(out) : "eax", "edx");
}
