/*
 * Which address space each processor has loaded, and what processors remember of those that they have not.
 *
 * With PCIDs a processor keeps translations of an address space that it leaves, and uses them again when it comes back.
 * Meanwhile nobody tells it what is dropped; instead it is marked stale, and a stale one forgets the address space as a
 * whole when it loads it. A new address space is stale everywhere. Without PCIDs the marks are kept the same, and each
 * load forgets all that is not global.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/ioports.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/shootdown.h"
#include "kernel/base/compiler.h"
#include "kernel/base/log.h"

/* Who has which number: a bit for each, changed one at a time and without a lock. */
#define PCID_COUNT 4096u
#define WORD_BITS 64u

static _Atomic uint64_t taken[PCID_COUNT / WORD_BITS] = {(uint64_t)1 << PCID_SHARED};

/* A free bit of one word, or WORD_BITS if there is none. */
static unsigned bit_take(_Atomic uint64_t *word) {
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed);
    while (was != UINT64_MAX) {
        if (atomic_compare_exchange_weak(word, &was, was | (was + 1))) return (unsigned)__builtin_ctzll(~was);
    }
    return WORD_BITS;
}

unsigned pcid_take(void) {
    for (unsigned i = 0; i < countof(taken); i++) {
        unsigned bit = bit_take(&taken[i]);
        if (bit < WORD_BITS) return i * WORD_BITS + bit;
    }
    return PCID_SHARED;
}

void pcid_give_back(unsigned pcid) {
    if (pcid != PCID_SHARED) atomic_fetch_and(&taken[pcid / WORD_BITS], ~((uint64_t)1 << pcid % WORD_BITS));
}

/* Beyond so many pages, forgetting everything is cheaper than one after the other. */
#define FLUSH_PAGES_MAX 32u

static uint64_t cr3_of(const struct arch_aspace *as) { return as->root.raw | (cpu_has.pcid ? as->pcid : 0); }

static uint64_t bit_of(const struct percpu *cpu) { return (uint64_t)1 << cpu->cpu.id; }

/* Loads that, and is no longer among the `cpus` of what was loaded before. */
static ALWAYS_INLINE void load(struct percpu *cpu, struct arch_aspace *as, uint64_t cr3) {
    struct arch_aspace *old = cpu->aspace;
    cpu->aspace = as;
    cr3_write(cr3);
    if (old) atomic_fetch_and(&old->cpus, ~bit_of(cpu));
}

/* First among `cpus`, then the looks at ports and mark: arch_ioports_allow() and mmu_flush() rely on it. */
void mmu_load(struct arch_aspace *as) {
    struct percpu *cpu = percpu_this();
    ASSERT(!arch_irq_enabled() && cpu->aspace != as);
    const uint64_t me = bit_of(cpu);
    uint64_t cr3 = cr3_of(as);
    atomic_fetch_or(&as->cpus, me);
    if (unlikely(atomic_load(&as->stale) & me))
        atomic_fetch_and(&as->stale, ~me);
    else if (cr3 & CR3_PCID)
        cr3 |= CR3_KEEP;
    load(cpu, as, cr3);
    if (ioports_differ(cpu, as)) ioports_load(as); /* last: it is rare, and nothing is kept for it */
}

void mmu_load_kernel(void) {
    ASSERT(!arch_irq_enabled());
    load(percpu_this(), NULL, kernel_root.raw);
}

static void pages_forget(vaddr_t va, size_t len) {
    for (size_t done = 0; done < len; done += PAGE_SIZE) invlpg(va + done);
}

/* All that this processor remembers, under every PCID, the kernel's half too: changing the bit does it. */
static void all_forget(void) {
    uint64_t cr4 = cr4_read();
    if (cpu_has.global_pages) {
        cr4_write(cr4 & ~(uint64_t)CR4_PGE);
        cr4_write(cr4);
    } else {
        cr3_write(cr3_read());
    }
}

static void kernel_forget(vaddr_t va, size_t len) {
    if (len > FLUSH_PAGES_MAX * PAGE_SIZE) {
        all_forget();
    } else {
        pages_forget(va, len);
    }
}

/* This processor has it loaded. */
static void user_forget(struct arch_aspace *as, vaddr_t va, size_t len) {
    if (len > FLUSH_PAGES_MAX * PAGE_SIZE) {
        cr3_write(cr3_of(as));
    } else {
        pages_forget(va, len);
    }
}

/* Whoever has not loaded it stays stale. */
void mmu_forget(struct arch_aspace *as, vaddr_t va, size_t len) {
    ASSERT(!arch_irq_enabled());
    struct percpu *cpu = percpu_this();
    if (!as) return kernel_forget(va, len);
    if (cpu->aspace != as) return;
    user_forget(as, va, len);
    atomic_fetch_and(&as->stale, ~((uint64_t)1 << cpu->cpu.id));
}

/*
 * First every processor is marked stale, then those are told that have the address space loaded; they take the mark
 * off when they have forgotten the range. One that is loading it right now either reads its mark after that was set
 * here, and forgets everything; or it read it before, and then it had put itself among `cpus` even earlier, is found
 * there after the exchange, which is a fence, and told. So whoever loads it without a mark was told of every drop while
 * it had it loaded, and missed none since. Drops in one address space do not overlap: no mark is taken off for one that
 * was set for another. This processor needs no mark if it has it loaded: it forgets the range itself, in flush().
 */
static ALWAYS_INLINE uint64_t user_mark_stale(struct arch_aspace *as, const struct percpu *cpu) {
    const uint64_t me = (uint64_t)1 << cpu->cpu.id;
    (void)atomic_exchange(&as->stale, cpu->aspace == as ? ~me : UINT64_MAX);
    return atomic_load(&as->cpus) & ~me;
}

static uint64_t kernel_others(const struct percpu *cpu) {
    atomic_thread_fence(memory_order_seq_cst);
    return cpus_running() & ~((uint64_t)1 << cpu->cpu.id);
}

/* Interrupts are off: no switch can load another address space between asking which one is loaded and acting on it. */
static ALWAYS_INLINE void flush(struct arch_aspace *as, vaddr_t va, size_t len) {
    const bool were_on = arch_irq_disable();
    struct percpu *cpu = percpu_this();
    ASSERT(cpu->cpu.irq_off_depth == 0); /* no spinlock: the others may be waiting for it */
    const uint64_t others = as ? user_mark_stale(as, cpu) : kernel_others(cpu);
    if (unlikely(others != 0)) shootdown_begin(others, as, va, len);
    if (!as)
        kernel_forget(va, len);
    else if (cpu->aspace == as)
        user_forget(as, va, len);
    if (unlikely(others != 0)) shootdown_end();
    if (were_on) arch_irq_enable();
}

void mmu_flush(struct arch_aspace *as, vaddr_t va, size_t len) { flush(as, va, len); }
void mmu_flush_page(struct arch_aspace *as, vaddr_t va) { flush(as, va, PAGE_SIZE); }
