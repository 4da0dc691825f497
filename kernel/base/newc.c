/*
 * Each file is a header, its name, and its data: the last two are padded to multiples of 4. Our own archives have more
 * NULs after the name, so that the data begin on a page. A file of a known name ends the archive.
 */
#include "kernel/base/newc.h"

#include "kernel/base/string.h"

#define MAGIC "070701"
#define LAST_NAME "TRAILER!!!"
#define DIGITS 8

/* All text; the numbers are hexadecimal. */
struct newc_header {
    char magic[6];
    char ino[DIGITS], mode[DIGITS], uid[DIGITS], gid[DIGITS], nlink[DIGITS], mtime[DIGITS], file_size[DIGITS];
    char dev_major[DIGITS], dev_minor[DIGITS], rdev_major[DIGITS], rdev_minor[DIGITS];
    char name_size[DIGITS], check[DIGITS];
};

static bool hex_parse(const char digits[DIGITS], uint64_t *out) {
    *out = 0;
    for (int i = 0; i < DIGITS; i++) {
        char c = digits[i];
        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint64_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *out = *out << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

static uint64_t round_up_4(uint64_t value) { return (value + 3) & ~(uint64_t)3; }

/* No sum wraps: `at` lies within the archive, and sizes have 32 bits. */
zx_status_t newc_read(const struct bytes *archive, uint64_t at, struct newc_file *out) {
    struct {
        struct newc_header header;
        char name[NEWC_MAX_NAME];
    } start;
    uint64_t name_size;
    if (archive->len - at < sizeof(start.header)) return ZX_ERR_IO_DATA_INTEGRITY;
    const size_t start_len = min_u64(sizeof(start), archive->len - at);
    zx_status_t status = bytes_read(archive, at, &start, start_len);
    if (status != ZX_OK) return status;
    if (memcmp(start.header.magic, MAGIC, sizeof(start.header.magic)) != 0 ||
        !hex_parse(start.header.name_size, &name_size) || !hex_parse(start.header.file_size, &out->len))
        return ZX_ERR_IO_DATA_INTEGRITY;
    out->offset = round_up_4(at + sizeof(start.header) + name_size);
    out->next = round_up_4(out->offset + out->len);
    if (!range_within(out->offset, out->len, 0, archive->len)) return ZX_ERR_IO_DATA_INTEGRITY;

    size_t name_len = min_u64(name_size, start_len - sizeof(start.header));
    if (strnlen(start.name, name_len) == name_len) return ZX_ERR_IO_DATA_INTEGRITY;
    memcpy(out->name, start.name, strlen(start.name) + 1);
    return strcmp(out->name, LAST_NAME) == 0 ? ZX_ERR_NOT_FOUND : ZX_OK;
}

zx_status_t newc_find(const struct bytes *archive, const char *name, struct newc_file *out) {
    zx_status_t status;
    for (uint64_t at = 0; (status = newc_read(archive, at, out)) == ZX_OK; at = out->next) {
        if (strcmp(out->name, name) == 0) return ZX_OK;
    }
    return status;
}
