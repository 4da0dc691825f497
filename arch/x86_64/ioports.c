/*
 * I/O ports of user code. An address space keeps a map of those that it was given, a bit set for each, in pages that it
 * takes when it needs them. Each processor's task state has a map of its own, with a bit clear for each port that is
 * allowed; it is written when an address space is loaded that has ports, or that follows one that has.
 *
 * Bits are only ever set until the address space ends. To give ports, a processor sets the bits, looks which others
 * have the address space loaded, and tells those. A processor that is loading it puts itself among them first and reads
 * the map afterwards: it reads the new bits, or is told of them.
 *
 * While no address space is loaded, a task state may keep what the last one had. No user code runs then.
 */
#include "arch/ioports.h"

#include "arch/upcall.h"
#include "arch/x86_64/ioports.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "kernel/base/arith.h"

#define WORD_BITS 64u
#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

_Static_assert(PORT_MAP_WORDS == PORT_MAP_PAGES * PAGE_WORDS);

/* A word of the address space's map; its page is there. */
static _Atomic uint64_t *map_word(const struct arch_aspace *as, uint32_t i) {
    return (_Atomic uint64_t *)arch_phys_to_virt(as->ports[i / PAGE_WORDS]) + i % PAGE_WORDS;
}

static uint64_t allowed(const struct arch_aspace *as, uint32_t i) {
    return as->ports[i / PAGE_WORDS].raw ? atomic_load_explicit(map_word(as, i), memory_order_relaxed) : 0;
}

void ioports_load(const struct arch_aspace *as) {
    struct percpu *cpu = percpu_this();
    const uint32_t end = atomic_load_explicit(&as->ports_end, memory_order_acquire);
    for (uint32_t i = 0; i < end; i++) cpu->tss->ports[i] = ~allowed(as, i);
    for (uint32_t i = end; i < cpu->ports_end; i++) cpu->tss->ports[i] = UINT64_MAX;
    cpu->tss->io_bitmap = end ? offsetof(struct tss, ports) : TSS_NO_PORTS;
    cpu->ports_end = end;
}

static void reload(struct arch_aspace *as) {
    if (percpu_this()->aspace == as) ioports_load(as);
}

/* Allocates the pages for words [first, end). On failure those allocated stay for the next time. */
static zx_status_t pages_take(struct arch_aspace *as, uint32_t first, uint32_t end) {
    zx_status_t status = ZX_OK;
    for (uint32_t i = first / PAGE_WORDS; i * PAGE_WORDS < end && status == ZX_OK; i++) {
        if (as->ports[i].raw == 0) status = upcall_table_alloc(&as->ports[i]);
    }
    return status;
}

static void bits_set(struct arch_aspace *as, uint32_t first, uint32_t count) {
    for (uint32_t bit, n; count > 0; first += n, count -= n) {
        bit = first % WORD_BITS;
        n = (uint32_t)min_u64(count, WORD_BITS - bit);
        atomic_fetch_or(map_word(as, first / WORD_BITS), UINT64_MAX >> (WORD_BITS - n) << bit);
    }
}

zx_status_t arch_ioports_allow(struct arch_aspace *as, uint32_t first, uint32_t count) {
    const uint32_t end = (first + count + WORD_BITS - 1) / WORD_BITS;
    zx_status_t status = pages_take(as, first / WORD_BITS, end);
    if (status != ZX_OK) return status;
    bits_set(as, first, count);
    if (end > as->ports_end) atomic_store(&as->ports_end, end);
    bool were_on = arch_irq_disable();
    atomic_thread_fence(memory_order_seq_cst);
    reload(as);
    shootdown_act(atomic_load(&as->cpus) & ~((uint64_t)1 << arch_this_cpu()->id), as, reload);
    if (were_on) arch_irq_enable();
    return ZX_OK;
}

void ioports_free(struct arch_aspace *as) {
    for (unsigned i = 0; i < PORT_MAP_PAGES; i++) {
        if (as->ports[i].raw) upcall_table_free(as->ports[i]);
    }
}
