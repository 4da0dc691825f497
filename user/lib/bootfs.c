/* The boot archive in a VMO; see bootfs.h. */
#include "user/lib/bootfs.h"

#include <zircon/syscalls.h>

static zx_status_t vmo_bytes_read(const struct bytes *from, uint64_t at, void *buffer, size_t len) {
    const struct bootfs *archive = (const struct bootfs *)from; /* its first member */
    return zx_vmo_read(archive->vmo, buffer, at, len);
}

zx_status_t bootfs_open(zx_handle_t vmo, struct bootfs *out) {
    *out = (struct bootfs){.bytes = {.read = vmo_bytes_read}, .vmo = vmo};
    return zx_vmo_get_size(vmo, &out->bytes.len);
}

zx_status_t bootfs_find(zx_handle_t vmo, const char *name, struct newc_file *out) {
    struct bootfs archive;
    zx_status_t status = bootfs_open(vmo, &archive);
    return status == ZX_OK ? newc_find(&archive.bytes, name, out) : status;
}
