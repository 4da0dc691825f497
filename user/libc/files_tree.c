/* The tree of files; see files.h. All of it under the lock. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>
#include <zircon/time.h>

#include "kernel/base/newc.h"
#include "user/libc/files.h"
#include "user/libc/port.h"

#define ARCHIVE_FOLDER "files/"
#define POOL_CHUNK 16384

zx_futex_t __port_files;
struct node *__port_folder;

static struct node *root;
static struct pool nodes = {.size = sizeof(struct node)};
static uint64_t numbers, orders;

void *__port_pool_take(struct pool *pool) {
    if (!pool->free) {
        char *chunk = __port_pages_map(POOL_CHUNK);
        if (!chunk) return NULL;
        for (size_t at = 0; at + pool->size <= POOL_CHUNK; at += pool->size) __port_pool_give(pool, chunk + at);
    }
    void *object = pool->free;
    memcpy(&pool->free, object, sizeof(pool->free));
    return memset(object, 0, pool->size);
}

void __port_pool_give(struct pool *pool, void *object) {
    memcpy(object, &pool->free, sizeof(pool->free));
    pool->free = object;
}

struct timespec __port_files_now(void) {
    zx_time_t now = zx_clock_get(ZX_CLOCK_UTC);
    return (struct timespec){.tv_sec = now / ZX_SEC(1), .tv_nsec = now % ZX_SEC(1)};
}

/* --- nodes --- */

struct node *__port_node_alone(mode_t mode) {
    struct node *node = __port_pool_take(&nodes);
    if (!node) return NULL;
    node->parent = node;
    node->number = ++numbers;
    node->mode = mode;
    node->accessed = node->modified = node->changed = __port_files_now();
    return node;
}

void __port_node_link(struct node *node, struct node *folder, const char *name, size_t len) {
    struct node **end = &folder->children;
    while (*end) end = &(*end)->next;
    *end = node;
    node->next = NULL;
    node->parent = folder;
    node->order = ++orders;
    node->linked = true;
    memmove(node->name, name, len);
    node->name[len] = '\0';
    folder->modified = folder->changed = node->changed = __port_files_now();
}

/* The caller releases the node, or links it elsewhere. */
void __port_node_unlink(struct node *node) {
    struct node **link = &node->parent->children;
    while (*link != node) link = &(*link)->next;
    *link = node->next;
    node->parent->modified = node->parent->changed = node->changed = __port_files_now();
    node->parent = node;
    node->linked = false;
}

void __port_node_release(struct node *node) {
    if (node->linked || node->users > 0 || node == root) return;
    __port_data_drop(node);
    __port_pool_give(&nodes, node);
}

struct node *__port_node_make(const struct place *place, mode_t mode) {
    struct node *node = __port_node_alone(mode);
    if (node) __port_node_link(node, place->folder, place->name, place->name_len);
    return node;
}

static struct node *child(const struct node *folder, const char *name, size_t len) {
    struct node *node = folder->children;
    while (node && (strncmp(node->name, name, len) != 0 || node->name[len] != '\0')) node = node->next;
    return node;
}

/* --- paths --- */

static bool is_dots(const char *name, size_t len) {
    return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* One step, from the folder that the place is in: its name is the one at `path`, whose end is the result. */
static const char *step(struct place *place, const char *path) {
    struct node *folder = place->folder;
    size_t len = strcspn(path, "/");
    bool dots = is_dots(path, len);
    place->name = dots ? NULL : path;
    place->name_len = len;
    place->node = !dots ? child(folder, path, len) : len == 2 ? folder->parent : folder;
    return path + len;
}

/* An absolute path begins at the root, and an empty one leads nowhere. */
long __port_place(struct node *from, const char *path, struct place *out) {
    if (*path == '\0') return -ENOENT;
    struct node *begin = *path == '/' ? root : from;
    *out = (struct place){.folder = begin, .node = begin};
    for (;;) {
        while (*path == '/') path++, out->slash = true;
        if (*path == '\0') break;
        if (!out->node) return -ENOENT;
        if (!S_ISDIR(out->node->mode)) return -ENOTDIR;
        if (strcspn(path, "/") > NODE_NAME_MAX) return -ENAMETOOLONG;
        out->folder = out->node;
        out->slash = false;
        path = step(out, path);
    }
    if (out->node && out->slash && !S_ISDIR(out->node->mode)) return -ENOTDIR;
    if (!out->node && out->name && !out->folder->linked && out->folder != root) return -ENOENT;
    return 0;
}

/* --- what is there at first --- */

static struct node *add(const char *path, mode_t mode) {
    struct place place;
    if (__port_place(root, path, &place) != 0) return NULL;
    return place.node ? place.node : __port_node_make(&place, mode);
}

static bool add_device(const char *path, enum device device) {
    struct node *node = add(path, S_IFCHR | 0666);
    if (node) node->device = device;
    return node;
}

/* A file of the archive, with the folders that lead to it. */
static bool add_archived(zx_handle_t archive, struct newc_file *file) {
    char *path = file->name + strlen(ARCHIVE_FOLDER);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!add(path, S_IFDIR | 0755)) return false;
        *slash = '/';
    }
    struct node *node = add(path, S_IFREG | 0644);
    if (!node) return false;
    if (S_ISDIR(node->mode)) return true;
    node->vmo = archive;
    node->base = file->offset;
    node->len = file->len;
    return true;
}

static zx_status_t archive_read(const struct bytes *from, uint64_t at, void *buffer, size_t len) {
    (void)from;
    return zx_vmo_read(__port_archive(), buffer, at, len);
}

bool __port_archive_open(struct bytes *out) {
    *out = (struct bytes){.read = archive_read};
    zx_handle_t vmo = __port_archive();
    return vmo != ZX_HANDLE_INVALID && zx_vmo_get_size(vmo, &out->len) == ZX_OK;
}

static bool add_archive(void) {
    struct bytes archive;
    struct newc_file file;
    if (!__port_archive_open(&archive)) return true;
    for (uint64_t at = 0; newc_read(&archive, at, &file) == ZX_OK; at = file.next) {
        if (strncmp(file.name, ARCHIVE_FOLDER, strlen(ARCHIVE_FOLDER)) != 0) continue;
        if (!add_archived(__port_archive(), &file)) return false;
    }
    return true;
}

struct node *__port_files_root(void) {
    return root;
}

/* Called before every other use. Without memory for it, nothing is there, and it is tried again. */
long __port_files_start(void) {
    static bool started;
    if (started) return 0;
    if (!root) root = __port_folder = __port_node_alone(S_IFDIR | 0755);
    started = root && add("/tmp", S_IFDIR | 01777) && add("/dev", S_IFDIR | 0755) && add("/dev/shm", S_IFDIR | 01777) &&
              add_device("/dev/null", DEVICE_NULL) && add_device("/dev/zero", DEVICE_ZERO) &&
              add_device("/dev/random", DEVICE_RANDOM) && add_device("/dev/urandom", DEVICE_RANDOM) &&
              add_device("/dev/tty", DEVICE_TERMINAL) && add_archive();
    return started ? 0 : -ENOMEM;
}
