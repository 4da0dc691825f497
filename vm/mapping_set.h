/*
 * The mappings of one store: a balanced tree in the order of where they begin in it, in which each node knows where the
 * last of those below it ends. So a change of a page finds the mappings that show it, however many others there are.
 *
 * What a mapping shows does not change while it is in the set.
 */
#pragma once

#include "vm/vmo.h"

/* Into and out of the set of its VMO's store. */
void mapping_set_insert(struct vmo *store, struct mapping *m) REQUIRES(&store->lock);
void mapping_set_remove(struct vmo *store, struct mapping *m) REQUIRES(&store->lock);

/* Those that may show a part of [begin, end) of the store, one after the other; NULL at the end. */
struct mapping *mapping_set_first(struct vmo *store, uint64_t begin, uint64_t end) REQUIRES(&store->lock);
struct mapping *mapping_set_next(struct vmo *store, struct mapping *m, uint64_t begin, uint64_t end)
    REQUIRES(&store->lock);

/* Of the mappings of its address space in the store, is it the first? One of them is. */
bool mapping_set_leads(struct vmo *store, struct mapping *m) REQUIRES(&store->lock);

/* What the first of an address space's mappings shows that begins at `*begin` of the store or later. False: none. */
MUST_CHECK bool mapping_set_shown(struct vmo *store, struct aspace *as, uint64_t *begin, uint64_t *end)
    REQUIRES(&store->lock);
