/*
 * The bytes of files; see files.h. They lie in a VMO of the file's own, which grows to twice its size when it must; a
 * file of the archive lies there until it is first written to.
 */
#include <errno.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "user/libc/files.h"
#include "user/libc/port.h"

#define LEN_MAX ((uint64_t)1 << 40)

/* The buffer is the program's. */
static long result(zx_status_t status, size_t len) {
    if (status == ZX_OK) return (long)len;
    return status == ZX_ERR_NO_MEMORY ? -ENOSPC : -EFAULT;
}

void __port_data_drop(struct node *node) {
    if (node->room > 0) zx_handle_close(node->vmo);
    node->vmo = ZX_HANDLE_INVALID;
    node->base = node->room = node->len = 0;
}

static zx_status_t copy(zx_handle_t to, const struct node *from) {
    char part[1024];
    for (uint64_t at = 0; at < from->len;) {
        size_t len = from->len - at < sizeof(part) ? from->len - at : sizeof(part);
        zx_status_t status = zx_vmo_read(from->vmo, part, from->base + at, len);
        if (status == ZX_OK) status = zx_vmo_write(to, part, at, len);
        if (status != ZX_OK) return status;
        at += len;
    }
    return ZX_OK;
}

/* A VMO of its own, with what the file has. */
static zx_status_t own(struct node *node, uint64_t room) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create(room, ZX_VMO_RESIZABLE, &vmo);
    if (status != ZX_OK) return status;
    zx_object_set_property(vmo, ZX_PROP_NAME, "file", strlen("file"));
    if (node->vmo != ZX_HANDLE_INVALID) status = copy(vmo, node);
    if (status != ZX_OK) {
        zx_handle_close(vmo);
        return status;
    }
    node->vmo = vmo;
    node->base = 0;
    node->room = room;
    return ZX_OK;
}

zx_status_t __port_data_reserve(struct node *node, uint64_t len) {
    if (len < node->len) len = node->len;
    if (node->room > 0 && len <= node->room) return ZX_OK;
    uint64_t room = whole_pages(len < 2 * node->room ? 2 * node->room : len);
    if (node->room == 0) return own(node, room);
    zx_status_t status = zx_vmo_set_size(node->vmo, room);
    if (status == ZX_OK) node->room = room;
    return status;
}

long __port_data_read(struct node *node, uint64_t offset, void *buffer, size_t len) {
    if (offset >= node->len) return 0;
    if (len > node->len - offset) len = node->len - offset;
    node->accessed = __port_files_now();
    if (node->vmo != ZX_HANDLE_INVALID) return result(zx_vmo_read(node->vmo, buffer, node->base + offset, len), len);
    memset(buffer, 0, len);
    return (long)len;
}

long __port_data_write(struct node *node, uint64_t offset, const void *buffer, size_t len) {
    if (len == 0) return 0;
    if (offset >= LEN_MAX || len > LEN_MAX - offset) return -EFBIG;
    zx_status_t status = __port_data_reserve(node, offset + len);
    if (status != ZX_OK) return -ENOSPC;
    status = zx_vmo_write(node->vmo, buffer, offset, len);
    if (status == ZX_OK && offset + len > node->len) node->len = offset + len;
    node->modified = node->changed = __port_files_now();
    return result(status, len);
}

long __port_data_resize(struct node *node, uint64_t len) {
    if (len > LEN_MAX) return -EFBIG;
    if (__port_data_reserve(node, len) != ZX_OK) return -ENOSPC;
    if (len < node->len && zx_vmo_op_range(node->vmo, ZX_VMO_OP_ZERO, len, node->len - len, NULL, 0) != ZX_OK)
        return -ENOSPC;
    node->len = len;
    node->modified = node->changed = __port_files_now();
    return 0;
}
