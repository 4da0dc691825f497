/*
 * Reading the boot archive; see bootfs.h. Each entry is a header of hexadecimal fields, the name with its NUL, and the data; both
 * parts are padded to multiples of four bytes. An entry of a known name ends the archive.
 */
#include "kernel/bootfs.h"

#include "kernel/base/arith.h"
#include "kernel/base/string.h"

#define MAGIC "070701"
#define TRAILER "TRAILER!!!"
#define FIELD_DIGITS 8

/* The header, all text. */
struct newc_header {
    char magic[6];
    char ino[FIELD_DIGITS], mode[FIELD_DIGITS], uid[FIELD_DIGITS], gid[FIELD_DIGITS], nlink[FIELD_DIGITS];
    char mtime[FIELD_DIGITS], filesize[FIELD_DIGITS], devmajor[FIELD_DIGITS], devminor[FIELD_DIGITS];
    char rdevmajor[FIELD_DIGITS], rdevminor[FIELD_DIGITS], namesize[FIELD_DIGITS], check[FIELD_DIGITS];
};

static bool parse_hex(const char digits[FIELD_DIGITS], uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < FIELD_DIGITS; i++) {
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

static uint64_t pad4(uint64_t offset) { return (offset + 3) & ~(uint64_t)3; }

/* One entry at `at`: its name, its data, and where the next one begins. False if it does not fit the archive. */
static bool parse_entry(const char *archive, uint64_t len, uint64_t at, const char **name, struct bootfs_file *file,
                        uint64_t *next) {
    const struct newc_header *header = (const struct newc_header *)(archive + at);
    uint64_t name_len;
    if (!range_within(at, sizeof(*header), 0, len) || memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0)
        return false;
    if (!parse_hex(header->namesize, &name_len) || !parse_hex(header->filesize, &file->len)) return false;
    if (name_len == 0 || !range_within(at + sizeof(*header), name_len, 0, len)) return false;
    *name = archive + at + sizeof(*header);
    if ((*name)[name_len - 1] != '\0') return false;
    file->offset = pad4(at + sizeof(*header) + name_len);
    if (!range_within(file->offset, file->len, 0, len)) return false;
    file->data = archive + file->offset;
    *next = pad4(file->offset + file->len);
    return true;
}

zx_status_t bootfs_find(const void *data, uint64_t len, const char *path, struct bootfs_file *out) {
    const char *name;
    struct bootfs_file file;
    for (uint64_t at = 0, next; at < len; at = next) {
        if (!parse_entry(data, len, at, &name, &file, &next)) return ZX_ERR_IO_DATA_INTEGRITY;
        if (strcmp(name, TRAILER) == 0) return ZX_ERR_NOT_FOUND;
        if (strcmp(name, path) != 0) continue;
        *out = file;
        return ZX_OK;
    }
    return ZX_ERR_NOT_FOUND;
}
