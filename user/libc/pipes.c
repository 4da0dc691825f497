/*
 * Pipes within the process. A read waits for a byte or the last writer's end, a write for room; up to PIPE_BUF bytes go
 * in as one. All of a pipe is under the files' lock, which nobody holds who waits for `changes`.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/libc/files.h"
#include "user/libc/signals.h"

#define ROOM 16384u

struct pipe {
    unsigned readers, writers;
    zx_futex_t changes; /* counts what somebody may wait for */
    size_t begin, len;
    char *bytes; /* a ring of ROOM */
};

static struct pool pipes = {.size = sizeof(struct pipe)};
static struct pool rings = {.size = ROOM};

static void changed(struct pipe *pipe) {
    atomic_fetch_add(&pipe->changes, 1);
    zx_futex_wake(&pipe->changes, UINT32_MAX);
}

/* Waits, without the lock, for what is different from now. */
static long wait(struct pipe *pipe, const struct open *open) {
    if (open->flags & O_NONBLOCK) return -EAGAIN;
    const int seen = pipe->changes;
    __port_unlock(&__port_files);
    zx_status_t status = __port_futex_wait(__port_signals(), &pipe->changes, seen, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
    __port_lock(&__port_files);
    return status == ZX_ERR_INTERNAL_INTR_RETRY ? -EINTR : 0;
}

/* Copies to or from the ring, from `at` on. */
static void ring_copy(struct pipe *pipe, size_t at, char *buffer, size_t len, bool in) {
    while (len > 0) {
        at %= ROOM;
        size_t part = len < ROOM - at ? len : ROOM - at;
        memcpy(in ? pipe->bytes + at : buffer, in ? buffer : pipe->bytes + at, part);
        at += part;
        buffer += part;
        len -= part;
    }
}

static long read_locked(struct open *open, char *buffer, size_t len) {
    struct pipe *pipe = open->pipe;
    long failed = 0;
    while (len > 0 && pipe->len == 0 && pipe->writers > 0 && !failed) failed = wait(pipe, open);
    if (failed) return failed;
    if (len > pipe->len) len = pipe->len;
    ring_copy(pipe, pipe->begin, buffer, len, false);
    pipe->begin = (pipe->begin + len) % ROOM;
    pipe->len -= len;
    if (len > 0) changed(pipe);
    return (long)len;
}

/* As much as there is room for, or all of it if it is not to be taken apart. */
static long write_part(struct open *open, const char *buffer, size_t len, bool whole) {
    struct pipe *pipe = open->pipe;
    long failed = 0;
    while (pipe->readers > 0 && ROOM - pipe->len < (whole ? len : 1) && !failed) failed = wait(pipe, open);
    if (pipe->readers == 0) return -EPIPE;
    if (failed) return failed;
    if (len > ROOM - pipe->len) len = ROOM - pipe->len;
    ring_copy(pipe, pipe->begin + pipe->len, (char *)buffer, len, true);
    pipe->len += len;
    changed(pipe);
    return (long)len;
}

static long write_locked(struct open *open, const char *buffer, size_t len) {
    const bool whole = len <= PIPE_BUF;
    size_t done = 0;
    while (done < len) {
        long written = write_part(open, buffer + done, len - done, whole);
        if (written < 0) return done > 0 ? (long)done : written;
        done += (size_t)written;
    }
    return (long)done;
}

long __port_pipe_read(struct open *open, char *buffer, size_t len) {
    __port_lock(&__port_files);
    long result = read_locked(open, buffer, len);
    __port_unlock(&__port_files);
    return result;
}

long __port_pipe_write(struct open *open, const char *buffer, size_t len) {
    __port_lock(&__port_files);
    long result = write_locked(open, buffer, len);
    __port_unlock(&__port_files);
    if (result == -EPIPE) __port_signal_send(__port_thread_id(), SIGPIPE);
    return result;
}

void __port_pipe_close(struct open *open) {
    struct pipe *pipe = open->pipe;
    if ((open->flags & O_ACCMODE) == O_RDONLY)
        pipe->readers--;
    else
        pipe->writers--;
    changed(pipe);
    if (pipe->readers + pipe->writers > 0) return;
    __port_pool_give(&rings, pipe->bytes);
    __port_pool_give(&pipes, pipe);
}

static struct pipe *pipe_make(void) {
    struct pipe *pipe = __port_pool_take(&pipes);
    char *bytes = pipe ? __port_pool_take(&rings) : NULL;
    if (bytes)
        *pipe = (struct pipe){.bytes = bytes};
    else if (pipe)
        __port_pool_give(&pipes, pipe);
    return bytes ? pipe : NULL;
}

/* One end, with a descriptor. */
static long end_make(struct pipe *pipe, unsigned *count, int access, int flags) {
    struct open *open = __port_open_make(NULL, pipe, access | (flags & O_NONBLOCK));
    if (!open) return -ENOMEM;
    ++*count;
    return __port_open_add(open, 0, flags & O_CLOEXEC);
}

static long pipe_open_locked(int *fds, int flags) {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
    struct pipe *pipe = pipe_make();
    if (!pipe) return -ENOMEM;
    pipe->readers = 1; /* until both ends are there */
    long in = end_make(pipe, &pipe->readers, O_RDONLY, flags);
    long out = in < 0 ? in : end_make(pipe, &pipe->writers, O_WRONLY, flags);
    if (out < 0 && in >= 0) __port_open_close(in);
    struct open last = {.pipe = pipe, .flags = O_RDONLY};
    __port_pipe_close(&last);
    if (out < 0) return out;
    fds[0] = (int)in;
    fds[1] = (int)out;
    return 0;
}

static long pipe_open(int *fds, int flags) {
    __port_lock(&__port_files);
    long result = pipe_open_locked(fds, flags);
    __port_unlock(&__port_files);
    return result;
}

LINUX_CALL(pipe2) { return pipe_open((int *)args[0], (int)args[1]); }
LINUX_CALL(pipe) { return pipe_open((int *)args[0], 0); }
