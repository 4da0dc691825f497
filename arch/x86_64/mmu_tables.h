/*
 * Page tables from the inside, shared by the code that builds the kernel's half at boot and the code that keeps
 * all translations later.
 *
 * Levels are counted from the bottom: an entry of a level-1 table maps 4 KiB, of a level-4 table 512 GiB. An entry that
 * points to a table carries, in bits the processor ignores, how many entries of that table are in use; so
 * dropping the last one is noticed without looking at the others. The address space counts its top-level entries.
 */
#pragma once

#include <stdbool.h>

#include "arch/mmu.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/cpu.h"

#define TABLE_ENTRIES 512u
#define TOP_LEVEL 4u

#define PTE_COUNT_SHIFT 52
#define PTE_COUNT_ONE ((uint64_t)1 << PTE_COUNT_SHIFT)
#define PTE_COUNT_MASK ((uint64_t)0x3ff << PTE_COUNT_SHIFT)

/* What entries that point to tables allow: all that the entries below do; but see arch_mmu_write_protect(). */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE)
#define PTE_USER_TABLE (PTE_TABLE | PTE_USER)

static inline unsigned table_index(vaddr_t va, unsigned level) {
    return (unsigned)(va >> (PAGE_SHIFT + 9 * (level - 1))) % TABLE_ENTRIES;
}

/* How much address space one entry of a table of that level covers. */
static inline uint64_t entry_span(unsigned level) { return (uint64_t)PAGE_SIZE << 9 * (level - 1); }

static inline uint64_t *entry_table(uint64_t entry) { return arch_phys_to_virt((paddr_t){entry & PTE_FRAME}); }

/* The kernel's own top-level table: its half is what every address space copies, its user half stays empty. */
extern paddr_t kernel_root;

/* Copies that half to another top-level table, which is zero; and takes it away. */
void kernel_half_give(uint64_t *top);
void kernel_half_take(uint64_t *top);

/* PTE_NX, or 0 on a processor without it. */
uint64_t pte_no_execute(void);

/* Builds the kernel's half in early memory, and moves over to it. */
void mmu_boot(void);

/* Maps one page of device registers, uncached, for good. Boot only. */
volatile void *mmu_map_device(uint64_t pa);

/* Maps kernel data, within one page, again for good, at an address that reveals nothing but `i` to user code. */
#define SHOWN_COUNT (1 + MAX_CPUS)
vaddr_t mmu_show(unsigned i, const void *data, bool writable);

/* Maps a frame read-only for this processor alone, under a ZX_CACHE_POLICY_*, until closed. Interrupts stay off. */
vaddr_t mmu_window_open(paddr_t pa, uint32_t policy);
void mmu_window_close(void);

/* Can the kernel read at `va` without faulting? */
bool kernel_page_present(vaddr_t va);

/*
 * Process-context identifiers: numbers by which a processor keeps the translations of several address spaces apart, so
 * that it can remember them all. PCID_SHARED is used for the kernel's half alone, and for address spaces that got no
 * number of their own: what is remembered under it is forgotten at each load.
 */
#define PCID_SHARED 0u

/* One that nobody has, or PCID_SHARED if there is none left. Processors may still remember what its last owner had. */
unsigned pcid_take(void);

/* Its owner is loaded nowhere, and will not be again. */
void pcid_give_back(unsigned pcid);

/* Loads an address space on this processor, that has another; or the kernel's half alone. Interrupts are off. */
void mmu_load(struct arch_aspace *as);
void mmu_load_kernel(void);

/* Makes this processor forget [va, va + len) of `as`, or with NULL of the kernel's half. Interrupts are off. */
void mmu_forget(struct arch_aspace *as, vaddr_t va, size_t len);

/* Makes all processors that it concerns forget it, or one page; no spinlock is held. */
void mmu_flush(struct arch_aspace *as, vaddr_t va, size_t len);
void mmu_flush_page(struct arch_aspace *as, vaddr_t va);
