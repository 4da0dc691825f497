/*
 * The set of a store's mappings against a plain array: mappings that begin and end anywhere, many of them at one place.
 */
#include "vm/mapping_set.h"

#include "kernel/base/arith.h"
#include "tests/kernel/support.h"

#define COUNT 100
#define SPAN 64 /* pages */

static struct mapping mappings[COUNT];
static bool in_set[COUNT];

static void random_toggle(struct vmo *vmo) REQUIRES(&vmo->lock) {
    size_t i = random_below(COUNT);
    struct mapping *m = &mappings[i];
    if (in_set[i]) {
        mapping_set_remove(vmo, m);
    } else {
        *m = (struct mapping){.vmo = vmo, .offset = PAGES(random_below(SPAN))};
        m->region.len = PAGES(1 + random_below(random_below(4) ? 4 : SPAN));
        mapping_set_insert(vmo, m);
    }
    in_set[i] = !in_set[i];
}

static bool overlaps(const struct mapping *m, uint64_t begin, uint64_t end) {
    return m->offset < end && m->offset + m->region.len > begin;
}

/* Each that overlaps comes once, in order. */
static bool range_true(struct vmo *vmo, uint64_t begin, uint64_t end) REQUIRES(&vmo->lock) {
    size_t found = 0, want = 0;
    uint64_t last = 0;
    for (struct mapping *m = mapping_set_first(vmo, begin, end); m; m = mapping_set_next(vmo, m, begin, end)) {
        if (!in_set[m - mappings] || !overlaps(m, begin, end) || m->offset < last || found > COUNT) return false;
        last = m->offset;
        found++;
    }
    for (size_t i = 0; i < COUNT; i++) want += in_set[i] && overlaps(&mappings[i], begin, end);
    return found == want;
}

static void toggle_many(struct vmo *vmo) REQUIRES(&vmo->lock) {
    for (int step = 0; step < 20000; step++) {
        random_toggle(vmo);
        uint64_t first = random_below(2 * SPAN), count = 1 + random_below(8);
        NEED(range_true(vmo, PAGES(first), PAGES(first + count)));
        if (step % 16 == 0) NEED(range_true(vmo, 0, UINT64_MAX));
    }
}

KTEST("mapping_set/20,000 random changes: whatever range is asked for, those that show it are found, and no others") {
    struct vmo *vmo = vmo_of(SPAN, false);
    NEED(vmo);
    random_seed(6);
    mutex_lock(&vmo->lock);
    toggle_many(vmo);
    for (size_t i = 0; i < COUNT; i++) {
        if (in_set[i]) mapping_set_remove(vmo, &mappings[i]);
        in_set[i] = false;
    }
    mutex_unlock(&vmo->lock);
    EXPECT(RB_EMPTY(&vmo->mappings) && vmo->mapping_count == 0);
    vmo_unref(vmo);
}

KTEST("mapping_set/what begins or ends beyond 2^64 of the store is kept, and harms nobody") {
    struct vmo *vmo = vmo_of(SPAN, false), *slice;
    NEED(vmo && vmo_slice(vmo, PAGES(SPAN / 2), PAGES(1), &slice) == ZX_OK);
    struct mapping far = {.vmo = slice, .offset = VMO_MAX_SIZE - PAGES(1), .region.len = PAGE_SIZE};
    struct mapping long_one = {.vmo = slice, .offset = PAGES(1), .region.len = VMO_MAX_SIZE - PAGES(8)};
    mutex_lock(&vmo->lock);
    mapping_set_insert(vmo, &far);
    mapping_set_insert(vmo, &long_one);
    EXPECT(mapping_set_first(vmo, PAGES(SPAN / 2 + 1), PAGES(SPAN)) == &long_one);
    EXPECT(mapping_set_first(vmo, 0, PAGES(SPAN / 2 + 1)) == NULL);
    EXPECT(slice->mapping_count == 2 && vmo->mapping_count == 0);
    mapping_set_remove(vmo, &far);
    mapping_set_remove(vmo, &long_one);
    mutex_unlock(&vmo->lock);
    vmo_unref(slice);
    vmo_unref(vmo);
}
