/*
 * System calls on existing VMOs: contents, size, commitment, cache policy. Manual: vmo.md.
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
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
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

zx_status_t sys_vmo_op_range(zx_handle_t value, uint32_t op, uint64_t offset, uint64_t size, user_out_t buffer UNUSED,
                             size_t buffer_size UNUSED) {
    struct vmo *vmo;
    zx_rights_t rights = 0;
    zx_status_t valid = op_rights(op, &rights), status = get_vmo(value, rights, &vmo);
    if (status != ZX_OK) return status;
    status = valid == ZX_OK ? do_op(vmo, op, offset, size) : valid;
    vmo_unref(vmo);
    return status;
}
