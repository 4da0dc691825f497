/* System calls that make VMOs: new ones, children, and handles that may execute. Manual: vmo.md. */
#include "syscalls/vmo_create.h"
#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "kernel/object/resource.h"
#include "vm/vmo.h"

/* The alignments that vmo_create_contiguous takes, as powers of two; 0 means the minimum. */
#define ALIGN_MIN PAGE_SHIFT
#define ALIGN_END 64u

static zx_status_t sys_vmo_create(uint64_t size, uint32_t options, user_out_t out) {
    struct vmo *vmo;
    if (options & ~(ZX_VMO_NON_RESIZABLE | ZX_VMO_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    if (options == (ZX_VMO_NON_RESIZABLE | ZX_VMO_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = caller_may(ZX_POL_NEW_VMO);
    if (status == ZX_OK) status = vmo_create(size, !(options & ZX_VMO_NON_RESIZABLE), &vmo);
    return status == ZX_OK ? give_new(&vmo->object, out) : status;
}

/* Of whole pages, as the VMO will be; one of too many is refused as a VMO. */
static zx_status_t sys_vmo_create_physical(zx_handle_t resource, zx_paddr_t base, size_t size, user_out_t out) {
    struct vmo *vmo;
    uint64_t rounded = size;
    (void)page_round_up(size, &rounded);
    zx_status_t status = resource_check(caller_handles(), resource, ZX_RSRC_KIND_MMIO, base, rounded);
    if (status == ZX_OK) status = vmo_create_physical((paddr_t){base}, size, &vmo);
    return status == ZX_OK ? give_new(&vmo->object, out) : status;
}

static zx_status_t check_contiguous(size_t size, uint32_t align_log2) {
    bool aligned = align_log2 == 0 || (align_log2 >= ALIGN_MIN && align_log2 < ALIGN_END);
    return size > 0 && aligned ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t sys_vmo_create_contiguous(size_t size, uint32_t align_log2, user_out_t out) {
    struct vmo *vmo;
    zx_status_t status = vmo_create_contiguous(size, align_log2 ? align_log2 : ALIGN_MIN, &vmo);
    return status == ZX_OK ? give_new(&vmo->object, out) : status;
}

#define CHILD_SNAPSHOT (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE)
#define CHILD_TYPES (CHILD_SNAPSHOT | ZX_VMO_CHILD_SLICE)
#define CHILD_OPTIONS (CHILD_TYPES | ZX_VMO_CHILD_RESIZABLE | ZX_VMO_CHILD_NO_WRITE)

static zx_status_t check_child_options(uint32_t options) {
    if ((options & ZX_VMO_CHILD_SLICE) && (options & (CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE)))
        return ZX_ERR_INVALID_ARGS;
    if (options & ~(uint32_t)CHILD_OPTIONS) return ZX_ERR_INVALID_ARGS;
    uint32_t type = options & CHILD_TYPES;
    return type != 0 && (type & (type - 1)) == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* `size` can be rounded up. */
static zx_status_t check_snapshot_range(uint64_t offset, uint64_t size) {
    uint64_t end;
    if (!page_aligned(offset)) return ZX_ERR_INVALID_ARGS;
    return __builtin_add_overflow(offset, (size + PAGE_MASK) & ~(uint64_t)PAGE_MASK, &end) ? ZX_ERR_OUT_OF_RANGE
                                                                                           : ZX_OK;
}

static zx_rights_t child_rights(zx_rights_t rights, uint32_t options) {
    rights |= ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
    if (options & ZX_VMO_CHILD_NO_WRITE) return rights & ~ZX_RIGHT_WRITE;
    return options & ZX_VMO_CHILD_SLICE ? rights : (rights | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE;
}

static zx_status_t create_child(struct vmo *parent, uint32_t options, uint64_t offset, uint64_t size,
                                struct vmo **out) {
    zx_status_t status = check_child_options(options);
    if (status != ZX_OK) return status;
    if (options & ZX_VMO_CHILD_SLICE) return vmo_slice(parent, offset, size, out);
    status = check_snapshot_range(offset, size);
    if (status != ZX_OK) return status;
    return vmo_snapshot(parent, offset, size, options & ZX_VMO_CHILD_RESIZABLE, out);
}

/* Gives the caller a handle to a child of the VMO that `parent` names. Takes the child's reference. */
static zx_status_t give_child(const struct handle *parent, struct vmo *child, zx_rights_t rights, user_out_t out) {
    if (parent->rights & ZX_RIGHT_GET_PROPERTY) vmo_copy_name(child, vmo_from_object(parent->object));
    zx_status_t status = handle_give(caller_handles(), out, handle_make(&child->object, rights));
    vmo_unref(child);
    return status;
}

/* What is looked at before the handle. */
static zx_status_t check_child(uint32_t options, uint64_t size) {
    uint64_t rounded;
    if (!page_round_up(size, &rounded)) return ZX_ERR_OUT_OF_RANGE;
    return (options & ZX_VMO_CHILD_NO_WRITE) && (options & ZX_VMO_CHILD_RESIZABLE) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static zx_status_t sys_vmo_create_child(const struct handle *parent, uint32_t options, uint64_t offset, uint64_t size,
                                        user_out_t out) {
    struct vmo *child;
    zx_status_t status = create_child(vmo_from_object(parent->object), options, offset, size, &child);
    return status == ZX_OK ? give_child(parent, child, child_rights(parent->rights, options), out) : status;
}

#define CLONE_OPTIONS (ZX_VMO_CLONE_COPY_ON_WRITE | ZX_VMO_CLONE_NON_RESIZEABLE)

static zx_status_t sys_vmo_clone(const struct handle *parent, uint32_t options, uint64_t offset, uint64_t size,
                                 user_out_t out) {
    struct vmo *child;
    const bool resizable = !(options & ZX_VMO_CLONE_NON_RESIZEABLE);
    if (!(options & ZX_VMO_CLONE_COPY_ON_WRITE) || (options & ~(uint32_t)CLONE_OPTIONS)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = vmo_snapshot(vmo_from_object(parent->object), offset, size, resizable, &child);
    if (status != ZX_OK) return status;
    zx_rights_t rights = parent->rights | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_WRITE;
    return give_child(parent, child, rights, out);
}

static zx_status_t sys_vmo_replace_as_executable(zx_handle_t value, zx_handle_t vmex, user_out_t out) {
    struct handle handle;
    zx_status_t allowed = vmex ? resource_check(caller_handles(), vmex, ZX_RSRC_KIND_VMEX, 0, 0) : ZX_OK;
    zx_status_t status = handle_remove(caller_handles(), value, &handle);
    if (status != ZX_OK) return status;
    status = allowed;
    if (status == ZX_OK && handle.object->ops->type != ZX_OBJ_TYPE_VMO) status = ZX_ERR_BAD_HANDLE;
    if (status != ZX_OK) {
        handle_discard(handle);
        return status;
    }
    handle.rights |= ZX_RIGHT_EXECUTE;
    return handle_give(caller_handles(), out, handle);
}
