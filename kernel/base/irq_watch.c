/*
 * The longest time with interrupts off; see irq_watch.h. Kept for all processors together: of two that end a longest
 * one at the same moment, one may be forgotten.
 */
#include "kernel/base/irq_watch.h"

#ifdef DEBUG

#include "arch/time.h"
#include "kernel/base/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/symbols.h"

bool irq_watch_on;

static _Atomic zx_duration_t longest;
static _Atomic uintptr_t longest_by;

void irq_watch_init(void) { irq_watch_on = option_bool("kernel.irq.watch", false); }

void irq_watch_begin(struct cpu *cpu) { cpu->irq_off_since = arch_time_now(); }

void irq_watch_end(struct cpu *cpu) {
    zx_duration_t took = cpu->irq_off_since ? arch_time_now() - cpu->irq_off_since : 0;
    if (took <= atomic_load_explicit(&longest, memory_order_relaxed)) return;
    atomic_store_explicit(&longest, took, memory_order_relaxed);
    atomic_store_explicit(&longest_by, (uintptr_t)__builtin_return_address(0), memory_order_relaxed);
}

void irq_watch_report(void) {
    if (!irq_watch_on) return;
    size_t offset;
    report_line("# interrupts off for %ld ns at most, in %s", atomic_load(&longest),
                symbol_find(atomic_load(&longest_by), &offset));
}

#endif
