/*
 * VMARs: ranges of an address space that hold mappings and further VMARs, and say what may be mapped in them.
 *
 * A VMAR is alive until it, an ancestor or its address space is destroyed; then it is dead for good, holds nothing, and
 * every call on it is BAD_STATE. The parent holds a reference to each child.
 *
 * Options are ZX_VM_*. Handle rights are not known here: what they allow comes in as a permission ceiling.
 */
#pragma once

#include "vm/aspace.h"
#include "vm/mapping.h"

/* The options that allow permissions in a VMAR, and how far they are from the permissions, ZX_VM_PERM_*. */
#define CAN_MAP_PERMS (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)
#define CAN_MAP_SHIFT 7
_Static_assert((PERM_ALL << CAN_MAP_SHIFT) == CAN_MAP_PERMS, "one distance for all");

struct vmar {
    struct object object;
    struct region region;        /* [r] */
    struct aspace *aspace;       /* [I] with a reference */
    uint32_t can;                /* [I] the ZX_VM_CAN_MAP_* it was made with */
    struct region_tree children; /* [r] */
    bool dead;                   /* [r] */
    LIST_ENTRY(vmar) dead_link;  /* [T] on a list of what is to be released */
};

static inline struct vmar *vmar_from_object(struct object *object) { return container_of(object, struct vmar, object); }
static inline struct vmar *vmar_from_region(struct region *r) { return container_of(r, struct vmar, region); }

/*
 * The next in a walk through all regions of an address space, in which those within a VMAR follow it; NULL after the
 * last. `*depth`, of `r`, becomes that of the next. The address space's lock is held.
 */
struct region *region_walk_next(struct region *r, size_t *depth);

/* How an address space is allocated: its root, which has a reference to it, is freed with it. */
struct rooted_aspace {
    struct aspace aspace;
    struct vmar root;
};

/* Of that, all zero: makes the root the VMAR that covers the whole of user space. It has one reference then. */
void vmar_init_root(struct vmar *root, struct aspace *as);

/*
 * Reserves [offset, offset + size) of `parent`, or room anywhere without ZX_VM_SPECIFIC. INVALID_ARGS, BAD_STATE,
 * ACCESS_DENIED, NO_MEMORY. Returns a reference.
 */
MUST_CHECK zx_status_t vmar_allocate(struct vmar *parent, zx_vm_option_t options, uint64_t offset, uint64_t size,
                                     struct vmar **out);

struct vmar_map {
    zx_vm_option_t options;
    uint64_t offset; /* in the VMAR; with a SPECIFIC option */
    struct vmo *vmo;
    uint64_t vmo_offset;
    uint64_t len;
    uint32_t ceiling; /* PERM_*: what the handles allow, now and by protect later */
    uint64_t id;      /* set by vmar_map(), for vmar_map_undo(): its number in the address space */
};

/*
 * INVALID_ARGS, NOT_SUPPORTED, ACCESS_DENIED, BAD_STATE, NO_MEMORY; nothing has changed then. Many mappings that give
 * way do so a part at a time; CANCELED between two of them when the thread is killed. If others change the range just
 * then and there is no memory either, NO_MEMORY may find a part replaced: it is left unmapped.
 */
MUST_CHECK zx_status_t vmar_map(struct vmar *vmar, struct vmar_map *args, vaddr_t *out);

/* Removes what is left of what vmar_map() made at `base`, and nothing that others have put there since. */
void vmar_map_undo(struct vmar *vmar, const struct vmar_map *args, vaddr_t base);

/*
 * INVALID_ARGS, BAD_STATE, NO_MEMORY; nothing has changed then. Holes in the range are fine. Many regions go a part at
 * a time; CANCELED between two of them when the thread is killed.
 */
MUST_CHECK zx_status_t vmar_unmap(struct vmar *vmar, vaddr_t addr, uint64_t len);

/*
 * INVALID_ARGS, BAD_STATE, NOT_FOUND, ACCESS_DENIED, NO_MEMORY; nothing has changed then. Many mappings change a part
 * at a time, after all have been checked; CANCELED between two parts when the thread is killed.
 */
MUST_CHECK zx_status_t vmar_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, uint64_t len);

/*
 * Acts on the memory behind the mappings of a range; `op` is a ZX_VMAR_OP_*. INVALID_ARGS, OUT_OF_RANGE (also beyond a
 * VMO's end), BAD_STATE (dead, or a gap in the range), ACCESS_DENIED (a mapping that could not be made writable),
 * NO_MEMORY, CANCELED (killed). Not as one: when it fails, mappings or windows before may have been done.
 */
MUST_CHECK zx_status_t vmar_op_range(struct vmar *vmar, uint32_t op, vaddr_t addr, uint64_t len);

/* With all it holds, in parts too; BAD_STATE if it is dead, CANCELED as above: it lives on then, with what is left. */
MUST_CHECK zx_status_t vmar_destroy(struct vmar *vmar);
