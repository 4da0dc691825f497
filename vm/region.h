/*
 * Regions: the pieces that an address space is cut into, and the balanced trees that hold the pieces of one VMAR. A
 * region is either a VMAR or a mapping, and is embedded in it. Guarded by the address space's lock.
 *
 * Each node knows the largest gap between regions below it, so that both looking up an address and finding room are
 * logarithmic in the number of regions.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "arch/types.h"
#include "kernel/base/compiler.h"

struct vmar;

enum region_kind { REGION_VMAR, REGION_MAPPING };

struct region {
    RB_ENTRY(region) node;
    enum region_kind kind;
    struct vmar *parent; /* NULL: a root VMAR, or no longer part of an address space */
    vaddr_t base;
    size_t len;
    /* Of the subtree below this node, itself included. */
    vaddr_t low, high; /* where its first region begins and its last one ends */
    size_t gap;        /* the largest gap between two of its regions */
};

RB_HEAD(region_tree, region);

static inline vaddr_t region_end(const struct region *r) { return r->base + r->len; }

/* The region that holds `addr`, or NULL. */
struct region *region_find(struct region_tree *tree, vaddr_t addr);
/* The first region that ends above `addr`, or NULL. */
struct region *region_first_above(struct region_tree *tree, vaddr_t addr);
struct region *region_next(struct region *r);
struct region *region_first(struct region_tree *tree);

/* The region does not overlap any in the tree. */
void region_insert(struct region_tree *tree, struct region *r);
void region_remove(struct region_tree *tree, struct region *r);
/* After base or len of a region in the tree changed without changing the order. */
void region_resized(struct region *r);

/* The lowest page-aligned room of `len` bytes in [from, end); no region reaches across `end`. False: none. */
bool region_find_room(struct region_tree *tree, vaddr_t from, vaddr_t end, size_t len, vaddr_t *out);
