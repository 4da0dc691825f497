/*
 * A file is lines "outfile INDEX TEXT", the text in base 64, and at its end "outfile INDEX end LEN"; init's own have a
 * name in place of the index. The program is not
 * trusted: each file is taken once, and only those that were asked for, up to LEN_MAX bytes. What cannot be read to its
 * end has no end.
 */
#include "user/init/outfiles.h"

#include <stdio.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/lib/bootfs.h"
#include "user/lib/launch.h"
#include "user/libc/terminal.h"

#define FILES_MAX 64
#define LEN_MAX ((uint64_t)256 << 20)
#define PART 171 /* bytes of a line, whole groups of three */

static bool taken[FILES_MAX];

static void report(const char *name, const char *text) {
    char command[256];
    int len = snprintf(command, sizeof(command), "report outfile %s %s", name, text);
    zx_debug_send_command(launch_resource(), command, (size_t)len);
}

/* `text` has room for four characters for every three bytes, and a NUL. */
static void encode(const unsigned char *bytes, size_t len, char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PADDING = 64 };
    for (size_t at = 0; at < len; at += 3) {
        size_t count = len - at < 3 ? len - at : 3;
        unsigned group = 0;
        for (size_t i = 0; i < 3; i++) group = group << 8 | (i < count ? bytes[at + i] : 0);
        for (size_t i = 0; i < 4; i++) *text++ = digits[i <= count ? group >> (18 - 6 * i) & 63 : PADDING];
    }
    *text = '\0';
}

/* How many files are wanted. */
static uint64_t wanted(void) {
    struct newc_file list;
    char names[4096];
    uint64_t count = 0;
    if (bootfs_find(launch_archive(), "etc/outfiles", &list) != ZX_OK || list.len > sizeof(names)) return 0;
    if (zx_vmo_read(launch_archive(), names, list.offset, list.len) != ZX_OK) return 0;
    for (size_t i = 0; i < list.len; i++) count += names[i] == '\0';
    return count < FILES_MAX ? count : FILES_MAX;
}

static void part_report(const char *name, const unsigned char *bytes, size_t len) {
    char text[PART / 3 * 4 + 1];
    encode(bytes, len, text);
    report(name, text);
}

static void end_report(const char *name, uint64_t len) {
    char text[32];
    snprintf(text, sizeof(text), "end %llu", (unsigned long long)len);
    report(name, text);
}

static void file_report(const struct terminal_file *file, zx_handle_t vmo) {
    unsigned char bytes[PART];
    char name[16];
    snprintf(name, sizeof(name), "%d", (int)file->index);
    for (uint64_t at = 0; at < file->len;) {
        size_t part = file->len - at < PART ? file->len - at : PART;
        if (zx_vmo_read(vmo, bytes, file->offset + at, part) != ZX_OK) return;
        part_report(name, bytes, part);
        at += part;
    }
    end_report(name, file->len);
}

void outfiles_report_own(const char *name, const void *bytes, size_t len) {
    for (size_t at = 0; at < len; at += PART)
        part_report(name, (const unsigned char *)bytes + at, len - at < PART ? len - at : PART);
    end_report(name, len);
}

static bool is_wanted(const struct terminal_file *file) {
    return file->index < wanted() && !taken[file->index] && file->len <= LEN_MAX;
}

bool outfiles_report(const void *text, size_t len, zx_handle_t vmo) {
    struct terminal_file file = {0};
    bool good = len == sizeof(file);
    if (good) memcpy(&file, text, sizeof(file));
    good = good && is_wanted(&file);
    if (good) {
        taken[file.index] = true;
        file_report(&file, vmo);
    }
    zx_handle_close(vmo);
    return good;
}
