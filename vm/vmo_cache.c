/*
 * Cache operations on a VMO's pages; see vmo.h. The range may be as long as a program likes: the store's lock is held
 * for one window at a time, and holes cost nothing. Pages that are committed or removed meanwhile may be missed:
 * programs that share memory with a device past the caches have to take turns anyway.
 */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/vmo.h"

/* Pages between two releases of the lock. */
#define WINDOW 16

/* One window of the store's bytes from `*at` on, up to `end`. True: there may be more, and `*at` is where. */
static bool window(struct vmo *store, uint64_t *at, uint64_t end, vmo_cache_fn *act) REQUIRES(&store->lock) {
    uint64_t last = page_round_down(end - 1) + PAGE_SIZE;
    for (unsigned i = 0; i < WINDOW; i++) {
        bool exclusive;
        uint64_t offset = page_round_down(*at);
        if (!vmo_next_page(store, &offset, last)) return false;
        const struct page *page = pagetree_lookup(&store->pages, vmo_page_index(store, offset), &exclusive);
        uint64_t from = max_u64(*at, offset);
        *at = min_u64(end, offset + PAGE_SIZE);
        act((paddr_t){page_phys(page).raw + (from - offset)}, *at - from);
        if (*at == end) return false;
    }
    return true;
}

zx_status_t vmo_cache_range(struct vmo *vmo, uint64_t offset, uint64_t len, vmo_cache_fn *act) {
    struct vmo *store = vmo->store;
    if (vmo->kind == VMO_PHYSICAL) return ZX_ERR_NOT_SUPPORTED;
    if (len == 0) return ZX_ERR_INVALID_ARGS;
    uint64_t at = vmo->store_offset + offset, end = at + len;
    mutex_lock(&store->lock);
    zx_status_t status = range_within(offset, len, 0, vmo->size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    while (status == ZX_OK && window(store, &at, end, act)) {
        mutex_unlock_fair(&store->lock);
        if (thread_killed()) return ZX_ERR_CANCELED;
        mutex_lock(&store->lock);
    }
    mutex_unlock(&store->lock);
    return status;
}
