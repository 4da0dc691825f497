/*
 * Free memory as a short sorted list of ranges, from the loader's memory map until the page allocator takes over.
 */
#include "arch/x86_64/boot_memory.h"

#include "arch/mmu.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define EARLY_MAPPED_END ((uint64_t)1 << 32) /* what boot.asm's tables reach */

static size_t range_count(void) { return boot_info.ram_count; }

static uint64_t range_end(const struct boot_range *r) { return r->base.raw + r->len; }

static void range_delete(size_t i) {
    memmove(&boot_info.ram[i], &boot_info.ram[i + 1], (range_count() - i - 1) * sizeof(struct boot_range));
    boot_info.ram_count--;
}

/* A list that is full loses its smallest range: some memory stays unused, which harms nobody. */
static void range_drop_smallest(void) {
    size_t smallest = 0;
    for (size_t i = 1; i < range_count(); i++) {
        if (boot_info.ram[i].len < boot_info.ram[smallest].len) smallest = i;
    }
    range_delete(smallest);
}

static void range_insert(uint64_t base, uint64_t end) {
    if (base >= end) return;
    if (range_count() == BOOT_MAX_RANGES) range_drop_smallest();
    size_t i = 0;
    while (i < range_count() && boot_info.ram[i].base.raw < base) i++;
    memmove(&boot_info.ram[i + 1], &boot_info.ram[i], (range_count() - i) * sizeof(struct boot_range));
    boot_info.ram[i] = (struct boot_range){{base}, end - base};
    boot_info.ram_count++;
}

/* Takes in whole pages only, and swallows every range that it overlaps or touches. */
void boot_ram_add(uint64_t base, uint64_t len) {
    uint64_t start, end = page_round_down(base + len);
    if (!page_round_up(base, &start) || start >= end) return;
    for (size_t i = 0; i < range_count();) {
        const struct boot_range *r = &boot_info.ram[i];
        if (r->base.raw > end || range_end(r) < start) {
            i++;
            continue;
        }
        start = min_u64(start, r->base.raw);
        end = max_u64(end, range_end(r));
        range_delete(i);
    }
    range_insert(start, end);
}

/* Takes out every page that it touches. */
void boot_ram_remove(uint64_t base, uint64_t len) {
    uint64_t start = page_round_down(base), end;
    if (len == 0 || !page_round_up(base + len, &end)) return;
    for (size_t i = 0; i < range_count();) {
        struct boot_range r = boot_info.ram[i];
        if (r.base.raw >= end || range_end(&r) <= start) {
            i++;
            continue;
        }
        range_delete(i);
        range_insert(r.base.raw, min_u64(range_end(&r), start));
        range_insert(max_u64(r.base.raw, end), range_end(&r));
        i = 0;
    }
}

paddr_t boot_page_take(void) {
    for (size_t i = range_count(); i-- > 0;) {
        struct boot_range *r = &boot_info.ram[i];
        if (range_end(r) > EARLY_MAPPED_END) continue;
        r->len -= PAGE_SIZE;
        paddr_t page = {range_end(r)};
        if (r->len == 0) range_delete(i);
        memset(arch_phys_to_virt(page), 0, PAGE_SIZE);
        return page;
    }
    panic("no memory below 4 GiB for the first page tables");
}
