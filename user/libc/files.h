/*
 * Files in memory, private to the process, that live until it ends: a tree of nodes (files_tree.c), their bytes
 * (files_data.c), what programs ask of paths (files_paths.c), and descriptors (descriptors.c, pipes.c). At first the
 * tree has what the boot archive has below files/, and /dev and /tmp. Nothing is ever written into the archive.
 *
 * One lock, __port_files, is held for all of it, but never while a read or a write waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include <zircon/types.h>

#define NODE_NAME_MAX 255
#define DESCRIPTORS 256

enum device { DEVICE_NONE, DEVICE_NULL, DEVICE_ZERO, DEVICE_RANDOM, DEVICE_TERMINAL };

/* A file, a folder or a device. It goes with its name or its last user, whichever goes later. */
struct node {
    struct node *parent;   /* itself for the root, and for a folder that has been removed */
    struct node *children; /* in the order in which they were linked */
    struct node *next;
    uint64_t order; /* grows from each to the next of a folder */
    uint64_t number;
    mode_t mode;
    enum device device;
    unsigned users;
    bool linked;
    zx_handle_t vmo; /* its bytes, from `base`; ZX_HANDLE_INVALID: none, or zeros */
    uint64_t base;   /* where they lie in the archive */
    uint64_t room;   /* of a VMO of its own; 0: there is none yet. From `len` on it is zeros */
    uint64_t len;
    struct timespec accessed, modified, changed;
    char name[NODE_NAME_MAX + 1];
};

/* What an open() made, and dup() shares. */
struct open {
    unsigned users;
    int flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK */
    struct node *node;
    struct pipe *pipe; /* an end of it, and no node */
    uint64_t offset;
};

/* Where a path leads: its last name in a folder, and what is there, NULL if nothing is. `name` is NULL for . and .. */
struct place {
    struct node *folder;
    const char *name;
    size_t name_len;
    struct node *node;
    bool slash; /* it must be a folder */
};

extern zx_futex_t __port_files;

/* files_tree.c: the boot archive, to be read; false: there is none. */
struct bytes;
bool __port_archive_open(struct bytes *out);

/* Zeroed memory for one of a kind of small objects, all of one size; NULL: there is none. */
struct pool {
    size_t size;
    void *free;
};
void *__port_pool_take(struct pool *pool);
void __port_pool_give(struct pool *pool, void *object);

/* files_tree.c: results are 0 or negative numbers of errors. */
extern struct node *__port_folder; /* the working directory, used */
long __port_files_start(void);
struct node *__port_files_root(void);
long __port_place(struct node *from, const char *path, struct place *out);
struct node *__port_node_make(const struct place *place, mode_t mode);
struct node *__port_node_alone(mode_t mode);
void __port_node_link(struct node *node, struct node *folder, const char *name, size_t len);
void __port_node_unlink(struct node *node);
void __port_node_release(struct node *node);
struct timespec __port_files_now(void);

/* files_data.c: a VMO of the file's own with room for so many bytes. */
zx_status_t __port_data_reserve(struct node *node, uint64_t len);

/* Results are numbers of bytes, 0, or negative numbers of errors. */
long __port_data_read(struct node *node, uint64_t offset, void *buffer, size_t len);
long __port_data_write(struct node *node, uint64_t offset, const void *buffer, size_t len);
long __port_data_resize(struct node *node, uint64_t len);
void __port_data_drop(struct node *node);

/*
 * descriptors.c: all under the lock. What a descriptor is of, NULL: there is none; a new use of a node or of a pipe's
 * end, and its first descriptor, from `least` on, without which it is gone; the end of a descriptor.
 */
struct open *__port_open_of(long fd);
struct open *__port_open_make(struct node *node, struct pipe *pipe, int flags);
long __port_open_add(struct open *open, long least, bool close_on_exec);
long __port_open_close(long fd);

/* pipes.c: as read() and write() are, without the lock; an end that is closed, under it. */
long __port_pipe_read(struct open *open, char *buffer, size_t len);
long __port_pipe_write(struct open *open, const char *buffer, size_t len);
void __port_pipe_close(struct open *open);

/* terminal.c: is what the program reads, or writes, a person's terminal? */
bool __port_terminal_is_there(bool output);
