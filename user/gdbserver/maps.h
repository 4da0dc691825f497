/* What a debugged process has in its address space, and where its program lies in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/lib/debug.h"

/* The mappings, in ascending order; free() them. NULL: they cannot be had. */
zx_info_maps_t *maps_get(struct debug_process *p, size_t *count);

/* The mapping at an address, or the gap. */
struct region {
    zx_vaddr_t base, len;
    bool mapped;
    uint32_t perms;
};
bool region_find(struct debug_process *p, zx_vaddr_t addr, struct region *out);

/* A line for each mapping, as Linux has it in /proc; free() it. */
char *maps_text(struct debug_process *p, size_t *len);

/* Facts about the program, in the order of <elf.h>'s auxiliary vector; false: no program is found. */
#define PROGRAM_FACTS 6
bool program_facts(struct debug_process *p, uint64_t facts[PROGRAM_FACTS][2]);
