/*
 * TLB shootdown, and what else others are to do about an address space. One request at a time, in one place that all
 * can see: whoever asks puts it there, interrupts those concerned, does its own part while they do theirs, and waits
 * until each has taken its bit away. All that is done with interrupts off, so whoever waits for its turn serves
 * meanwhile what others ask of it.
 */
#include "arch/x86_64/shootdown.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "kernel/base/log.h"
#include "kernel/base/trace.h"

static struct {
    atomic_bool taken;
    struct arch_aspace *as;
    vaddr_t va;
    size_t len;
    void (*act)(struct arch_aspace *as); /* NULL: to forget a range */
    _Atomic uint64_t pending;            /* who has not done it yet; set last, so that it publishes the rest */
} request;

void shootdown_serve(void) {
    ASSERT(!arch_irq_enabled());
    uint64_t me = (uint64_t)1 << arch_this_cpu()->id;
    if (!(atomic_load_explicit(&request.pending, memory_order_acquire) & me)) return;
    if (request.act)
        request.act(request.as);
    else
        mmu_forget(request.as, request.va, request.len);
    atomic_fetch_and_explicit(&request.pending, ~me, memory_order_release);
}

static void begin(uint64_t mask, struct arch_aspace *as, vaddr_t va, size_t len, void (*act)(struct arch_aspace *as)) {
    ASSERT(!arch_irq_enabled() && arch_this_cpu()->irq_off_depth == 0);
    trace(KTRACE_GRP_MEMORY, KTRACE_SHOOTDOWN, 0, mask, len);
    while (atomic_exchange_explicit(&request.taken, true, memory_order_acquire)) {
        shootdown_serve();
        arch_pause();
    }
    request.as = as;
    request.va = va;
    request.len = len;
    request.act = act;
    atomic_store_explicit(&request.pending, mask, memory_order_release);
    for (; mask != 0; mask &= mask - 1)
        apic_interrupt(percpu_of((unsigned)__builtin_ctzll(mask))->apic_id, VECTOR_SHOOTDOWN);
}

void shootdown_begin(uint64_t mask, struct arch_aspace *as, vaddr_t va, size_t len) { begin(mask, as, va, len, NULL); }

void shootdown_end(void) {
    while (atomic_load_explicit(&request.pending, memory_order_acquire) != 0) arch_pause();
    atomic_store_explicit(&request.taken, false, memory_order_release);
    trace(KTRACE_GRP_MEMORY, KTRACE_SHOOTDOWN_END, 0, 0, 0);
}

void shootdown_act(uint64_t mask, struct arch_aspace *as, void (*act)(struct arch_aspace *as)) {
    if (mask == 0) return;
    begin(mask, as, 0, 0, act);
    shootdown_end();
}
