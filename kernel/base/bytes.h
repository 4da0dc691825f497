/*
 * Bytes to read from, wherever they are: the boot archive, which the kernel has in memory and programs as a VMO. The
 * readers of archives and programs are made of nothing else, so that both can use them.
 */
#pragma once

#include <zircon/types.h>

#include "kernel/base/arith.h"

struct bytes {
    uint64_t len;
    /* Reads a range within `len`. It can still fail, if the bytes have been removed meanwhile. */
    zx_status_t (*read)(const struct bytes *from, uint64_t at, void *buffer, size_t len);
};

/* IO_DATA_INTEGRITY if there are not so many. */
static inline zx_status_t bytes_read(const struct bytes *from, uint64_t at, void *buffer, size_t len) {
    return range_within(at, len, 0, from->len) ? from->read(from, at, buffer, len) : ZX_ERR_IO_DATA_INTEGRITY;
}
