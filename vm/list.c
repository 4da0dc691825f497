/*
 * Listing; see list.h. A cursor names the last region told by its place in the order (base, then depth), which also finds the
 * next one when that region is gone. Walks down, never recurses.
 */
#include "vm/list.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/mapping_set.h"

/* The first region after the cursor, and its depth; NULL at the end. */
static struct region *region_after(struct aspace *as, const struct region_cursor *cursor, size_t *depth) {
    struct region *later = NULL;
    size_t later_depth = 0;
    struct vmar *vmar = as->root;
    *depth = 1;
    if (!cursor->begun) return &vmar->region;
    for (;;) {
        struct region *r = region_first_above(&vmar->children, cursor->base);
        ++*depth;
        if (!r) break;
        if (r->base > cursor->base || (r->base == cursor->base && *depth > cursor->depth)) return r;
        struct region *sibling = region_next(r);
        if (sibling) {
            later = sibling;
            later_depth = *depth;
        }
        if (r->kind == REGION_MAPPING) break;
        vmar = vmar_from_region(r);
    }
    *depth = later_depth;
    return later;
}

static void region_tell(struct region *r, size_t depth, struct region_info *out) {
    *out = (struct region_info){.kind = r->kind, .base = r->base, .len = r->len, .depth = depth};
    if (r->kind == REGION_VMAR) return;
    struct mapping *m = mapping_from_region(r);
    out->perms = m->perms;
    out->vmo = m->vmo;
    out->vmo_offset = m->offset;
    vmo_ref(m->vmo);
}

bool aspace_list_next(struct aspace *as, struct region_cursor *cursor, struct region_info *out) {
    size_t depth;
    if (thread_killed()) return false;
    mutex_lock(&as->lock);
    struct region *r = as->state == ASPACE_DEAD ? NULL : region_after(as, cursor, &depth);
    if (r) {
        region_tell(r, depth, out);
        *cursor = (struct region_cursor){true, r->base, depth};
    }
    mutex_unlock(&as->lock);
    return r != NULL;
}

void region_info_release(struct region_info *info) {
    if (info->vmo) vmo_unref(info->vmo);
}

bool aspace_is_dead(struct aspace *as) {
    mutex_lock(&as->lock);
    bool dead = as->state == ASPACE_DEAD;
    mutex_unlock(&as->lock);
    return dead;
}

size_t vmo_mapping_count(struct vmo *vmo) {
    mutex_lock(&vmo->store->lock);
    size_t count = vmo->mapping_count;
    mutex_unlock(&vmo->store->lock);
    return count;
}

/* Marks each address space it meets with the number of this count, to meet it only once. */
size_t vmo_share_count(struct vmo *vmo) {
    static struct mutex lock = MUTEX_INIT(lock, RANK_VMO_COUNT, "vmo share count");
    static uint64_t number;
    struct mapping *m;
    size_t count = 0;
    mutex_lock(&vmo->store->lock);
    mutex_lock(&lock);
    number++;
    for (m = mapping_set_first(vmo->store, 0, UINT64_MAX); m; m = mapping_set_next(m, 0, UINT64_MAX)) {
        if (m->aspace->counted == number) continue;
        m->aspace->counted = number;
        count++;
    }
    mutex_unlock(&lock);
    mutex_unlock(&vmo->store->lock);
    return count;
}
