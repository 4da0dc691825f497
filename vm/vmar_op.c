/*
 * Acting on memory through the addresses where it is mapped; see vmar.h. The whole range is checked before anything is
 * done; then each mapping's part is done by the VMO behind it.
 */
#include "kernel/base/arith.h"
#include "vm/vmar.h"

static bool op_known(uint32_t op) {
    return (op >= ZX_VMAR_OP_COMMIT && op <= ZX_VMAR_OP_MAP_RANGE) || op == ZX_VMAR_OP_ZERO ||
           (op >= ZX_VMAR_OP_DONT_NEED && op <= ZX_VMAR_OP_PREFETCH);
}

static bool op_changes(uint32_t op) {
    return op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_ZERO;
}

static zx_status_t check_range(struct vmar *vmar, uint32_t op, vaddr_t addr, size_t len) REQUIRES(&vmar->aspace->lock) {
    vaddr_t reached = addr, end = addr + len;
    for (struct region *r = region_first_above(&vmar->children, addr); r && r->base < end; r = region_next(r)) {
        if (r->base > reached) return ZX_ERR_BAD_STATE;
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        if (op_changes(op) && !(mapping_from_region(r)->ceiling & PERM_WRITE)) return ZX_ERR_ACCESS_DENIED;
        reached = region_end(r);
    }
    return reached < end ? ZX_ERR_BAD_STATE : ZX_OK;
}

static zx_status_t mapping_op(struct mapping *m, uint32_t op, vaddr_t base, size_t len) {
    uint64_t offset = m->offset + (base - m->region.base);
    switch (op) {
    case ZX_VMAR_OP_COMMIT:
        return vmo_commit(m->vmo, offset, len);
    case ZX_VMAR_OP_DECOMMIT:
        return vmo_decommit(m->vmo, offset, len);
    case ZX_VMAR_OP_ZERO:
        return vmo_zero(m->vmo, offset, len);
    case ZX_VMAR_OP_MAP_RANGE:
        return mapping_preload(m, base, len);
    default:
        return ZX_OK;
    }
}

static zx_status_t op_locked(struct vmar *vmar, uint32_t op, vaddr_t addr, size_t len) REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    zx_status_t status = check_range(vmar, op, addr, len);
    if (status != ZX_OK) return status;
    if (!op_known(op)) return ZX_ERR_INVALID_ARGS;
    struct region *r = region_first_above(&vmar->children, addr);
    for (; r && r->base < addr + len && status == ZX_OK; r = region_next(r)) {
        vaddr_t from = max_u64(addr, r->base), to = min_u64(addr + len, region_end(r));
        status = mapping_op(mapping_from_region(r), op, from, to - from);
    }
    return status;
}

zx_status_t vmar_op_range(struct vmar *vmar, uint32_t op, vaddr_t addr, uint64_t len) {
    if (!page_aligned(addr) || !page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    if (!range_within(addr, len, vmar->region.base, vmar->region.len)) return ZX_ERR_OUT_OF_RANGE;
    mutex_lock(&vmar->aspace->lock);
    zx_status_t status = op_locked(vmar, op, addr, len);
    mutex_unlock(&vmar->aspace->lock);
    return status;
}
