/*
 * Address spaces: a root VMAR with everything in it, and the translations that faults have loaded so far.
 *
 * One mutex guards all regions of an address space: map, unmap and protect take it. Faults and transfers only share it
 * (kernel/sched/sharers.h), and only until they have locked the store behind the mapping, which then stays as it is. A
 * second, inner one guards the translations, so that a VMO which loses a page can drop them without knowing about
 * regions.
 *
 * Alive until its process begins to die: then transfers are refused. Dead from the moment its regions begin to be
 * removed; what is left is an empty object that VMAR handles may still name.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "arch/mmu.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/object.h"
#include "kernel/sched/sharers.h"
#include "vm/reclaim.h"

struct mapping;
struct vmar;
struct vmo_page;

enum aspace_state { ASPACE_ALIVE, ASPACE_DYING, ASPACE_DEAD };

RB_HEAD(futex_tree, futex_waiter);

/*
 * What look-ups write, for each processor or each few. The hints are set by sharers too, and cleared only by the owner
 * of the lock: so what they name is there.
 */
struct aspace_part {
    struct sharers sharers;                 /* of the lock */
    _Atomic(struct mapping *) found;        /* [r/a] the mapping found last; mapping_none if it was removed */
    _Atomic(struct mapping *) found_before; /* [r/a] the one before that: who uses two in turn need not search */
    _Atomic(struct vmar *) near;            /* [r/a] where the last search ended: the root, or a VMAR in the tree */
    char apart[2 * CACHE_LINE - 6 * sizeof(void *)]; /* from what other processors write */
};
_Static_assert(sizeof(struct aspace_part) == 2 * CACHE_LINE);

struct aspace {
    struct aspace_part parts[CPU_PARTS];
    refcount refs;                  /* [a] */
    struct mutex lock;              /* guards [r], all regions included; taken by aspace_lock() */
    enum aspace_state state;        /* [r] */
    uint64_t map_count;             /* [r] vmar_map()s so far: the number of the last */
    bool started;                   /* [r] a thread may run in it: what is mapped executable is text */
    struct vmar *root;              /* [I] allocated with it; with a reference until dead */
    struct mutex translations_lock; /* guards [t] */
    struct arch_aspace arch;        /* [t] */
    bool has_tables;                /* [t] until its end: they may be dropped */
    struct mutex futex_lock;        /* guards [x] */
    struct futex_tree futexes;      /* [x] kernel/object/futex.c's */
    struct aspace_place place;      /* among all; vm/reclaim.c's */
    struct budget *budget;          /* [I] its job's, which is there as long as it has tables */
};

/* With an empty root VMAR, for a process of that budget's job. NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t aspace_create(struct budget *budget, struct aspace **out);
static inline void aspace_ref(struct aspace *as) { refcount_ref(&as->refs); }
void aspace_unref(struct aspace *as);

/*
 * Before its first thread is started. CANCELED when the running thread is killed: it is as if nothing had happened, but
 * that changing text may be dearer than it need be.
 */
MUST_CHECK zx_status_t aspace_start(struct aspace *as);
/* No transfer to or from it begins after this returns. */
void aspace_begin_death(struct aspace *as);
/* Destroys all regions. No thread runs on it any more. */
void aspace_destroy(struct aspace *as);
bool aspace_is_dead(struct aspace *as);

/* Locks it, for changing what it guards; mutex_unlock() releases it. */
static inline void aspace_lock(struct aspace *as) ACQUIRE(&as->lock) {
    mutex_lock(&as->lock);
    for (unsigned i = 0; i < CPU_PARTS; i++) sharers_wait(&as->parts[i].sharers);
}

/* Locks it for a look-up. Returns what to look it up by, and what aspace_unshare() takes. */
static inline struct aspace_part *aspace_share(struct aspace *as) ACQUIRE_SHARED(&as->lock) {
    struct aspace_part *part = &as->parts[cpu_part()];
    mutex_share(&as->lock, &part->sharers);
    return part;
}
static inline void aspace_unshare(struct aspace *as, struct aspace_part *part) RELEASE_SHARED(&as->lock) {
    mutex_unshare(&as->lock, &part->sharers);
}

/* For aspace_find() of mapping.h: the mapping that holds `addr`, or NULL, where that is not `found`. */
struct mapping *aspace_search(struct aspace_part *part, vaddr_t addr);

/* The mapping is going; so is the VMAR, which is not the root. */
void aspace_forget(struct aspace *as, const struct mapping *m) REQUIRES(&as->lock);
void aspace_forget_vmar(struct aspace *as, const struct vmar *vmar) REQUIRES(&as->lock);

/* Resolves an access; FAULT_* flags. NOT_FOUND, ACCESS_DENIED, OUT_OF_RANGE (beyond the VMO), NO_MEMORY. */
MUST_CHECK zx_status_t aspace_fault(struct aspace *as, vaddr_t addr, unsigned flags);

/*
 * Gives its threads the I/O ports [first, first + count), which the machine has, until it is destroyed; those that run
 * on other processors have them too on return. NO_MEMORY: nothing is given.
 */
MUST_CHECK zx_status_t aspace_allow_ports(struct aspace *as, uint32_t first, uint32_t count);

/* Drops translations, on all processors. */
void aspace_drop(struct aspace *as, vaddr_t base, size_t len);

/* Takes away the permission to write from them, on all processors. */
void aspace_write_protect(struct aspace *as, vaddr_t base, size_t len);

/*
 * Loads a translation for the page at `va`, which `m` shows and whose store's lock the caller holds (debug builds check
 * it); a large one where the VMO has its frames in one run and everything is aligned. `*end`: where it ends. NO_MEMORY.
 */
MUST_CHECK zx_status_t aspace_load(struct aspace *as, struct mapping *m, vaddr_t va, const struct vmo_page *page,
                                   vaddr_t *end);
