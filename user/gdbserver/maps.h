/* What a debugged process has in its address space, and where its program is in it. */
#pragma once

#include <elf.h>
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

/*
 * A line for each mapping, as Linux has it in /proc; free() it. Where Linux has a file's number it has the memory
 * object's koid, or 0, for who would look for a file.
 */
char *maps_text(struct debug_process *p, bool koids, size_t *len);

/* Programs are found by name under bin/; a process that was renamed is not. */
#define PROGRAM_PATH_MAX (ZX_MAX_NAME_LEN + 8)
bool program_path(const struct debug_process *p, char path[PROGRAM_PATH_MAX]);

/* Facts about the program, in the order of <elf.h>'s auxiliary vector; false: no program is found. */
#define PROGRAM_FACTS 6
bool program_facts(struct debug_process *p, uint64_t facts[PROGRAM_FACTS][2]);

/* The program's segment of thread-local variables; false: it has none. */
bool program_variables(struct debug_process *p, Elf64_Phdr *out);
