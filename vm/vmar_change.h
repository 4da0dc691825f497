/*
 * What the calls that change many regions of a VMAR have in common: they do so many in one hold of the address space's
 * lock, and release what they took out once no lock is held.
 */
#pragma once

#include "vm/vmar.h"

/* Regions that have left their tree, with the references that the tree held. All zero: none. */
struct graveyard {
    struct mapping_list mappings;
    LIST_HEAD(, vmar) vmars;
};

void graveyard_release(struct graveyard *dead);

/* How far such a call has got. */
struct parts {
    bool begun;
    unsigned left;         /* so many regions may still be looked at or changed in this part */
    struct vmar *near;     /* where destroying is to go on, with a reference, if that is still in the tree; or NULL */
    struct vmar *top;      /* which VMAR is being destroyed there: in it as long as `near` is in the tree */
    struct graveyard dead; /* of this part */
};

/* Does a part, with the address space's lock held; true: it was the last. */
typedef bool part_fn(struct vmar *vmar, struct parts *parts, void *arg);

/*
 * Does all parts, and lets threads that wait for the lock in between. CANCELED if the thread is killed between two of
 * them. What is left of a process is cleared by its last thread, killed or not.
 */
MUST_CHECK zx_status_t vmar_each_part(struct vmar *vmar, part_fn *act, void *arg);

#define FOREACH_REGION(r, vmar, from, to) \
    for (struct region *r = region_first_above(&(vmar)->children, (from)); r && r->base < (to); r = region_next(r))

/*
 * Makes `*spare`, if cutting the range out of `lowest` will need it, the first region that ends above `base`, or NULL:
 * only that takes memory, all else can be cleared when there is none. NO_MEMORY.
 */
MUST_CHECK zx_status_t vmar_prepare_cut(const struct region *lowest, vaddr_t base, size_t len, struct mapping **spare);

/* Removes [base, end) from a mapping that overlaps it. One that is cut in its middle uses `*spare` up: NULL then. */
void mapping_cut(struct mapping *m, vaddr_t base, vaddr_t end, struct mapping **spare, struct graveyard *dead);

/*
 * Loads translations for what is mapped at [at, end) and committed; with `id`, only by the mapping that was made under
 * it. No lock is held. NO_MEMORY; BAD_STATE where nothing of that kind is mapped any more; CANCELED.
 */
MUST_CHECK zx_status_t vmar_preload(struct vmar *vmar, vaddr_t at, vaddr_t end, uint64_t id);
