/*
 * The kernel's half of the translations, looked at from end to end, for self-tests. A frame may be reached by more
 * than one way, so each way is held against what the frame is: the image's text and constants are writable by none,
 * nothing but text is executable, and that only where it is linked; a page table is reached through the physmap
 * alone.
 */
#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "kernel/base/arith.h"
#include "kernel/base/compiler.h"

extern char kernel_start[], kernel_rodata[], kernel_data[]; /* linker.ld */

/* The tables' frames, as far as there is room for: stacks enough for any test. The caller serialises all checks. */
static uint64_t tables[1024];
static size_t table_count;

static bool is_leaf(uint64_t entry, unsigned level) { return level == 1 || (entry & PTE_LARGE); }

static void tables_collect(uint64_t entry, unsigned level) {
    if (table_count == countof(tables)) return;
    tables[table_count++] = entry & PTE_FRAME;
    const uint64_t *table = entry_table(entry);
    for (unsigned i = level == TOP_LEVEL ? TABLE_ENTRIES / 2 : 0; level > 1 && i < TABLE_ENTRIES; i++) {
        if ((table[i] & PTE_PRESENT) && !is_leaf(table[i], level)) tables_collect(table[i], level - 1);
    }
}

/* Do [a, a + len) and the image's [from, to) have a frame in common? */
static bool overlaps_image(uint64_t pa, uint64_t len, const char *from, const char *to) {
    return pa < (uint64_t)to - KERNEL_IMAGE_BASE && (uint64_t)from - KERNEL_IMAGE_BASE < pa + len;
}

/* `entry` is what all levels together allow. */
static bool leaf_sound(uint64_t entry, vaddr_t va, uint64_t len) {
    const uint64_t pa = entry & PTE_FRAME & ~(len - 1);
    const bool execute = (entry & PTE_NX) != pte_no_execute();
    if (entry & PTE_USER) return false;
    if ((entry & PTE_WRITE) && (execute || overlaps_image(pa, len, kernel_start, kernel_data))) return false;
    if (execute && !range_within(va, len, (vaddr_t)kernel_start, (uint64_t)(kernel_rodata - kernel_start)))
        return false;
    if (pa + PHYSMAP_BASE == va) return true;
    for (size_t i = 0; i < table_count; i++) {
        if (range_within(tables[i], PAGE_SIZE, pa, len)) return false;
    }
    return true;
}

static vaddr_t entry_address(vaddr_t va, unsigned i, unsigned level) {
    va += i * entry_span(level);
    return level == TOP_LEVEL ? va | ~(vaddr_t)0 << 47 : va;
}

/* `above`: what the entries above allow. */
static bool table_sound(const uint64_t *table, unsigned level, vaddr_t va, uint64_t above) {
    for (unsigned i = level == TOP_LEVEL ? TABLE_ENTRIES / 2 : 0; i < TABLE_ENTRIES; i++) {
        uint64_t entry = table[i];
        if (entry == 0) continue;
        if (!(entry & PTE_PRESENT)) return false; /* a processor may guess at a frame that it names */
        const vaddr_t at = entry_address(va, i, level);
        const uint64_t allowed = entry & (above | ~(uint64_t)PTE_WRITE);
        if (is_leaf(entry, level)) {
            if (!leaf_sound(allowed, at, entry_span(level))) return false;
        } else if ((entry & PTE_USER) || !table_sound(entry_table(entry), level - 1, at, allowed & PTE_WRITE)) {
            return false;
        }
    }
    return true;
}

bool arch_kernel_tables_sound(void) {
    table_count = 0;
    tables_collect(kernel_root.raw, TOP_LEVEL);
    return table_sound(arch_phys_to_virt(kernel_root), TOP_LEVEL, 0, PTE_WRITE);
}
