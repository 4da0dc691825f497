/*
 * Having other processors do something about an address space: forget translations above all. Interrupts are off, and
 * no spinlock is held: the others may be waiting for it with theirs off.
 */
#pragma once

#include "arch/mmu.h"

/*
 * Has the processors of `mask`, of which there is one at least, forget [va, va + len) of `as`, or with NULL of the
 * kernel's half; and waits for them. In between, the caller forgets the range itself.
 */
void shootdown_begin(uint64_t mask, struct arch_aspace *as, vaddr_t va, size_t len);
void shootdown_end(void);

/* Has them do something about `as`, with interrupts off, and waits for them. */
void shootdown_act(uint64_t mask, struct arch_aspace *as, void (*act)(struct arch_aspace *as));

/* Does this processor's part of what another asks for, if anything. */
void shootdown_serve(void);
