/*
 * Memory before there is a page allocator.
 */
#pragma once

#include "arch/boot.h"

/* Reads what the loader left at `info`, which it introduced itself by `magic`, into arch_boot_info(). Copies all. */
void boot_info_read(uint32_t magic, uint64_t info);

/* ACPI's root pointer; 0 if unknown. */
paddr_t boot_acpi_rsdp(void);

/* A zeroed page for good, off the end of free memory below 4 GiB; free memory no longer counts it. */
paddr_t boot_page_take(void);

/* Where the physmap must reach: past the last byte of RAM, used by firmware or free; a multiple of 2 MiB. */
uint64_t boot_physmap_end(void);

/* Range arithmetic on arch_boot_info()->ram, which stays ascending, page-aligned and without neighbours that touch. */
void boot_ram_add(uint64_t base, uint64_t len);
void boot_ram_remove(uint64_t base, uint64_t len);

extern struct boot_info boot_info;
