/*
 * Holding the other processors. They wait in an interrupt's handler, with interrupts off, until they are let go; one
 * processor holds at a time.
 *
 * No wait is circular. A processor that waits here, to hold, for others to come or to be released, serves shootdowns
 * meanwhile; one that waits to hold also counts as held. So a shootdown always ends, and its initiator comes
 * afterwards. A processor that holds a spinlock comes once it has released it, which it can: the holder has none.
 * Nobody waits for a processor that panics or is stopped: there is nothing left to resume then.
 *
 * The return from the interrupt serialises. A processor that was held elsewhere, and the holder itself, may return to
 * user mode in a way that does not, so they serialise here.
 */
#include "arch/x86_64/hold.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"

static struct {
    atomic_bool taken;
    _Atomic uint64_t awaited; /* those that were asked to come and have not yet */
} hold;

static uint64_t me(void) { return (uint64_t)1 << arch_this_cpu()->id; }

void hold_serve(void) {
    while (atomic_load(&hold.taken)) {
        if (atomic_load_explicit(&hold.awaited, memory_order_relaxed) & me()) atomic_fetch_and(&hold.awaited, ~me());
        shootdown_serve();
        arch_pause();
    }
    (void)cpuid(0, 0);
}

/* Taken before the others are counted: who joins them meanwhile finds it taken, and waits (start_cpu.c). */
void arch_cpus_hold(void) {
    irq_off();
    ASSERT(arch_this_cpu()->irq_off_depth == 1);
    while (atomic_exchange(&hold.taken, true)) hold_serve();
    uint64_t others = cpus_running() & ~me();
    atomic_store(&hold.awaited, others);
    for (; others != 0; others &= others - 1)
        apic_interrupt(percpu_of((unsigned)__builtin_ctzll(others))->apic_id, VECTOR_HOLD);
    while (atomic_load(&hold.awaited) != 0) {
        shootdown_serve();
        arch_pause();
    }
}

void arch_cpus_release(void) {
    atomic_store(&hold.taken, false);
    (void)cpuid(0, 0);
    irq_restore();
}
