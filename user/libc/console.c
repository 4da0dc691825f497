/*
 * The console, for programs that were given no terminal.
 *
 * Where the machine's run script feeds the console from a pipe or a file, it says init.console=pipe, and puts into the
 * bytes what a serial line lacks: Ctrl-D is the end, and Ctrl-V makes the byte after it an ordinary one. Where nothing
 * can be typed it says init.console=none. Without such a word somebody sits at a terminal. A carriage return, unless
 * Ctrl-V was before it, is a newline.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/libc/signals.h"
#include "user/libc/terminal.h"

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

/* The console gives no less than it is asked for, and more may never come. */
static long console_byte(char *out) {
    size_t wanted = 1;
    zx_status_t status = __port_debug_read(__port_signals(), __port_resource(), out, &wanted);
    return status == ZX_OK ? 1 : status == ZX_ERR_INTERNAL_INTR_RETRY ? -EINTR : 0;
}

static bool console_is(const char *kind) {
    const char *said = getenv("init.console");
    return said && strcmp(said, kind) == 0;
}

size_t __port_console_decode(struct console_input *input, char *text, size_t len) {
    size_t kept = 0;
    for (size_t i = 0; i < len && !input->ended; i++) {
        const char byte = text[i];
        if (input->kind == CONSOLE_PIPE && !input->quoted && (byte == END_OF_INPUT || byte == QUOTE)) {
            input->quoted = byte == QUOTE;
            input->ended = byte == END_OF_INPUT;
        } else {
            text[kept] = byte;
            if (byte == '\r' && !input->quoted) text[kept] = '\n';
            kept++;
            input->quoted = false;
        }
    }
    return kept;
}

void __port_console_input_init(struct console_input *input) {
    *input = (struct console_input){.kind = console_is("pipe") ? CONSOLE_PIPE : CONSOLE_TERMINAL};
    input->ended = console_is("none");
}

long __port_console_read(char *buffer) {
    static struct console_input input;
    long len = 0;
    if (input.kind == CONSOLE_UNKNOWN) __port_console_input_init(&input);
    while (len == 0 && !input.ended) {
        long got = console_byte(buffer);
        if (got != 1) return got;
        len = (long)__port_console_decode(&input, buffer, 1);
    }
    return len;
}
