/*
 * Page trees: which page stands at which index of a VMO. A radix tree of 64-way nodes, counted and persistent: trees share
 * nodes and pages, and whoever changes something copies the shared part of the path to it first. Sharing a whole
 * tree is one reference; a look-up costs the same however often a tree was shared.
 *
 * A node or page with one reference, on a path of nodes with one reference, belongs to one tree and may be changed in
 * place. The caller serialises all use of one tree; trees that share nodes need no common lock.
 */
#pragma once

#include "vm/page.h"

struct pagetree_node;

/*
 * All zero: empty. Indices are taken modulo 2^52, the pages of 2^64 bytes: the window of a snapshot may begin anywhere in
 * its ancestor's tree, and wrap.
 */
struct pagetree {
    struct pagetree_node *root; /* covers 64^height pages */
    unsigned height;            /* 0: empty */

    /*
     * The last block that was asked for and found to be the tree's own. Forgotten when anything is removed or shared; putting a
     * page leaves it what it is, since there is nothing to copy on the way to it.
     */
    uint64_t recent;           /* its number, counted from 1; 0: none */
    struct page *const *pages; /* of it */
};

#define PAGETREE_INDEX_BITS 52
#define PAGETREE_INDEX_COUNT ((uint64_t)1 << PAGETREE_INDEX_BITS)

/*
 * The pages around an index, for whoever goes through many: block i / PAGETREE_BLOCK of the tree, so many places of which any may
 * hold NULL. Or NULL: there are none, or (with `own`) they are others' too by way of the tree. Good until the tree is changed or
 * shared.
 */
#define PAGETREE_BLOCK 64u
struct page *const *pagetree_find_block(struct pagetree *tree, uint64_t index, bool own);
static inline struct page *const *pagetree_block(struct pagetree *tree, uint64_t index, bool own) {
    return tree->recent == index / PAGETREE_BLOCK + 1 ? tree->pages : pagetree_find_block(tree, index, own);
}

/* The page at `index`, or NULL. `*exclusive` tells whether it may be written in place. Borrows. */
struct page *pagetree_lookup(const struct pagetree *tree, uint64_t index, bool *exclusive);

/*
 * Puts `page` at `index` in place of what is there, whose reference is given back. Takes the caller's reference, except
 * on ZX_ERR_NO_MEMORY: then nothing has changed.
 */
MUST_CHECK zx_status_t pagetree_put(struct pagetree *tree, uint64_t index, struct page *page);

/* Removes the pages at [first, first + count). ZX_ERR_NO_MEMORY (shared nodes at the edges): nothing is removed. */
MUST_CHECK zx_status_t pagetree_clear(struct pagetree *tree, uint64_t first, uint64_t count);

/* Makes `*out` an empty-elsewhere copy of `tree`'s pages at [first, first + count), sharing them. ZX_ERR_NO_MEMORY. */
MUST_CHECK zx_status_t pagetree_share(struct pagetree *tree, uint64_t first, uint64_t count, struct pagetree *out);

/* Removes everything. */
void pagetree_destroy(struct pagetree *tree);

/* How far the first page at or after `first` is from it, if that is below `count`. */
bool pagetree_next(const struct pagetree *tree, uint64_t first, uint64_t count, uint64_t *distance);

/* How many pages stand at [first, first + count). */
uint64_t pagetree_count(const struct pagetree *tree, uint64_t first, uint64_t count);

/* The same, without those that `other` has at the same index too. What the trees share costs nothing to pass over. */
uint64_t pagetree_count_unlike(const struct pagetree *tree, const struct pagetree *other, uint64_t first,
                               uint64_t count);
