/*
 * The three descriptors that there are: input, output and errors, all of them the terminal (terminal.h). A read returns
 * a line, or as much of it as there is room for. One thread reads at a time.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "user/libc/port.h"

static bool is_standard(long fd) { return fd >= STDIN_FILENO && fd <= STDERR_FILENO; }

static long read_line(long fd, char *text, size_t len) {
    static zx_futex_t reading;
    size_t done = 0;
    if (fd != STDIN_FILENO) return -EBADF;
    __port_lock(&reading);
    while (done < len && __port_terminal_read(&text[done], 1) == 1) {
        if (text[done++] == '\n') break;
    }
    __port_unlock(&reading);
    return (long)done;
}

static long write_text(long fd, const char *text, size_t len) {
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO) return -EBADF;
    __port_terminal_write(text, len);
    return (long)len;
}

LINUX_CALL(read) { return read_line(args[0], (char *)args[1], (size_t)args[2]); }
LINUX_CALL(write) { return write_text(args[0], (const char *)args[1], (size_t)args[2]); }

/* Only the first part that has room is read into: a read may give less than was asked for. */
LINUX_CALL(readv) {
    const struct iovec *parts = (const struct iovec *)args[1];
    long i = 0;
    while (i < args[2] - 1 && parts[i].iov_len == 0) i++;
    return args[2] > 0 ? read_line(args[0], parts[i].iov_base, parts[i].iov_len) : -EINVAL;
}

LINUX_CALL(writev) {
    const struct iovec *parts = (const struct iovec *)args[1];
    long sum = 0;
    for (long i = 0; i < args[2]; i++) {
        long written = write_text(args[0], parts[i].iov_base, parts[i].iov_len);
        if (written < 0) return sum > 0 ? sum : written;
        sum += written;
    }
    return sum;
}

/* Closing a standard descriptor changes nothing. */
LINUX_CALL(close) { return is_standard(args[0]) ? 0 : -EBADF; }
LINUX_CALL(fsync) { return is_standard(args[0]) ? -EINVAL : -EBADF; }
LINUX_CALL(fdatasync) { return __port_linux_fsync(args); }

/* A terminal of unknown size. */
LINUX_CALL(ioctl) {
    if (!is_standard(args[0])) return -EBADF;
    if (args[1] != TIOCGWINSZ) return -ENOTTY;
    *(struct winsize *)args[2] = (struct winsize){0};
    return 0;
}
