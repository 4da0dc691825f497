/*
 * Interrupts of devices. Sources have numbers, as drivers and firmware call them; there may be gaps. Each is masked
 * until it is wanted, and may be masked and unmasked at any time, with interrupts off and spinlocks held.
 *
 * When one fires, upcall_irq() is called on some processor, with interrupts off. A level-triggered source fires
 * again at once for as long as the device holds it, unless upcall_irq() masks it.
 */
#pragma once

#include "arch/types.h"

/* All numbers are below this. */
#define ARCH_IRQ_END 256u

bool arch_irq_exists(unsigned num);

/*
 * Prepares one that exists, and is masked, for a ZX_INTERRUPT_MODE_*: DEFAULT is what firmware says of it, and
 * EDGE_BOTH none that a source has. Returns whether it is level-triggered.
 */
bool arch_irq_configure(unsigned num, uint32_t mode);

void arch_irq_mask(unsigned num);
void arch_irq_unmask(unsigned num);
