/*
 * Listing; see aspace_list.h. A cursor names the last region told by its place in the order (base, then depth), which
 * also finds the next one when that region is gone; and the VMAR it is in, from where the next is near. Never recurses.
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
    *cursor = (struct region_cursor){.begun = true,
                                     .base = r->base,
                                     .depth = depth,
                                     .vmar = is_vmar ? vmar_from_region(r) : r->parent,
                                     .vmar_depth = is_vmar ? depth : depth - 1};
    object_ref(&cursor->vmar->object);
}

bool aspace_list_next(struct aspace *as, struct region_cursor *cursor, struct region_info *out) {
    size_t depth;
    if (thread_killed()) return false;
    struct region_cursor before = *cursor;
    mutex_lock(&as->lock);
    struct region *r = as->state == ASPACE_DEAD ? NULL : region_after(as, cursor, &depth);
    if (r) {
        region_tell(r, depth, out);
        cursor_set(cursor, r, depth);
    }
    mutex_unlock(&as->lock);
    if (r) region_cursor_end(&before);
    return r != NULL;
}

void region_cursor_end(struct region_cursor *cursor) {
    if (cursor->vmar) object_unref(&cursor->vmar->object);
    cursor->vmar = NULL;
}

void region_info_release(struct region_info *info) {
    if (info->vmo) vmo_unref(info->vmo);
}
