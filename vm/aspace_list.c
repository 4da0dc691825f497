/*
 * Listing, and starting; see aspace_list.h and aspace.h. A few regions are passed in one hold of the lock. The last of
 * them is named by its place in the order (base, then depth), which also finds the next one when that region was
 * removed; and by its VMAR, from where the next is near. Never recurses.
 */
#include "vm/aspace_list.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"
#include "vm/mapping_set.h"

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

/* The place takes its own reference. */
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
    aspace_lock(as);
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

/* What one hold of the lock finds: the stores whose first mapping in it is there, each with a reference. */
struct stores_met {
    struct task_memory *out;
    struct vmo *stores[REGIONS_AHEAD];
    unsigned count;
};

static void meet_region(struct region *r, size_t depth UNUSED, void *arg) {
    struct stores_met *met = arg;
    if (r->kind == REGION_VMAR) return;
    struct mapping *m = mapping_from_region(r);
    struct vmo *store = m->vmo->store;
    met->out->mapped += r->len;
    mutex_lock(&store->lock);
    bool leads = mapping_set_leads(store, m);
    mutex_unlock(&store->lock);
    if (!leads) return;
    vmo_ref(store);
    met->stores[met->count++] = store;
}

/* From where a mapping begins; `*end`: where what it shows ends. */
static bool next_shown(struct vmo *store, struct aspace *as, uint64_t *begin, uint64_t *end) {
    mutex_lock(&store->lock);
    bool found = mapping_set_shown(store, as, begin, end);
    mutex_unlock(&store->lock);
    return found;
}

/* What is committed of all that an address space shows of a store: each page once. */
static uint64_t bytes_shown(struct vmo *store, struct aspace *as, uint64_t *steps) {
    uint64_t bytes = 0, end, counted = 0;
    for (uint64_t at = 0; *steps > 0 && !thread_killed() && next_shown(store, as, &at, &end);
         at += PAGE_SIZE, --*steps) {
        const uint64_t begin = max_u64(at, counted);
        if (begin < end) bytes += vmo_committed_bytes(store, begin, end - begin);
        counted = max_u64(counted, end);
    }
    return bytes;
}

static void measure_store(struct vmo *store, struct aspace *as, uint64_t *steps, struct task_memory *out) {
    const uint64_t bytes = bytes_shown(store, as, steps);
    const size_t sharers = vmo_counts(store).sharers;
    if (sharers > 1) {
        out->shared += bytes;
        out->scaled += bytes / sharers;
    } else {
        out->only_here += bytes;
    }
}

/* Memory has no room for more regions than `steps`: a walk past so many has met regions added since it began. */
void aspace_measure(struct aspace *as, struct task_memory *out) {
    struct region_place place = {0};
    struct stores_met met = {.out = out};
    uint64_t steps = pages_total() * (PAGE_SIZE / sizeof(struct mapping));
    unsigned passed;
    *out = (struct task_memory){0};
    do {
        met.count = 0;
        passed = pass_some(as, &place, REGIONS_AHEAD, meet_region, &met);
        steps -= min_u64(steps, passed);
        for (unsigned i = 0; i < met.count; i++) {
            measure_store(met.stores[i], as, &steps, out);
            vmo_unref(met.stores[i]);
        }
    } while (passed == REGIONS_AHEAD && steps > 0 && !thread_killed());
    place_release(place.vmar);
}

/* So many regions are looked at in one hold of the lock. */
#define START_PART 64

/* The root comes first, and always: what is mapped from then on is seen to be text at once. */
static void start_region(struct region *r, size_t depth UNUSED, void *arg) {
    struct aspace *as = arg;
    if (r->kind == REGION_VMAR) {
        as->started = true;
        return;
    }
    struct mapping *m = mapping_from_region(r);
    struct vmo *store = m->vmo->store;
    mutex_lock(&store->lock);
    mapping_update_text(m);
    mutex_unlock(&store->lock);
}

/* What is there already, or was cut off from it, is passed. */
zx_status_t aspace_start(struct aspace *as) {
    struct region_place place = {0};
    bool killed = false;
    while (!killed && pass_some(as, &place, START_PART, start_region, as) == START_PART) killed = thread_killed();
    place_release(place.vmar);
    return killed ? ZX_ERR_CANCELED : ZX_OK;
}
