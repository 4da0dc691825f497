/*
 * VMOs that begin with frames of their own: what the boot loader filled, physical runs, device memory; see vmo.h. A
 * physical run keeps its frames, so it can be zeroed or copied a window at a time.
 */
#include "arch/cpu.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/sched/thread.h"
#include "vm/vmo.h"

/* Pages between two releases of the lock, or two looks whether the thread is killed. */
#define WINDOW 16

zx_status_t vmo_create_from_frames(paddr_t base, uint64_t size, struct vmo **out) {
    struct vmo *vmo;
    zx_status_t status = vmo_create(size, false, &vmo);
    if (status != ZX_OK) return status;
    for (uint64_t offset = 0; offset < vmo->size && status == ZX_OK; offset += PAGE_SIZE) {
        struct page *page = page_from_phys((paddr_t){base.raw + offset});
        page_adopt(page);
        status = pagetree_put(&vmo->pages, offset >> PAGE_SHIFT, page);
        if (status != ZX_OK) page_free(page);
    }
    if (status == ZX_OK)
        *out = vmo;
    else
        vmo_unref(vmo);
    return status;
}

/* Puts a run of fresh pages into a VMO that no other thread knows yet; those it could not put are freed. */
static zx_status_t put_run(struct vmo *vmo, struct page *first, uint64_t count) {
    zx_status_t status = ZX_OK;
    for (uint64_t i = 0; i < count; i++) {
        if (status == ZX_OK && i % WINDOW == 0 && thread_killed()) status = ZX_ERR_CANCELED;
        if (status == ZX_OK) {
            arch_page_zero(page_data(first + i));
            status = pagetree_put(&vmo->pages, i, first + i);
        }
        if (status != ZX_OK) page_free(first + i);
    }
    return status;
}

zx_status_t vmo_create_contiguous(uint64_t size, unsigned align_log2, struct vmo **out) {
    if (!page_round_up(size, &size)) return ZX_ERR_OUT_OF_RANGE;
    struct vmo *vmo = vmo_new(size, false);
    if (!vmo) return ZX_ERR_NO_MEMORY;
    struct page *first = page_alloc_contiguous(size >> PAGE_SHIFT, align_log2 - PAGE_SHIFT);
    zx_status_t status = first ? put_run(vmo, first, size >> PAGE_SHIFT) : ZX_ERR_NO_MEMORY;
    if (status != ZX_OK) {
        vmo_unref(vmo);
        return status;
    }
    vmo->kind = VMO_CONTIGUOUS;
    vmo->frames = page_phys(first);
    *out = vmo;
    return ZX_OK;
}

zx_status_t vmo_create_physical(paddr_t base, uint64_t size, struct vmo **out) {
    if (!page_round_up(size, &size) || size == 0 || !page_aligned(base.raw)) return ZX_ERR_INVALID_ARGS;
    if (!range_within(base.raw, size, 0, arch_phys_end())) return ZX_ERR_INVALID_ARGS;
    struct vmo *vmo = vmo_new(size, false);
    if (!vmo) return ZX_ERR_NO_MEMORY;
    vmo->kind = VMO_PHYSICAL;
    vmo->frames = base;
    vmo->cache_policy = ZX_CACHE_POLICY_UNCACHED;
    *out = vmo;
    return ZX_OK;
}

void vmo_zero_bytes(struct vmo *store, char *data, size_t len) {
    bool text = store->text_count != 0;
    for (size_t chunk; len > 0; data += chunk, len -= chunk) {
        chunk = text ? min_u64(len, PAGE_SIZE) : len;
        if (text) arch_cpus_hold();
        memset(data, 0, chunk);
        if (text) arch_cpus_release();
    }
}

zx_status_t vmo_zero_run(struct vmo *vmo, uint64_t offset, uint64_t len) {
    struct vmo *store = vmo->store;
    if (!range_within(offset, len, 0, vmo_size(vmo))) return ZX_ERR_OUT_OF_RANGE;
    char *first = arch_phys_to_virt((paddr_t){store->frames.raw + vmo->store_offset + offset});
    for (uint64_t done = 0, some; done < len; done += some) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        some = min_u64(len - done, WINDOW * PAGE_SIZE);
        mutex_lock(&store->lock);
        vmo_zero_bytes(store, first + done, some);
        mutex_unlock_part(&store->lock, done + some == len);
    }
    return ZX_OK;
}

/* A window of it. */
static zx_status_t copy_some(struct vmo *store, uint64_t offset, uint64_t at, uint64_t end, struct vmo *child)
    REQUIRES(&store->lock) {
    zx_status_t status = ZX_OK;
    for (; at < end && status == ZX_OK; at += PAGE_SIZE) {
        struct page *page = page_from_phys((paddr_t){store->frames.raw + offset + at});
        status = pagetree_put_copy(&child->pages, at >> PAGE_SHIFT, page, &page);
    }
    return status;
}

zx_status_t vmo_copy_run(struct vmo *vmo, uint64_t offset, struct vmo *child) {
    struct vmo *store = vmo->store;
    const uint64_t size = vmo_size(vmo), end = offset < size ? min_u64(child->size, size - offset) : 0;
    zx_status_t status = ZX_OK;
    for (uint64_t at = 0, next; at < end && status == ZX_OK; at = next) {
        if (thread_killed()) return ZX_ERR_CANCELED;
        next = min_u64(end, at + WINDOW * PAGE_SIZE);
        mutex_lock(&store->lock);
        status = copy_some(store, vmo->store_offset + offset, at, next, child);
        mutex_unlock_part(&store->lock, status != ZX_OK || next == end);
    }
    return status;
}
