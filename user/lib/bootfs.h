/*
 * The boot archive as a program has it: files by name in a VMO, each one's data beginning on a page so that it can be
 * mapped as it lies. It is read by vmo_read, a header at a time.
 */
#pragma once

#include "kernel/base/newc.h"

/* The archive in a VMO, borrowed; for as long as the VMO keeps its size. */
struct bootfs {
    struct bytes bytes;
    zx_handle_t vmo;
};

/* Needs READ. */
zx_status_t bootfs_open(zx_handle_t vmo, struct bootfs *out);

/* Opens and finds: ZX_ERR_NOT_FOUND, ZX_ERR_IO_DATA_INTEGRITY if the archive is damaged before the file. */
zx_status_t bootfs_find(zx_handle_t vmo, const char *name, struct newc_file *out);
