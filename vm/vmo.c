/* The life of VMOs: creation, snapshots, slices, destruction; see vmo.h. A slice keeps its store. */
#include "vm/vmo.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/sched/name.h"
#include "vm/heap.h"
#include "vm/mapping.h"

static void vmo_free(struct object *object) {
    struct vmo *vmo = vmo_from_object(object);
    ASSERT(RB_EMPTY(&vmo->mappings) && vmo->share_count == 0);
    struct vmo *store = vmo->store;
    struct pagetree pages = vmo->pages;
    vmo_leave_family(vmo);
    pagetree_destroy(&pages);
    if (store != vmo) vmo_unref(store);
}

static const struct object_ops vmo_ops = {
    .type = ZX_OBJ_TYPE_VMO,
    .default_rights = ZX_DEFAULT_VMO_RIGHTS,
    .name_offset = OBJECT_NAME(struct vmo),
    .free = vmo_free,
};

struct vmo *vmo_new(uint64_t size, bool resizable) {
    struct vmo *vmo = heap_new(struct vmo);
    if (!vmo) return NULL;
    object_init(&vmo->object, &vmo_ops, ZX_VMO_ZERO_CHILDREN);
    vmo->store = vmo;
    vmo->size = size;
    vmo->resizable = resizable;
    vmo->cache_policy = ZX_CACHE_POLICY_CACHED;
    mutex_init(&vmo->lock, RANK_VMO, "vmo");
    vmo->kin = 1;
    RB_INIT(&vmo->mappings);
    RB_INIT(&vmo->sharers);
    return vmo;
}

zx_status_t vmo_create(uint64_t size, bool resizable, struct vmo **out) {
    if (!page_round_up(size, &size)) return ZX_ERR_OUT_OF_RANGE;
    struct vmo *vmo = vmo_new(size, resizable);
    if (!vmo) return ZX_ERR_NO_MEMORY;
    *out = vmo;
    return ZX_OK;
}

/* The part of a snapshot that can have pages: what lies inside the VMO it is taken from. */
static zx_status_t share_pages(struct vmo *vmo, uint64_t offset, struct vmo *child) REQUIRES(&vmo->store->lock) {
    struct vmo *store = vmo->store;
    if (offset >= vmo->size) return ZX_OK;
    uint64_t len = min_u64(child->size, vmo->size - offset);
    mapping_write_protect_all(vmo->store, vmo->store_offset + offset, len);
    child->first_index = store->first_index + ((vmo->store_offset + offset) >> PAGE_SHIFT);
    return pagetree_share(&store->pages, child->first_index, len >> PAGE_SHIFT, &child->pages);
}

/*
 * A snapshot; with `clip` it ends where the VMO does at this moment. `size` is whole pages. It is born a child, so the
 * cache policy cannot change between the check and the creation. One of a physical run has no pages yet.
 */
static zx_status_t snapshot_locked(struct vmo *vmo, uint64_t offset, uint64_t size, bool resizable, bool clip,
                                   struct vmo **out) REQUIRES(&vmo->store->lock) {
    uint64_t end;
    if (clip) size = offset < vmo->size ? min_u64(size, vmo->size - offset) : 0;
    if (!vmo_is_cached(vmo->store)) return ZX_ERR_BAD_STATE;
    if (!page_aligned(offset)) return ZX_ERR_INVALID_ARGS;
    if (__builtin_add_overflow(offset, size, &end)) return ZX_ERR_OUT_OF_RANGE;
    struct vmo *child = vmo_new(size, resizable);
    if (!child) return ZX_ERR_NO_MEMORY;
    zx_status_t status = vmo->kind == VMO_CONTIGUOUS ? ZX_OK : share_pages(vmo, offset, child);
    if (status != ZX_OK) {
        object_abandon(&child->object);
        return status;
    }
    vmo_adopt(vmo, child);
    *out = child;
    return ZX_OK;
}

static zx_status_t snapshot(struct vmo *vmo, uint64_t offset, uint64_t size, bool resizable, bool clip,
                            struct vmo **out) {
    struct vmo *child;
    mutex_lock(&vmo->store->lock);
    zx_status_t status = snapshot_locked(vmo, offset, size, resizable, clip, &child);
    mutex_unlock(&vmo->store->lock);
    if (status != ZX_OK) return status;
    if (vmo->kind == VMO_CONTIGUOUS) status = vmo_copy_run(vmo, offset, child);
    if (status == ZX_OK)
        *out = child;
    else
        object_abandon(&child->object);
    return status;
}

zx_status_t vmo_snapshot(struct vmo *vmo, uint64_t offset, uint64_t size, bool resizable, struct vmo **out) {
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (!page_round_up(size, &size)) return ZX_ERR_OUT_OF_RANGE;
    return snapshot(vmo, offset, size, resizable, false, out);
}

zx_status_t vmo_snapshot_clipped(struct vmo *vmo, uint64_t offset, uint64_t size, struct vmo **out) {
    return snapshot(vmo, offset, size, false, true, out);
}

zx_status_t vmo_slice(struct vmo *vmo, uint64_t offset, uint64_t size, struct vmo **out) {
    if (!page_aligned(offset) || !page_aligned(size) || !range_within(offset, size, 0, vmo_size(vmo)))
        return ZX_ERR_INVALID_ARGS;
    if (vmo->resizable) return ZX_ERR_NOT_SUPPORTED;
    struct vmo *slice = vmo_new(size, false);
    if (!slice) return ZX_ERR_NO_MEMORY;
    vmo_ref(vmo->store);
    slice->store = vmo->store;
    slice->kind = vmo->kind;
    slice->frames = vmo->frames;
    slice->store_offset = vmo->store_offset + offset;
    mutex_lock(&vmo->store->lock);
    vmo_adopt(vmo, slice);
    mutex_unlock(&vmo->store->lock);
    *out = slice;
    return ZX_OK;
}

void vmo_copy_name(struct vmo *to, struct vmo *from) {
    char name[ZX_MAX_NAME_LEN];
    object_get_name(&from->object, name);
    (void)!object_set_name(&to->object, name);
}

uint64_t vmo_size(struct vmo *vmo) {
    mutex_lock(&vmo->store->lock);
    uint64_t size = vmo->size;
    mutex_unlock(&vmo->store->lock);
    return size;
}

zx_status_t vmo_check_transfer(struct vmo *vmo, uint64_t offset, uint64_t len) {
    zx_status_t status = ZX_OK;
    mutex_lock(&vmo->store->lock);
    if (vmo->kind == VMO_PHYSICAL)
        status = ZX_ERR_NOT_SUPPORTED;
    else if (!vmo_is_cached(vmo->store))
        status = ZX_ERR_BAD_STATE;
    else if (!range_within(offset, len, 0, vmo->size))
        status = ZX_ERR_OUT_OF_RANGE;
    mutex_unlock(&vmo->store->lock);
    return status;
}

zx_status_t vmo_set_cache_policy(struct vmo *vmo, uint32_t policy) {
    zx_status_t status = ZX_ERR_BAD_STATE;
    mutex_lock(&vmo->store->lock);
    if (vmo->kind == VMO_PHYSICAL && vmo->store->cache_policy == policy) {
        status = ZX_OK;
    } else if (!vmo->pages.root && RB_EMPTY(&vmo->mappings) && !vmo->is_child && vmo_child_count(vmo) == 0) {
        vmo->cache_policy = policy;
        status = ZX_OK;
    }
    mutex_unlock(&vmo->store->lock);
    return status;
}
