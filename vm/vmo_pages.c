/*
 * What VMOs do with their pages: find, commit, un-share, remove; see vmo.h. Everything here runs under the store's lock.
 *
 * The order is always the same: allocate what may fail, drop the translations of what goes away, change the tree. So
 * nothing is half done, and no page is freed while a translation leads to it.
 */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"
#include "vm/vmo.h"

/* All absent pages read as this one. Nobody may ever write it: it is handed out with `writable` false only. */
static struct page *zero_page;

void vmo_init(void) {
    zero_page = page_alloc_zeroed();
    CHECK(zero_page);
}

static uint64_t page_index(const struct vmo *store, uint64_t offset) {
    return store->first_index + (offset >> PAGE_SHIFT);
}

/* Puts a page of the store's own at `offset`: a copy of `old`, or zeros. */
static zx_status_t replace_page(struct vmo *store, uint64_t offset, const struct page *old, struct page **out)
    REQUIRES(&store->lock) {
    struct page *page = old ? page_alloc() : page_alloc_zeroed();
    if (!page) return ZX_ERR_NO_MEMORY;
    if (old) memcpy(page_data(page), page_data(old), PAGE_SIZE);
    mapping_drop_all(store, page_round_down(offset), PAGE_SIZE);
    zx_status_t status = pagetree_put(&store->pages, page_index(store, offset), page);
    if (status == ZX_OK)
        *out = page;
    else
        page_free(page);
    return status;
}

zx_status_t vmo_get_page(struct vmo *store, uint64_t offset, bool write, struct vmo_page *out) {
    bool exclusive = false;
    if (store->kind == VMO_PHYSICAL) {
        *out = (struct vmo_page){{store->frames.raw + page_round_down(offset)}, true};
        return ZX_OK;
    }
    struct page *page = pagetree_lookup(&store->pages, page_index(store, offset), &exclusive);
    if (write && !exclusive) {
        zx_status_t status = replace_page(store, offset, page, &page);
        if (status != ZX_OK) return status;
        exclusive = true;
    }
    out->pa = page_phys(page ? page : zero_page);
    out->writable = exclusive;
    return ZX_OK;
}

bool vmo_next_page(struct vmo *store, uint64_t *offset, uint64_t end) {
    uint64_t skip;
    if (*offset >= end) return false;
    if (!pagetree_next(&store->pages, page_index(store, *offset), (end - *offset) >> PAGE_SHIFT, &skip)) return false;
    *offset = page_round_down(*offset) + (skip << PAGE_SHIFT);
    return true;
}

/* Removes whole pages of the store. NO_MEMORY: nothing is removed. */
static zx_status_t remove_pages(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock) {
    mapping_drop_all(store, offset, len);
    return pagetree_clear(&store->pages, page_index(store, offset), len >> PAGE_SHIFT);
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

static zx_status_t unshare_pages(struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    zx_status_t status = ZX_OK;
    for (uint64_t at = offset; status == ZX_OK && vmo_next_page(store, &at, end); at += PAGE_SIZE) {
        bool exclusive;
        struct page *page = pagetree_lookup(&store->pages, page_index(store, at), &exclusive);
        if (!exclusive) status = replace_page(store, at, page, &page);
        if (thread_killed()) status = ZX_ERR_CANCELED;
    }
    return status;
}

/*
 * All holes or none: the tree as it was is kept, at the cost of one reference, until the last page is in. What cannot
 * succeed is not begun: a VMO may have more holes than there will ever be pages.
 */
static zx_status_t fill_holes(struct vmo *store, uint64_t offset, uint64_t end) REQUIRES(&store->lock) {
    struct pagetree before, after;
    uint64_t npages = (end - offset) >> PAGE_SHIFT;
    if (npages - pagetree_count(&store->pages, page_index(store, offset), npages) > pages_free())
        return ZX_ERR_NO_MEMORY;
    zx_status_t status = pagetree_share(&store->pages, 0, PAGETREE_INDEX_COUNT, &before);
    if (status != ZX_OK) return status;
    for (uint64_t at = offset; at < end && status == ZX_OK; at += PAGE_SIZE) {
        bool exclusive;
        struct page *page = pagetree_lookup(&store->pages, page_index(store, at), &exclusive);
        if (!page) status = replace_page(store, at, NULL, &page);
        if (thread_killed()) status = ZX_ERR_CANCELED;
    }
    after = store->pages;
    if (status != ZX_OK) store->pages = before;
    pagetree_destroy(status == ZX_OK ? &before : &after);
    return status;
}

zx_status_t vmo_commit(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo *store = vmo->store;
    uint64_t end;
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    mutex_lock(&store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK && len > 0 && page_round_up(offset + len, &end)) {
        uint64_t begin = vmo->store_offset + page_round_down(offset);
        end += vmo->store_offset;
        status = unshare_pages(store, begin, end);
        if (status == ZX_OK) status = fill_holes(store, begin, end);
    }
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

/* A page of which a part is to be zeroed, made the store's own; NULL if it holds nothing anyway. */
static zx_status_t zero_prepare(struct vmo *store, uint64_t offset, uint64_t end, char **data) REQUIRES(&store->lock) {
    struct vmo_page page;
    bool exclusive;
    *data = NULL;
    if (offset >= end || !pagetree_lookup(&store->pages, page_index(store, offset), &exclusive)) return ZX_OK;
    if (store->cache_policy != ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
    zx_status_t status = vmo_get_page(store, offset, true, &page);
    if (status == ZX_OK) *data = (char *)arch_phys_to_virt(page.pa) + (offset & PAGE_MASK);
    return status;
}

/* Whole pages: given back, or zeroed where they must stay. NO_MEMORY: nothing is done. */
static zx_status_t zero_pages(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock) {
    if (store->kind == VMO_PAGED) return remove_pages(store, offset, len);
    memset(arch_phys_to_virt((paddr_t){store->frames.raw + offset}), 0, len);
    return ZX_OK;
}

/* All that can fail first: the pages at head and tail, then the whole ones between. */
static zx_status_t zero_range(struct vmo *store, uint64_t offset, uint64_t len) REQUIRES(&store->lock) {
    uint64_t end = offset + len, last = page_round_down(end);
    uint64_t first = page_aligned(offset) ? offset : page_round_down(offset) + PAGE_SIZE;
    uint64_t head_end = min_u64(first, end), tail = max_u64(last, first);
    char *head_data, *tail_data;
    zx_status_t status = zero_prepare(store, offset, head_end, &head_data);
    if (status == ZX_OK) status = zero_prepare(store, tail, end, &tail_data);
    if (status == ZX_OK && first < last) status = zero_pages(store, first, last - first);
    if (status != ZX_OK) return status;
    if (head_data) memset(head_data, 0, head_end - offset);
    if (tail_data) memset(tail_data, 0, end - tail);
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

uint64_t vmo_committed_bytes(struct vmo *vmo, uint64_t offset, uint64_t len) {
    mutex_lock(&vmo->store->lock);
    if (offset > vmo->size) offset = vmo->size;
    len = min_u64(len, vmo->size - offset);
    uint64_t pages = pagetree_count(&vmo->store->pages, page_index(vmo->store, vmo->store_offset + offset),
                                    (len + PAGE_MASK) >> PAGE_SHIFT);
    mutex_unlock(&vmo->store->lock);
    return pages << PAGE_SHIFT;
}
