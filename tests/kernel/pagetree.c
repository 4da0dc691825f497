/*
 * Page trees: which page is at which index, at every height, and what sharing does and does not share.
 */
#include "vm/pagetree.h"

#include "arch/time.h"
#include "tests/kernel/support.h"
#include "vm/heap.h"
#include "vm/inject.h"

/* The first index that needs a tree of that height: 64^(height - 1). */
static uint64_t first_of_height(unsigned height) { return height == 1 ? 0 : (uint64_t)1 << 6 * (height - 1); }

static struct page *lookup(struct pagetree *tree, uint64_t index) {
    bool exclusive;
    return pagetree_lookup(tree, index, &exclusive);
}

static bool is_exclusive(struct pagetree *tree, uint64_t index) {
    bool exclusive = false;
    return pagetree_lookup(tree, index, &exclusive) && exclusive;
}

/* A fresh page at `index`; NULL if there is no memory. */
static struct page *put(struct pagetree *tree, uint64_t index) {
    struct page *page = page_alloc();
    if (!page || pagetree_put(tree, index, page) == ZX_OK) return page;
    page_free(page);
    return NULL;
}

static zx_status_t clear(struct pagetree *tree, uint64_t first, uint64_t count) {
    struct pagetree_removed removed = {0};
    zx_status_t status = pagetree_clear(tree, first, count, &removed);
    pagetree_free_removed(&removed);
    return status;
}

KTEST("pagetree/an empty tree has no pages anywhere") {
    struct pagetree tree = {0};
    uint64_t distance;
    EXPECT(!lookup(&tree, 0) && !lookup(&tree, PAGETREE_INDEX_COUNT - 1));
    EXPECT(!pagetree_next(&tree, 0, PAGETREE_INDEX_COUNT, &distance));
    EXPECT(pagetree_count(&tree, 0, PAGETREE_INDEX_COUNT) == 0);
    EXPECT(clear(&tree, 0, PAGETREE_INDEX_COUNT) == ZX_OK);
    pagetree_destroy(&tree);
}

KTEST("pagetree/put, find and clear at each height from 1 to 9") {
    for (unsigned height = 1; height <= 9; height++) {
        struct pagetree tree = {0};
        uint64_t index = first_of_height(height);
        struct page *page = put(&tree, index);
        NEED(page);
        EXPECT(tree.height == height);
        EXPECT(lookup(&tree, index) == page && is_exclusive(&tree, index));
        EXPECT(!lookup(&tree, index + 1) && !lookup(&tree, index - 1));
        EXPECT(clear(&tree, index, 1) == ZX_OK);
        EXPECT(!lookup(&tree, index) && !tree.root && tree.height == 0);
    }
}

KTEST("pagetree/a tree that grows keeps the pages it had") {
    struct pagetree tree = {0};
    struct page *pages[10];
    for (unsigned height = 1; height <= 9; height++) NEED((pages[height] = put(&tree, first_of_height(height) + 5)));
    for (unsigned height = 1; height <= 9; height++)
        EXPECT(lookup(&tree, first_of_height(height) + 5) == pages[height]);
    EXPECT(pagetree_count(&tree, 0, PAGETREE_INDEX_COUNT) == 9);
    pagetree_destroy(&tree);
}

KTEST("pagetree/putting over a page gives that page back") {
    struct pagetree tree = {0};
    NEED(put(&tree, 7));
    size_t free = pages_free();
    NEED(put(&tree, 7));
    EXPECT(pages_free() == free);
    EXPECT(pagetree_count(&tree, 0, 64) == 1);
    pagetree_destroy(&tree);
}

KTEST("pagetree/indices are taken modulo 2^52") {
    struct pagetree tree = {0};
    struct page *last = put(&tree, UINT64_MAX), *first = put(&tree, PAGETREE_INDEX_COUNT);
    NEED(first && last);
    EXPECT(lookup(&tree, PAGETREE_INDEX_COUNT - 1) == last);
    EXPECT(lookup(&tree, 0) == first);
    pagetree_destroy(&tree);
}

KTEST("pagetree/a range that wraps is counted, searched and cleared on both sides") {
    struct pagetree tree = {0};
    uint64_t end = PAGETREE_INDEX_COUNT, distance;
    NEED(put(&tree, end - 2) && put(&tree, 1) && put(&tree, 3));
    EXPECT(pagetree_count(&tree, end - 2, 4) == 2);
    EXPECT(pagetree_next(&tree, end - 1, 10, &distance) && distance == 2);
    EXPECT(!pagetree_next(&tree, end - 1, 2, &distance));
    EXPECT(clear(&tree, end - 3, 5) == ZX_OK);
    EXPECT(!lookup(&tree, end - 2) && !lookup(&tree, 1) && lookup(&tree, 3));
    pagetree_destroy(&tree);
}

KTEST("pagetree/clearing a range takes exactly that range") {
    for (uint64_t count = 1; count <= 4096 * 3; count = count * 5 + 1) {
        struct pagetree tree = {0};
        const uint64_t first = 4090, marks[] = {0, first - 1, first, first + count - 1, first + count, 1 << 20};
        for (size_t i = 0; i < countof(marks); i++) NEED(put(&tree, marks[i]));
        EXPECT(clear(&tree, first, count) == ZX_OK);
        for (size_t i = 0; i < countof(marks); i++)
            EXPECT((lookup(&tree, marks[i]) == NULL) == (marks[i] >= first && marks[i] < first + count));
        pagetree_destroy(&tree);
    }
}

KTEST("pagetree/next finds the pages in order, and their distances") {
    static const uint64_t at[] = {3, 63, 64, 4095, 262144, (uint64_t)1 << 40};
    struct pagetree tree = {0};
    for (size_t i = 0; i < countof(at); i++) NEED(put(&tree, at[i]));
    uint64_t from = 0, distance;
    for (size_t i = 0; i < countof(at); i++) {
        EXPECT(!pagetree_next(&tree, from, at[i] - from, &distance));
        NEED(pagetree_next(&tree, from, PAGETREE_INDEX_COUNT - from, &distance));
        EXPECT(from + distance == at[i]);
        from = at[i] + 1;
    }
    EXPECT(!pagetree_next(&tree, from, PAGETREE_INDEX_COUNT - from, &distance));
    pagetree_destroy(&tree);
}

KTEST("pagetree/sharing costs no page, and neither side sees what the other then does") {
    struct pagetree a = {0}, b;
    struct page *old = put(&a, 5);
    NEED(old && put(&a, 100));
    size_t heap = heap_bytes(), free = pages_free();
    NEED(pagetree_share(&a, 0, PAGETREE_INDEX_COUNT, &b) == ZX_OK);
    EXPECT(heap_bytes() == heap && pages_free() == free);
    EXPECT(!is_exclusive(&a, 5) && !is_exclusive(&b, 5));

    struct page *in_a = put(&a, 5), *in_b = put(&b, 6);
    NEED(in_a && in_b);
    EXPECT(lookup(&a, 5) == in_a && lookup(&b, 5) == old);
    EXPECT(!lookup(&a, 6) && lookup(&b, 6) == in_b);
    EXPECT(is_exclusive(&a, 5) && is_exclusive(&b, 6) && is_exclusive(&b, 5));
    EXPECT(clear(&a, 100, 1) == ZX_OK);
    EXPECT(!lookup(&a, 100) && is_exclusive(&b, 100));
    pagetree_destroy(&a);
    EXPECT(lookup(&b, 5) == old && is_exclusive(&b, 5) && lookup(&b, 100));
    pagetree_destroy(&b);
}

KTEST("pagetree/a shared part is empty elsewhere") {
    struct pagetree a = {0}, b;
    for (uint64_t i = 0; i < 200; i++) NEED(put(&a, i));
    NEED(pagetree_share(&a, 60, 70, &b) == ZX_OK);
    EXPECT(pagetree_count(&b, 0, PAGETREE_INDEX_COUNT) == 70);
    EXPECT(!lookup(&b, 59) && lookup(&b, 60) == lookup(&a, 60) && lookup(&b, 129) && !lookup(&b, 130));
    EXPECT(pagetree_count(&a, 0, 200) == 200);
    pagetree_destroy(&b);
    EXPECT(is_exclusive(&a, 60) && is_exclusive(&a, 0));
    EXPECT(pagetree_share(&a, 60, 0, &b) == ZX_OK && !b.root);
    pagetree_destroy(&a);
}

KTEST("pagetree/a tree can be shared across the end of the indices") {
    struct pagetree a = {0}, b;
    uint64_t end = PAGETREE_INDEX_COUNT;
    NEED(put(&a, end - 1) && put(&a, 0) && put(&a, 1) && put(&a, end - 3));
    NEED(pagetree_share(&a, end - 2, 3, &b) == ZX_OK);
    EXPECT(lookup(&b, end - 1) && lookup(&b, 0) && !lookup(&b, 1) && !lookup(&b, end - 3));
    pagetree_destroy(&a);
    pagetree_destroy(&b);
}

/* Ticks for many look-ups in the tree, the least of several tries. */
static uint64_t lookup_ticks(struct pagetree *tree) {
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < 20; round++) {
        uint64_t start = arch_ticks();
        for (uint64_t i = 0; i < 500; i++) (void)lookup(tree, i % 64);
        uint64_t took = arch_ticks() - start;
        if (took < best) best = took;
    }
    return best;
}

KTEST("pagetree/a thousand generations, each with a page of its own: look-ups cost the same, and all is freed") {
    static struct pagetree trees[1000];
    for (uint64_t i = 0; i < 64; i++) NEED(put(&trees[0], i));
    uint64_t before = lookup_ticks(&trees[0]);
    for (size_t g = 1; g < countof(trees); g++) {
        NEED(pagetree_share(&trees[g - 1], 0, PAGETREE_INDEX_COUNT, &trees[g]) == ZX_OK);
        NEED(put(&trees[g], g % 64));
    }
    EXPECT(lookup_ticks(&trees[countof(trees) - 1]) < 4 * before);
    /* Each generation differs from the one before in the one page it put. */
    for (size_t g = 1; g < countof(trees); g++) {
        for (size_t i = 0; i < 64; i += 7) {
            bool same = lookup(&trees[g], i) == lookup(&trees[g - 1], i);
            EXPECT(same == (i != g % 64));
        }
    }
    for (size_t g = 0; g < countof(trees); g++) pagetree_destroy(&trees[g * 7 % countof(trees)]);
}

/* A tree that shares all its nodes with another, and its contents. */
struct shared {
    struct pagetree tree, other;
    struct page *page;
    struct page *marks[3];
};
static const uint64_t shared_marks[3] = {0, 70, 1 << 13};

static bool shared_make(struct shared *s) {
    *s = (struct shared){0};
    for (size_t i = 0; i < 3; i++) s->marks[i] = put(&s->tree, shared_marks[i]);
    s->page = page_alloc();
    return s->marks[0] && s->marks[1] && s->marks[2] && s->page &&
           pagetree_share(&s->tree, 0, PAGETREE_INDEX_COUNT, &s->other) == ZX_OK;
}

static bool shared_unchanged(void *arg) {
    struct shared *s = arg;
    bool same = pagetree_count(&s->tree, 0, PAGETREE_INDEX_COUNT) == 3;
    for (size_t i = 0; i < 3; i++) same = same && lookup(&s->tree, shared_marks[i]) == s->marks[i];
    return same;
}

static void shared_end(struct shared *s) {
    pagetree_destroy(&s->tree);
    pagetree_destroy(&s->other);
}

static zx_status_t put_near(void *arg) {
    struct shared *s = arg;
    return pagetree_put(&s->tree, 71, s->page);
}

static zx_status_t put_far(void *arg) {
    struct shared *s = arg;
    return pagetree_put(&s->tree, PAGETREE_INDEX_COUNT - 1, s->page);
}

static zx_status_t clear_inner(void *arg) {
    struct shared *s = arg;
    return clear(&s->tree, 1, 1 << 13);
}

static zx_status_t share_inner(void *arg) {
    struct shared *s = arg;
    struct pagetree part;
    zx_status_t status = pagetree_share(&s->tree, 1, 100, &part);
    if (status == ZX_OK) pagetree_destroy(&part);
    return status;
}

KTEST("pagetree/whichever allocation fails, a put, a clear and a share leave everything as it was") {
    zx_status_t (*const acts[])(void *) = {put_near, put_far, clear_inner, share_inner};
    for (size_t i = 0; i < countof(acts); i++) {
        struct shared s;
        NEED(shared_make(&s));
        EXPECT(fail_each_allocation(acts[i], shared_unchanged, &s) >= 1);
        EXPECT(pagetree_count(&s.other, 0, PAGETREE_INDEX_COUNT) == 3);
        if (i >= 2) page_free(s.page);
        shared_end(&s);
    }
}

KTEST("pagetree/a put that fails leaves an empty tree empty") {
    struct pagetree tree = {0};
    struct page *page = page_alloc();
    NEED(page);
#ifdef DEBUG
    for (unsigned nth = 1; nth <= 9; nth++) {
        inject_arm(nth);
        EXPECT(pagetree_put(&tree, PAGETREE_INDEX_COUNT - 1, page) == ZX_ERR_NO_MEMORY);
        EXPECT(!tree.root && tree.height == 0);
    }
    inject_arm(0);
#endif
    EXPECT(pagetree_put(&tree, PAGETREE_INDEX_COUNT - 1, page) == ZX_OK);
    pagetree_destroy(&tree);
}

/*
 * Trees against plain arrays. Each model lists the pages at some indices, near and far, of one tree.
 */
#define TREES 4
static const uint64_t places[] = {
    0,
    1,
    2,
    62,
    63,
    64,
    65,
    4094,
    4095,
    4096,
    4160,
    262143,
    262144,
    1ull << 30,
    1ull << 36,
    (1ull << 36) + 1,
    1ull << 48,
    1ull << 51,
    (1ull << 51) + 64,
    (1ull << 52) - 65,
    (1ull << 52) - 3,
    (1ull << 52) - 2,
    (1ull << 52) - 1,
};
#define PLACES countof(places)
static struct pagetree trees[TREES];
static struct page *models[TREES][PLACES];

static bool in_range(uint64_t index, uint64_t first, uint64_t count) {
    return ((index - first) & (PAGETREE_INDEX_COUNT - 1)) < count;
}

/* A range that begins and ends at or beside two of the places, and may wrap. */
static void random_range(uint64_t *first, uint64_t *count) {
    *first = places[random_below(PLACES)] - random_below(2);
    *count = (places[random_below(PLACES)] + random_below(3) - *first) & (PAGETREE_INDEX_COUNT - 1);
    *first &= PAGETREE_INDEX_COUNT - 1;
    if (random_below(20) == 0) *count = PAGETREE_INDEX_COUNT;
}

static bool random_put(size_t t) {
    size_t p = random_below(PLACES);
    return (models[t][p] = put(&trees[t], places[p])) != NULL;
}

static bool random_clear(size_t t) {
    uint64_t first, count;
    random_range(&first, &count);
    for (size_t p = 0; p < PLACES; p++) {
        if (in_range(places[p], first, count)) models[t][p] = NULL;
    }
    return clear(&trees[t], first, count) == ZX_OK;
}

static bool random_share(size_t t) {
    size_t to = (t + 1 + random_below(TREES - 1)) % TREES;
    uint64_t first, count;
    random_range(&first, &count);
    pagetree_destroy(&trees[to]);
    for (size_t p = 0; p < PLACES; p++) models[to][p] = in_range(places[p], first, count) ? models[t][p] : NULL;
    return pagetree_share(&trees[t], first, count, &trees[to]) == ZX_OK;
}

/* A page that may be written in place is in no other tree. */
static bool nowhere_else(size_t t, size_t p) {
    bool alone = true;
    for (size_t other = 0; other < TREES; other++) alone = alone && (other == t || models[other][p] != models[t][p]);
    return alone;
}

static bool model_agrees(size_t t) {
    uint64_t first, count, here = 0, nearest = UINT64_MAX, distance = UINT64_MAX;
    random_range(&first, &count);
    for (size_t p = 0; p < PLACES; p++) {
        if (lookup(&trees[t], places[p]) != models[t][p]) return false;
        if (is_exclusive(&trees[t], places[p]) && !nowhere_else(t, p)) return false;
        uint64_t from_first = (places[p] - first) & (PAGETREE_INDEX_COUNT - 1);
        if (!models[t][p] || from_first >= count) continue;
        here++;
        if (from_first < nearest) nearest = from_first;
    }
    bool any = pagetree_next(&trees[t], first, count, &distance);
    return pagetree_count(&trees[t], first, count) == here && any == (here > 0) && distance == nearest;
}

KTEST("pagetree/20,000 random puts, clears and shares of four trees agree with plain arrays") {
    random_seed(3);
    for (int step = 0; step < 20000; step++) {
        size_t t = random_below(TREES);
        uint64_t what = random_below(10);
        NEED(what < 6 ? random_put(t) : what < 8 ? random_clear(t) : random_share(t));
        for (size_t each = 0; each < TREES; each++) NEED(model_agrees(each));
    }
    for (size_t t = 0; t < TREES; t++) {
        pagetree_destroy(&trees[t]);
        for (size_t p = 0; p < PLACES; p++) models[t][p] = NULL;
    }
}
