/*
 * The boot archive: files by name, in newc cpio format, each one's data beginning on a page of the VMO so that it can
 * be mapped as it lies. Read by vmo_read, a header at a time; whatever the archive says is checked against its VMO's
 * size.
 */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

#define BOOTFS_MAX_NAME 256

struct bootfs_file {
    char name[BOOTFS_MAX_NAME];
    uint64_t offset; /* of its data, in the VMO */
    uint64_t len;
    uint64_t next; /* where the following header is */
};

/*
 * Reads the file whose header is at `at`; the first is at 0. ZX_ERR_NOT_FOUND at the archive's end,
 * ZX_ERR_IO_DATA_INTEGRITY if it is damaged there. Needs READ.
 */
zx_status_t bootfs_read(zx_handle_t vmo, uint64_t at, struct bootfs_file *out);

/* Finds a file by name; results as above. */
zx_status_t bootfs_find(zx_handle_t vmo, const char *name, struct bootfs_file *out);
