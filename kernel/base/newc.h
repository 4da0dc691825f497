/*
 * Archives in cpio's "newc" format, as the boot archive is one. The archive is not trusted: every file that is returned
 * lies within it. Programs are compiled with this reader too.
 */
#pragma once

#include "kernel/base/bytes.h"

#define NEWC_MAX_NAME 256 /* with its NUL */

struct newc_file {
    char name[NEWC_MAX_NAME];
    uint64_t offset; /* of its data, in the archive */
    uint64_t len;
    uint64_t next; /* where the following header is */
};

/* Reads the file whose header is at `at`, the first at 0. NOT_FOUND: the archive's end; IO_DATA_INTEGRITY: damaged. */
zx_status_t newc_read(const struct bytes *archive, uint64_t at, struct newc_file *out);

/* Finds a file by name; results as above. */
zx_status_t newc_find(const struct bytes *archive, const char *name, struct newc_file *out);
