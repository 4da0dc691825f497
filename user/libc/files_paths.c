/* What programs ask of paths; see files.h. There is one user, who may do everything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <zircon/time.h>

#include "user/libc/files.h"
#include "user/libc/port.h"

#define MODE_BITS 07777u
#define BLOCK 512u

static mode_t mask = 022;

/* Finds what `path` leads to, from a folder that is open or from the working directory. */
static long find(long at, const char *path, struct place *out) {
    long failed = __port_files_start();
    if (failed) return failed;
    struct node *from = __port_folder;
    if (at != AT_FDCWD && *path != '/') {
        struct open *open = __port_open_of(at);
        if (!open) return -EBADF;
        if (!open->node || !S_ISDIR(open->node->mode)) return -ENOTDIR;
        from = open->node;
    }
    return __port_place(from, path, out);
}

static long find_there(long at, const char *path, struct place *out) {
    long failed = find(at, path, out);
    return !failed && !out->node ? -ENOENT : failed;
}

/* The node at a path, or without one that of a descriptor: NULL is a pipe's. */
static long node_at(long at, const char *path, struct node **out) {
    struct place place = {0};
    if (path) {
        long failed = find_there(at, path, &place);
        *out = place.node;
        return failed;
    }
    struct open *open = __port_open_of(at);
    if (!open) return -EBADF;
    *out = open->node;
    return 0;
}

/* An answer that is given under the lock. */
#define UNDER_LOCK(call)              \
    ({                                \
        __port_lock(&__port_files);   \
        long result_ = (call);        \
        __port_unlock(&__port_files); \
        result_;                      \
    })

/* --- open --- */

static long open_check(const struct place *place, int flags) {
    if (!place->node) return flags & O_CREAT ? (place->slash ? -EISDIR : 0) : -ENOENT;
    if ((flags & O_CREAT) && (flags & O_EXCL)) return -EEXIST;
    if ((flags & O_DIRECTORY) && !S_ISDIR(place->node->mode)) return -ENOTDIR;
    bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    return changes && S_ISDIR(place->node->mode) ? -EISDIR : 0;
}

static long open_at(long at, const char *path, int flags, mode_t mode) {
    struct place place;
    if ((flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
    long failed = find(at, path, &place);
    if (!failed) failed = open_check(&place, flags);
    if (failed) return failed;
    struct node *node = place.node;
    if (!node) node = __port_node_make(&place, S_IFREG | (mode & MODE_BITS & ~mask));
    if (!node) return -ENOSPC;
    struct open *open = __port_open_make(node, NULL, flags & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    long fd = open ? __port_open_add(open, 0, flags & O_CLOEXEC) : -ENOMEM;
    if (fd < 0 && !place.node) {
        __port_node_unlink(node);
        __port_node_release(node);
    }
    if (fd >= 0 && (flags & O_TRUNC) && place.node && S_ISREG(node->mode) && (flags & O_ACCMODE) != O_RDONLY)
        __port_data_drop(node);
    return fd;
}

LINUX_CALL(openat) { return UNDER_LOCK(open_at(args[0], (const char *)args[1], (int)args[2], (mode_t)args[3])); }
LINUX_CALL(open) { return UNDER_LOCK(open_at(AT_FDCWD, (const char *)args[0], (int)args[1], (mode_t)args[2])); }

/* --- stat --- */

static nlink_t links(const struct node *node) {
    if (!node->linked && !S_ISDIR(node->mode)) return 0;
    nlink_t count = S_ISDIR(node->mode) ? 2 : 1;
    for (const struct node *child = node->children; child; child = child->next) count += S_ISDIR(child->mode) ? 1 : 0;
    return count;
}

static struct stat stat_of(const struct node *node) {
    if (!node) return (struct stat){.st_dev = 1, .st_mode = S_IFIFO | 0600, .st_nlink = 1, .st_blksize = ZX_PAGE_SIZE};
    return (struct stat){
        .st_dev = 1,
        .st_ino = node->number,
        .st_nlink = links(node),
        .st_mode = node->mode,
        .st_rdev = node->device,
        .st_size = (off_t)node->len,
        .st_blksize = ZX_PAGE_SIZE,
        .st_blocks = (blkcnt_t)((node->len + BLOCK - 1) / BLOCK),
        .st_atim = node->accessed,
        .st_mtim = node->modified,
        .st_ctim = node->changed,
    };
}

static long stat_at(long at, const char *path, struct stat *out) {
    struct node *node;
    long failed = node_at(at, path, &node);
    if (!failed) *out = stat_of(node);
    return failed;
}

LINUX_CALL(fstat) { return UNDER_LOCK(stat_at(args[0], NULL, (struct stat *)args[1])); }
LINUX_CALL(stat) { return UNDER_LOCK(stat_at(AT_FDCWD, (const char *)args[0], (struct stat *)args[1])); }
LINUX_CALL(lstat) { return __port_linux_stat(args); }
LINUX_CALL(newfstatat) {
    const char *path = (const char *)args[1];
    bool empty = (args[3] & AT_EMPTY_PATH) && *path == '\0' && args[0] != AT_FDCWD;
    return UNDER_LOCK(stat_at(args[0], empty ? NULL : path, (struct stat *)args[2]));
}

static long access_at(long at, const char *path, int wanted) {
    struct node *node;
    long failed = node_at(at, path, &node);
    if (failed) return failed;
    return (wanted & X_OK) && !S_ISDIR(node->mode) && !(node->mode & 0111) ? -EACCES : 0;
}

LINUX_CALL(access) { return UNDER_LOCK(access_at(AT_FDCWD, (const char *)args[0], (int)args[1])); }
LINUX_CALL(faccessat) { return UNDER_LOCK(access_at(args[0], (const char *)args[1], (int)args[2])); }

/* --- what changes the tree --- */

static long make_folder(long at, const char *path, mode_t mode) {
    struct place place;
    long failed = find(at, path, &place);
    if (failed) return failed;
    if (place.node) return -EEXIST;
    return __port_node_make(&place, S_IFDIR | (mode & 01777 & ~mask)) ? 0 : -ENOSPC;
}

LINUX_CALL(mkdir) { return UNDER_LOCK(make_folder(AT_FDCWD, (const char *)args[0], (mode_t)args[1])); }
LINUX_CALL(mkdirat) { return UNDER_LOCK(make_folder(args[0], (const char *)args[1], (mode_t)args[2])); }

static long remove_at(long at, const char *path, bool folder) {
    struct place place;
    long failed = find_there(at, path, &place);
    if (failed) return failed;
    if (S_ISDIR(place.node->mode) != folder) return folder ? -ENOTDIR : -EISDIR;
    if (!place.name) return place.node == place.folder ? -EINVAL : -ENOTEMPTY;
    if (place.node->children) return -ENOTEMPTY;
    __port_node_unlink(place.node);
    __port_node_release(place.node);
    return 0;
}

LINUX_CALL(unlink) { return UNDER_LOCK(remove_at(AT_FDCWD, (const char *)args[0], false)); }
LINUX_CALL(rmdir) { return UNDER_LOCK(remove_at(AT_FDCWD, (const char *)args[0], true)); }
LINUX_CALL(unlinkat) { return UNDER_LOCK(remove_at(args[0], (const char *)args[1], args[2] & AT_REMOVEDIR)); }

static bool is_below(const struct node *node, const struct node *top) {
    while (node != top && node->parent != node) node = node->parent;
    return node == top;
}

/* Takes away what the new name names. */
static long replace(const struct node *node, struct node *target) {
    if (S_ISDIR(target->mode) != S_ISDIR(node->mode)) return S_ISDIR(target->mode) ? -EISDIR : -ENOTDIR;
    if (target->children) return -ENOTEMPTY;
    __port_node_unlink(target);
    __port_node_release(target);
    return 0;
}

static long rename_at(long from_at, const char *from, long to_at, const char *to) {
    struct place old, new;
    long failed = find_there(from_at, from, &old);
    if (!failed) failed = find(to_at, to, &new);
    if (failed) return failed;
    if (!old.name || !new.name) return -EBUSY;
    if (old.node == new.node) return 0;
    if (S_ISDIR(old.node->mode) && is_below(new.folder, old.node)) return -EINVAL;
    if (!new.node &&new.slash && !S_ISDIR(old.node->mode)) return -ENOTDIR;
    if (new.node) failed = replace(old.node, new.node);
    if (failed) return failed;
    __port_node_unlink(old.node);
    __port_node_link(old.node, new.folder, new.name, new.name_len);
    return 0;
}

LINUX_CALL(rename) { return UNDER_LOCK(rename_at(AT_FDCWD, (const char *)args[0], AT_FDCWD, (const char *)args[1])); }
LINUX_CALL(renameat) { return UNDER_LOCK(rename_at(args[0], (const char *)args[1], args[2], (const char *)args[3])); }

/* --- what changes a file --- */

static long truncate_at(const char *path, long len) {
    struct node *node;
    long failed = len < 0 ? -EINVAL : node_at(AT_FDCWD, path, &node);
    if (failed) return failed;
    if (S_ISDIR(node->mode)) return -EISDIR;
    return S_ISREG(node->mode) ? __port_data_resize(node, (uint64_t)len) : -EINVAL;
}

LINUX_CALL(truncate) { return UNDER_LOCK(truncate_at((const char *)args[0], args[1])); }

static long change_mode(long at, const char *path, mode_t mode) {
    struct node *node;
    long failed = node_at(at, path, &node);
    if (failed || !node) return failed ? failed : -EINVAL;
    node->mode = (node->mode & ~MODE_BITS) | (mode & MODE_BITS);
    node->changed = __port_files_now();
    return 0;
}

LINUX_CALL(chmod) { return UNDER_LOCK(change_mode(AT_FDCWD, (const char *)args[0], (mode_t)args[1])); }
LINUX_CALL(fchmodat) { return UNDER_LOCK(change_mode(args[0], (const char *)args[1], (mode_t)args[2])); }
LINUX_CALL(fchmod) { return UNDER_LOCK(change_mode(args[0], NULL, (mode_t)args[1])); }

LINUX_CALL(umask) {
    mode_t before = mask;
    mask = (mode_t)args[0] & 0777;
    return before;
}

static void time_set(struct timespec *time, const struct timespec *wanted) {
    if (wanted && wanted->tv_nsec == UTIME_OMIT) return;
    *time = !wanted || wanted->tv_nsec == UTIME_NOW ? __port_files_now() : *wanted;
}

static bool is_time(const struct timespec *time) {
    if (time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT) return true;
    return time->tv_nsec >= 0 && time->tv_nsec < ZX_SEC(1);
}

static long set_times(long at, const char *path, const struct timespec *times) {
    struct node *node;
    long failed = node_at(at, path, &node);
    if (failed) return failed;
    if (!node || (times && (!is_time(&times[0]) || !is_time(&times[1])))) return -EINVAL;
    time_set(&node->accessed, times);
    time_set(&node->modified, times ? times + 1 : NULL);
    node->changed = __port_files_now();
    return 0;
}

LINUX_CALL(utimensat) {
    return UNDER_LOCK(set_times(args[0], (const char *)args[1], (const struct timespec *)args[2]));
}

/* --- folders --- */

static long folder_set(long at, const char *path) {
    struct node *node, *before;
    long failed = node_at(at, path, &node);
    if (failed) return failed;
    if (!node || !S_ISDIR(node->mode)) return -ENOTDIR;
    before = __port_folder;
    node->users++;
    __port_folder = node;
    if (before->users > 0 && --before->users == 0) __port_node_release(before);
    return 0;
}

LINUX_CALL(chdir) { return UNDER_LOCK(folder_set(AT_FDCWD, (const char *)args[0])); }
LINUX_CALL(fchdir) { return UNDER_LOCK(folder_set(args[0], NULL)); }

/* The names from the last one to the first, put before each other at the end of the buffer. */
static long folder_path(char *buffer, size_t size) {
    long failed = __port_files_start();
    if (failed) return failed;
    size_t at = size, len;
    const struct node *node = __port_folder;
    if (at < 2) return -ERANGE;
    buffer[--at] = '\0';
    if (node->parent == node) {
        if (!node->linked && node->users > 0 && node->number != 1) return -ENOENT;
        buffer[--at] = '/';
    }
    for (; node->parent != node; node = node->parent) {
        len = strlen(node->name);
        if (at < len + 1) return -ERANGE;
        at -= len;
        memcpy(buffer + at, node->name, len);
        buffer[--at] = '/';
    }
    memmove(buffer, buffer + at, size - at);
    return (long)(size - at);
}

LINUX_CALL(getcwd) { return UNDER_LOCK(folder_path((char *)args[0], (size_t)args[1])); }

/* There are no symbolic links. */
LINUX_CALL(readlink) {
    struct place place;
    long failed = UNDER_LOCK(find_there(AT_FDCWD, (const char *)args[0], &place));
    return failed ? failed : -EINVAL;
}

static unsigned char type_of(const struct node *node) { return (unsigned char)(node->mode >> 12 & 15); }

/* Appends an entry to the buffer; false if it does not fit. */
static bool entry_put(char *buffer, size_t size, size_t *at, const struct node *node, const char *name, uint64_t next) {
    const size_t name_len = strlen(name) + 1;
    const size_t len = (offsetof(struct dirent, d_name) + name_len + 7) & ~(size_t)7;
    if (len > size - *at) return false;
    struct dirent *entry = (struct dirent *)(buffer + *at);
    entry->d_ino = node->number;
    entry->d_off = (off_t)next;
    entry->d_reclen = (unsigned short)len;
    entry->d_type = type_of(node);
    memcpy(entry->d_name, name, name_len);
    *at += len;
    return true;
}

/* The offset is 0, 1 behind ".", 2 behind "..", and behind a child its order and 2. */
static long list(long fd, char *buffer, size_t size) {
    struct open *open = __port_open_of(fd);
    if (!open) return -EBADF;
    struct node *folder = open->node;
    if (!folder || !S_ISDIR(folder->mode)) return -ENOTDIR;
    size_t at = 0;
    if (open->offset == 0 && entry_put(buffer, size, &at, folder, ".", 1)) open->offset = 1;
    if (open->offset == 1 && entry_put(buffer, size, &at, folder->parent, "..", 2)) open->offset = 2;
    bool more = open->offset < 2;
    for (const struct node *child = folder->children; child && !more; child = child->next) {
        if (child->order + 2 <= open->offset) continue;
        more = !entry_put(buffer, size, &at, child, child->name, child->order + 2);
        if (!more) open->offset = child->order + 2;
    }
    return at == 0 && more ? -EINVAL : (long)at;
}

LINUX_CALL(getdents64) { return UNDER_LOCK(list(args[0], (char *)args[1], (size_t)args[2])); }
