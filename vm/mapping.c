/*
 * Mappings; see mapping.h. Each function that moves a mapping's window takes the store's lock around the change, and drops
 * the translations that no longer hold before it lets go.
 */
#include "vm/mapping.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "vm/aspace.h"
#include "vm/heap.h"
#include "vm/mapping_set.h"
#include "vm/vmar.h"

struct mapping mapping_none;

/* How much of a mapping its VMO reaches. What lies beyond may begin or end past 2^64 of the store, and shows nothing. */
static uint64_t mapping_reach(const struct mapping *m) {
    uint64_t size = m->vmo->size;
    return m->offset < size ? min_u64(m->region.len, size - m->offset) : 0;
}

void mapping_drop_all(struct vmo *store, uint64_t offset, uint64_t len) {
    struct mapping *m;
    uint64_t limit = offset + len;
    for (m = mapping_set_first(store, offset, limit); m; m = mapping_set_next(m, offset, limit)) {
        uint64_t begin = mapping_store_offset(m), end = begin + mapping_reach(m);
        uint64_t from = max_u64(begin, offset), to = min_u64(end, limit);
        if (from < to) aspace_drop(m->aspace, m->region.base + (from - begin), to - from);
    }
}

static void mapping_drop(struct mapping *m, vaddr_t base, size_t len) { aspace_drop(m->aspace, base, len); }

void mapping_attach(struct mapping *m) {
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    mapping_set_insert(m);
    mutex_unlock(&store->lock);
    region_insert(&m->region.parent->children, &m->region);
}

void mapping_detach(struct mapping *m, struct mapping_list *dead) {
    struct vmo *store = m->vmo->store;
    if (m->aspace->recent == m) m->aspace->recent = &mapping_none;
    region_remove(&m->region.parent->children, &m->region);
    mutex_lock(&store->lock);
    mapping_drop(m, m->region.base, m->region.len);
    mapping_set_remove(m);
    mutex_unlock(&store->lock);
    LIST_INSERT_HEAD(dead, m, link);
}

void mapping_trim(struct mapping *m, vaddr_t base, size_t len) {
    struct vmo *store = m->vmo->store;
    vaddr_t old_base = m->region.base, old_end = region_end(&m->region);
    mutex_lock(&store->lock);
    mapping_drop(m, old_base, base - old_base);
    mapping_drop(m, base + len, old_end - (base + len));
    mapping_set_remove(m);
    m->offset += base - old_base;
    m->region.base = base;
    m->region.len = len;
    mapping_set_insert(m);
    mutex_unlock(&store->lock);
    region_resized(&m->region);
}

void mapping_split(struct mapping *m, vaddr_t at, struct mapping *upper) {
    struct vmo *store = m->vmo->store;
    size_t lower_len = at - m->region.base;
    *upper = *m;
    upper->region.base = at;
    upper->region.len = m->region.len - lower_len;
    upper->offset = m->offset + lower_len;
    vmo_ref(upper->vmo);
    mutex_lock(&store->lock);
    mapping_set_remove(m);
    m->region.len = lower_len;
    mapping_set_insert(m);
    mapping_set_insert(upper);
    mutex_unlock(&store->lock);
    region_resized(&m->region);
    region_insert(&m->region.parent->children, &upper->region);
}

void mapping_protect(struct mapping *m, uint32_t perms) {
    mutex_lock(&m->vmo->store->lock);
    m->perms = perms;
    mapping_drop(m, m->region.base, m->region.len);
    mutex_unlock(&m->vmo->store->lock);
}

zx_status_t mapping_preload(struct mapping *m, vaddr_t base, size_t len) {
    struct vmo *store = m->vmo->store;
    zx_status_t status = ZX_OK;
    mutex_lock(&store->lock);
    uint64_t begin = mapping_store_offset(m), into = base - m->region.base, reach = mapping_reach(m);
    uint64_t offset = begin + into, end = into < reach ? begin + min_u64(reach, into + len) : offset;
    while (status == ZX_OK && vmo_next_page(store, &offset, end)) {
        struct vmo_page page;
        status = vmo_get_page(store, offset, false, &page);
        if (status == ZX_OK && m->perms) status = aspace_load(m->aspace, m, m->region.base + (offset - begin), &page);
        offset += PAGE_SIZE;
    }
    mutex_unlock(&store->lock);
    return status;
}

zx_status_t mapping_make_private(struct mapping *m, uint64_t within, struct vmo **old) {
    struct vmo *shared = m->vmo, *own;
    if (shared->kind == VMO_PHYSICAL) return ZX_ERR_BAD_STATE;
    zx_status_t status = vmo_snapshot_clipped(shared, m->offset, m->region.len, &own);
    if (status != ZX_OK) return status;
    if (own->size <= within) {
        object_abandon(&own->object);
        return ZX_ERR_OUT_OF_RANGE;
    }
    vmo_copy_name(own, shared);
    mutex_lock(&shared->store->lock);
    mapping_drop(m, m->region.base, m->region.len);
    mapping_set_remove(m);
    mutex_unlock(&shared->store->lock);
    mutex_lock(&own->lock);
    m->vmo = own;
    m->offset = 0;
    m->private = true;
    mapping_set_insert(m);
    mutex_unlock(&own->lock);
    *old = shared;
    return ZX_OK;
}

void mapping_release(struct mapping_list *dead) {
    struct mapping *m;
    while ((m = LIST_FIRST(dead))) {
        LIST_REMOVE(m, link);
        vmo_unref(m->vmo);
        heap_free(m);
    }
}
