/*
 * Lists of ranges, by which the machine keeps memory until there is an allocator: what firmware's maps do to them.
 */
#include "arch/x86_64/boot_memory.h"
#include "tests/kernel/support.h"

static bool is(const struct boot_ranges *list, size_t i, uint64_t first, uint64_t npages) {
    return i < list->count && list->range[i].base.raw == PAGES(first) && list->range[i].len == PAGES(npages);
}

KTEST("boot/ranges take in whole pages only, join what touches or overlaps, and stay in order") {
    struct boot_ranges list = {.count = 0};
    boot_ranges_add(&list, PAGES(8) + 1, PAGES(2));
    EXPECT(list.count == 1 && is(&list, 0, 9, 1));
    boot_ranges_add(&list, PAGES(2), PAGES(1));
    boot_ranges_add(&list, PAGES(4) + 1, PAGE_SIZE);
    EXPECT(list.count == 2 && is(&list, 0, 2, 1) && is(&list, 1, 9, 1));
    boot_ranges_add(&list, PAGES(3), PAGES(6));
    EXPECT(list.count == 1 && is(&list, 0, 2, 8));
    boot_ranges_add(&list, PAGES(20), 0);
    boot_ranges_add(&list, UINT64_MAX - 5, 3);
    EXPECT(list.count == 1);
}

KTEST("boot/every page that is touched is taken out, and what is left of a range stays") {
    struct boot_ranges list = {.count = 0};
    boot_ranges_add(&list, PAGES(10), PAGES(10));
    boot_ranges_remove(&list, PAGES(12) + 1, PAGE_SIZE);
    EXPECT(list.count == 2 && is(&list, 0, 10, 2) && is(&list, 1, 14, 6));
    EXPECT(boot_ranges_hold(&list, PAGES(14), PAGES(6)) && !boot_ranges_hold(&list, PAGES(13), PAGES(2)));
    EXPECT(!boot_ranges_hold(&list, PAGES(11), PAGES(4)) && !boot_ranges_hold(&list, PAGES(14), UINT64_MAX));
    boot_ranges_remove(&list, 0, PAGES(14));
    EXPECT(list.count == 1 && is(&list, 0, 14, 6));
    boot_ranges_remove(&list, PAGES(14), 0);
    boot_ranges_remove(&list, 0, ~(uint64_t)PAGE_MASK);
    EXPECT(list.count == 0);
}

KTEST("boot/a list that is full loses its smallest range") {
    struct boot_ranges list = {.count = 0};
    for (uint64_t i = 0; i < BOOT_MAX_RANGES; i++) boot_ranges_add(&list, PAGES(10 * i), PAGES(i == 7 ? 1 : 2));
    boot_ranges_add(&list, PAGES(5000), PAGES(3));
    EXPECT(list.count == BOOT_MAX_RANGES && !boot_ranges_hold(&list, PAGES(70), PAGE_SIZE));
    EXPECT(is(&list, BOOT_MAX_RANGES - 1, 5000, 3) && is(&list, 7, 80, 2));
}
