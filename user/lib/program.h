/* A program of the boot archive, from the file to an address space. */
#pragma once

#include "kernel/base/elf_image.h"

struct program {
    zx_handle_t archive; /* borrowed */
    uint64_t offset;     /* of its file, in the archive */
    struct elf_image image;
};

/* As elf_image_read(), of a file by its path. Needs READ. ZX_ERR_NOT_FOUND beside its errors; `why` says it. */
zx_status_t program_read(zx_handle_t archive, const char *path, struct program *out, const char **why);

/*
 * Lays it out in an empty address space, and gives the address of its first instruction. What is never written is
 * mapped from the archive's own pages, and can never be made writable; what is written, or not in the file to the last
 * page's end, gets pages of its own.
 */
zx_status_t program_map(const struct program *program, zx_handle_t root_vmar, zx_vaddr_t *entry);
