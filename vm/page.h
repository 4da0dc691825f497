/*
 * Physical pages: one `struct page` for each frame, and a buddy allocator of runs of 2^order frames.
 *
 * A page belongs to the code that allocated it; pages of VMOs are counted by the page-tree leaves that hold them. It is
 * charged to the budget of the thread that allocated it, which is refunded when the page is freed, by any thread. Every
 * allocation can fail: because there is no memory, or because a limit is reached.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdatomic.h>

#include "arch/boot.h"
#include "arch/mmu.h"
#include "kernel/base/compiler.h"
#include "kernel/base/refcount.h"

/* Largest run: 2^18 pages, 1 GiB. */
#define PAGE_MAX_ORDER 18

enum page_state {
    PAGE_FREE_TAIL, /* 0, as in memory that was cleared */
    PAGE_FREE,      /* head of a free run */
    PAGE_LOOSE,     /* free, and not merged with its neighbours yet */
    PAGE_ZERO,      /* the same, and all zero */
    PAGE_RESERVED,  /* not ours: no RAM, firmware, kernel image, boot archive */
    PAGE_USED,      /* from here on: allocated */
    PAGE_VMO,       /* of some VMO's tree */
    PAGE_UNCACHED,  /* of the tree of a VMO that is not cached */
    PAGE_TABLE,     /* a table of translations */
    PAGE_SLAB,      /* of the heap: cut into objects of one size */
    PAGE_HEAP_RUN,  /* of the heap: one large object */
    PAGE_STATES,
};

struct budget; /* vm/budget.h */

struct page {
    /* free: [g] of its order, or [y] of a shelf; slab: [b] the roomy of its class; else its message's or supply's */
    LIST_ENTRY(page) link;
    struct budget *budget; /* head of a used run: [I] which is charged with it */
    atomic_uint refs;      /* used: [a] owners */
    uint8_t slab_free;     /* slab: [b] where the first free object lies */
    uint8_t slab_used;     /* slab: [b] objects given out */
    uint8_t state;         /* enum page_state; [g], [y] while free, else its owner's */
    uint8_t order;         /* head of a run: its order; slab: the index of its class */
};

LIST_HEAD(page_list, page);

/* Takes over what the boot loader reported free. */
void pages_init(const struct boot_info *info);

/* A run of 2^order pages with one reference, or NULL. Contents undefined; poisoned in debug builds. */
MUST_CHECK struct page *page_alloc_run(unsigned order);
MUST_CHECK struct page *page_alloc_for(enum page_state use);
MUST_CHECK struct page *page_alloc_zeroed(enum page_state use);
static inline struct page *page_alloc(void) { return page_alloc_for(PAGE_USED); }

/* `count` pages in a row, freed one by one; the first frame divides by 2^align_order. NULL: none, or `count` is 0. */
MUST_CHECK struct page *page_alloc_contiguous(size_t count, unsigned align_order);

/* One to `most` contiguous pages, as many as there are together, freed one by one. Stores how many. NULL: none. */
MUST_CHECK struct page *page_alloc_some(size_t most, size_t *count);

/* Makes a frame that the boot loader filled an ordinary page with one reference. */
void page_adopt(struct page *page);

/* Prepares a new page for use past the caches: memory holds its bytes. page_free(), without translations, ends that. */
void page_make_uncached(struct page *page);

/* Gives a run back, whatever its count; and a single page that is all zero, for those who want such. */
void page_free(struct page *page);
void page_free_zero(struct page *page);

static inline void page_ref(struct page *page) { refcount32_ref(&page->refs); }
void page_unref(struct page *page);

/*
 * For freeing many pages of VMOs: unreferenced pages are gathered as long as they are contiguous and charged to one
 * budget, and then freed together. All zero: nothing. At most a block of a page tree's is gathered before it is freed.
 */
struct page_gather {
    struct page *first, *end;
};
void page_gather_free(struct page_gather *gather);
static inline void page_unref_gather(struct page *page, struct page_gather *gather) {
    if (!refcount32_unref(&page->refs)) return;
    if (unlikely(page->state != PAGE_VMO)) return page_free(page);
    if (page != gather->end || page->budget != gather->first->budget) {
        page_gather_free(gather);
        gather->first = page;
    }
    gather->end = page + 1;
}

/* Is this the only reference? Then no other thread can add one. */
static inline bool page_exclusive(const struct page *page) {
    return atomic_load_explicit(&page->refs, memory_order_acquire) == 1;
}

extern struct page *pages_array;

/* As many bytes into memory as the page's structure is into the array, times how much smaller that is. */
_Static_assert(PAGE_SIZE % sizeof(struct page) == 0);
static inline paddr_t page_phys(const struct page *page) {
    return (paddr_t){((uintptr_t)page - (uintptr_t)pages_array) * (PAGE_SIZE / sizeof(struct page))};
}
static inline struct page *page_from_phys(paddr_t pa) { return &pages_array[pa.raw >> PAGE_SHIFT]; }
static inline void *page_data(const struct page *page) { return arch_phys_to_virt(page_phys(page)); }
static inline struct page *page_from_data(const void *data) { return page_from_phys(arch_virt_to_phys(data)); }

/* Is there a struct page for this frame, and is it allocated? For self-tests. */
bool page_in_use(paddr_t pa);

/* Pages of all that can be allocated, adopted ones included, and how many of them are in use, or free, now. */
size_t pages_total(void);
size_t pages_used(void);
size_t pages_free(void);

/*
 * So many are kept back: single pages, which only a thread gets that must not fail (thread_must_succeed()), and for the
 * heap alone. A report of an exception takes up to four, of heaps that have nothing left; these are sixteen such at
 * once.
 */
#define PAGES_KEPT 64

/* Are there so many free ones beside these? */
bool pages_left(size_t count);

/* False: the running thread would not get so many now, for lack of memory or by a limit. */
bool pages_may_be_had(size_t count);

/* Says what an allocated page is used for, so that it can be counted. */
void page_set_use(struct page *page, enum page_state use);
size_t pages_used_for(enum page_state use);
