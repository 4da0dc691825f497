/*
 * The console, for programs that were given no terminal.
 *
 * Where the machine's run script feeds the console from a pipe or a file, it says init.console=pipe, and puts into the
 * bytes what a serial line lacks: Ctrl-D is the end, and Ctrl-V makes the byte after it an ordinary one. Where nothing
 * can be typed it says init.console=none. Without such a word somebody sits at a terminal.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/libc/signals.h"

#define CHUNK 256
#define END_OF_INPUT 0x04
#define QUOTE 0x16

void __port_console_write(const char *text, size_t len) {
    while (len > 0) {
        size_t part = len < CHUNK ? len : CHUNK;
        zx_debug_write(text, part);
        text += part;
        len -= part;
    }
}

static long console_byte(char *out) {
    size_t wanted = 1;
    zx_status_t status = __port_debug_read(__port_signals(), __port_resource(), out, &wanted);
    return status == ZX_OK ? 1 : status == ZX_ERR_INTERNAL_INTR_RETRY ? -EINTR : 0;
}

/* One byte at a time, for the console gives no less than it is asked for, and more may never come. */
long __port_console_read(char *buffer) {
    static bool ended, quoted;
    const char *kind = getenv("init.console");
    if (!kind) kind = "";
    if (ended || strcmp(kind, "none") == 0) return 0;
    long got = console_byte(buffer);
    if (got == 1 && strcmp(kind, "pipe") == 0 && !quoted && *buffer == QUOTE) {
        quoted = true;
        got = console_byte(buffer);
    }
    if (got == 1 && strcmp(kind, "pipe") == 0 && !quoted) ended = *buffer == END_OF_INPUT;
    if (got == 1) quoted = false;
    return ended ? 0 : got;
}
