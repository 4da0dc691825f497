/*
 * The kernel's half of every address space, built once before there is a page allocator: physmap, image,
 * device registers, and an empty dynamic area. Tables come off the end of free memory by boot_page_take().
 *
 * Large pages are used down to 4 KiB as alignment allows, but 1 GiB pages only above 4 GiB: below are windows to
 * devices, and a processor does not promise that one large page behaves over memory of different kinds.
 */
#include <stddef.h>

#include "arch/x86_64/boot_memory.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "kernel/base/arith.h"
#include "kernel/base/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

/* The device registers' table ends with what processors are shown, and a window of each processor's. */
#define FIRST_WINDOW (TABLE_ENTRIES - MAX_CPUS)
#define FIRST_SHOWN (FIRST_WINDOW - SHOWN_COUNT)
#define FOUR_GIB ((uint64_t)1 << 32)

extern char kernel_start[], kernel_rodata[], kernel_data[], kernel_end[]; /* linker.ld */
extern char boot_stack_guard[];                                           /* boot.asm */

static uint64_t *root;
static uint16_t used_entries[TABLE_ENTRIES / 2]; /* of the kernel's half of that: few, and always the same */
static unsigned used_count;
static uint64_t *device_table;
static unsigned device_pages;

static uint64_t *table_under(uint64_t *entry) {
    if (!(*entry & PTE_PRESENT)) *entry = boot_page_take().raw | PTE_TABLE;
    return entry_table(*entry);
}

/* The entry for `va` in its table of `level`, with the tables above it. */
static uint64_t *entry_at(vaddr_t va, unsigned level) {
    uint64_t *table = root;
    for (unsigned l = TOP_LEVEL; l > level; l--) table = table_under(&table[table_index(va, l)]);
    return &table[table_index(va, level)];
}

static unsigned largest_level(vaddr_t va, uint64_t pa, uint64_t len) {
    unsigned level = cpu_has.huge_pages && pa >= FOUR_GIB ? 3 : 2;
    while (level > 1 && ((va | pa) % entry_span(level) != 0 || len < entry_span(level))) level--;
    return level;
}

static void map_range(vaddr_t va, uint64_t pa, uint64_t len, uint64_t bits) {
    while (len > 0) {
        unsigned level = largest_level(va, pa, len);
        uint64_t span = entry_span(level);
        *entry_at(va, level) = pa | bits | PTE_PRESENT | PTE_GLOBAL | (level > 1 ? PTE_LARGE : 0);
        va += span;
        pa += span;
        len -= span;
    }
}

static uint64_t image_phys(const void *va) { return (uint64_t)va - KERNEL_IMAGE_BASE; }

static void map_image(char *start, char *end, uint64_t bits) {
    map_range((vaddr_t)start, image_phys(start), (uint64_t)(end - start), bits);
}

/* The part of [base, end) that is in [from, to). */
static void map_physmap(uint64_t base, uint64_t end, uint64_t from, uint64_t to, uint64_t bits) {
    base = max_u64(base, from);
    end = min_u64(end, to);
    if (base < end) map_range(PHYSMAP_BASE + base, base, end - base, bits | pte_no_execute());
}

/* The image is written only where it is linked: here nobody could change the kernel's text. */
static void map_ram(const struct boot_range *ram) {
    const uint64_t base = ram->base.raw, end = base + ram->len;
    map_physmap(base, end, 0, image_phys(kernel_start), PTE_WRITE);
    map_physmap(base, end, image_phys(kernel_start), image_phys(kernel_end), 0);
    map_physmap(base, end, image_phys(kernel_end), UINT64_MAX, PTE_WRITE);
}

void mmu_boot(void) {
    kernel_root = boot_page_take();
    root = arch_phys_to_virt(kernel_root);
    for (size_t i = 0; i < boot_physmap()->count; i++) map_ram(&boot_physmap()->range[i]);
    map_image(kernel_start, kernel_rodata, 0);
    map_image(kernel_rodata, kernel_data, pte_no_execute());
    map_image(kernel_data, kernel_end, PTE_WRITE | pte_no_execute());
    *entry_at((vaddr_t)boot_stack_guard, 1) = 0;
    device_table = entry_at(KERNEL_DEVICE_BASE, 1);

    uint64_t *dynamic = entry_at(KERNEL_DYNAMIC_BASE, TOP_LEVEL);
    table_under(dynamic);
    *dynamic += PTE_COUNT_ONE; /* so that it never looks empty: address spaces have copies of this entry */
    for (uint16_t i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++) {
        if (root[i] & PTE_PRESENT) used_entries[used_count++] = i;
    }
    mmu_load_kernel();
}

void kernel_half_give(uint64_t *top) {
    for (unsigned i = 0; i < used_count; i++) top[used_entries[i]] = root[used_entries[i]];
}

void kernel_half_take(uint64_t *top) {
    for (unsigned i = 0; i < used_count; i++) top[used_entries[i]] = 0;
}

static vaddr_t device_set(unsigned i, uint64_t pa, uint32_t policy, uint64_t bits) {
    bits |= PTE_PRESENT | PTE_GLOBAL | pte_no_execute() | (uint64_t)policy << PTE_CACHE_SHIFT;
    device_table[i] = (pa & PTE_FRAME) | bits;
    return KERNEL_DEVICE_BASE + i * PAGE_SIZE + (pa & PAGE_MASK);
}

volatile void *mmu_map_device(uint64_t pa) {
    CHECK(device_pages < FIRST_SHOWN);
    return (volatile void *)device_set(device_pages++, pa, ZX_CACHE_POLICY_UNCACHED_DEVICE, PTE_WRITE);
}

vaddr_t mmu_show(unsigned i, const void *data, bool writable) {
    vaddr_t va = (vaddr_t)data;
    uint64_t pa = va >= KERNEL_IMAGE_BASE ? image_phys(data) : arch_virt_to_phys(data).raw;
    return device_set(FIRST_SHOWN + i, pa, ZX_CACHE_POLICY_CACHED, writable ? PTE_WRITE : 0);
}

vaddr_t mmu_window_open(paddr_t pa, uint32_t policy) {
    return device_set(FIRST_WINDOW + arch_this_cpu()->id, pa.raw, policy, 0);
}

/* What is not present is not remembered: opening needs none of this. */
void mmu_window_close(void) {
    unsigned i = FIRST_WINDOW + arch_this_cpu()->id;
    device_table[i] = 0;
    invlpg(KERNEL_DEVICE_BASE + i * PAGE_SIZE);
}
