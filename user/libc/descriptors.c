/*
 * Descriptors: what each is of, and what is read from it and written to it. 0, 1 and 2 are at first the terminal
 * (terminal.h): a read returns a line, or as much of it as there is room for, and one thread reads at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "user/libc/files.h"
#include "user/libc/signals.h"
#include "user/libc/terminal.h"

static struct node terminal = {
    .users = 3, .mode = S_IFCHR | 0620, .device = DEVICE_TERMINAL, .parent = &terminal, .linked = true};
static struct open standard[] = {
    {.users = 1, .flags = O_RDONLY, .node = &terminal},
    {.users = 1, .flags = O_WRONLY, .node = &terminal},
    {.users = 1, .flags = O_WRONLY, .node = &terminal},
};
static struct open *table[DESCRIPTORS] = {&standard[0], &standard[1], &standard[2]};
static bool closed_on_exec[DESCRIPTORS];
static struct pool opens = {.size = sizeof(struct open)};

/* --- the table --- */

struct open *__port_open_of(long fd) {
    return fd >= 0 && fd < DESCRIPTORS ? table[fd] : NULL;
}

struct open *__port_open_make(struct node *node, struct pipe *pipe, int flags) {
    struct open *open = __port_pool_take(&opens);
    if (!open) return NULL;
    *open = (struct open){.flags = flags, .node = node, .pipe = pipe};
    if (node) node->users++;
    return open;
}

/* One user less. */
static void release(struct open *open) {
    if (open->users > 0 && --open->users > 0) return;
    if (open->pipe) __port_pipe_close(open);
    if (open->node && --open->node->users == 0) __port_node_release(open->node);
    bool is_standard = open >= standard && open < standard + 3;
    if (!is_standard) __port_pool_give(&opens, open);
}

long __port_open_add(struct open *open, long least, bool close_on_exec) {
    for (long fd = least; fd < DESCRIPTORS; fd++) {
        if (table[fd]) continue;
        open->users++;
        table[fd] = open;
        closed_on_exec[fd] = close_on_exec;
        return fd;
    }
    if (open->users == 0) release(open);
    return -EMFILE;
}

long __port_open_close(long fd) {
    struct open *open = __port_open_of(fd);
    if (!open) return -EBADF;
    table[fd] = NULL;
    release(open);
    return 0;
}

/* What a descriptor is of, for as long as it takes; NULL unless it is open to be used so. */
static struct open *take(long fd, int access) {
    __port_lock(&__port_files);
    struct open *open = __port_open_of(fd);
    int may = open ? open->flags & O_ACCMODE : 0;
    if (open && (may == O_RDWR || may == access))
        open->users++;
    else
        open = NULL;
    __port_unlock(&__port_files);
    return open;
}

static void give(struct open *open) {
    __port_lock(&__port_files);
    release(open);
    __port_unlock(&__port_files);
}

/* --- reading and writing --- */

static long terminal_read(char *text, size_t len) {
    static zx_futex_t reading;
    size_t done = 0;
    long got = 1;
    __port_lock(&reading);
    while (done < len && (got = __port_terminal_read(&text[done], len - done)) > 0) {
        done += (size_t)got;
        if (__port_terminal_is_raw() || text[done - 1] == '\n') break;
    }
    __port_unlock(&reading);
    return done > 0 ? (long)done : got < 0 ? got : 0;
}

static long device_read(const struct node *node, char *text, size_t len) {
    switch (node->device) {
    case DEVICE_TERMINAL: return terminal_read(text, len);
    case DEVICE_ZERO:
        for (size_t i = 0; i < len; i++) text[i] = 0;
        return (long)len;
    case DEVICE_RANDOM: zx_cprng_draw(text, len); return (long)len;
    default: return 0;
    }
}

static long file_read(struct open *open, uint64_t *offset, char *text, size_t len) {
    __port_lock(&__port_files);
    long result = S_ISDIR(open->node->mode) ? -EISDIR : __port_data_read(open->node, *offset, text, len);
    if (result > 0) *offset += (uint64_t)result;
    __port_unlock(&__port_files);
    return result;
}

/* With O_APPEND at the end, wherever that is by then. */
static long file_write(struct open *open, uint64_t *offset, const char *text, size_t len) {
    __port_lock(&__port_files);
    if (open->flags & O_APPEND) *offset = open->node->len;
    long result = __port_data_write(open->node, *offset, text, len);
    if (result > 0) *offset += (uint64_t)result;
    __port_unlock(&__port_files);
    return result;
}

static long read_some(struct open *open, uint64_t *offset, char *text, size_t len) {
    if (open->pipe) return __port_pipe_read(open, text, len);
    if (open->node->device) return device_read(open->node, text, len);
    return file_read(open, offset, text, len);
}

static long write_some(struct open *open, uint64_t *offset, const char *text, size_t len) {
    if (open->pipe) return __port_pipe_write(open, text, len);
    if (open->node->device == DEVICE_TERMINAL) __port_terminal_write(text, len);
    if (open->node->device) return (long)len;
    return file_write(open, offset, text, len);
}

/* Each part in turn, until one is not filled or not written whole. The offset is the descriptor's if `at` is NULL. */
static long transfer(long fd, const struct iovec *parts, long count, const long *at, bool in) {
    if (count < 0 || (at && *at < 0)) return -EINVAL;
    struct open *open = take(fd, in ? O_RDONLY : O_WRONLY);
    if (!open) return -EBADF;
    uint64_t given = at ? (uint64_t)*at : 0, *offset = at ? &given : &open->offset;
    long sum = 0, result = at && (open->pipe || open->node->device) ? -ESPIPE : 0;
    for (long i = 0; i < count && result >= 0; i++) {
        size_t len = parts[i].iov_len;
        if (len == 0) continue;
        result =
            in ? read_some(open, offset, parts[i].iov_base, len) : write_some(open, offset, parts[i].iov_base, len);
        if (result > 0) sum += result;
        if (result >= 0 && ((size_t)result < len || (in && (open->pipe || open->node->device)))) break;
    }
    give(open);
    return sum > 0 ? sum : result;
}

static long transfer_one(const long *args, const long *at, bool in) {
    const struct iovec part = {(void *)args[1], (size_t)args[2]};
    return transfer(args[0], &part, 1, at, in);
}

LINUX_CALL(read) { return transfer_one(args, NULL, true); }
LINUX_CALL(write) { return transfer_one(args, NULL, false); }
LINUX_CALL(pread64) { return transfer_one(args, &args[3], true); }
LINUX_CALL(pwrite64) { return transfer_one(args, &args[3], false); }
LINUX_CALL(readv) { return transfer(args[0], (const struct iovec *)args[1], args[2], NULL, true); }
LINUX_CALL(writev) { return transfer(args[0], (const struct iovec *)args[1], args[2], NULL, false); }
LINUX_CALL(preadv) { return transfer(args[0], (const struct iovec *)args[1], args[2], &args[3], true); }
LINUX_CALL(pwritev) { return transfer(args[0], (const struct iovec *)args[1], args[2], &args[3], false); }

/* --- what else there is to do with one --- */

/* An answer about what a descriptor is of, given under the lock. */
typedef long about(struct open *open, long fd, const long *args);

static long ask(about *answer, const long *args) {
    __port_lock(&__port_files);
    struct open *open = __port_open_of(args[0]);
    long result = open ? answer(open, args[0], args) : -EBADF;
    __port_unlock(&__port_files);
    return result;
}

static long close_one(struct open *open, long fd, const long *args) {
    (void)open, (void)args;
    return __port_open_close(fd);
}

/* What a folder is at is where its list goes on. */
static long seek(struct open *open, long fd, const long *args) {
    (void)fd;
    if (open->pipe || open->node->device == DEVICE_TERMINAL) return -ESPIPE;
    long base = args[2] == SEEK_SET   ? 0
                : args[2] == SEEK_CUR ? (long)open->offset
                : args[2] == SEEK_END ? (long)open->node->len
                                      : -1;
    long to;
    if (base < 0) return -EINVAL;
    if (__builtin_add_overflow(base, args[1], &to)) return -EOVERFLOW;
    if (to < 0) return -EINVAL;
    open->offset = (uint64_t)to;
    return to;
}

static long resize(struct open *open, long fd, const long *args) {
    (void)fd;
    bool writes = (open->flags & O_ACCMODE) != O_RDONLY;
    if (!writes || !open->node || !S_ISREG(open->node->mode) || args[1] < 0) return -EINVAL;
    return __port_data_resize(open->node, (uint64_t)args[1]);
}

static long sync_file(struct open *open, long fd, const long *args) {
    (void)fd, (void)args;
    return open->node && !open->node->device ? 0 : -EINVAL;
}

static long duplicate(struct open *open, long fd, const long *args) {
    (void)fd, (void)args;
    return __port_open_add(open, 0, false);
}

/* In the place of another. */
static long duplicate_to(struct open *open, long fd, const long *args) {
    long to = args[1];
    if (to < 0 || to >= DESCRIPTORS) return -EBADF;
    if (to == fd) return to;
    open->users++;
    if (table[to]) __port_open_close(to);
    table[to] = open;
    closed_on_exec[to] = args[2] & O_CLOEXEC;
    return to;
}

/* Nobody else locks files. */
static long control(struct open *open, long fd, const long *args) {
    const int changeable = O_APPEND | O_NONBLOCK;
    switch (args[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (args[2] < 0 || args[2] >= DESCRIPTORS) return -EINVAL;
        return __port_open_add(open, args[2], args[1] == F_DUPFD_CLOEXEC);
    case F_GETFD: return closed_on_exec[fd] ? FD_CLOEXEC : 0;
    case F_SETFD: closed_on_exec[fd] = args[2] & FD_CLOEXEC; return 0;
    case F_GETFL: return open->flags;
    case F_SETFL: open->flags = (open->flags & ~changeable) | ((int)args[2] & changeable); return 0;
    case F_GETLK: ((struct flock *)args[2])->l_type = F_UNLCK; return 0;
    case F_SETLK:
    case F_SETLKW: return 0;
    default: return -EINVAL;
    }
}

LINUX_CALL(close) { return ask(close_one, args); }
LINUX_CALL(lseek) { return ask(seek, args); }
LINUX_CALL(ftruncate) { return ask(resize, args); }
LINUX_CALL(fsync) { return ask(sync_file, args); }
LINUX_CALL(fdatasync) { return ask(sync_file, args); }
LINUX_CALL(dup) { return ask(duplicate, args); }
LINUX_CALL(dup3) { return args[0] == args[1] ? -EINVAL : ask(duplicate_to, args); }
LINUX_CALL(fcntl) { return ask(control, args); }

LINUX_CALL(dup2) {
    const long plain[] = {args[0], args[1], 0};
    return ask(duplicate_to, plain);
}

static long is_terminal(struct open *open, long fd, const long *args) {
    (void)fd, (void)args;
    return open->node && open->node->device == DEVICE_TERMINAL ? 0 : -ENOTTY;
}

LINUX_CALL(ioctl) {
    long refused = ask(is_terminal, args);
    return refused ? refused : __port_terminal_control((unsigned long)args[1], (void *)args[2]);
}
