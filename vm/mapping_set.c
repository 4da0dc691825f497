/*
 * The mappings of a store; see mapping_set.h and augmented.h.
 *
 * A mapping may begin past the end of what a store can have, where sums wrap: it then shows nothing, and sorts at the
 * very end.
 */
#include "vm/mapping_set.h"

#include "kernel/base/arith.h"
#include "kernel/base/augmented.h"
#include "vm/mapping.h"

static uint64_t first_byte(const struct mapping *m) {
    uint64_t sum;
    return __builtin_add_overflow(m->vmo->store_offset, m->offset, &sum) ? UINT64_MAX : sum;
}

static uint64_t last_end(const struct mapping *m) {
    uint64_t sum;
    return __builtin_add_overflow(first_byte(m), m->region.len, &sum) ? UINT64_MAX : sum;
}

/* Beyond the end of a slice, which stays where it is, nothing shows through it. */
static uint64_t shown_end(const struct mapping *m) {
    const struct vmo *vmo = m->vmo;
    return vmo->store == vmo ? last_end(m) : min_u64(last_end(m), vmo->store_offset + vmo->size);
}

/* Mappings of one address space are adjacent, ordered by where they begin; the longest first among equals. */
static int sharer_compare(const struct mapping *a, const struct mapping *b) {
    if (a->aspace != b->aspace) return a->aspace < b->aspace ? -1 : 1;
    const uint64_t at_a = first_byte(a), at_b = first_byte(b), end_a = shown_end(a), end_b = shown_end(b);
    if (at_a != at_b) return at_a < at_b ? -1 : 1;
    if (end_a != end_b) return end_a > end_b ? -1 : 1;
    return a < b ? -1 : a > b;
}

RB_GENERATE_INTERNAL(sharer_set, mapping, sharer, sharer_compare, UNUSED static)

/* Is it the only one of its address space? It is in the set. */
static bool shares_alone(struct mapping *m) {
    const struct mapping *before = RB_PREV(sharer_set, NULL, m), *behind = RB_NEXT(sharer_set, NULL, m);
    return !(before && before->aspace == m->aspace) && !(behind && behind->aspace == m->aspace);
}

static bool mapping_augment(struct mapping *m);
#undef RB_AUGMENT
#define RB_AUGMENT(m) ((void)mapping_augment(m))

/* Any order will do among those that begin together. */
static int mapping_compare(const struct mapping *a, const struct mapping *b) {
    uint64_t at_a = first_byte(a), at_b = first_byte(b);
    if (at_a != at_b) return at_a < at_b ? -1 : 1;
    return a < b ? -1 : a > b;
}

static bool mapping_augment(struct mapping *m) {
    struct mapping *left = RB_LEFT(m, shown), *right = RB_RIGHT(m, shown);
    uint64_t end = last_end(m);
    if (left) end = max_u64(end, left->subtree_end);
    if (right) end = max_u64(end, right->subtree_end);
    const bool changed = m->subtree_end != end;
    m->subtree_end = end;
    return changed;
}

AUGMENTED_GENERATE(mapping_set, mapping, shown, mapping_compare, mapping_augment)

void mapping_set_insert(struct vmo *store, struct mapping *m) {
    m->subtree_end = last_end(m);
    mapping_set_add(&store->mappings, m);
    RB_INSERT(sharer_set, &store->sharers, m);
    store->share_count += shares_alone(m);
    store->text_count += m->text;
    m->vmo->mapping_count++;
}

void mapping_set_remove(struct vmo *store, struct mapping *m) {
    mapping_set_take(&store->mappings, m);
    store->share_count -= shares_alone(m);
    RB_REMOVE(sharer_set, &store->sharers, m);
    store->text_count -= m->text;
    m->vmo->mapping_count--;
}

/* The first at or below `m`. If the left side reaches far enough, it has one, or all others begin too late as well. */
static struct mapping *first_below(struct mapping *m, uint64_t begin, uint64_t end) {
    while (m && m->subtree_end > begin) {
        struct mapping *left = RB_LEFT(m, shown);
        if (left && left->subtree_end > begin) {
            m = left;
            continue;
        }
        if (first_byte(m) >= end) return NULL;
        if (last_end(m) > begin) return m;
        m = RB_RIGHT(m, shown);
    }
    return NULL;
}

struct mapping *mapping_set_first(struct vmo *store, uint64_t begin, uint64_t end) {
    return first_below(RB_ROOT(&store->mappings), begin, end);
}

struct mapping *mapping_set_next(struct vmo *store UNUSED, struct mapping *m, uint64_t begin, uint64_t end) {
    for (;;) {
        struct mapping *right = RB_RIGHT(m, shown), *parent;
        if (right && right->subtree_end > begin) return first_below(right, begin, end);
        while ((parent = RB_PARENT(m, shown)) && RB_RIGHT(parent, shown) == m) m = parent;
        m = parent;
        if (!m || first_byte(m) >= end) return NULL;
        if (last_end(m) > begin) return m;
    }
}

bool mapping_set_leads(struct vmo *store UNUSED, struct mapping *m) {
    const struct mapping *before = RB_PREV(sharer_set, NULL, m);
    return !before || before->aspace != m->aspace;
}

/* The key comes before all that begin there and show anything; what begins at the very end shows nothing. */
bool mapping_set_shown(struct vmo *store, struct aspace *as, uint64_t *begin, uint64_t *end) {
    struct mapping key = {.region.len = UINT64_MAX, .aspace = as, .vmo = store, .offset = *begin};
    const struct mapping *m = RB_NFIND(sharer_set, &store->sharers, &key);
    if (!m || m->aspace != as || first_byte(m) >= VMO_MAX_SIZE) return false;
    *begin = first_byte(m);
    *end = shown_end(m);
    return true;
}

struct vmo_counts vmo_counts(struct vmo *vmo) {
    mutex_lock(&vmo->store->lock);
    struct vmo_counts counts = {vmo->size, vmo->mapping_count, vmo->store->share_count};
    mutex_unlock(&vmo->store->lock);
    return counts;
}
