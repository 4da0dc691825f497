/*
 * What the boot loader passed: memory, command line, and the boot archive. Valid from the first line of
 * upcall_start() on; the ranges are page-aligned, ascending, and leave out everything the kernel image, the
 * loader's own data and the archive occupy.
 */
#pragma once

#include "arch/types.h"

#define BOOT_MAX_RANGES 64

struct boot_range {
    paddr_t base;
    uint64_t len;
};

struct boot_ranges {
    struct boot_range range[BOOT_MAX_RANGES];
    size_t count;
};

struct boot_info {
    const char *loader;  /* for the log */
    const char *cmdline; /* NUL-terminated, "" if none */
    struct boot_ranges ram;
    uint64_t ram_total;       /* bytes of RAM reported, used parts included */
    struct boot_range bootfs; /* page-aligned base; len in bytes, 0 if none */
};

const struct boot_info *arch_boot_info(void);
