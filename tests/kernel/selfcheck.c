/*
 * The self-checks themselves: that they notice what they are there to notice.
 */
#include "kernel/object/selfcheck.h"

#include "kernel/object/handle.h"
#include "tests/kernel/support.h"
#include "vm/heap.h"
#include "vm/page.h"

static void no_free(struct object *object UNUSED) {}
static const struct object_ops event_ops = {.type = ZX_OBJ_TYPE_EVENT, .free = no_free};

static bool leak_seen(void) { return selfcheck_leaks(BASELINE_INNER) != ZX_OK; }

KTEST("selfcheck/a page, a block of the heap, an object or a handle too many is noticed, and too few as well") {
    selfcheck_baseline(BASELINE_INNER);
    struct page *page = page_alloc();
    EXPECT(page && leak_seen());
    page_free(page);
    void *block = heap_alloc(8);
    EXPECT(block && leak_seen());
    heap_free(block);
    EXPECT(!leak_seen());
    struct object event;
    object_init(&event, &event_ops, 0);
    EXPECT(leak_seen());
    selfcheck_baseline(BASELINE_INNER);
    struct handle handle = handle_make(&event, 0);
    EXPECT(leak_seen());
    handle_discard(handle);
    EXPECT(!leak_seen());
    object_unref(&event);
    EXPECT(leak_seen());
}

/* What the check says about an address space: that of the running thread is the one it looks at. */
static zx_status_t check(struct aspace *as) {
    thread_current()->aspace = as;
    zx_status_t status = selfcheck_invariants();
    thread_current()->aspace = NULL;
    return status;
}

KTEST("selfcheck/a translation that no mapping allows is noticed") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    NEED(as && vmo && vmo_poke(vmo, 0, 1));
    vaddr_t va = map_pages(as->root, vmo, 0, 2, PERM_READ, PERM_ALL);
    paddr_t pa = {vmo_frame(vmo, 0)};
    EXPECT(va && user_load(as, va) == 1 && check(as) == ZX_OK);
    EXPECT(arch_mmu_map(&as->arch, va, pa, PAGE_SIZE, MMU_WRITE, 0) == ZX_OK && check(as) == ZX_ERR_INTERNAL);
    EXPECT(arch_mmu_map(&as->arch, va, pa, PAGE_SIZE, MMU_EXECUTE, 0) == ZX_OK && check(as) == ZX_ERR_INTERNAL);
    EXPECT(arch_mmu_map(&as->arch, va, pa, PAGE_SIZE, 0, 0) == ZX_OK && check(as) == ZX_OK);
    EXPECT(arch_mmu_map(&as->arch, va + PAGES(2), pa, PAGE_SIZE, 0, 0) == ZX_OK && check(as) == ZX_ERR_INTERNAL);
    aspace_drop(as, va + PAGES(2), PAGE_SIZE);
    EXPECT(check(as) == ZX_OK);
    space_end(as);
    vmo_unref(vmo);
}

KTEST("selfcheck/a translation to a page that is free is noticed") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(1, false);
    struct page *page = page_alloc();
    NEED(as && vmo && page);
    vaddr_t va = map_pages(as->root, vmo, 0, 1, PERM_READ, PERM_READ);
    EXPECT(va && arch_mmu_map(&as->arch, va, page_phys(page), PAGE_SIZE, 0, 0) == ZX_OK && check(as) == ZX_OK);
    page_free(page);
    EXPECT(check(as) == ZX_ERR_INTERNAL);
    aspace_drop(as, va, PAGE_SIZE);
    space_end(as);
    vmo_unref(vmo);
}
