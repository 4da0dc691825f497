/* The region tree; see region.h and augmented.h. */
#include "vm/region.h"

#include "kernel/base/arith.h"
#include "kernel/base/augmented.h"

static bool region_augment(struct region *r);
#undef RB_AUGMENT
#define RB_AUGMENT(r) ((void)region_augment(r))

static int region_compare(const struct region *a, const struct region *b) {
    return a->base < b->base ? -1 : a->base > b->base;
}

/*
 * Returns whether that changed anything. Most changes do not show far up, and a cache line that is not written stays
 * with the other processors that read it.
 */
static bool region_augment(struct region *r) {
    struct region *left = RB_LEFT(r, node), *right = RB_RIGHT(r, node);
    const vaddr_t low = left ? left->low : r->base, high = right ? right->high : region_end(r);
    size_t gap = 0;
    if (left) gap = max_u64(left->gap, r->base - left->high);
    if (right) gap = max_u64(gap, max_u64(right->gap, right->low - region_end(r)));
    if (r->low == low && r->high == high && r->gap == gap) return false;
    r->low = low;
    r->high = high;
    r->gap = gap;
    return true;
}

AUGMENTED_GENERATE(region_tree, region, node, region_compare, region_augment)

void region_resized(struct region *r) { region_tree_update(r); }

struct region *region_find(struct region_tree *tree, vaddr_t addr) {
    struct region *r = RB_ROOT(tree);
    while (r) {
        if (addr < r->base)
            r = RB_LEFT(r, node);
        else if (addr - r->base < r->len)
            return r;
        else
            r = RB_RIGHT(r, node);
    }
    return NULL;
}

struct region *region_first_above(struct region_tree *tree, vaddr_t addr) {
    struct region *r = RB_ROOT(tree), *best = NULL;
    while (r) {
        if (region_end(r) > addr) {
            best = r;
            r = RB_LEFT(r, node);
        } else {
            r = RB_RIGHT(r, node);
        }
    }
    return best;
}

struct region *region_next(struct region *r) {
    return RB_NEXT(region_tree, NULL, r);
}
struct region *region_first(struct region_tree *tree) {
    return RB_MIN(region_tree, tree);
}

void region_insert(struct region_tree *tree, struct region *r) {
    r->low = r->base;
    r->high = region_end(r);
    r->gap = 0;
    region_tree_add(tree, r);
}

void region_remove(struct region_tree *tree, struct region *r) { region_tree_take(tree, r); }

/* The lowest gap of `len` bytes between two regions of the tree; there is one. */
static vaddr_t lowest_inner_gap(struct region *r, size_t len) {
    for (;;) {
        struct region *left = RB_LEFT(r, node), *right = RB_RIGHT(r, node);
        if (left && left->gap >= len)
            r = left;
        else if (left && r->base - left->high >= len)
            return left->high;
        else if (right->low - region_end(r) >= len)
            return region_end(r);
        else
            r = right;
    }
}

/* The lowest gap of `len` bytes between `r` and what comes after it; false if there is none. */
static bool gap_after(struct region *r, size_t len, vaddr_t *out) {
    for (;;) {
        struct region *right = RB_RIGHT(r, node), *parent;
        if (right && right->low - region_end(r) >= len) return *out = region_end(r), true;
        if (right && right->gap >= len) return *out = lowest_inner_gap(right, len), true;
        while ((parent = RB_PARENT(r, node)) && RB_RIGHT(parent, node) == r) r = parent;
        if (!parent) return false;
        if (parent->base - r->high >= len) return *out = r->high, true;
        r = parent;
    }
}

bool region_find_room(struct region_tree *tree, vaddr_t from, vaddr_t end, size_t len, vaddr_t *out) {
    struct region *r = region_first_above(tree, from);
    vaddr_t limit = r ? r->base : end;
    *out = from;
    if (from < limit && limit - from >= len) return true;
    if (!r) return false;
    if (gap_after(r, len, out)) return true;
    *out = RB_ROOT(tree)->high;
    return end - *out >= len;
}
