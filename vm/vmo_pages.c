/*
 * What VMOs do with their pages: find, commit, un-share, remove; see vmo.h. Everything here runs under the store's
 * lock.
 *
 * The order is always the same: allocate what may fail, drop the translations of what goes away, change the tree. So
 * nothing is half done, and no page is freed while a translation leads to it.
 */
#include "arch/cpu.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"
#include "vm/vmo.h"

struct page *vmo_zero_page;

void vmo_init(void) {
    vmo_zero_page = page_alloc_zeroed();
    CHECK(vmo_zero_page);
}

/* From `offset` on, where there is a hole, up to `end`: where the hole ends. */
static uint64_t hole_end(const struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    uint64_t npages = (end - offset + PAGE_MASK) >> PAGE_SHIFT, skip;
    if (!pagetree_next(&store->pages, vmo_page_index(store, offset), npages, &skip)) skip = npages;
    return offset + (skip << PAGE_SHIFT);
}

/* Gives the store a page of its own at `offset`, in place of `page`, which is shared or NULL. */
static zx_status_t own_page(struct vmo *store, uint64_t offset, struct vmo_run *run, struct page **page)
    REQUIRES(&store->lock) {
    if (!run || offset >= run->dropped) {
        uint64_t end = offset + PAGE_SIZE;
        if (run && !*page && run->end > end) end = hole_end(store, offset, run->end);
        mapping_drop_all(store, offset, end - offset);
        if (run) run->dropped = end;
    }
    zx_status_t status = pagetree_put_copy(&store->pages, vmo_page_index(store, offset), *page, page);
    if (status == ZX_OK && unlikely(store->cache_policy != ZX_CACHE_POLICY_CACHED)) page_make_uncached(*page);
    return status;
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
    /* The zero page is used through the caches. Where it cannot stand in, reading takes a page too. */
    if (!exclusive && (write || unlikely(!vmo_is_cached(store)))) {
        zx_status_t status = own_page(store, offset, run, &page);
        if (status != ZX_OK) return status;
        exclusive = true;
    }
    *out = (struct vmo_page){page_phys(page ? page : vmo_zero_page), exclusive};
    return ZX_OK;
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
static zx_status_t remove_pages(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock) {
    mapping_drop_all(store, offset, len);
    return pagetree_clear(&store->pages, vmo_page_index(store, offset), len >> PAGE_SHIFT);
}

zx_status_t vmo_set_size(struct vmo *vmo, uint64_t size) {
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (!vmo->resizable) return ZX_ERR_UNAVAILABLE;
    if (!page_round_up(size, &size)) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = ZX_OK;
    mutex_lock(&vmo->lock);
    if (size < vmo->size) status = remove_pages(vmo, size, vmo->size - size);
    if (status == ZX_OK) vmo->size = size;
    mutex_unlock(&vmo->lock);
    return status;
}

/* Puts the pages of `fresh` at [offset, end) in, each at its place. */
static zx_status_t put_pages(struct vmo *store, uint64_t offset, uint64_t end, struct pagetree *fresh)
    REQUIRES(&store->lock) {
    zx_status_t status = ZX_OK;
    uint64_t skip;
    while (status == ZX_OK &&
           pagetree_next(fresh, vmo_page_index(store, offset), (end - offset) >> PAGE_SHIFT, &skip)) {
        bool exclusive;
        offset += skip << PAGE_SHIFT;
        struct page *page = pagetree_lookup(fresh, vmo_page_index(store, offset), &exclusive);
        page_ref(page);
        mapping_drop_all(store, offset, PAGE_SIZE);
        status = pagetree_put(&store->pages, vmo_page_index(store, offset), page);
        if (status != ZX_OK)
            page_unref(page);
        else if (store->cache_policy != ZX_CACHE_POLICY_CACHED)
            page_make_uncached(page);
        offset += PAGE_SIZE;
    }
    return status;
}

/*
 * Removes the pages at [first, last) and puts in those of `fresh`, all within [offset, end). All or nothing: the tree
 * as it was is kept, at the cost of one reference, until the last page is in.
 */
static zx_status_t exchange_pages(struct vmo *store, uint64_t offset, uint64_t end, uint64_t first, uint64_t last,
                                  struct pagetree *fresh) REQUIRES(&store->lock) {
    struct pagetree before, after;
    if (!fresh->root) return first < last ? remove_pages(store, first, last - first) : ZX_OK;
    zx_status_t status = pagetree_share(&store->pages, 0, PAGETREE_INDEX_COUNT, &before);
    if (status != ZX_OK) return status;
    if (first < last) status = remove_pages(store, first, last - first);
    if (status == ZX_OK) status = put_pages(store, offset, end, fresh);
    after = store->pages;
    if (status != ZX_OK) store->pages = before;
    pagetree_destroy(status == ZX_OK ? &before : &after);
    return status;
}

/*
 * What a commit adds, in a tree of its own: a copy of each shared page, zeros for each hole. What cannot succeed is not
 * begun: a VMO may have more holes than there will ever be pages.
 */
static zx_status_t commit_prepare(struct vmo *store, uint64_t offset, uint64_t end, struct pagetree *fresh)
    REQUIRES(&store->lock) {
    uint64_t npages = (end - offset) >> PAGE_SHIFT;
    if (npages - pagetree_count(&store->pages, vmo_page_index(store, offset), npages) > pages_free())
        return ZX_ERR_NO_MEMORY;
    for (; offset < end; offset += PAGE_SIZE) {
        bool exclusive = false;
        uint64_t index = vmo_page_index(store, offset);
        struct page *page = pagetree_lookup(&store->pages, index, &exclusive);
        if (exclusive) continue;
        if (thread_killed()) return ZX_ERR_CANCELED;
        zx_status_t status = pagetree_put_copy(fresh, index, page, &page);
        if (status != ZX_OK) return status;
    }
    return ZX_OK;
}

static zx_status_t commit_range(struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    struct pagetree fresh = {0};
    zx_status_t status = commit_prepare(store, offset, end, &fresh);
    if (status == ZX_OK) status = exchange_pages(store, offset, end, end, end, &fresh);
    pagetree_destroy(&fresh);
    return status;
}

zx_status_t vmo_commit(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo *store = vmo->store;
    uint64_t end;
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    mutex_lock(&store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK && len > 0 && page_round_up(offset + len, &end))
        status = commit_range(store, vmo->store_offset + page_round_down(offset), vmo->store_offset + end);
    mutex_unlock(&store->lock);
    return status;
}

zx_status_t vmo_decommit(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo *store = vmo->store;
    if (vmo->kind != VMO_PAGED) return ZX_ERR_NOT_SUPPORTED;
    if (!page_aligned(offset) || !page_aligned(len)) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = remove_pages(store, vmo->store_offset + offset, len);
    mutex_unlock(&store->lock);
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

/* In place; like a transfer, a page at a time while no other processor runs, if that is text. */
static void zero_bytes(struct vmo *store, char *data, size_t len) REQUIRES(&store->lock) {
    bool text = store->text_count != 0;
    for (size_t chunk; len > 0; data += chunk, len -= chunk) {
        chunk = text ? min_u64(len, PAGE_SIZE) : len;
        if (text) arch_cpus_hold();
        memset(data, 0, chunk);
        if (text) arch_cpus_release();
    }
}

/* Part of a page, which is the store's own if it is there. */
static void zero_part(struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    bool exclusive;
    if (offset >= end) return;
    struct page *page = pagetree_lookup(&store->pages, vmo_page_index(store, offset), &exclusive);
    if (page) zero_bytes(store, (char *)page_data(page) + (offset & PAGE_MASK), end - offset);
}

/*
 * All that can fail first: the pages at head and tail, and the whole ones between are given back, or zeroed if they
 * must stay.
 */
static zx_status_t zero_range(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock) {
    uint64_t end = offset + len, last = page_round_down(end);
    uint64_t first = page_aligned(offset) ? offset : page_round_down(offset) + PAGE_SIZE;
    uint64_t head_end = min_u64(first, end), tail = max_u64(last, first);
    struct pagetree fresh = {0};
    zx_status_t status = zero_prepare(store, offset, head_end, &fresh);
    if (status == ZX_OK) status = zero_prepare(store, tail, end, &fresh);
    if (status == ZX_OK && store->kind == VMO_CONTIGUOUS && first < last)
        zero_bytes(store, arch_phys_to_virt((paddr_t){store->frames.raw + first}), last - first);
    else if (status == ZX_OK)
        status =
            exchange_pages(store, page_round_down(offset), end > last ? last + PAGE_SIZE : last, first, last, &fresh);
    pagetree_destroy(&fresh);
    if (status != ZX_OK) return status;
    zero_part(store, offset, head_end);
    zero_part(store, tail, end);
    return ZX_OK;
}

zx_status_t vmo_zero(struct vmo *vmo, uint64_t offset, uint64_t len) {
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    mutex_lock(&vmo->store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = zero_range(vmo->store, vmo->store_offset + offset, len);
    mutex_unlock(&vmo->store->lock);
    return status;
}

/*
 * Locks two VMOs, of which the second may be NULL: the analysis knows no lock that may not be there. For those who
 * compare page trees: sharing one of them instead, for the time it takes, would make its pages look like a snapshot's
 * to those who write meanwhile.
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

uint64_t vmo_committed_bytes(struct vmo *vmo, uint64_t offset, uint64_t len) {
    if (vmo->store != vmo) return 0;
    static const struct pagetree none;
    struct vmo *ancestor = vmo_ref_ancestor(vmo), *other = ancestor ? ancestor->store : NULL;
    lock_two(vmo, other);
    if (offset > vmo->size) offset = vmo->size;
    len = min_u64(len, vmo->size - offset);
    uint64_t pages = pagetree_count_unlike(&vmo->pages, other ? &other->pages : &none, vmo_page_index(vmo, offset),
                                           (len + PAGE_MASK) >> PAGE_SHIFT);
    unlock_two(vmo, other);
    if (ancestor) vmo_unref(ancestor);
    return pages << PAGE_SHIFT;
}
