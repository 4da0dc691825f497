/*
 * Listing, and starting; see aspace_list.h and aspace.h. A few regions are passed in one hold of the lock. The last of
 * them is named by its place in the order (base, then depth), which also finds the next one when that region is gone;
 * and by the VMAR it is in, from where the next is near. Never recurses.
 */
#include "vm/aspace_list.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"

/* The first region after the place, and its depth, within a VMAR of depth `*depth`; NULL if there is none. */
static struct region *region_after_in(struct vmar *vmar, const struct region_place *place, size_t *depth) {
    struct region *later = NULL;
    size_t later_depth = 0, here = *depth;
    for (;;) {
        struct region *r = region_first_above(&vmar->children, place->base);
        here++;
        if (!r) break;
        if (r->base > place->base || (r->base == place->base && here > place->depth)) {
            *depth = here;
            return r;
        }
        struct region *sibling = region_next(r);
        if (sibling) {
            later = sibling;
            later_depth = here;
        }
        if (r->kind == REGION_MAPPING) break;
        vmar = vmar_from_region(r);
    }
    if (later) *depth = later_depth;
    return later;
}

/*
 * The first region after the place, and its depth; NULL at the end. Looks from the VMAR that the listing has got to,
 * so that going on does not depend on the depth.
 */
static struct region *region_after(struct aspace *as, const struct region_place *place, size_t *depth)
    REQUIRES(&as->lock) {
    bool there = place->vmar && !place->vmar->dead;
    struct vmar *vmar = there ? place->vmar : as->root;
    *depth = there ? place->vmar_depth : 1;
    if (!place->begun) return &vmar->region;
    struct region *r = region_after_in(vmar, place, depth);
    for (; !r && vmar->region.parent; --*depth) {
        r = region_next(&vmar->region);
        if (r) return r;
        vmar = vmar->region.parent;
    }
    return r;
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

/* The place gets a reference of its own. */
static void place_set(struct region_place *place, struct region *r, size_t depth) {
    bool is_vmar = r->kind == REGION_VMAR;
    place->begun = true;
    place->base = r->base;
    place->depth = depth;
    place->vmar = is_vmar ? vmar_from_region(r) : r->parent;
    place->vmar_depth = is_vmar ? depth : depth - 1;
    object_ref(&place->vmar->object);
}

static void place_release(struct vmar *vmar) {
    if (vmar) object_unref(&vmar->object);
}

/* Passes up to `most` regions in one hold of the lock. Returns how many. */
static ALWAYS_INLINE unsigned pass_some(struct aspace *as, struct region_place *place, unsigned most,
                                        void (*pass)(struct region *r, size_t depth, void *arg), void *arg) {
    struct vmar *before = place->vmar;
    struct region *last = NULL, *r = NULL;
    size_t depth, last_depth = 0;
    unsigned count = 0;
    mutex_lock(&as->lock);
    if (as->state != ASPACE_DEAD) r = region_after(as, place, &depth);
    for (; r && count < most; r = region_walk_next(r, &depth), count++) {
        pass(r, depth, arg);
        last = r;
        last_depth = depth;
    }
    if (last) place_set(place, last, last_depth);
    mutex_unlock_part(&as->lock, !r);
    if (last) place_release(before);
    return count;
}

static void put_ahead(struct region *r, size_t depth, void *arg) {
    struct region_cursor *cursor = arg;
    region_tell(r, depth, &cursor->ahead[cursor->count++]);
}

bool aspace_list_next(struct aspace *as, struct region_cursor *cursor, struct region_info *out) {
    if (cursor->next == cursor->count && !thread_killed()) {
        cursor->next = cursor->count = 0;
        (void)pass_some(as, &cursor->place, REGIONS_AHEAD, put_ahead, cursor);
    }
    if (cursor->next == cursor->count) return false;
    *out = cursor->ahead[cursor->next++];
    return true;
}

void region_cursor_end(struct region_cursor *cursor) {
    while (cursor->next < cursor->count) region_info_release(&cursor->ahead[cursor->next++]);
    place_release(cursor->place.vmar);
    cursor->place.vmar = NULL;
}

void region_info_release(struct region_info *info) {
    if (info->vmo) vmo_unref(info->vmo);
}

void aspace_measure(struct aspace *as, struct task_memory *out) {
    struct region_cursor cursor = {0};
    struct region_info r;
    *out = (struct task_memory){0};
    while (aspace_list_next(as, &cursor, &r)) {
        if (!r.vmo) continue;
        size_t committed = vmo_committed_bytes(r.vmo, r.vmo_offset, r.len), sharers = vmo_counts(r.vmo).sharers;
        out->mapped += r.len;
        if (sharers > 1) {
            out->shared += committed;
            out->scaled += committed / sharers;
        } else {
            out->only_here += committed;
        }
        region_info_release(&r);
    }
    region_cursor_end(&cursor);
}

/* So many regions are looked at in one hold of the lock. */
#define START_PART 64

static void start_region(struct region *r, size_t depth UNUSED, void *arg UNUSED) {
    if (r->kind == REGION_VMAR) return;
    struct mapping *m = mapping_from_region(r);
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    mapping_update_text(m);
    mutex_unlock(&store->lock);
}

/* What is mapped from now on is seen to be text at once; what is there already, or was cut off from it, is passed. */
zx_status_t aspace_start(struct aspace *as) {
    struct region_place place = {0};
    mutex_lock(&as->lock);
    as->started = true;
    mutex_unlock(&as->lock);
    bool killed = false;
    while (!killed && pass_some(as, &place, START_PART, start_region, NULL) == START_PART) killed = thread_killed();
    place_release(place.vmar);
    return killed ? ZX_ERR_CANCELED : ZX_OK;
}
