/*
 * System calls on VMOs. Manual: vmo.md.
 */
#include "vm/vmo.h"

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "syscalls/syscalls.h"
#include "vm/transfer.h"
#include "vm/usercopy.h"

static zx_status_t get_vmo(zx_handle_t value, zx_rights_t rights, struct vmo **out) {
    struct object *object;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_VMO, rights, &object);
    if (status == ZX_OK) *out = vmo_from_object(object);
    return status;
}

zx_status_t sys_vmo_create(uint64_t size, uint32_t options, user_out_t out) {
    struct vmo *vmo;
    if (options & ~(ZX_VMO_NON_RESIZABLE | ZX_VMO_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    if (options == (ZX_VMO_NON_RESIZABLE | ZX_VMO_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = vmo_create(size, !(options & ZX_VMO_NON_RESIZABLE), &vmo);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(&vmo->object, ZX_DEFAULT_VMO_RIGHTS));
    vmo_unref(vmo);
    return status;
}

static zx_status_t vmo_transfer(struct transfer *x, zx_handle_t value, zx_rights_t rights, uint64_t offset) {
    struct vmo *vmo;
    zx_status_t status = get_vmo(value, rights, &vmo);
    if (status != ZX_OK) return status;
    status = transfer_vmo(x, vmo, offset);
    vmo_unref(vmo);
    return status;
}

zx_status_t sys_vmo_read(zx_handle_t value, user_out_t buffer, uint64_t offset, size_t size) {
    struct transfer x = transfer_read(buffer, size);
    return vmo_transfer(&x, value, ZX_RIGHT_READ, offset);
}

zx_status_t sys_vmo_write(zx_handle_t value, user_in_t buffer, uint64_t offset, size_t size) {
    struct transfer x = transfer_write(buffer, size);
    return vmo_transfer(&x, value, ZX_RIGHT_WRITE, offset);
}

zx_status_t sys_vmo_get_size(zx_handle_t value, user_out_t out) {
    struct vmo *vmo;
    zx_status_t status = get_vmo(value, 0, &vmo);
    if (status != ZX_OK) return status;
    uint64_t size = vmo_size(vmo);
    vmo_unref(vmo);
    return user_put(out, size);
}

zx_status_t sys_vmo_set_size(zx_handle_t value, uint64_t size) {
    struct vmo *vmo;
    zx_status_t status = get_vmo(value, ZX_RIGHT_WRITE, &vmo);
    if (status != ZX_OK) return status;
    status = vmo_set_size(vmo, size);
    vmo_unref(vmo);
    return status;
}

zx_status_t sys_vmo_set_cache_policy(zx_handle_t value, uint32_t policy) {
    struct vmo *vmo;
    if (policy & ~ZX_CACHE_POLICY_MASK) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = get_vmo(value, ZX_RIGHT_MAP, &vmo);
    if (status != ZX_OK) return status;
    status = vmo_set_cache_policy(vmo, policy);
    vmo_unref(vmo);
    return status;
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
    return vmo_snapshot(parent, offset, size, options & ZX_VMO_CHILD_RESIZABLE, out);
}

zx_status_t sys_vmo_create_child(zx_handle_t value, uint32_t options, uint64_t offset, uint64_t size, user_out_t out) {
    struct handle handle;
    struct vmo *child;
    uint64_t rounded;
    if (!page_round_up(size, &rounded)) return ZX_ERR_OUT_OF_RANGE;
    if ((options & ZX_VMO_CHILD_NO_WRITE) && (options & ZX_VMO_CHILD_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = handle_get_typed(caller_handles(), value, ZX_OBJ_TYPE_VMO,
                                          ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, &handle);
    if (status != ZX_OK) return status;
    struct vmo *parent = vmo_from_object(handle.object);
    status = create_child(parent, options, offset, size, &child);
    if (status == ZX_OK) {
        vmo_adopt(parent, child);
        struct handle made = handle_make(&child->object, child_rights(handle.rights, options));
        status = handle_give(caller_handles(), out, made);
        vmo_unref(child);
    }
    vmo_unref(parent);
    return status;
}

static zx_status_t op_rights(uint32_t op, zx_rights_t *rights) {
    switch (op) {
    case ZX_VMO_OP_COMMIT:
    case ZX_VMO_OP_DECOMMIT:
    case ZX_VMO_OP_ZERO:
    case ZX_VMO_OP_CACHE_INVALIDATE:
        *rights = ZX_RIGHT_WRITE;
        return ZX_OK;
    case ZX_VMO_OP_CACHE_SYNC:
    case ZX_VMO_OP_CACHE_CLEAN:
    case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
        *rights = ZX_RIGHT_READ;
        return ZX_OK;
    case ZX_VMO_OP_LOCK:
    case ZX_VMO_OP_UNLOCK:
        *rights = 0;
        return ZX_OK;
    default:
        return ZX_ERR_INVALID_ARGS;
    }
}

/* Caches of a PC are coherent: only the arguments are checked. */
static zx_status_t cache_op(struct vmo *vmo, uint64_t offset, uint64_t size) {
    if (size == 0) return ZX_ERR_INVALID_ARGS;
    return range_within(offset, size, 0, vmo_size(vmo)) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t do_op(struct vmo *vmo, uint32_t op, uint64_t offset, uint64_t size) {
    switch (op) {
    case ZX_VMO_OP_COMMIT:
        return vmo_commit(vmo, offset, size);
    case ZX_VMO_OP_DECOMMIT:
        return vmo_decommit(vmo, offset, size);
    case ZX_VMO_OP_ZERO:
        return vmo_zero(vmo, offset, size);
    case ZX_VMO_OP_LOCK:
    case ZX_VMO_OP_UNLOCK:
        return ZX_ERR_NOT_SUPPORTED;
    default:
        return cache_op(vmo, offset, size);
    }
}

zx_status_t sys_vmo_op_range(zx_handle_t value, uint32_t op, uint64_t offset, uint64_t size,
                             user_out_t buffer UNUSED, size_t buffer_size UNUSED) {
    struct vmo *vmo;
    zx_rights_t rights = 0;
    zx_status_t valid = op_rights(op, &rights), status = get_vmo(value, rights, &vmo);
    if (status != ZX_OK) return status;
    status = valid == ZX_OK ? do_op(vmo, op, offset, size) : valid;
    vmo_unref(vmo);
    return status;
}
