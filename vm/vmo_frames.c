/* VMOs that begin with frames of their own: what the boot loader filled, physical runs, device memory; see vmo.h. */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "vm/vmo.h"

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

/* Puts a run of fresh pages into a VMO that nobody else knows yet; those it could not put are freed. */
static zx_status_t put_run(struct vmo *vmo, struct page *first, uint64_t count) {
    zx_status_t status = ZX_OK;
    for (uint64_t i = 0; i < count; i++) {
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
