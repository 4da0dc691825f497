/*
 * Writing back and forgetting lines of the caches. Only fences order CLFLUSHOPT and CLWB, and on some processors
 * CLFLUSH: one before, so that all stores are in the caches by then, and one after, so that later accesses wait.
 *
 * The instructions take a linear address, of any memory type. A frame that the physmap lacks is mapped for a moment,
 * uncached.
 */
#include "arch/cache.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/arith.h"

/* Within one page. */
static void lines_flush(uintptr_t va, uintptr_t end) {
    va &= ~(uintptr_t)(cpu_has.cache_line - 1);
    if (cpu_has.clflushopt)
        for (; va < end; va += cpu_has.cache_line) clflushopt(va);
    else
        for (; va < end; va += cpu_has.cache_line) clflush(va);
}

static void lines_clean(uintptr_t va, uintptr_t end) {
    if (!cpu_has.clwb) {
        lines_flush(va, end);
        return;
    }
    va &= ~(uintptr_t)(cpu_has.cache_line - 1);
    for (; va < end; va += cpu_has.cache_line) clwb(va);
}

typedef void lines_fn(uintptr_t va, uintptr_t end);

static void frame_do(paddr_t pa, size_t len, lines_fn *act) {
    uintptr_t va = (uintptr_t)arch_phys_to_virt(pa);
    if (kernel_page_present(va)) {
        act(va, va + len);
        return;
    }
    bool were_on = arch_irq_disable();
    va = mmu_window_open(pa, ZX_CACHE_POLICY_UNCACHED);
    act(va, va + len);
    mmu_window_close();
    if (were_on) arch_irq_enable();
}

static void range_do(paddr_t pa, size_t len, lines_fn *act) {
    mfence();
    for (size_t part; len > 0; len -= part, pa.raw += part) {
        part = min_u64(len, PAGE_SIZE - (pa.raw & PAGE_MASK));
        frame_do(pa, part, act);
    }
    mfence();
}

void arch_cache_clean(paddr_t pa, size_t len) { range_do(pa, len, lines_clean); }
void arch_cache_flush(paddr_t pa, size_t len) { range_do(pa, len, lines_flush); }

/* Caches of code see every store; but a processor may have fetched ahead, until an instruction that serialises. */
void arch_cache_sync(void) { (void)cpuid(0, 0); }
