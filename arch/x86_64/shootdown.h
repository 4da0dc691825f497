/*
 * Having other processors forget translations. Interrupts are off, and no spinlock is held: the others may be waiting
 * for it with theirs off.
 */
#pragma once

#include "arch/mmu.h"

/* Has the processors of `mask` forget [va, va + len) of `as`, or with NULL of the kernel's half, and waits for them. */
void shootdown_range(uint64_t mask, struct arch_aspace *as, vaddr_t va, size_t len);

/* Has them leave `as`, where it is only left over from the last thread that ran on it. */
void shootdown_leave(uint64_t mask, struct arch_aspace *as);

/* Does this processor's part of what another asks for, if anything. */
void shootdown_serve(void);
