/*
 * Page trees map an index of a VMO to a page. A radix tree of 64-way nodes, counted and persistent: trees share nodes
 * and pages, and a change first copies the shared part of the path to it. Sharing a whole tree is one reference; a
 * look-up costs the same however often a tree was shared.
 *
 * A node or page with one reference, on a path of nodes with one reference, belongs to one tree and may be changed in
 * place. The caller serialises all use of one tree; trees that share nodes need no common lock.
 */
#pragma once

#include "vm/page.h"

struct pagetree_node;

/* All zero: empty. Indices wrap at 2^52: a snapshot's window may begin anywhere in its ancestor's tree. */
struct pagetree {
    struct pagetree_node *root; /* covers 64^height pages */
    unsigned height;            /* 0: empty */

    /*
     * The block of pages that was found last, for walks through many. Forgotten when nodes are added, copied, removed
     * or shared.
     */
    uint64_t recent;             /* the index behind its last place; 0: none */
    uint64_t owned;              /* the same, if the path to it is known to be this tree's alone; else 0 */
    struct page *const *its_end; /* behind its PAGETREE_BLOCK places, of which any may hold NULL */
};

#define PAGETREE_BLOCK 64u

#define PAGETREE_INDEX_BITS 52
#define PAGETREE_INDEX_COUNT ((uint64_t)1 << PAGETREE_INDEX_BITS)

void pagetree_find_block(struct pagetree *tree, uint64_t index);

/* The place of `index` in the block that ends at `end`, counted from there: below 0, as an unsigned number. */
static inline bool pagetree_in_block(uint64_t index, uint64_t end) { return index - end >= -(uint64_t)PAGETREE_BLOCK; }

/* The page at `index`, or NULL. `*exclusive`: whether it may be written in place. Borrows. */
static inline struct page *pagetree_lookup(struct pagetree *tree, uint64_t index, bool *exclusive) {
    if (!pagetree_in_block(index, tree->owned)) pagetree_find_block(tree, index);
    struct page *page = tree->its_end[(int64_t)(index - tree->recent)];
    *exclusive = page && tree->owned && page_exclusive(page);
    return page;
}

/* The same in the block found last; for writing only if in place. False: look it up. */
static inline bool pagetree_near(const struct pagetree *tree, uint64_t index, bool write, struct page **page) {
    const uint64_t end = write ? tree->owned : tree->recent;
    if (unlikely(!pagetree_in_block(index, end))) return false;
    *page = tree->its_end[(int64_t)(index - end)];
    return !write || (likely(*page) && page_exclusive(*page));
}

/*
 * Nodes set aside for puts to come. pagetree_reserve() adds as many as `pages` puts at [first, first + count) may take
 * in a tree of that height, while it is not shared; ZX_ERR_NO_MEMORY: fewer. pagetree_own_block() takes nodes from
 * `spare` as long as there are any, and makes the put at `index` that follows one that cannot fail; ZX_ERR_NO_MEMORY:
 * nothing has changed.
 */
MUST_CHECK zx_status_t pagetree_reserve(unsigned height, uint64_t first, uint64_t count, uint64_t pages,
                                        struct pagetree_node **spare);
MUST_CHECK zx_status_t pagetree_own_block(struct pagetree *tree, uint64_t index, struct pagetree_node **spare);
static inline bool pagetree_is_own_block(const struct pagetree *tree, uint64_t index) {
    return pagetree_in_block(index & (PAGETREE_INDEX_COUNT - 1), tree->owned);
}
/* The same as pagetree_put() in that block, which cannot fail. */
void pagetree_set(struct pagetree *tree, uint64_t index, struct page *page);
void pagetree_free_spare(struct pagetree_node **spare);

/* Puts `page`, taking over its reference, at `index`; drops what was there. ZX_ERR_NO_MEMORY: nothing has changed. */
MUST_CHECK zx_status_t pagetree_put(struct pagetree *tree, uint64_t index, struct page *page);

/* Puts a fresh copy of `old`, or zeros if that is NULL, and returns the page. ZX_ERR_NO_MEMORY, as above. */
MUST_CHECK static ALWAYS_INLINE zx_status_t pagetree_put_copy(struct pagetree *tree, uint64_t index,
                                                              const struct page *old, struct page **out) {
    struct page *page = old ? page_alloc_for(PAGE_VMO) : page_alloc_zeroed(PAGE_VMO);
    if (!page) return ZX_ERR_NO_MEMORY;
    if (old) arch_page_copy(page_data(page), page_data(old));
    zx_status_t status = pagetree_put(tree, index, page);
    if (status == ZX_OK)
        *out = page;
    else
        page_free(page);
    return status;
}

/*
 * What was taken out of a tree, to be freed by pagetree_free_removed(). Taking it out costs the same however many pages
 * there are; freeing them does not, and needs no lock. All zero: nothing.
 */
#define PAGETREE_HEIGHT_MAX 9
struct pagetree_removed {
    struct pagetree_node *first[PAGETREE_HEIGHT_MAX + 1]; /* of each height */
};
void pagetree_free_removed(struct pagetree_removed *removed);

/* Removes the pages at [first, first + count). ZX_ERR_NO_MEMORY (shared nodes at the edges): nothing is removed. */
MUST_CHECK zx_status_t pagetree_clear(struct pagetree *tree, uint64_t first, uint64_t count,
                                      struct pagetree_removed *removed);

/* Makes `*out` an empty-elsewhere copy of `tree`'s pages at [first, first + count), sharing them. ZX_ERR_NO_MEMORY. */
MUST_CHECK zx_status_t pagetree_share(struct pagetree *tree, uint64_t first, uint64_t count, struct pagetree *out);

/* Removes everything. */
void pagetree_destroy(struct pagetree *tree);

/* How far the first page at or after `first` is from it, if that is below `count`. */
bool pagetree_next(const struct pagetree *tree, uint64_t first, uint64_t count, uint64_t *distance);

/* How many pages there are at [first, first + count). */
uint64_t pagetree_count(const struct pagetree *tree, uint64_t first, uint64_t count);

/* The same, without those that `other` has at the same index too. Shared subtrees are skipped at no cost. */
uint64_t pagetree_count_unlike(const struct pagetree *tree, const struct pagetree *other, uint64_t first,
                               uint64_t count);
