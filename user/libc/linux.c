/*
 * What musl asks of Linux, answered. Each `syscall` in musl's archive has been made a call of __port_linux
 * (redirect, in the machine's folder), which has the answers for what there is here; all else is ENOSYS. A result from -4095 to -1 is an
 * error's number, as Linux has it. Called at any time, before the C library is set up too: no errno, no stdio. It
 * must leave the vector registers alone, and is compiled so.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "user/libc/port.h"

long __port_linux(long number, const long *args);

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

/* --- futexes --- */

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_PRIVATE = 128 };

static long futex_wait(const zx_futex_t *word, int value, const struct timespec *limit) {
    zx_time_t deadline = ZX_TIME_INFINITE;
    if (limit)
        deadline = zx_deadline_after(
            zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), limit->tv_sec), limit->tv_nsec));
    switch (zx_futex_wait(word, value, ZX_HANDLE_INVALID, deadline)) {
    case ZX_OK:
        return 0;
    case ZX_ERR_TIMED_OUT:
        return -ETIMEDOUT;
    case ZX_ERR_BAD_STATE:
        return -EAGAIN;
    default:
        return -EINVAL;
    }
}

/*
 * Moves waiters from one word to another. The kernel does so only if it finds the value that it is given, and musl, which
 * gives none, does so to words that it has just made 0. Should one be another by now, all are woken, and look again.
 */
static long futex_requeue(const zx_futex_t *from, uint32_t wake, uint32_t move, const zx_futex_t *to) {
    if (zx_futex_requeue(from, wake, 0, to, move, ZX_HANDLE_INVALID) != ZX_OK) zx_futex_wake(from, UINT32_MAX);
    return 0;
}

/* How many were woken is not known here: the result of waking is 0. */
static long futex(const zx_futex_t *word, int op, int value, long extra, const zx_futex_t *other) {
    switch (op & ~FUTEX_PRIVATE) {
    case FUTEX_WAIT:
        return futex_wait(word, value, (const struct timespec *)extra);
    case FUTEX_WAKE:
        return zx_futex_wake(word, (uint32_t)value) == ZX_OK ? 0 : -EINVAL;
    case FUTEX_REQUEUE:
        return futex_requeue(word, (uint32_t)value, (uint32_t)extra, other);
    default:
        return -ENOSYS;
    }
}

static int fd_is_standard(long fd) { return fd >= STDIN_FILENO && fd <= STDERR_FILENO; }

/* Closing a standard descriptor changes nothing. */
long __port_linux(long number, const long *args) {
    switch (number) {
    case SYS_futex:
        return futex((const zx_futex_t *)args[0], (int)args[1], (int)args[2], args[3], (const zx_futex_t *)args[4]);
    case SYS_set_tid_address:
        return __port_tid(__port_main_thread());
    case SYS_read:
        return __port_read(args[0], (void *)args[1], (size_t)args[2]);
    case SYS_readv:
        return read_parts(args[0], (const struct iovec *)args[1], (int)args[2]);
    case SYS_write:
        return __port_write(args[0], (const void *)args[1], (size_t)args[2]);
    case SYS_writev:
        return write_parts(args[0], (const struct iovec *)args[1], (int)args[2]);
    case SYS_close:
        return fd_is_standard(args[0]) ? 0 : -EBADF;
    case SYS_fsync:
    case SYS_fdatasync:
        return fd_is_standard(args[0]) ? -EINVAL : -EBADF;
    default:
        return -ENOSYS;
    }
}
