/*
 * What each simulated processor remembers of translations: all that it ever looked up, until somebody has it forget
 * them. So a change of a table that is not followed by forgetting, or is followed too late, shows: the processor goes
 * on to use what it knows.
 */
#include "arch/mmu.h"
#include "kernel/base/compiler.h"
#include "tests/host/explore/explore.h"
#include "tests/host/memory.h"

#define ENTRIES 32

static struct translation {
    const struct arch_aspace *as; /* NULL: unused */
    vaddr_t page;
    paddr_t pa;
    bool write;
    uint32_t cache;
} known[CPUS][ENTRIES];
static unsigned next[CPUS]; /* the entry that is used next; what was in it goes, as on any processor */

static struct translation *find(const struct arch_aspace *as, vaddr_t page) {
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct translation *t = &known[cpus_running()][i];
        if (t->as == as && t->page == page) return t;
    }
    return NULL;
}

bool host_translate(const struct arch_aspace *as, vaddr_t va, bool write, paddr_t *pa, uint32_t *cache) {
    const vaddr_t page = va & ~(vaddr_t)PAGE_MASK;
    unsigned prot;
    struct translation *t = find(as, page);
    /* One that does not allow it is looked up again. */
    if (!t || (write && !t->write)) {
        if (!arch_mmu_query(as, va, pa, &prot, cache)) return false;
        if (!t) t = &known[cpus_running()][next[cpus_running()]++ % ENTRIES];
        *t = (struct translation){as, page, *pa, prot & MMU_WRITE, *cache};
    }
    *pa = t->pa;
    *cache = t->cache;
    return !write || t->write;
}

void host_forget(const struct arch_aspace *as, vaddr_t va, size_t len) {
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned i = 0; i < ENTRIES; i++) {
            struct translation *t = &known[cpu][i];
            if (t->as == as && t->page + PAGE_SIZE > va && t->page < va + len) t->as = NULL;
        }
    }
}

void tlb_visit(const struct arch_aspace *as, bool (*visit)(vaddr_t va, paddr_t pa, unsigned prot, void *arg),
               void *arg) {
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned i = 0; i < ENTRIES; i++) {
            const struct translation *t = &known[cpu][i];
            if (t->as == as) (void)!visit(t->page, t->pa, t->write ? MMU_WRITE : 0, arg);
        }
    }
}
