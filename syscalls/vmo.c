/* System calls on existing VMOs: contents, size, commitment, cache policy. Manual: vmo.md. */
#include "vm/vmo.h"

#include "arch/cache.h"
#include "kernel/object/handle.h"
#include "syscalls/vmo.h"
#include "vm/transfer.h"
#include "vm/usercopy.h"

static zx_status_t sys_vmo_read(struct vmo *vmo, user_out_t buffer, uint64_t offset, size_t size) {
    return transfer_from_vmo(vmo, offset, buffer, size).status;
}

static zx_status_t sys_vmo_write(struct vmo *vmo, user_in_t buffer, uint64_t offset, size_t size) {
    return transfer_to_vmo(vmo, offset, buffer, size).status;
}

static zx_status_t sys_vmo_get_size(struct vmo *vmo, user_out_t out) {
    uint64_t size = vmo_size(vmo);
    return user_put(out, size);
}

static zx_status_t sys_vmo_set_size(struct vmo *vmo, uint64_t size) { return vmo_set_size(vmo, size); }

static zx_status_t check_policy(uint32_t policy) {
    return policy & ~ZX_CACHE_POLICY_MASK ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static zx_status_t sys_vmo_set_cache_policy(struct vmo *vmo, uint32_t policy) {
    return vmo_set_cache_policy(vmo, policy);
}

/* No such operation: no right. */
static zx_rights_t op_rights(uint32_t op) {
    switch (op) {
    case ZX_VMO_OP_COMMIT:
    case ZX_VMO_OP_DECOMMIT:
    case ZX_VMO_OP_ZERO:
    case ZX_VMO_OP_CACHE_INVALIDATE: return ZX_RIGHT_WRITE;
    case ZX_VMO_OP_CACHE_SYNC:
    case ZX_VMO_OP_CACHE_CLEAN:
    case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE: return ZX_RIGHT_READ;
    default: return 0;
    }
}

/* What was written can be executed, by the calling thread at least. */
static zx_status_t cache_sync(struct vmo *vmo, uint64_t offset, uint64_t size) {
    zx_status_t status = vmo_cache_range(vmo, offset, size, arch_cache_clean);
    if (status == ZX_OK) arch_cache_sync();
    return status;
}

static zx_status_t sys_vmo_op_range(struct vmo *vmo, uint32_t op, uint64_t offset, uint64_t size,
                                    user_out_t buffer UNUSED, size_t buffer_size UNUSED) {
    switch (op) {
    case ZX_VMO_OP_COMMIT: return vmo_commit(vmo, offset, size);
    case ZX_VMO_OP_DECOMMIT: return vmo_decommit(vmo, offset, size);
    case ZX_VMO_OP_ZERO: return vmo_zero(vmo, offset, size);
    case ZX_VMO_OP_LOCK:
    case ZX_VMO_OP_UNLOCK: return ZX_ERR_NOT_SUPPORTED;
    case ZX_VMO_OP_CACHE_SYNC: return cache_sync(vmo, offset, size);
    case ZX_VMO_OP_CACHE_CLEAN: return vmo_cache_range(vmo, offset, size, arch_cache_clean);
    case ZX_VMO_OP_CACHE_INVALIDATE:
    case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE: return vmo_cache_range(vmo, offset, size, arch_cache_flush);
    default: return ZX_ERR_INVALID_ARGS;
    }
}
