/*
 * Committing a range of a VMO; see vmo.h. All that it may need is set aside first, without the lock: pages, and nodes
 * of the tree. Then it walks the range a window at a time, and cannot fail for want of memory, unless others make more
 * of it necessary meanwhile than there was at first. A single page, of which nothing can be half done, is found as a
 * fault finds it.
 */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/vmo.h"

/* Pages between two releases of the lock. */
#define WINDOW 16

/* A range of a VMO's pages, in bytes of its store. `limit`: where the VMO itself must not end before. */
struct range {
    struct vmo *vmo;
    uint64_t begin, end;
    uint64_t limit;
};

/* Does something with the window of pages [begin, end). */
typedef zx_status_t window_fn(struct vmo *store, uint64_t begin, uint64_t end, void *arg);

/* All windows of the range, while it lies in the VMO and the thread lives. The lock is held for one at a time. */
static zx_status_t each_window(const struct range *range, window_fn *act, void *arg) {
    struct vmo *store = range->vmo->store;
    zx_status_t status = ZX_OK;
    for (uint64_t at = range->begin, next; status == ZX_OK && at < range->end; at = next) {
        next = min_u64(range->end - at, WINDOW * PAGE_SIZE) + at;
        if (thread_killed()) return ZX_ERR_CANCELED;
        mutex_lock(&store->lock);
        status = range->limit <= range->vmo->size ? act(store, at, next, arg) : ZX_ERR_OUT_OF_RANGE;
        mutex_unlock_part(&store->lock, status != ZX_OK || next == range->end);
    }
    return status;
}

/* How many pages a window lacks: holes, and pages that are shared. Of more than can be had, none is asked for. */
static zx_status_t count_lacking(struct vmo *store, uint64_t begin, uint64_t end, void *arg) {
    uint64_t *lacking = arg;
    mutex_assert_held(&store->lock);
    for (; begin < end; begin += PAGE_SIZE) {
        bool exclusive;
        (void)pagetree_lookup(&store->pages, vmo_page_index(store, begin), &exclusive);
        *lacking += !exclusive;
    }
    return pages_may_be_had(*lacking) ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static zx_status_t commit_window(struct vmo *store, uint64_t begin, uint64_t end, void *arg) {
    struct vmo_run run = {.end = end, .supply = arg};
    zx_status_t status = ZX_OK;
    mutex_assert_held(&store->lock);
    for (; begin < end && status == ZX_OK; begin += PAGE_SIZE) {
        struct vmo_page page;
        void *data;
        if (!vmo_near_page(store, begin, true, &data)) status = vmo_find_page(store, begin, true, &run, &page);
    }
    return status;
}

static zx_status_t supply_fill(const struct range *range, uint64_t pages, struct vmo_supply *supply) {
    struct vmo *store = range->vmo->store;
    mutex_lock(&store->lock);
    unsigned height = store->pages.height;
    mutex_unlock(&store->lock);
    zx_status_t status = pagetree_reserve(height, vmo_page_index(store, range->begin),
                                          (range->end - range->begin) >> PAGE_SHIFT, pages, &supply->nodes);
    for (size_t count; status == ZX_OK && pages > 0; pages -= count) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        struct page *first = page_alloc_some(min_u64(pages, WINDOW), &count);
        if (!first) return ZX_ERR_NO_MEMORY;
        /* Those that lie side by side come side by side, and will be freed together. */
        for (struct page *page = first + count; page-- > first;) LIST_INSERT_HEAD(&supply->pages, page, link);
    }
    return status;
}

static void supply_free(struct vmo_supply *supply) {
    struct page *page;
    while ((page = LIST_FIRST(&supply->pages))) {
        LIST_REMOVE(page, link);
        page_free(page);
    }
    pagetree_free_spare(&supply->nodes);
}

zx_status_t vmo_commit(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo_supply supply = {0};
    uint64_t end, lacking = 0;
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (!range_within(offset, len, 0, vmo_size(vmo))) return ZX_ERR_OUT_OF_RANGE;
    if (len == 0 || !page_round_up(offset + len, &end)) return ZX_OK;
    struct range range = {vmo, vmo->store_offset + page_round_down(offset), vmo->store_offset + end, end};
    if (range.end - range.begin == PAGE_SIZE) return each_window(&range, commit_window, NULL);
    zx_status_t status = each_window(&range, count_lacking, &lacking);
    if (status == ZX_OK && lacking > 0) status = supply_fill(&range, lacking, &supply);
    if (status == ZX_OK && lacking > 0) status = each_window(&range, commit_window, &supply);
    supply_free(&supply);
    return status;
}
