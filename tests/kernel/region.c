/*
 * The region tree against a plain array: regions of random places and sizes, in an arena of some pages.
 */
#include "vm/region.h"

#include "tests/kernel/support.h"

#define ARENA 256
#define BASE ((vaddr_t)0x10000000)
#define REGIONS 80

static struct region regions[REGIONS];
static bool in_tree[REGIONS];
static struct region *owner[ARENA]; /* whose each page is */
static struct region_tree tree;

static void arena_reset(void) {
    RB_INIT(&tree);
    for (size_t i = 0; i < REGIONS; i++) in_tree[i] = false;
    for (size_t i = 0; i < ARENA; i++) owner[i] = NULL;
}

static size_t page_of(vaddr_t va) { return (va - BASE) >> PAGE_SHIFT; }

static void own(struct region *r, struct region *who) {
    for (size_t i = page_of(r->base); i < page_of(region_end(r)); i++) owner[i] = who;
}

/* How many pages from `at` on are nobody's. */
static size_t room_at(size_t at) {
    size_t n = 0;
    while (at + n < ARENA && !owner[at + n]) n++;
    return n;
}

static void random_insert(void) {
    size_t i = random_below(REGIONS), at = random_below(ARENA), room = room_at(at);
    if (in_tree[i] || room == 0) return;
    regions[i] = (struct region){.base = BASE + PAGES(at), .len = PAGES(1 + random_below(room < 9 ? room : 9))};
    in_tree[i] = true;
    own(&regions[i], &regions[i]);
    region_insert(&tree, &regions[i]);
}

static void random_remove(void) {
    size_t i = random_below(REGIONS);
    if (!in_tree[i]) return;
    in_tree[i] = false;
    own(&regions[i], NULL);
    region_remove(&tree, &regions[i]);
}

/* Moves one end of a region, inwards or into the room beside it. */
static void random_resize(void) {
    struct region *r = &regions[random_below(REGIONS)];
    if (!in_tree[r - regions]) return;
    own(r, NULL);
    size_t first = page_of(r->base), count = r->len >> PAGE_SHIFT;
    if (random_below(2)) {
        size_t cut = random_below(count);
        r->base += PAGES(cut);
        r->len -= PAGES(cut);
    } else {
        r->len = PAGES(1 + random_below(room_at(first)));
    }
    own(r, r);
    region_resized(r);
}

/* Is the node right about what is below it? Recursion is as deep as a balanced tree. */
static bool node_true(struct region *r) {
    struct region *left = RB_LEFT(r, node), *right = RB_RIGHT(r, node);
    if ((left && !node_true(left)) || (right && !node_true(right))) return false;
    size_t gap = 0, run = 0, end = page_of(r->high);
    for (size_t i = page_of(r->low); i < end; i++) {
        run = owner[i] ? 0 : run + 1;
        if (run > gap) gap = run;
    }
    return r->low == (left ? left->low : r->base) && r->high == (right ? right->high : region_end(r)) &&
           r->gap == PAGES(gap);
}

static bool lookups_true(void) {
    for (size_t i = 0; i < ARENA; i++) {
        struct region *above = NULL;
        for (size_t j = i; j < ARENA && !above; j++) above = owner[j];
        vaddr_t va = BASE + PAGES(i);
        if (region_find(&tree, va) != owner[i] || region_find(&tree, va + PAGE_SIZE - 1) != owner[i]) return false;
        if (region_first_above(&tree, va) != above) return false;
    }
    return !region_find(&tree, BASE - 1) && !region_first_above(&tree, BASE + PAGES(ARENA));
}

static bool room_true(size_t npages) {
    size_t lowest = 0;
    while (lowest < ARENA && room_at(lowest) < npages) lowest++;
    vaddr_t found;
    bool any = region_find_room(&tree, BASE, BASE + PAGES(ARENA), PAGES(npages), &found);
    return any == (lowest < ARENA) && (!any || found == BASE + PAGES(lowest));
}

/* The lowest room at or above some address, if that address is in room itself or before a region. */
static bool room_above_true(size_t from, size_t npages) {
    size_t lowest = from;
    while (lowest < ARENA && room_at(lowest) < npages) lowest++;
    vaddr_t found;
    bool any = region_find_room(&tree, BASE + PAGES(from), BASE + PAGES(ARENA), PAGES(npages), &found);
    return any == (lowest < ARENA) && (!any || found == BASE + PAGES(lowest));
}

static bool order_true(void) {
    vaddr_t last = 0;
    size_t count = 0, want = 0;
    for (struct region *r = region_first(&tree); r; r = region_next(r), count++) {
        if (r->base < last) return false;
        last = region_end(r);
    }
    for (size_t i = 0; i < REGIONS; i++) want += in_tree[i];
    return count == want;
}

KTEST("region/an empty tree has all the room and nothing else") {
    vaddr_t at;
    arena_reset();
    EXPECT(!region_first(&tree) && !region_find(&tree, BASE) && !region_first_above(&tree, 0));
    EXPECT(region_find_room(&tree, BASE, BASE + PAGES(2), PAGES(2), &at) && at == BASE);
    EXPECT(!region_find_room(&tree, BASE, BASE + PAGES(2), PAGES(3), &at));
}

KTEST("region/5,000 random inserts, removals and resizes agree with an array: order, look-up, lowest room") {
    random_seed(4);
    arena_reset();
    for (int step = 0; step < 5000; step++) {
        uint64_t what = random_below(10);
        if (what < 5)
            random_insert();
        else if (what < 8)
            random_remove();
        else
            random_resize();
        NEED(RB_EMPTY(&tree) || node_true(RB_ROOT(&tree)));
        NEED(room_true(1 + random_below(12)));
        NEED(room_above_true(random_below(ARENA), 1 + random_below(12)));
        if (step % 16 == 0) NEED(lookups_true() && order_true());
    }
}

KTEST("region/room at the very end of the address space is found") {
    vaddr_t at;
    struct region r = {.base = USER_BASE, .len = USER_END - USER_BASE - PAGE_SIZE};
    arena_reset();
    region_insert(&tree, &r);
    EXPECT(region_find_room(&tree, USER_BASE, USER_END, PAGE_SIZE, &at) && at == USER_END - PAGE_SIZE);
    EXPECT(!region_find_room(&tree, USER_BASE, USER_END, PAGES(2), &at));
}
