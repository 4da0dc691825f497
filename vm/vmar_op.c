/*
 * Acting on memory through the addresses where it is mapped; see vmar.h. The whole range is checked before anything is
 * done; then each mapping's part is done by the VMO behind it. The address space is locked for a few regions at a time,
 * or one window of translations: a gap that others make meanwhile ends the call.
 */
#include "kernel/base/arith.h"
#include "kernel/sched/thread.h"
#include "vm/vmar_change.h"

static bool op_known(uint32_t op) {
    return (op >= ZX_VMAR_OP_COMMIT && op <= ZX_VMAR_OP_MAP_RANGE) || op == ZX_VMAR_OP_ZERO ||
           (op >= ZX_VMAR_OP_DONT_NEED && op <= ZX_VMAR_OP_PREFETCH);
}

static bool op_changes(uint32_t op) {
    return op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_ZERO;
}

/* So many regions are looked at between two releases of the lock. */
#define PART 64

/* Checks a part of the range from `*at` on, and moves that up. */
static zx_status_t check_part(struct vmar *vmar, uint32_t op, vaddr_t *at, vaddr_t end) REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    struct region *r = region_first_above(&vmar->children, *at);
    for (unsigned i = 0; i < PART && *at < end; i++, r = region_next(r)) {
        if (!r || r->base > *at) return ZX_ERR_BAD_STATE;
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        if (op_changes(op) && !(mapping_from_region(r)->ceiling & PERM_WRITE)) return ZX_ERR_ACCESS_DENIED;
        *at = region_end(r);
    }
    return ZX_OK;
}

static zx_status_t check_range(struct vmar *vmar, uint32_t op, vaddr_t addr, size_t len) {
    zx_status_t status = ZX_OK;
    for (vaddr_t at = addr; status == ZX_OK && at < addr + len;) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        aspace_lock(vmar->aspace);
        status = check_part(vmar, op, &at, addr + len);
        mutex_unlock_part(&vmar->aspace->lock, status != ZX_OK || at >= addr + len);
    }
    return status;
}

/* The mapping at `at`; NULL where there is none any more. */
static struct mapping *mapping_at(struct vmar *vmar, vaddr_t at) REQUIRES(&vmar->aspace->lock) {
    struct region *r = vmar->dead ? NULL : region_find(&vmar->children, at);
    return r && r->kind == REGION_MAPPING ? mapping_from_region(r) : NULL;
}

zx_status_t vmar_preload(struct vmar *vmar, vaddr_t at, vaddr_t end, uint64_t id) {
    zx_status_t status = ZX_OK;
    while (status == ZX_OK && at < end) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        aspace_lock(vmar->aspace);
        struct mapping *m = mapping_at(vmar, at);
        if (!m || (id && m->id != id))
            status = ZX_ERR_BAD_STATE;
        else
            status = mapping_preload(m, &at, end);
        mutex_unlock_part(&vmar->aspace->lock, status != ZX_OK || at >= end);
    }
    return status;
}

/* What is mapped at `*at`, with a reference, and where there. Moves `*at` to where that mapping or the range ends. */
static struct vmo *vmo_at(struct vmar *vmar, vaddr_t *at, vaddr_t end, uint64_t *offset, uint64_t *len) {
    aspace_lock(vmar->aspace);
    struct mapping *m = mapping_at(vmar, *at);
    struct vmo *vmo = m ? m->vmo : NULL;
    if (vmo) {
        vmo_ref(vmo);
        *offset = m->offset + (*at - m->region.base);
        *len = min_u64(end, region_end(&m->region)) - *at;
        *at += *len;
    }
    mutex_unlock(&vmar->aspace->lock);
    return vmo;
}

/* No lock is held meanwhile: it acts on what was mapped when it looked. */
static zx_status_t change_range(struct vmar *vmar, uint32_t op, vaddr_t at, vaddr_t end) {
    zx_status_t status = ZX_OK;
    while (status == ZX_OK && at < end) {
        uint64_t offset, len;
        if (thread_killed()) return ZX_ERR_CANCELED;
        struct vmo *vmo = vmo_at(vmar, &at, end, &offset, &len);
        if (!vmo) return ZX_ERR_BAD_STATE;
        status = op == ZX_VMAR_OP_COMMIT     ? vmo_commit(vmo, offset, len)
                 : op == ZX_VMAR_OP_DECOMMIT ? vmo_decommit(vmo, offset, len)
                                             : vmo_zero(vmo, offset, len);
        vmo_unref(vmo);
    }
    return status;
}

zx_status_t vmar_op_range(struct vmar *vmar, uint32_t op, vaddr_t addr, uint64_t len) {
    if (!page_aligned(addr) || !page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    if (!range_within(addr, len, vmar->region.base, vmar->region.len)) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = check_range(vmar, op, addr, len);
    if (status != ZX_OK) return status;
    if (op_changes(op)) return change_range(vmar, op, addr, addr + len);
    if (op == ZX_VMAR_OP_MAP_RANGE) return vmar_preload(vmar, addr, addr + len, 0);
    return op_known(op) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}
