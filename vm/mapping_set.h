/*
 * The mappings of one store: a balanced tree in the order of where they begin in it, in which each node knows how far those
 * below it reach. So whoever changes a page finds the mappings that show it, however many others there are.
 *
 * Guarded by the store's lock. What a mapping shows does not change while it is in the set.
 */
#pragma once

#include "vm/vmo.h"

/* Into and out of the set of its VMO's store. */
void mapping_set_insert(struct mapping *m);
void mapping_set_remove(struct mapping *m);

/* Those that may show a part of [begin, end) of the store, one after the other; NULL at the end. */
struct mapping *mapping_set_first(struct vmo *store, uint64_t begin, uint64_t end);
struct mapping *mapping_set_next(struct mapping *m, uint64_t begin, uint64_t end);
