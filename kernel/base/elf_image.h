/*
 * The memory image that an ELF file describes. The file is not trusted: an image is returned only if its segments are
 * ordered, share no page, lie within the file and within user addresses, and are never both writable and executable.
 * User programs are built with this reader too.
 */
#pragma once

#include "kernel/base/bytes.h"

#define ELF_MAX_SEGMENTS 16

struct elf_segment {
    uint64_t addr;        /* page-aligned, from elf_image.base on */
    uint64_t len;         /* whole pages */
    uint64_t offset;      /* page-aligned, in the file */
    uint64_t file_len;    /* bytes from `offset` on to take from the file; the rest is zeros */
    zx_vm_option_t perms; /* ZX_VM_PERM_* */
    bool shared;          /* can be mapped as it lies in the file: never written, no zeros to add, no page beyond it */
};

struct elf_image {
    bool relocatable; /* may lie anywhere: addresses count from 0 */
    uint64_t base;    /* where the first segment begins */
    uint64_t len;     /* to the end of the last */
    uint64_t align;   /* what a relocatable one may be moved by is a multiple of this; a page or more */
    uint64_t entry;
    size_t segment_count;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};

/* Reads the program in [offset, + len). IO_DATA_INTEGRITY: not sound, NOT_SUPPORTED: for others; `why` says it. */
zx_status_t elf_image_read(const struct bytes *archive, uint64_t offset, uint64_t len, struct elf_image *out,
                           const char **why);
