/*
 * What VMOs do with their pages: find, commit, un-share, remove; see vmo.h. Everything here runs under the store's
 * lock.
 *
 * The order is always the same: allocate what may fail, drop the translations of what is removed, change the tree. So
 * nothing is half done, and no page is freed while a translation leads to it.
 */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/base/trace.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"
#include "vm/vmo.h"

struct page *vmo_zero_page;

void vmo_init(void) {
    vmo_zero_page = page_alloc_zeroed(PAGE_USED);
    CHECK(vmo_zero_page);
}

/* From `offset` on, where there is a hole, up to `end`: where the hole ends. */
static uint64_t hole_end(const struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    uint64_t npages = (end - offset + PAGE_MASK) >> PAGE_SHIFT, skip;
    if (!pagetree_next(&store->pages, vmo_page_index(store, offset), npages, &skip)) skip = npages;
    return offset + (skip << PAGE_SHIFT);
}

/* Drops what shows `page`, which is at `offset` and about to be removed; NULL: the hole there, and on in the run. */
static void drop_shown(struct vmo *store, uint64_t offset, struct vmo_run *run, const struct page *page)
    REQUIRES(&store->lock) {
    uint64_t end = offset + PAGE_SIZE;
    if (!page && run && offset < run->dropped) return;
    if (!page && (offset >= store->shown_end || end <= store->shown)) return;
    if (!page && run && run->end > end) end = hole_end(store, offset, run->end);
    mapping_drop_all(store, offset, end - offset);
    if (run) run->dropped = end;
}

static struct page *page_from(struct vmo_supply *supply) {
    struct page *page = LIST_FIRST(&supply->pages);
    if (!page) return page_alloc_for(PAGE_VMO);
    LIST_REMOVE(page, link);
    return page;
}

/* Gives the store its own page at `offset`, in place of `page`, which is shared or NULL. */
static zx_status_t own_page(struct vmo *store, uint64_t offset, struct vmo_run *run, struct page **page)
    REQUIRES(&store->lock) {
    struct vmo_supply *supply = run ? run->supply : NULL;
    struct page *fresh = supply ? page_from(supply) : page_alloc_for(PAGE_VMO);
    if (!fresh) return ZX_ERR_NO_MEMORY;
    const uint64_t index = vmo_page_index(store, offset);
    zx_status_t status = ZX_OK;
    if (unlikely(!pagetree_is_own_block(&store->pages, index)))
        status = pagetree_own_block(&store->pages, index, supply ? &supply->nodes : &(struct pagetree_node *){NULL});
    if (status != ZX_OK) {
        page_free(fresh);
        return status;
    }
    if (*page)
        arch_page_copy(page_data(fresh), page_data(*page));
    else
        arch_page_zero(page_data(fresh));
    drop_shown(store, offset, run, *page);
    pagetree_set(&store->pages, index, fresh);
    trace(KTRACE_GRP_MEMORY, KTRACE_COMMIT, 0, store->object.koid, offset);
    if (unlikely(store->cache_policy != ZX_CACHE_POLICY_CACHED)) page_make_uncached(fresh);
    *page = fresh;
    return ZX_OK;
}

zx_status_t vmo_find_page(struct vmo *store, uint64_t offset, bool write, struct vmo_run *run, struct vmo_page *out) {
    struct page *page = NULL;
    bool exclusive = false;
    offset = page_round_down(offset);
    if (store->kind == VMO_PHYSICAL) {
        *out = (struct vmo_page){{store->frames.raw + offset}, true};
        return ZX_OK;
    }
    if (!run || offset >= run->dropped)
        page = pagetree_lookup(&store->pages, vmo_page_index(store, offset), &exclusive);
    /* The zero page is used through the caches. Where it cannot be used, reading takes a page too. */
    if (!exclusive && (write || unlikely(!vmo_is_cached(store)))) {
        zx_status_t status = own_page(store, offset, run, &page);
        if (status != ZX_OK) return status;
        exclusive = true;
    }
    *out = (struct vmo_page){page_phys(page ? page : vmo_zero_page), exclusive};
    return ZX_OK;
}

void *vmo_find_data(struct vmo *store, uint64_t offset, bool write, struct vmo_run *run) {
    struct vmo_page page;
    return vmo_find_page(store, offset, write, run, &page) == ZX_OK ? arch_phys_to_virt(page.pa) : NULL;
}

bool vmo_next_page(struct vmo *store, uint64_t *offset, uint64_t end) {
    uint64_t skip;
    if (*offset >= end) return false;
    if (store->kind == VMO_PHYSICAL) return true;
    if (!pagetree_next(&store->pages, vmo_page_index(store, *offset), (end - *offset) >> PAGE_SHIFT, &skip))
        return false;
    *offset = page_round_down(*offset) + (skip << PAGE_SHIFT);
    return true;
}

/* Removes whole pages of the store. NO_MEMORY: nothing is removed. */
static zx_status_t remove_pages(struct vmo *store, uint64_t offset, uint64_t len, struct pagetree_removed *removed)
    REQUIRES(&store->lock) {
    mapping_drop_all(store, offset, len);
    return pagetree_clear(&store->pages, vmo_page_index(store, offset), len >> PAGE_SHIFT, removed);
}

zx_status_t vmo_set_size(struct vmo *vmo, uint64_t size) {
    struct pagetree_removed removed = {0};
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (!vmo->resizable) return ZX_ERR_UNAVAILABLE;
    if (!page_round_up(size, &size)) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = ZX_OK;
    mutex_lock(&vmo->lock);
    if (size < vmo->size) status = remove_pages(vmo, size, vmo->size - size, &removed);
    if (status == ZX_OK) vmo->size = size;
    mutex_unlock(&vmo->lock);
    pagetree_free_removed(&removed);
    return status;
}

zx_status_t vmo_decommit(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo *store = vmo->store;
    struct pagetree_removed removed = {0};
    if (vmo->kind != VMO_PAGED) return ZX_ERR_NOT_SUPPORTED;
    if (!page_aligned(offset) || !page_aligned(len)) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = remove_pages(store, vmo->store_offset + offset, len, &removed);
    mutex_unlock(&store->lock);
    pagetree_free_removed(&removed);
    return status;
}

/* A page of which [offset, end) is to be zeroed: if it is shared, a copy is put into `fresh`. */
static zx_status_t zero_prepare(struct vmo *store, uint64_t offset, uint64_t end, struct pagetree *fresh)
    REQUIRES(&store->lock) {
    bool exclusive;
    if (offset >= end) return ZX_OK;
    uint64_t index = vmo_page_index(store, offset);
    struct page *page = pagetree_lookup(&store->pages, index, &exclusive);
    if (!page) return ZX_OK;
    if (store->cache_policy != ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
    return exclusive ? ZX_OK : pagetree_put_copy(fresh, index, page, &page);
}

/* Puts the page that `fresh` has at `offset`, if any, in place of what is there. */
static zx_status_t put_page(struct vmo *store, uint64_t offset, struct pagetree *fresh) REQUIRES(&store->lock) {
    bool exclusive;
    uint64_t index = vmo_page_index(store, offset);
    struct page *page = pagetree_lookup(fresh, index, &exclusive);
    if (!page) return ZX_OK;
    page_ref(page);
    mapping_drop_all(store, page_round_down(offset), PAGE_SIZE);
    zx_status_t status = pagetree_put(&store->pages, index, page);
    if (status != ZX_OK) page_unref(page);
    return status;
}

/*
 * Removes the pages at [first, last) and puts in those that `fresh` has at `head` and `tail`. All or nothing: the tree
 * as it was is kept, at the cost of one reference, until the last page is in; `fresh` gets the one that is not used.
 */
static zx_status_t exchange_pages(struct vmo *store, uint64_t head, uint64_t tail, uint64_t first, uint64_t last,
                                  struct pagetree *fresh, struct pagetree_removed *removed) REQUIRES(&store->lock) {
    struct pagetree before;
    if (!fresh->root) return first < last ? remove_pages(store, first, last - first, removed) : ZX_OK;
    zx_status_t status = pagetree_share(&store->pages, 0, PAGETREE_INDEX_COUNT, &before);
    if (status != ZX_OK) return status;
    if (first < last) status = remove_pages(store, first, last - first, removed);
    if (status == ZX_OK) status = put_page(store, head, fresh);
    if (status == ZX_OK && tail != head) status = put_page(store, tail, fresh);
    pagetree_destroy(fresh);
    *fresh = status == ZX_OK ? before : store->pages;
    if (status != ZX_OK) store->pages = before;
    return status;
}

/* Part of a page, which is the store's own if it is there. */
static void zero_part(struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    bool exclusive;
    if (offset >= end) return;
    struct page *page = pagetree_lookup(&store->pages, vmo_page_index(store, offset), &exclusive);
    if (page) vmo_zero_bytes(store, (char *)page_data(page) + (offset & PAGE_MASK), end - offset);
}

/* All that can fail first: the pages at head and tail, and giving back the whole ones between. */
static zx_status_t zero_range(struct vmo *store, uint64_t offset, uint64_t len, struct pagetree *fresh,
                              struct pagetree_removed *removed) REQUIRES(&store->lock) {
    uint64_t end = offset + len, last = page_round_down(end);
    uint64_t first = page_aligned(offset) ? offset : page_round_down(offset) + PAGE_SIZE;
    uint64_t head_end = min_u64(first, end), tail = max_u64(last, first);
    zx_status_t status = zero_prepare(store, offset, head_end, fresh);
    if (status == ZX_OK) status = zero_prepare(store, tail, end, fresh);
    if (status == ZX_OK) status = exchange_pages(store, offset, tail, first, last, fresh, removed);
    if (status != ZX_OK) return status;
    zero_part(store, offset, head_end);
    zero_part(store, tail, end);
    return ZX_OK;
}

zx_status_t vmo_zero(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct pagetree fresh = {0};
    struct pagetree_removed removed = {0};
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (vmo->kind == VMO_CONTIGUOUS) return vmo_zero_run(vmo, offset, len);
    mutex_lock(&vmo->store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = zero_range(vmo->store, vmo->store_offset + offset, len, &fresh, &removed);
    mutex_unlock(&vmo->store->lock);
    pagetree_destroy(&fresh);
    pagetree_free_removed(&removed);
    return status;
}

/*
 * Locks two VMOs, of which the second may be NULL: the analysis knows no lock that may not be there. For comparing page
 * trees: sharing one of them instead, for the time it takes, would make its pages look like a snapshot's to concurrent
 * writers.
 */
static void lock_two(struct vmo *one, struct vmo *other) NO_THREAD_SAFETY {
    struct vmo *first = other && other < one ? other : one;
    mutex_lock(&first->lock);
    if (other) mutex_lock(first == one ? &other->lock : &one->lock);
}

static void unlock_two(struct vmo *one, struct vmo *other) NO_THREAD_SAFETY {
    mutex_unlock(&one->lock);
    if (other) mutex_unlock(&other->lock);
}

/* Pages that are looked at between two releases of the locks. */
#define COUNT_WINDOW 1024

uint64_t vmo_committed_bytes(struct vmo *vmo, uint64_t offset, uint64_t len) {
    if (vmo->store != vmo || vmo->kind == VMO_PHYSICAL) return 0;
    static const struct pagetree none;
    struct vmo *ancestor = vmo->is_child ? vmo_ref_ancestor(vmo) : NULL, *other = ancestor ? ancestor->store : NULL;
    uint64_t pages = 0;
    bool more = true;
    for (uint64_t at = offset; more && !thread_killed(); at += COUNT_WINDOW * PAGE_SIZE) {
        lock_two(vmo, other);
        mutex_assert_held(&vmo->lock);
        uint64_t end = offset < vmo->size ? offset + min_u64(len, vmo->size - offset) : 0;
        /* What lies beyond the window may begin with a long hole. */
        more = at < end && (end - at <= COUNT_WINDOW * PAGE_SIZE || vmo_next_page(vmo, &at, end));
        if (more)
            pages += pagetree_count_unlike(&vmo->pages, other ? &other->pages : &none, vmo_page_index(vmo, at),
                                           min_u64((end - at + PAGE_MASK) >> PAGE_SHIFT, COUNT_WINDOW));
        more = more && end - at > COUNT_WINDOW * PAGE_SIZE;
        unlock_two(vmo, other);
    }
    if (ancestor) vmo_unref(ancestor);
    return pages << PAGE_SHIFT;
}
