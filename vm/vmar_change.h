/*
 * What unmap, destroy and map with overwrite have in common: clearing a range of a VMAR under the address space's lock,
 * and releasing what was cleared once no lock is held.
 */
#pragma once

#include "vm/vmar.h"

/* Regions that have left their tree, with the references that the tree held. All zero: none. */
struct graveyard {
    struct mapping_list mappings;
    LIST_HEAD(, vmar) vmars;
};

void graveyard_release(struct graveyard *dead);

/* May a map with overwrite clear the range? INVALID_ARGS if a VMAR is in it. */
MUST_CHECK zx_status_t vmar_check_overwrite(struct vmar *vmar, vaddr_t base, size_t len) REQUIRES(&vmar->aspace->lock);

/* Makes `*spare`, if clearing the range will need it. NO_MEMORY. */
MUST_CHECK zx_status_t vmar_prepare_clear(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare)
    REQUIRES(&vmar->aspace->lock);

/* Removes the range, with no VMAR in it in part. A mapping cut in its middle uses `*spare` up, which becomes NULL. */
void vmar_clear_range(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare, struct graveyard *dead)
    REQUIRES(&vmar->aspace->lock);

/*
 * Loads translations for what is mapped at [at, end) and committed; with `id`, only by the mapping that was made under
 * it. No lock is held. NO_MEMORY; BAD_STATE where nothing of that kind is mapped any more; CANCELED.
 */
MUST_CHECK zx_status_t vmar_preload(struct vmar *vmar, vaddr_t at, vaddr_t end, uint64_t id);
