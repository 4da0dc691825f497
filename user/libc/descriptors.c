/*
 * The three descriptors that there are: input, output and errors, all of them the terminal (terminal.h). Reading gives a
 * line at a time, or as much of it as there is room for. These go past the buffers of stdin and stdout.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

int __port_fileno(FILE *stream);

ssize_t __port_read(long fd, void *buffer, size_t len) {
    char *text = buffer;
    size_t done = 0;
    if (fd != STDIN_FILENO) return -EBADF;
    while (done < len && __port_terminal_read(&text[done], 1) == 1) {
        if (text[done++] == '\n') break;
    }
    return (ssize_t)done;
}

ssize_t __port_write(long fd, const void *text, size_t len) {
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO) return -EBADF;
    __port_terminal_write(text, len);
    return (ssize_t)len;
}

/* musl's own finds no descriptor in the standard streams. */
int __port_fileno(FILE *stream) {
    if (stream == stdin) return STDIN_FILENO;
    if (stream == stdout) return STDOUT_FILENO;
    if (stream == stderr) return STDERR_FILENO;
    errno = EBADF;
    return -1;
}

int isatty(int fd) {
    if (fd >= STDIN_FILENO && fd <= STDERR_FILENO) return 1;
    errno = EBADF;
    return 0;
}

/* musl's own would make a stream that writes to Linux. */
int vdprintf(int fd, const char *format, va_list args) {
    char *text;
    int len = vasprintf(&text, format, args);
    if (len < 0) return -1;
    ssize_t written = write(fd, text, (size_t)len);
    free(text);
    return written < 0 ? -1 : len;
}

PORT_ALIAS(fileno, __port_fileno);
PORT_ALIAS(fileno_unlocked, __port_fileno);
