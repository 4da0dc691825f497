/*
 * Names of addresses. A program of the boot archive is mapped from the archive's own pages, and its file there has a
 * symbol table: so the source of a mapping says which program is there, and where it was linked to be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/lib/process_maps.h"

#define SYMBOL_NAME_MAX 64

/* A program of the archive in a process. */
struct module {
    zx_handle_t archive;  /* borrowed */
    uint64_t offset, len; /* of its file, in the archive */
    zx_vaddr_t base, end; /* in the process */
    uint64_t moved;       /* by how much the process has it elsewhere than it was linked to be */
};

/* The program in a process with these mappings; false: none of the archive. */
bool module_find(zx_handle_t archive, const struct process_maps *maps, struct module *out);

struct symbol {
    char name[SYMBOL_NAME_MAX]; /* as a terminal may see it */
    zx_vaddr_t start;           /* of the function, in the process */
};

/* The function at an address of the program; false: it has no name, or the file no table. */
bool symbol_find(const struct module *module, zx_vaddr_t addr, struct symbol *out);
