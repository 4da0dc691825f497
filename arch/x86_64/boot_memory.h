/* Memory before there is a page allocator. */
#pragma once

#include "arch/boot.h"

/* Reads what the loader left at `info`, which it introduced itself by `magic`, into arch_boot_info(). Copies all. */
void boot_info_read(uint32_t magic, uint64_t info);

/* ACPI's root pointer; 0 if unknown. */
paddr_t boot_acpi_rsdp(void);

/* A zeroed page for good, off the end of free memory below 4 GiB; free memory no longer counts it. */
paddr_t boot_page_take(void);

/* What the physmap shows: RAM, used by firmware or free, and nothing else. */
const struct boot_ranges *boot_physmap(void);

/* Lists of ranges stay ascending, page-aligned and without neighbours that touch. Takes in whole pages only. */
void boot_ranges_add(struct boot_ranges *list, uint64_t base, uint64_t len);
/* Takes out every page that it touches. */
void boot_ranges_remove(struct boot_ranges *list, uint64_t base, uint64_t len);
/* Is all of it within one range? */
bool boot_ranges_hold(const struct boot_ranges *list, uint64_t base, uint64_t len);

extern struct boot_info boot_info;
