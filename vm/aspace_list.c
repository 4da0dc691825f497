/*
 * Listing; see aspace_list.h. A few regions are taken in one hold of the lock. A cursor names the last of them by its
 * place in the order (base, then depth), which also finds the next one when that region is gone; and the VMAR it is in,
 * from where the next is near. Never recurses.
 */
#include "vm/aspace_list.h"

#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"

/* The first region after the cursor, and its depth, within a VMAR of depth `*depth`; NULL if there is none. */
static struct region *region_after_in(struct vmar *vmar, const struct region_cursor *cursor, size_t *depth) {
    struct region *later = NULL;
    size_t later_depth = 0, here = *depth;
    for (;;) {
        struct region *r = region_first_above(&vmar->children, cursor->base);
        here++;
        if (!r) break;
        if (r->base > cursor->base || (r->base == cursor->base && here > cursor->depth)) {
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
 * The first region after the cursor, and its depth; NULL at the end. Looks from the VMAR that the listing has got to,
 * so that going on does not depend on the depth.
 */
static struct region *region_after(struct aspace *as, const struct region_cursor *cursor, size_t *depth)
    REQUIRES(&as->lock) {
    bool there = cursor->vmar && !cursor->vmar->dead;
    struct vmar *vmar = there ? cursor->vmar : as->root;
    *depth = there ? cursor->vmar_depth : 1;
    if (!cursor->begun) return &vmar->region;
    struct region *r = region_after_in(vmar, cursor, depth);
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

/* The cursor gets a reference of its own. */
static void cursor_set(struct region_cursor *cursor, struct region *r, size_t depth) {
    bool is_vmar = r->kind == REGION_VMAR;
    cursor->begun = true;
    cursor->base = r->base;
    cursor->depth = depth;
    cursor->vmar = is_vmar ? vmar_from_region(r) : r->parent;
    cursor->vmar_depth = is_vmar ? depth : depth - 1;
    object_ref(&cursor->vmar->object);
}

/* Takes the next few. */
static void take_ahead(struct aspace *as, struct region_cursor *cursor) {
    struct vmar *before = cursor->vmar;
    struct region *last = NULL, *r = NULL;
    size_t depth, last_depth = 0;
    cursor->next = cursor->count = 0;
    mutex_lock(&as->lock);
    if (as->state != ASPACE_DEAD) r = region_after(as, cursor, &depth);
    for (; r && cursor->count < REGIONS_AHEAD; r = region_walk_next(r, &depth)) {
        region_tell(r, depth, &cursor->ahead[cursor->count++]);
        last = r;
        last_depth = depth;
    }
    if (last) cursor_set(cursor, last, last_depth);
    mutex_unlock(&as->lock);
    if (last && before) object_unref(&before->object);
}

bool aspace_list_next(struct aspace *as, struct region_cursor *cursor, struct region_info *out) {
    if (cursor->next == cursor->count && !thread_killed()) take_ahead(as, cursor);
    if (cursor->next == cursor->count) return false;
    *out = cursor->ahead[cursor->next++];
    return true;
}

void region_cursor_end(struct region_cursor *cursor) {
    while (cursor->next < cursor->count) region_info_release(&cursor->ahead[cursor->next++]);
    if (cursor->vmar) object_unref(&cursor->vmar->object);
    cursor->vmar = NULL;
}

void region_info_release(struct region_info *info) {
    if (info->vmo) vmo_unref(info->vmo);
}
