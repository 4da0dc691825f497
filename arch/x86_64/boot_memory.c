/* Memory as short sorted lists of ranges, from the loader's memory map until the page allocator takes over. */
#include "arch/x86_64/boot_memory.h"

#include "arch/mmu.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define EARLY_MAPPED_END ((uint64_t)1 << 32) /* what boot.asm's tables reach */

static uint64_t range_end(const struct boot_range *r) { return r->base.raw + r->len; }

static void range_delete(struct boot_ranges *list, size_t i) {
    list->count--;
    memmove(&list->range[i], &list->range[i + 1], (list->count - i) * sizeof(struct boot_range));
}

/* A list that is full loses its smallest range: some memory stays unused, which harms nobody. */
static void range_drop_smallest(struct boot_ranges *list) {
    size_t smallest = 0;
    for (size_t i = 1; i < list->count; i++) {
        if (list->range[i].len < list->range[smallest].len) smallest = i;
    }
    range_delete(list, smallest);
}

static void range_insert(struct boot_ranges *list, uint64_t base, uint64_t end) {
    if (base >= end) return;
    if (list->count == BOOT_MAX_RANGES) range_drop_smallest(list);
    size_t i = 0;
    while (i < list->count && list->range[i].base.raw < base) i++;
    memmove(&list->range[i + 1], &list->range[i], (list->count - i) * sizeof(struct boot_range));
    list->range[i] = (struct boot_range){{base}, end - base};
    list->count++;
}

void boot_ranges_add(struct boot_ranges *list, uint64_t base, uint64_t len) {
    uint64_t start, end = page_round_down(base + len);
    if (!page_round_up(base, &start) || start >= end) return;
    for (size_t i = 0; i < list->count;) {
        const struct boot_range *r = &list->range[i];
        if (r->base.raw > end || range_end(r) < start) {
            i++;
            continue;
        }
        start = min_u64(start, r->base.raw);
        end = max_u64(end, range_end(r));
        range_delete(list, i);
    }
    range_insert(list, start, end);
}

void boot_ranges_remove(struct boot_ranges *list, uint64_t base, uint64_t len) {
    uint64_t start = page_round_down(base), end;
    if (len == 0 || !page_round_up(base + len, &end)) return;
    for (size_t i = 0; i < list->count;) {
        struct boot_range r = list->range[i];
        if (r.base.raw >= end || range_end(&r) <= start) {
            i++;
            continue;
        }
        range_delete(list, i);
        range_insert(list, r.base.raw, min_u64(range_end(&r), start));
        range_insert(list, max_u64(r.base.raw, end), range_end(&r));
        i = 0;
    }
}

bool boot_ranges_hold(const struct boot_ranges *list, uint64_t base, uint64_t len) {
    for (size_t i = 0; i < list->count; i++) {
        if (range_within(base, len, list->range[i].base.raw, list->range[i].len)) return true;
    }
    return false;
}

paddr_t boot_page_take(void) {
    struct boot_ranges *ram = &boot_info.ram;
    for (size_t i = ram->count; i-- > 0;) {
        struct boot_range *r = &ram->range[i];
        if (range_end(r) > EARLY_MAPPED_END) continue;
        r->len -= PAGE_SIZE;
        paddr_t page = {range_end(r)};
        if (r->len == 0) range_delete(ram, i);
        memset(arch_phys_to_virt(page), 0, PAGE_SIZE);
        return page;
    }
    panic("no memory below 4 GiB for the first page tables");
}
