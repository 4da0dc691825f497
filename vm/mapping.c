/*
 * Mappings; see mapping.h. Each function that moves a mapping's window takes the store's lock around the change, and
 * drops the translations that no longer hold before it lets go.
 */
#include "vm/mapping.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "vm/heap.h"
#include "vm/mapping_set.h"
#include "vm/vmar.h"

/* The most translations that are loaded before the locks are let go. */
#define PRELOAD_WINDOW 16

struct mapping mapping_none;

static void assert_locked(const struct mapping *m) { lock_rank_assert_held(&m->aspace->lock); }

/* How much of a mapping shows a part of its VMO. What lies beyond may begin or end past 2^64 of the store. */
static uint64_t mapping_shown_len(const struct mapping *m) {
    uint64_t size = m->vmo->size;
    return m->offset < size ? min_u64(m->region.len, size - m->offset) : 0;
}

static bool is_text(const struct mapping *m) { return (m->perms & PERM_EXECUTE) && m->aspace->started; }

void mapping_update_text(struct mapping *m) {
    struct vmo *store = m->vmo->store;
    assert_locked(m);
    lock_rank_assert_held(&store->lock);
    store->text_count += (size_t)is_text(m) - m->text;
    m->text = is_text(m);
}

/* Does something with the part of [base, end) in which a mapping may have translations. */
static ALWAYS_INLINE void act_on_loaded(const struct mapping *m, vaddr_t base, vaddr_t end,
                                        void (*act)(struct aspace *as, vaddr_t base, size_t len)) {
    base = max_u64(base, m->loaded);
    end = min_u64(end, m->loaded_end);
    if (base < end) act(m->aspace, base, end - base);
}

static void drop(const struct mapping *m, vaddr_t base, vaddr_t end) { act_on_loaded(m, base, end, aspace_drop); }

/* Drops them all. */
static void drop_loaded(struct mapping *m) {
    drop(m, m->region.base, region_end(&m->region));
    m->loaded = m->loaded_end = 0;
}

/*
 * Does something with the translations by which [offset, limit) of the store may show, in mappings that may do `perms`.
 */
static ALWAYS_INLINE void each_shown(struct vmo *store, uint64_t offset, uint64_t limit, uint32_t perms,
                                     void (*act)(struct aspace *as, vaddr_t base, size_t len)) REQUIRES(&store->lock) {
    struct mapping *m;
    for (m = mapping_set_first(store, offset, limit); m; m = mapping_set_next(store, m, offset, limit)) {
        uint64_t begin = mapping_store_offset(m), end = begin + mapping_shown_len(m);
        uint64_t from = max_u64(begin, offset), to = min_u64(end, limit);
        const vaddr_t base = m->region.base - begin; /* of the store's first byte */
        if (from < to && (m->perms & perms) == perms) act_on_loaded(m, base + from, base + to, act);
    }
}

void mapping_drop_all(struct vmo *store, uint64_t offset, uint64_t len) {
    uint64_t limit = offset + len;
    each_shown(store, offset, limit, 0, aspace_drop);
    if (offset <= store->shown) store->shown = min_u64(max_u64(store->shown, limit), store->shown_end);
    if (limit >= store->shown_end) store->shown_end = max_u64(min_u64(store->shown_end, offset), store->shown);
}

void mapping_write_protect_all(struct vmo *store, uint64_t offset, uint64_t len) {
    each_shown(store, offset, offset + len, PERM_WRITE, aspace_write_protect);
}

void mapping_attach(struct mapping *m) {
    assert_locked(m);
    struct vmo *store = m->vmo->store;
    m->text = is_text(m);
    mutex_lock(&store->lock);
    mapping_set_insert(store, m);
    mutex_unlock(&store->lock);
    region_insert(&m->region.parent->children, &m->region);
}

void mapping_detach(struct mapping *m, struct mapping_list *detached) {
    mutex_assert_held(&m->aspace->lock);
    struct vmo *store = m->vmo->store;
    aspace_forget(m->aspace, m);
    region_remove(&m->region.parent->children, &m->region);
    mutex_lock(&store->lock);
    drop_loaded(m);
    mapping_set_remove(store, m);
    mutex_unlock(&store->lock);
    LIST_INSERT_HEAD(detached, m, link);
}

void mapping_trim(struct mapping *m, vaddr_t base, size_t len) {
    assert_locked(m);
    struct vmo *store = m->vmo->store;
    vaddr_t old_base = m->region.base, old_end = region_end(&m->region);
    mutex_lock(&store->lock);
    drop(m, old_base, base);
    drop(m, base + len, old_end);
    m->loaded = max_u64(m->loaded, base);
    m->loaded_end = min_u64(m->loaded_end, base + len);
    mapping_set_remove(store, m);
    m->offset += base - old_base;
    m->region.base = base;
    m->region.len = len;
    mapping_set_insert(store, m);
    mutex_unlock(&store->lock);
    region_resized(&m->region);
}

void mapping_extend(struct mapping *m, size_t len) {
    assert_locked(m);
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    mapping_set_remove(store, m);
    m->region.len += len;
    mapping_set_insert(store, m);
    mutex_unlock(&store->lock);
    region_resized(&m->region);
}

void mapping_split(struct mapping *m, vaddr_t at, struct mapping *upper) {
    assert_locked(m);
    struct vmo *store = m->vmo->store;
    size_t lower_len = at - m->region.base;
    vmo_ref(m->vmo);
    mutex_lock(&store->lock);
    mapping_set_remove(store, m);
    *upper = *m;
    upper->region.base = at;
    upper->region.len = m->region.len - lower_len;
    upper->offset = m->offset + lower_len;
    upper->loaded = max_u64(m->loaded, at);
    m->loaded_end = min_u64(m->loaded_end, at);
    m->region.len = lower_len;
    mapping_set_insert(store, m);
    mapping_set_insert(store, upper);
    mutex_unlock(&store->lock);
    region_resized(&m->region);
    region_insert(&m->region.parent->children, &upper->region);
}

void mapping_protect(struct mapping *m, uint32_t perms) {
    assert_locked(m);
    mutex_lock(&m->vmo->store->lock);
    m->perms = perms;
    mapping_update_text(m);
    drop_loaded(m);
    mutex_unlock(&m->vmo->store->lock);
}

zx_status_t mapping_preload(struct mapping *m, vaddr_t *at, vaddr_t end) {
    assert_locked(m);
    struct vmo *store = m->vmo->store;
    const vaddr_t base = m->region.base;
    zx_status_t status = ZX_OK;
    end = min_u64(end, region_end(&m->region));
    mutex_lock(&store->lock);
    const uint64_t begin = mapping_store_offset(m);
    const vaddr_t last = m->perms ? min_u64(end, base + mapping_shown_len(m)) : base;
    for (unsigned i = 0; status == ZX_OK; i++) {
        struct vmo_page page;
        uint64_t offset = begin + (*at - base);
        bool more = *at < last && vmo_next_page(store, &offset, begin + (last - base));
        if (!more) *at = end;
        if (!more || i == PRELOAD_WINDOW) break;
        status = vmo_get_page(store, offset, false, &page);
        if (status == ZX_OK) status = aspace_load(m->aspace, m, base + (offset - begin), &page, at);
    }
    mutex_unlock_part(&store->lock, status != ZX_OK || *at >= end);
    return status;
}

/* The snapshot for it; it reaches beyond `within`. */
static zx_status_t snapshot_make(struct mapping *m, uint64_t within, struct vmo **own) {
    if (m->vmo->kind == VMO_PHYSICAL) return ZX_ERR_BAD_STATE;
    zx_status_t status = vmo_snapshot_clipped(m->vmo, m->offset, m->region.len, own);
    if (status != ZX_OK) return status;
    if ((*own)->size > within) return ZX_OK;
    object_abandon(&(*own)->object);
    return ZX_ERR_OUT_OF_RANGE;
}

static void move_to_own(struct mapping *m, struct vmo *own) {
    struct vmo *store = m->vmo->store;
    vmo_copy_name(own, m->vmo);
    mutex_lock(&store->lock);
    drop_loaded(m);
    mapping_set_remove(store, m);
    mutex_unlock(&store->lock);
    mutex_lock(&own->lock);
    m->vmo = own;
    m->offset = 0;
    m->private = true;
    mapping_set_insert(own, m);
    mutex_unlock(&own->lock);
}

/* A run that was copied is still written in place: writes after the copy must not show here. */
static void hide_run(const struct mapping *m) {
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    aspace_drop(m->aspace, m->region.base, m->region.len);
    mutex_unlock(&store->lock);
}

zx_status_t mapping_snapshot(struct mapping *m, uint64_t within, struct vmo **old) {
    assert_locked(m);
    struct vmo *own;
    if (m->vmo->kind == VMO_CONTIGUOUS) hide_run(m);
    zx_status_t status = snapshot_make(m, within, &own);
    if (status != ZX_OK) return status;
    *old = m->vmo;
    move_to_own(m, own);
    return ZX_OK;
}

void mapping_release(struct mapping_list *detached) {
    struct mapping *m;
    while ((m = LIST_FIRST(detached))) {
        LIST_REMOVE(m, link);
        vmo_unref(m->vmo);
        heap_free(m);
    }
}
