/*
 * Translations, as a machine keeps them. To the kernel they are only a cache: any translation may be
 * dropped at any time, and a page fault loads it again from the regions and VMOs, which alone know
 * what is mapped where. Hence the contract is this small: load one, drop some, ask.
 *
 * Calls on one address space are serialised by the caller. arch_mmu_drop() returns only when no
 * processor can use the dropped translations any more, so that their pages may be given away.
 */
#pragma once

#include "arch/types.h"

/* What a translation allows; user mode may always read. */
#define MMU_WRITE (1u << 0)
#define MMU_EXECUTE (1u << 1)

struct arch_aspace; /* defined by the machine in arch_inline/mmu.h */

/* The kernel's view of physical memory: cached, readable and writable, never executable. */
static inline void *arch_phys_to_virt(paddr_t pa);
static inline paddr_t arch_virt_to_phys(const void *va); /* only for what arch_phys_to_virt() gave */

/* Of any memory of the kernel's, but best of some hundred bytes; and of whole pages in that view. */
void arch_zero(void *memory, size_t len);
void arch_page_zero(void *page);
void arch_page_copy(void *to, const void *from);

/* Where the addresses end that this processor's translations can lead to. */
uint64_t arch_phys_end(void);

/* An empty user half under the kernel's own half. ZX_ERR_NO_MEMORY. */
[[gnu::warn_unused_result]] zx_status_t arch_mmu_init(struct arch_aspace *as);

/* Frees all tables. No processor may be running on `as`; whole user half is dropped before. */
void arch_mmu_destroy(struct arch_aspace *as);

/*
 * Loads one translation of PAGE_SIZE or MMU_LARGE_PAGE bytes, to which both addresses are aligned, replacing what was
 * there. `cache` is a ZX_CACHE_POLICY_*. ZX_ERR_NO_MEMORY when a table cannot be allocated; nothing is gained then.
 */
[[gnu::warn_unused_result]] zx_status_t arch_mmu_map(struct arch_aspace *as, vaddr_t va, paddr_t pa, size_t size,
                                                     unsigned prot, uint32_t cache);

/*
 * Loads those of `count` pages in a row, all below one table, where the table is and no translation yet: cheaply, and
 * without a result, for they may be wanted soon. A page 0 is left out.
 */
void arch_mmu_map_beside(struct arch_aspace *as, vaddr_t va, const paddr_t *pages, unsigned count, unsigned prot,
                         uint32_t cache);

/* Drops the translations that touch [va, va + len), each as a whole, and emptied tables. Cost: present tables only. */
void arch_mmu_drop(struct arch_aspace *as, vaddr_t va, size_t len);

/*
 * Drops the first translations from `*va` on, of a few tables, and moves `*va` behind them. False: there are none.
 * Cost: these tables only.
 */
bool arch_mmu_drop_some(struct arch_aspace *as, vaddr_t *va);

/*
 * Takes away from the translations of [va, va + len) the permission to write, on all processors. Cost: present tables
 * of pages count as one each, but at the ends.
 */
void arch_mmu_write_protect(struct arch_aspace *as, vaddr_t va, size_t len);

/* Tells the translation of one 4 KiB page, if there is one; `cache` may be NULL. */
bool arch_mmu_query(const struct arch_aspace *as, vaddr_t va, paddr_t *pa, unsigned *prot, uint32_t *cache);

/* Calls `visit` for each 4 KiB of loaded user translations, ascending; stops early and returns false when it does. */
bool arch_mmu_visit(const struct arch_aspace *as, bool (*visit)(vaddr_t va, paddr_t pa, unsigned prot, void *arg),
                    void *arg);

/* Maps a page at [KERNEL_DYNAMIC_BASE, + SIZE), read-write, never executable. Unmapped neighbours are guard pages. */
[[gnu::warn_unused_result]] zx_status_t arch_kernel_map(vaddr_t va, paddr_t pa);
/* Removes `count` such pages at adjoining addresses, on all processors, and returns which they were. */
void arch_kernel_unmap(vaddr_t va, size_t count, paddr_t *pages);

/*
 * Walks the kernel half: no page writable and executable, none open to user mode, and nothing that must not be
 * written, such as the kernel's text, writable at any other address either. For self-tests.
 */
bool arch_kernel_tables_sound(void);

#include "arch_inline/mmu.h"
