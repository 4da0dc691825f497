/*
 * Mappings: a range of addresses, and the part of a VMO that is seen there. A mapping belongs to its VMAR and has no
 * handle.
 *
 * Guarded by the address space's lock. What says which addresses show which bytes changes under the store's lock too.
 */
#pragma once

#include "vm/aspace.h"
#include "vm/region.h"
#include "vm/vmo.h"

/* Permissions, in the numbers of ZX_VM_PERM_*. */
#define PERM_READ ZX_VM_PERM_READ
#define PERM_WRITE ZX_VM_PERM_WRITE
#define PERM_EXECUTE ZX_VM_PERM_EXECUTE
#define PERM_ALL (PERM_READ | PERM_WRITE | PERM_EXECUTE)

struct mapping {
    struct region region;       /* [r], base and len [r+v] */
    struct aspace *aspace;      /* [I] */
    struct vmo *vmo;            /* [r+v] with a reference */
    uint64_t offset;            /* [r+v] in the VMO, of the mapping's first byte */
    uint32_t perms;             /* [r+v] now */
    uint32_t ceiling;           /* [I] what protect may ever give */
    bool private;               /* [r] it shows a private snapshot already */
    uint64_t id;                /* [I] of the vmar_map() that made it; parts that are split off keep it */
    bool text;                  /* [r+v] a thread may be executing it */
    vaddr_t loaded, loaded_end; /* [v] it has no translations outside of this range, which may be empty */
    RB_ENTRY(mapping) shown;    /* [v] in its store's set: see mapping_set.h */
    RB_ENTRY(mapping) sharer;   /* [v] in its store's set by address space */
    uint64_t subtree_end;       /* [v] where the last of those below it in the set ends */
    LIST_ENTRY(mapping) link;   /* [T] on a list of what was detached */
};

LIST_HEAD(mapping_list, mapping);

static inline struct mapping *mapping_from_region(struct region *r) { return container_of(r, struct mapping, region); }

/* One that holds no address. */
extern struct mapping mapping_none;

static inline bool mapping_holds(const struct mapping *m, vaddr_t addr) {
    return addr - m->region.base < m->region.len;
}

/* The mapping that holds `addr`, or NULL. aspace_find_by() is for who has the lock shared, and by what. */
static inline struct mapping *aspace_find_by(struct aspace *as UNUSED, struct aspace_part *part, vaddr_t addr)
    REQUIRES_SHARED(&as->lock) {
    struct mapping *m = atomic_load_explicit(&part->found, memory_order_relaxed);
    return mapping_holds(m, addr) ? m : aspace_search(part, addr);
}
static inline struct mapping *aspace_find(struct aspace *as, vaddr_t addr) REQUIRES_SHARED(&as->lock) {
    return aspace_find_by(as, &as->parts[cpu_part()], addr);
}

/* Where in the VMO's store the mapping begins. */
static inline uint64_t mapping_store_offset(const struct mapping *m) { return m->vmo->store_offset + m->offset; }

/* It is about to get a translation for [base, end), which it covers. */
static inline void mapping_note_loaded(struct mapping *m, vaddr_t base, vaddr_t end) {
    if (m->loaded >= m->loaded_end) {
        m->loaded = base;
        m->loaded_end = end;
    }
    if (base < m->loaded) m->loaded = base;
    if (end > m->loaded_end) m->loaded_end = end;
}

/* Drops the translations that any mapping of the store has for [offset, offset + len) of it. */
void mapping_drop_all(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock);

/* Takes away from those translations the permission to write, and touches none that has it not. */
void mapping_write_protect_all(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock);

/* After the permissions of one in the set have changed, or its address space has been started; both locks are held. */
void mapping_update_text(struct mapping *m);

/* The following need the address space's lock; debug builds check it. */

/* Joins a mapping, whose fields are set and which is in no tree, to its VMO's store and its VMAR. */
void mapping_attach(struct mapping *m);

/* Takes a mapping out of its VMAR and store, drops its translations, and puts it on a list for mapping_release(). */
void mapping_detach(struct mapping *m, struct mapping_list *detached);

/* Keeps only [base, base + len), within what the mapping covers, and drops the translations of the rest. */
void mapping_trim(struct mapping *m, vaddr_t base, size_t len);

/* Makes it `len` bytes longer, where nothing is behind it. */
void mapping_extend(struct mapping *m, size_t len);

/* Cuts a mapping in two at `at`, strictly inside: it keeps the lower part, and `upper`, all unset, gets the rest. */
void mapping_split(struct mapping *m, vaddr_t at, struct mapping *upper);

/* Changes the permissions of the whole mapping, within its ceiling. Faults then load what is allowed now. */
void mapping_protect(struct mapping *m, uint32_t perms);

/*
 * Loads translations for some of the pages of [*at, end) that the mapping shows and that exist already; a device's
 * always do. Moves `*at` up to where the next window begins. NO_MEMORY.
 */
MUST_CHECK zx_status_t mapping_preload(struct mapping *m, vaddr_t *at, vaddr_t end);

/* Would a forced write through this mapping reach others? It is to show a private snapshot first. */
static inline bool mapping_must_snapshot(const struct mapping *m) { return !(m->ceiling & PERM_WRITE) && !m->private; }

/*
 * Gives a mapping a private snapshot of what it shows, up to where its VMO ends: a child of that VMO, and named like
 * it. `*old` gets the VMO it leaves, with its reference, to be released when no lock is held. BAD_STATE (not cached),
 * OUT_OF_RANGE (the VMO ends before the mapping's byte `within`, which the snapshot is wanted for), NO_MEMORY,
 * CANCELED (contiguous memory is copied, and the caller was killed meanwhile).
 */
MUST_CHECK zx_status_t mapping_snapshot(struct mapping *m, uint64_t within, struct vmo **old);

/* Frees what mapping_detach() gathered. No lock is held. */
void mapping_release(struct mapping_list *detached);
