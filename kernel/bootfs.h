/*
 * The boot archive: a cpio archive in the "newc" format, as the boot loader left it in memory.
 */
#pragma once

#include "arch/types.h"
#include "kernel/base/compiler.h"

struct bootfs_file {
    const void *data;
    uint64_t offset; /* of the data in the archive */
    uint64_t len;
};

/* NOT_FOUND, IO_DATA_INTEGRITY when the archive is damaged before the file is found. Reads within [data, data + len) only. */
MUST_CHECK zx_status_t bootfs_find(const void *data, uint64_t len, const char *path, struct bootfs_file *out);
