/*
 * What a simulated machine is like however many processors it has: randomness, its end.
 */
#include <stdlib.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/power.h"
#include "kernel/base/compiler.h"
#include "kernel/sched/thread.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"

static uint64_t entropy = 1;

/* Sixteen sources, each edge-triggered unless configured for a level. No device makes them fire. */
bool arch_irq_exists(unsigned num) { return num < 16; }
bool arch_irq_configure(unsigned num UNUSED, uint32_t mode) {
    return mode == ZX_INTERRUPT_MODE_LEVEL_LOW || mode == ZX_INTERRUPT_MODE_LEVEL_HIGH;
}
void arch_irq_mask(unsigned num UNUSED) {}
void arch_irq_unmask(unsigned num UNUSED) {}

void arch_halt(void) { abort(); }
size_t arch_backtrace(uintptr_t *pcs UNUSED, size_t max UNUSED, const void *frame UNUSED) { return 0; }
bool arch_invariants_hold(void) { return host_irq_on; }
void arch_registers_log(void) {}
void arch_power_off(enum power_code code) {
    if (code == POWER_PANIC) abort();
    host_exit(code == POWER_OK ? 0 : 1);
}

void host_seed(uint64_t seed) { entropy = seed | 1; }

/* A linear congruential step is random enough for handle values that must repeat. */
uint64_t arch_entropy(void) { return entropy = entropy * 6364136223846793005u + 1442695040888963407u; }
