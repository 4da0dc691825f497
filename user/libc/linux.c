/*
 * The requests to Linux that are still in musl. There are two ways they go. Most are system calls in place, which the
 * kernel refuses as unknown; their results come by __syscall_ret, which here makes of that refusal the errno for it.
 * Those that can block come by __syscall_cp, where reads and writes of the three standard descriptors are served.
 * All others fail with ENOSYS, or with EBADF where the descriptor is at fault.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zircon/errors.h>

#include "user/libc/port.h"

long __syscall_ret(unsigned long result);
long __syscall_cp(long number, long a, long b, long c, long d, long e, long f);

/* What the kernel answers to a number that it does not know, as Linux would have put it. */
#define REFUSED ((long)ZX_ERR_BAD_SYSCALL)

long __syscall_ret(unsigned long result) {
    if ((long)result >= 0 || (long)result < -4095) return (long)result;
    errno = (long)result == REFUSED ? ENOSYS : -(int)result;
    return -1;
}

/* Only the first part that has room is read into: a read may give less than was asked for. */
static ssize_t read_parts(long fd, const struct iovec *parts, int count) {
    int i = 0;
    while (i < count - 1 && parts[i].iov_len == 0) i++;
    return count > 0 ? __port_read(fd, parts[i].iov_base, parts[i].iov_len) : -EINVAL;
}

static ssize_t write_parts(long fd, const struct iovec *parts, int count) {
    ssize_t sum = 0;
    for (int i = 0; i < count; i++) {
        ssize_t written = __port_write(fd, parts[i].iov_base, parts[i].iov_len);
        if (written < 0) return sum > 0 ? sum : written;
        sum += written;
    }
    return sum;
}

static int fd_is_standard(long fd) { return fd >= STDIN_FILENO && fd <= STDERR_FILENO; }

/* Closing a standard descriptor changes nothing. */
long __syscall_cp(long number, long a, long b, long c, long d, long e, long f) {
    (void)d, (void)e, (void)f;
    switch (number) {
    case SYS_read:
        return __port_read(a, (void *)b, (size_t)c);
    case SYS_readv:
        return read_parts(a, (const struct iovec *)b, (int)c);
    case SYS_write:
        return __port_write(a, (const void *)b, (size_t)c);
    case SYS_writev:
        return write_parts(a, (const struct iovec *)b, (int)c);
    case SYS_close:
        return fd_is_standard(a) ? 0 : -EBADF;
    case SYS_fsync:
    case SYS_fdatasync:
        return fd_is_standard(a) ? -EINVAL : -EBADF;
    default:
        return -ENOSYS;
    }
}
