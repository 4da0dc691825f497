/*
 * Changing what a VMAR holds: unmap, protect, destroy; see vmar.h.
 *
 * Each call first checks the whole range and allocates what cutting mappings may need, then acts and cannot fail. Depth
 * of nesting is the user's to choose, so destruction walks down and up again instead of recursing.
 */
#include "vm/vmar_change.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "vm/heap.h"

void graveyard_release(struct graveyard *dead) {
    struct vmar *vmar;
    mapping_release(&dead->mappings);
    while ((vmar = LIST_FIRST(&dead->vmars))) {
        LIST_REMOVE(vmar, dead_link);
        object_unref(&vmar->object);
    }
}

/* Takes an empty VMAR out of its parent. */
static void vmar_detach(struct vmar *vmar, struct graveyard *dead) {
    lock_rank_assert_held(&vmar->aspace->lock);
    ASSERT(RB_EMPTY(&vmar->children));
    vmar->dead = true;
    if (!vmar->region.parent) return;
    if (vmar->aspace->near == vmar) vmar->aspace->near = vmar->region.parent;
    region_remove(&vmar->region.parent->children, &vmar->region);
    vmar->region.parent = NULL;
    LIST_INSERT_HEAD(&dead->vmars, vmar, dead_link);
}

static void destroy_locked(struct vmar *top, struct graveyard *dead) {
    struct vmar *vmar = top;
    for (;;) {
        struct region *r = region_first(&vmar->children);
        if (r && r->kind == REGION_MAPPING) {
            mapping_detach(mapping_from_region(r), &dead->mappings);
        } else if (r) {
            vmar = vmar_from_region(r);
        } else {
            struct vmar *parent = vmar->region.parent;
            vmar_detach(vmar, dead);
            if (vmar == top) return;
            vmar = parent;
        }
    }
}

zx_status_t vmar_destroy(struct vmar *vmar) {
    struct graveyard dead = {0};
    mutex_lock(&vmar->aspace->lock);
    zx_status_t status = vmar->dead ? ZX_ERR_BAD_STATE : ZX_OK;
    if (status == ZX_OK) destroy_locked(vmar, &dead);
    mutex_unlock(&vmar->aspace->lock);
    graveyard_release(&dead);
    return status;
}

#define FOREACH_REGION(r, vmar, from, to) \
    for (struct region *r = region_first_above(&(vmar)->children, (from)); r && r->base < (to); r = region_next(r))

zx_status_t vmar_check_overwrite(struct vmar *vmar, vaddr_t base, size_t len) {
    FOREACH_REGION(r, vmar, base, base + len) {
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

static zx_status_t check_unmap(struct vmar *vmar, vaddr_t base, size_t len) REQUIRES(&vmar->aspace->lock) {
    FOREACH_REGION(r, vmar, base, base + len) {
        if (r->kind == REGION_VMAR && !range_within(r->base, r->len, base, len)) return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

/* Removes [base, end) from one mapping that overlaps it. */
static void mapping_cut(struct mapping *m, vaddr_t base, vaddr_t end, struct mapping **spare, struct graveyard *dead) {
    vaddr_t low = m->region.base, high = region_end(&m->region);
    if (base <= low && high <= end) {
        mapping_detach(m, &dead->mappings);
    } else if (base <= low) {
        mapping_trim(m, end, high - end);
    } else {
        if (end < high) {
            mapping_split(m, end, *spare);
            *spare = NULL;
        }
        mapping_trim(m, low, base - low);
    }
}

void vmar_clear_range(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare, struct graveyard *dead) {
    vaddr_t end = base + len;
    struct region *next;
    for (struct region *r = region_first_above(&vmar->children, base); r && r->base < end; r = next) {
        next = region_next(r);
        if (r->kind == REGION_VMAR)
            destroy_locked(vmar_from_region(r), dead);
        else
            mapping_cut(mapping_from_region(r), base, end, spare, dead);
    }
}

void vmar_map_undo(struct vmar *vmar, const struct vmar_map *args, vaddr_t base) {
    struct graveyard dead = {0};
    mutex_lock(&vmar->aspace->lock);
    struct region *next;
    for (struct region *r = region_first_above(&vmar->children, base); r && r->base < base + args->len; r = next) {
        next = region_next(r);
        if (r->kind == REGION_MAPPING && mapping_from_region(r)->id == args->id)
            mapping_detach(mapping_from_region(r), &dead.mappings);
    }
    mutex_unlock(&vmar->aspace->lock);
    graveyard_release(&dead);
}

/* Only cutting the middle out of a mapping takes memory: everything else can be cleared when there is none. */
zx_status_t vmar_prepare_clear(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare) {
    struct region *r = region_find(&vmar->children, base);
    if (!r || r->base == base || region_end(r) <= base + len) return ZX_OK;
    *spare = heap_new(struct mapping);
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t vmar_unmap(struct vmar *vmar, vaddr_t addr, uint64_t len) {
    struct graveyard dead = {0};
    struct mapping *spare = NULL;
    if (!page_aligned(addr) || !page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&vmar->aspace->lock);
    zx_status_t status = ZX_OK;
    if (vmar->dead)
        status = ZX_ERR_BAD_STATE;
    else if (!range_within(addr, len, vmar->region.base, vmar->region.len))
        status = ZX_ERR_INVALID_ARGS;
    else
        status = check_unmap(vmar, addr, len);
    if (status == ZX_OK) status = vmar_prepare_clear(vmar, addr, len, &spare);
    if (status == ZX_OK) vmar_clear_range(vmar, addr, len, &spare, &dead);
    mutex_unlock(&vmar->aspace->lock);
    heap_free(spare);
    graveyard_release(&dead);
    return status;
}

static zx_status_t check_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, size_t len)
    REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    if (!range_within(addr, len, vmar->region.base, vmar->region.len)) return ZX_ERR_INVALID_ARGS;
    if (!region_find(&vmar->children, addr)) return ZX_ERR_NOT_FOUND;
    vaddr_t reached = addr, end = addr + len;
    FOREACH_REGION(r, vmar, addr, end) {
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        if (r->base > reached) return ZX_ERR_NOT_FOUND;
        if (perms & ~mapping_from_region(r)->ceiling) return ZX_ERR_ACCESS_DENIED;
        reached = region_end(r);
    }
    return reached < end ? ZX_ERR_NOT_FOUND : ZX_OK;
}

/* A mapping for the upper part, if one has to be cut in two at `at`. */
static zx_status_t prepare_split(struct vmar *vmar, vaddr_t at, struct mapping **spare) REQUIRES(&vmar->aspace->lock) {
    struct region *r = region_find(&vmar->children, at);
    if (!r || r->base == at) return ZX_OK;
    *spare = heap_new(struct mapping);
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static void protect_range(struct vmar *vmar, uint32_t perms, vaddr_t addr, size_t len, struct mapping *upper[2])
    REQUIRES(&vmar->aspace->lock) {
    for (unsigned i = 0; i < 2; i++) {
        vaddr_t at = i ? addr + len : addr;
        if (upper[i]) mapping_split(mapping_from_region(region_find(&vmar->children, at)), at, upper[i]);
    }
    FOREACH_REGION(r, vmar, addr, addr + len) mapping_protect(mapping_from_region(r), perms);
}

zx_status_t vmar_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, uint64_t len) {
    if ((perms & (PERM_WRITE | PERM_EXECUTE)) && !(perms & PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if (!page_aligned(addr) || (perms & ~(uint32_t)PERM_ALL)) return ZX_ERR_INVALID_ARGS;
    if (!page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    struct mapping *upper[2] = {0};
    mutex_lock(&vmar->aspace->lock);
    zx_status_t status = check_protect(vmar, perms, addr, len);
    if (status == ZX_OK) status = prepare_split(vmar, addr, &upper[0]);
    if (status == ZX_OK) status = prepare_split(vmar, addr + len, &upper[1]);
    if (status == ZX_OK) protect_range(vmar, perms, addr, len, upper);
    mutex_unlock(&vmar->aspace->lock);
    if (status != ZX_OK) heap_free(upper[0]);
    return status;
}
