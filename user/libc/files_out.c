/*
 * Files that the host wants back when the program exits: etc/outfiles of the archive has their names, each ended by a
 * NUL. The giver of the program's input takes them.
 */
#include <string.h>
#include <zircon/syscalls.h>

#include "kernel/base/newc.h"
#include "user/libc/files.h"
#include "user/libc/port.h"
#include "user/libc/terminal.h"

#define NAMES_MAX 4096

static void send(uint64_t index, const char *name) {
    struct place place;
    if (__port_place(__port_files_root(), name, &place) != 0 || !place.node || !S_ISREG(place.node->mode)) return;
    const struct node *node = place.node;
    const struct terminal_file file = {index, node->base, node->len};
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    if (node->len > 0 && zx_handle_duplicate(node->vmo, ZX_RIGHT_READ | ZX_RIGHT_TRANSFER, &vmo) != ZX_OK) return;
    __port_input_send(TERMINAL_FILE, &file, sizeof(file), vmo);
}

void __port_files_bring_back(void) {
    static char names[NAMES_MAX + 1];
    struct bytes archive;
    struct newc_file list;
    if (!__port_archive_open(&archive) || newc_find(&archive, "etc/outfiles", &list) != ZX_OK) return;
    if (list.len > NAMES_MAX || bytes_read(&archive, list.offset, names, list.len) != ZX_OK) return;
    __port_lock(&__port_files);
    uint64_t index = 0;
    if (__port_files_start() == 0)
        for (size_t at = 0; at < list.len; at += strlen(names + at) + 1) send(index++, names + at);
    __port_unlock(&__port_files);
}
