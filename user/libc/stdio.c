/*
 * The standard streams, over the launcher's terminal or the console (terminal.h): output a line at a time, errors at
 * once, and input as it comes, which is at its end for a program that was given neither terminal nor root resource.
 * Each is made with fopencookie, stdio's public way to define a stream, and then moved to where musl's own functions
 * look for it: objects named __stdout_FILE and so on, which musl would fill with a stream over a Linux file
 * descriptor. Nothing in a stream points into itself, so that its bytes can be moved; what it points to stays where
 * fopencookie put it.
 *
 * __stdout_used and its sisters are how exit() and fflush(NULL) find these three.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/libc/port.h"

/* Room for musl's FILE, which is smaller, and smaller than what fopencookie allocates. */
struct port_stream {
    _Alignas(16) char bytes[256];
};

struct port_stream __stdin_FILE, __stdout_FILE, __stderr_FILE;
FILE *const stdin = (FILE *)&__stdin_FILE;
FILE *const stdout = (FILE *)&__stdout_FILE;
FILE *const stderr = (FILE *)&__stderr_FILE;
extern FILE *volatile __stdin_used, *volatile __stdout_used, *volatile __stderr_used;
FILE *volatile __stdin_used, *volatile __stdout_used, *volatile __stderr_used;

static ssize_t stream_write(void *cookie, const char *text, size_t len) {
    (void)cookie;
    __port_terminal_write(text, len);
    return (ssize_t)len;
}

static ssize_t stream_read(void *cookie, char *buffer, size_t len) {
    (void)cookie;
    return (ssize_t)__port_terminal_read(buffer, len);
}

static FILE *stream_open(struct port_stream *place, const char *mode, int buffering) {
    FILE *stream = fopencookie(NULL, mode, (cookie_io_functions_t){.read = stream_read, .write = stream_write});
    if (!stream) abort();
    setvbuf(stream, NULL, buffering, BUFSIZ);
    memcpy(place, stream, sizeof(*place));
    return (FILE *)place;
}

/* Before all other constructors, which may print. */
__attribute__((constructor(102))) static void streams_open(void) {
    __port_terminal_open();
    __stdin_used = stream_open(&__stdin_FILE, "r", _IOFBF);
    __stdout_used = stream_open(&__stdout_FILE, "w", _IOLBF);
    __stderr_used = stream_open(&__stderr_FILE, "w", _IONBF);
}
