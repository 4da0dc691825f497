/* Which I/O ports user code may use, as this processor's task state says. Interrupts are off. */
#pragma once

#include <stdatomic.h>

#include "arch/mmu.h"
#include "arch/x86_64/percpu.h"

/* Writes it down for `as`; percpu.ports_end is of what was there before. */
void ioports_load(const struct arch_aspace *as);

/* As `as` is loaded: is there anything to write? Nearly always neither it nor its predecessor has any. */
static inline bool ioports_differ(const struct percpu *cpu, const struct arch_aspace *as) {
    return unlikely(atomic_load_explicit(&as->ports_end, memory_order_relaxed) | cpu->ports_end);
}

/* Gives back what `as` has of ports' memory. It is loaded nowhere. */
void ioports_free(struct arch_aspace *as);
