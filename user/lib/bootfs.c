/*
 * A header is 110 characters: a magic number and thirteen numbers of eight hexadecimal digits. The name follows, and
 * after it, on a multiple of 4, the data. An archive of ours pads names with NULs to push the data to a page; here
 * only the sum has to come out within the VMO.
 */
#include "user/lib/bootfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <zircon/syscalls.h>

#define MAGIC "070701"
#define LAST_NAME "TRAILER!!!"

struct newc_header {
    char magic[6];
    char ino[8];
    char mode[8];
    char uid[8];
    char gid[8];
    char nlink[8];
    char mtime[8];
    char file_size[8];
    char dev_major[8];
    char dev_minor[8];
    char rdev_major[8];
    char rdev_minor[8];
    char name_size[8];
    char check[8];
};

static bool hex_parse(const char digits[8], uint64_t *out) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        char c = digits[i];
        if (c >= '0' && c <= '9') {
            value = value * 16 + (unsigned)(c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            value = value * 16 + (unsigned)((c | 0x20) - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = value;
    return true;
}

static uint64_t round_up_4(uint64_t value) { return (value + 3) & ~(uint64_t)3; }

/* Offsets stay far from wrapping: `at` lies in a VMO that was read there, and the sizes have 32 bits. */
static zx_status_t entry_parse(const struct newc_header *header, uint64_t at, struct bootfs_file *out,
                               uint64_t *name_size) {
    if (memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0) return ZX_ERR_IO_DATA_INTEGRITY;
    if (!hex_parse(header->file_size, &out->len)) return ZX_ERR_IO_DATA_INTEGRITY;
    if (!hex_parse(header->name_size, name_size)) return ZX_ERR_IO_DATA_INTEGRITY;
    out->offset = round_up_4(at + sizeof(*header) + *name_size);
    out->next = round_up_4(out->offset + out->len);
    return ZX_OK;
}

zx_status_t bootfs_read(zx_handle_t vmo, uint64_t at, struct bootfs_file *out) {
    uint64_t vmo_size, name_size;
    zx_status_t status = zx_vmo_get_size(vmo, &vmo_size);
    if (status != ZX_OK) return status;
    struct newc_header header;
    if (at > vmo_size || vmo_size - at < sizeof(header)) return ZX_ERR_IO_DATA_INTEGRITY;
    status = zx_vmo_read(vmo, &header, at, sizeof(header));
    if (status == ZX_OK) status = entry_parse(&header, at, out, &name_size);
    if (status != ZX_OK) return status;
    if (out->offset > vmo_size || out->len > vmo_size - out->offset) return ZX_ERR_IO_DATA_INTEGRITY;

    size_t name_len = name_size < sizeof(out->name) ? name_size : sizeof(out->name);
    status = zx_vmo_read(vmo, out->name, at + sizeof(header), name_len);
    if (status != ZX_OK) return status;
    if (strnlen(out->name, name_len) == name_len) return ZX_ERR_IO_DATA_INTEGRITY;
    return strcmp(out->name, LAST_NAME) == 0 ? ZX_ERR_NOT_FOUND : ZX_OK;
}

zx_status_t bootfs_find(zx_handle_t vmo, const char *name, struct bootfs_file *out) {
    zx_status_t status;
    for (uint64_t at = 0; (status = bootfs_read(vmo, at, out)) == ZX_OK; at = out->next) {
        if (strcmp(out->name, name) == 0) return ZX_OK;
    }
    return status;
}
