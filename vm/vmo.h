/*
 * Virtual memory objects: memory that can be named, shared and mapped, whether or not it is mapped.
 *
 * A paged VMO finds its pages in a page tree: absent pages read as zero and are committed when first written. A
 * snapshot shares its parent's tree from the moment it is made, and neither side sees the other's writes afterwards. A
 * slice has no pages: it is a window on another VMO, its `store`, and everything about pages, mappings and cache policy
 * happens there, under the store's lock.
 *
 * Every mapping of a VMO is in its store's set. When a page is replaced or removed, the translations of all of them are
 * dropped first, so that no page table refers to a page that has left the tree.
 */
#pragma once

#include <bsd/sys/tree.h>

#include "kernel/sched/mutex.h"
#include "kernel/sched/object.h"
#include "vm/page.h"
#include "vm/pagetree.h"

struct mapping;
RB_HEAD(mapping_set, mapping); /* vm/mapping_set.h */
RB_HEAD(sharer_set, mapping);

enum vmo_kind {
    VMO_PAGED,      /* pages come when they are written first, and may go */
    VMO_CONTIGUOUS, /* one physical run, all committed, and in its place for good */
    VMO_PHYSICAL,   /* frames that the allocator does not own: devices. It can be mapped, and nothing else */
};

struct vmo {
    struct object object;

    /* [I] */
    struct vmo *store;     /* itself; a slice: the VMO it is a window on, with a reference */
    uint64_t store_offset; /* in bytes; 0 unless a slice */
    enum vmo_kind kind;    /* a slice: its store's */
    paddr_t frames;        /* the first frame; unless paged */
    bool resizable;
    bool is_child;
    zx_koid_t parent_koid; /* 0: not a child */

    struct mutex lock;           /* guards [v]; in slices unused, except that `size` is [I] */
    uint64_t size;               /* [v] bytes, whole pages */
    struct pagetree pages;       /* [v] */
    uint64_t shown, shown_end;   /* [v] of a store, in bytes: outside of it no translation shows a hole */
    uint64_t first_index;        /* [I] index of page 0 in `pages` */
    uint32_t cache_policy;       /* [v] ZX_CACHE_POLICY_* */
    struct mapping_set mappings; /* [v] those of slices included */
    struct sharer_set sharers;   /* [v] the same, by address space */
    size_t share_count;          /* [v] how many address spaces they are in */
    size_t text_count;           /* [v] how many of them are text */
    size_t mapping_count;        /* [v] without those of slices */

    bool related; /* [v] of the store: it is a child, or has ever been a parent */
    /* [f] see vmo_family.c */
    struct vmo *parent; /* what it was made from, or one nearer to the nearest living ancestor; may be dead */
    size_t kin;         /* how many have it as `parent`, and 1 until it is dead */
    size_t child_count; /* of how many it is the nearest ancestor that is left */
    bool gone;

    char name[ZX_MAX_NAME_LEN]; /* [o] */
};

#define VMO_MAX_SIZE (UINT64_MAX - PAGE_MASK)

/* Once, before anything else here. */
void vmo_init(void);

/* For vmo_*.c: a paged VMO with no pages, its own store. `size` is whole pages. NULL when there is no memory. */
MUST_CHECK struct vmo *vmo_new(uint64_t size, bool resizable);

/* An empty paged VMO; `size` is rounded up. OUT_OF_RANGE above VMO_MAX_SIZE, NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t vmo_create(uint64_t size, bool resizable, struct vmo **out);

/*
 * VMOs of given frames (vmo_frames.c); sizes are rounded up. Each returns a reference.
 *
 * A paged one that takes over frames the boot loader filled: NO_MEMORY. One physical run, zeroed, whose first frame is
 * divisible by 2^align_log2 (12 at least): OUT_OF_RANGE, NO_MEMORY. Frames of the machine's: INVALID_ARGS (unaligned,
 * empty, or beyond the address space), NO_MEMORY; not cached until the policy is changed.
 */
MUST_CHECK zx_status_t vmo_create_from_frames(paddr_t base, uint64_t size, struct vmo **out);
MUST_CHECK zx_status_t vmo_create_contiguous(uint64_t size, unsigned align_log2, struct vmo **out);
MUST_CHECK zx_status_t vmo_create_physical(paddr_t base, uint64_t size, struct vmo **out);

/*
 * A copy of [offset, offset + size) as it is now. May lie partly or wholly beyond the end, and reads zero there.
 * NOT_SUPPORTED physical, BAD_STATE not cached, INVALID_ARGS unaligned offset, OUT_OF_RANGE, NO_MEMORY. Returns a
 * reference. A contiguous VMO keeps its frames, so its pages are copied, a window at a time: of what is written to them
 * meanwhile, the copy may show a part. CANCELED when the thread is killed.
 *
 * Snapshots and slices count as children of `vmo` from their first moment until they and all their own children are
 * freed.
 */
MUST_CHECK zx_status_t vmo_snapshot(struct vmo *vmo, uint64_t offset, uint64_t size, bool resizable, struct vmo **out);

/* The same, but ending where the VMO itself ends at this moment, and never resizable. `size` is whole pages. */
MUST_CHECK zx_status_t vmo_snapshot_clipped(struct vmo *vmo, uint64_t offset, uint64_t size, struct vmo **out);

/* A window on [offset, offset + size). INVALID_ARGS, NOT_SUPPORTED (resizable), NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t vmo_slice(struct vmo *vmo, uint64_t offset, uint64_t size, struct vmo **out);

/* vmo_family.c: a new child, which no other thread knows yet, and the end of an unreferenced VMO. */
void vmo_adopt(struct vmo *parent, struct vmo *child) REQUIRES(&parent->store->lock);
void vmo_leave_family(struct vmo *vmo);

size_t vmo_child_count(struct vmo *vmo);

/* Its size, how many mappings it has, and how many address spaces map it or a slice of the same store; all at once. */
struct vmo_counts {
    uint64_t size;
    size_t mappings, sharers;
};
struct vmo_counts vmo_counts(struct vmo *vmo);

/* The nearest ancestor that is left, with a reference, or NULL. */
struct vmo *vmo_ref_ancestor(struct vmo *vmo);

void vmo_copy_name(struct vmo *to, struct vmo *from);

static inline struct vmo *vmo_from_object(struct object *object) { return container_of(object, struct vmo, object); }
static inline void vmo_ref(struct vmo *vmo) { object_ref(&vmo->object); }
static inline void vmo_unref(struct vmo *vmo) { object_unref(&vmo->object); }

uint64_t vmo_size(struct vmo *vmo);

/* NOT_SUPPORTED physical, UNAVAILABLE not resizable, OUT_OF_RANGE, NO_MEMORY. What is cut off leaves all mappings. */
MUST_CHECK zx_status_t vmo_set_size(struct vmo *vmo, uint64_t size);

/*
 * Both take a byte range that is strict: OUT_OF_RANGE beyond the end. NOT_SUPPORTED physical; decommit: contiguous too.
 * Commit does all of it or nothing, unless the VMO is shrunk or shared anew meanwhile; it stops, CANCELED, when the
 * thread is killed, and then may have done a part. Its lock is held for one window at a time.
 */
MUST_CHECK zx_status_t vmo_commit(struct vmo *vmo, uint64_t offset, uint64_t len);
MUST_CHECK zx_status_t vmo_decommit(struct vmo *vmo, uint64_t offset, uint64_t len);

/* May [offset, + len) be copied? NOT_SUPPORTED physical, BAD_STATE not cached, OUT_OF_RANGE. */
MUST_CHECK zx_status_t vmo_check_transfer(struct vmo *vmo, uint64_t offset, uint64_t len);

/* Does the transfer engine copy to and from it? */
static inline bool vmo_is_cached(const struct vmo *store) {
    return store->kind != VMO_PHYSICAL && store->cache_policy == ZX_CACHE_POLICY_CACHED;
}

/* BAD_STATE with pages, mappings or children, or as a child; but a physical one may keep its own. */
MUST_CHECK zx_status_t vmo_set_cache_policy(struct vmo *vmo, uint32_t policy);

/*
 * Zeroes a byte range, strict; whole pages are given back. BAD_STATE (part of a page, not cached), NO_MEMORY.
 * Contiguous memory is zeroed a window at a time; CANCELED, part of it done, when the thread is killed.
 */
MUST_CHECK zx_status_t vmo_zero(struct vmo *vmo, uint64_t offset, uint64_t len);

/*
 * For vmo*.c, of contiguous VMOs (vmo_frames.c): vmo_zero(), and copying from `offset` on to a child that no other
 * thread knows yet. CANCELED; NO_MEMORY.
 */
MUST_CHECK zx_status_t vmo_zero_run(struct vmo *vmo, uint64_t offset, uint64_t len);
MUST_CHECK zx_status_t vmo_copy_run(struct vmo *vmo, uint64_t offset, struct vmo *child);

/* Zeroes bytes in place; like a transfer, a page at a time while no other processor runs, if that is text. */
void vmo_zero_bytes(struct vmo *store, char *data, size_t len) REQUIRES(&store->lock);

/*
 * Cleans or flushes what the caches hold of the pages there, under any policy: arch_cache_clean() and
 * arch_cache_flush(), or another that takes what lies within one page. NOT_SUPPORTED physical, INVALID_ARGS no bytes,
 * OUT_OF_RANGE; CANCELED, part of it done, when the thread is killed.
 */
typedef void vmo_cache_fn(paddr_t pa, size_t len);
MUST_CHECK zx_status_t vmo_cache_range(struct vmo *vmo, uint64_t offset, uint64_t len, vmo_cache_fn *act);

/* Bytes of its own there. What it shares counts for the nearest ancestor that is left; a slice has none. */
uint64_t vmo_committed_bytes(struct vmo *vmo, uint64_t offset, uint64_t len);

/* From here on `store->lock` is held, and offsets are within the store. */

/* A page as the holder of the lock may use it. */
struct vmo_page {
    paddr_t pa;
    bool writable; /* it is the store's own: may be written in place */
};

/* The index in the store's tree of the page that holds `offset`. */
static inline uint64_t vmo_page_index(const struct vmo *store, uint64_t offset) {
    return store->first_index + (offset >> PAGE_SHIFT);
}

/* All absent pages read as this one. It is never written: it is handed out with `writable` false only. */
extern struct page *vmo_zero_page;

/* What was set aside, before the lock was taken, for pages that will be committed. All zero: nothing. */
struct vmo_supply {
    struct page_list pages; /* contents undefined */
    struct pagetree_node *nodes;
};

/* For walks through many pages, one after the other, without releasing the lock. */
struct vmo_run {
    uint64_t end;              /* they go no further */
    uint64_t dropped;          /* 0 at first; up to here nothing shows the hole that they are in any more */
    struct vmo_supply *supply; /* what they take pages from as long as there are any; may be NULL */
};

/*
 * The page that holds `offset`, which is below the store's size; `run` is NULL if it is the only one. For writing, it
 * is committed or un-shared first, and every translation of what stood there is dropped. The one routine that faults
 * and transfers both get their pages by. NO_MEMORY.
 */
MUST_CHECK zx_status_t vmo_find_page(struct vmo *store, uint64_t offset, bool write, struct vmo_run *run,
                                     struct vmo_page *out) REQUIRES(&store->lock);
MUST_CHECK static inline zx_status_t vmo_get_page(struct vmo *store, uint64_t offset, bool write, struct vmo_page *out)
    REQUIRES(&store->lock) {
    return vmo_find_page(store, offset, write, NULL, out);
}
/* The page's bytes, if it is among those found last and may be used as it is. False: it has to be found. */
static inline bool vmo_near_page(struct vmo *store, uint64_t offset, bool write, void **data) REQUIRES(&store->lock) {
    struct page *page;
    if (unlikely(!pagetree_near(&store->pages, vmo_page_index(store, offset), write, &page))) return false;
    *data = page_data(write || likely(page) ? page : vmo_zero_page);
    return true;
}

/* The same, found: as vmo_find_page(). NULL: NO_MEMORY. */
MUST_CHECK void *vmo_find_data(struct vmo *store, uint64_t offset, bool write, struct vmo_run *run)
    REQUIRES(&store->lock);

/* A translation to the zero page is loaded for the hole at `offset`. */
static inline void vmo_hole_shown(struct vmo *store, uint64_t offset) REQUIRES(&store->lock) {
    if (store->shown == store->shown_end) store->shown = store->shown_end = offset;
    if (offset < store->shown) store->shown = offset;
    if (offset >= store->shown_end) store->shown_end = offset + PAGE_SIZE;
}

/* Moves `*offset` up to the first committed page at or after it and below `end`; false if there is none. */
bool vmo_next_page(struct vmo *store, uint64_t *offset, uint64_t end) REQUIRES(&store->lock);
