/*
 * Having other processors forget translations.
 */
#pragma once

#include "arch/mmu.h"

/*
 * Has the processors of `mask` forget [va, va + len) of `as`, or of the kernel's half if `as` is NULL, and returns
 * when they have. Interrupts are off, and no spinlock is held: the others may be waiting for it with their interrupts
 * off.
 */
void shootdown_range(uint64_t mask, struct arch_aspace *as, vaddr_t va, size_t len);

/* Has them leave `as`, where it is only left over from the last thread that ran on it. */
void shootdown_leave(uint64_t mask, struct arch_aspace *as);

/* Does this processor's part of what another asks for, if anything. Interrupts are off. */
void shootdown_serve(void);
