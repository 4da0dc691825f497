/*
 * VMOs that keep their frames: one physical run, or a device's memory; and the large translations that such runs allow.
 */
#include "arch/upcall.h"
#include "kernel/base/arith.h"
#include "tests/kernel/support.h"
#include "vm/page.h"

#define LARGE_PAGES (MMU_LARGE_PAGE / PAGE_SIZE)

static struct vmo *contiguous(uint64_t npages, unsigned align_log2) {
    struct vmo *vmo;
    return vmo_create_contiguous(PAGES(npages), align_log2, &vmo) == ZX_OK ? vmo : NULL;
}

KTEST("vmo/T17 a contiguous VMO is one run of zeros, aligned as asked, all of it committed") {
    for (unsigned align = PAGE_SHIFT; align <= 22; align += 3) {
        struct vmo *vmo = contiguous(5, align);
        NEED(vmo);
        EXPECT(vmo->frames.raw % ((uint64_t)1 << align) == 0);
        EXPECT(vmo_committed_bytes(vmo, 0, PAGES(5)) == PAGES(5));
        for (uint64_t i = 0; i < 5; i++)
            EXPECT(vmo_frame(vmo, PAGES(i)) == vmo->frames.raw + PAGES(i) && vmo_peek(vmo, PAGES(i)) == 0);
        vmo_unref(vmo);
    }
}

KTEST("vmo/a contiguous VMO takes no more pages than it has") {
    size_t free = pages_free();
    struct vmo *vmo = contiguous(33, PAGE_SHIFT);
    NEED(vmo);
    EXPECT(free - pages_free() <= 33 + 2); /* a slab for the VMO, one for the node of its tree */
    vmo_unref(vmo);
}

KTEST("vmo/more than there is in one piece is no contiguous VMO") {
    struct vmo *vmo;
    EXPECT(vmo_create_contiguous(PAGES(pages_total() + 1), PAGE_SHIFT, &vmo) == ZX_ERR_NO_MEMORY);
    EXPECT(vmo_create_contiguous(VMO_MAX_SIZE, PAGE_SHIFT, &vmo) == ZX_ERR_NO_MEMORY);
    EXPECT(vmo_create_contiguous(VMO_MAX_SIZE + 1, PAGE_SHIFT, &vmo) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_create_contiguous(PAGE_SIZE, 63, &vmo) == ZX_ERR_NO_MEMORY);
}

KTEST("vmo/contiguous pages stay where they are, whatever is done to them") {
    struct vmo *vmo = contiguous(4, PAGE_SHIFT), *copy, *slice;
    NEED(vmo && vmo_poke(vmo, PAGES(1), 7));
    EXPECT(vmo_decommit(vmo, 0, PAGES(1)) == ZX_ERR_NOT_SUPPORTED && vmo_set_size(vmo, 0) == ZX_ERR_UNAVAILABLE);
    EXPECT(vmo_commit(vmo, 0, PAGES(4)) == ZX_OK);
    NEED(vmo_snapshot(vmo, PAGES(1), PAGES(4), true, &copy) == ZX_OK);
    EXPECT(vmo_peek(copy, 0) == 7 && vmo_peek(copy, PAGES(3)) == 0);
    EXPECT(vmo_poke(copy, 0, 8) && vmo_poke(vmo, PAGES(1), 9) && vmo_peek(copy, 0) == 8);
    EXPECT(vmo_decommit(copy, 0, PAGES(1)) == ZX_OK && vmo_peek(vmo, PAGES(1)) == 9);
    NEED(vmo_slice(vmo, PAGES(1), PAGES(2), &slice) == ZX_OK);
    EXPECT(vmo_peek(slice, 0) == 9 && vmo_decommit(slice, 0, PAGES(1)) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_zero(slice, 0, PAGES(2)) == ZX_OK && vmo_peek(vmo, PAGES(1)) == 0);
    for (uint64_t i = 0; i < 4; i++) EXPECT(vmo_frame(vmo, PAGES(i)) == vmo->frames.raw + PAGES(i));
    vmo_unref(slice);
    vmo_unref(copy);
    vmo_unref(vmo);
}

static zx_status_t create_contiguous(void *arg) { return vmo_create_contiguous(PAGES(70), PAGE_SHIFT, arg); }
static bool none_made(void *arg) { return *(struct vmo **)arg == NULL; }

static zx_status_t copy_contiguous(void *arg) {
    struct vmo *copy;
    zx_status_t status = vmo_snapshot(*(struct vmo **)arg, 0, PAGES(70), false, &copy);
    if (status == ZX_OK) vmo_unref(copy);
    return status;
}

static bool still_contiguous(void *arg) {
    struct vmo *vmo = *(struct vmo **)arg;
    return vmo_committed_bytes(vmo, 0, PAGES(70)) == PAGES(70) &&
           vmo_frame(vmo, PAGES(69)) == vmo->frames.raw + PAGES(69);
}

KTEST("vmo/whichever allocation fails, no contiguous VMO and no copy of one is half made") {
    struct vmo *vmo = NULL;
    EXPECT(fail_each_allocation(create_contiguous, none_made, &vmo) >= 1);
    NEED(vmo);
    EXPECT(fail_each_allocation(copy_contiguous, still_contiguous, &vmo) >= 1);
    vmo_unref(vmo);
}

/* What these do with many contiguous pages when their thread is killed: make, copy and zero them. */
static zx_status_t killed_made, killed_copied, killed_zeroed;
static void contiguous_killed(void *arg) {
    struct vmo *vmo = arg, *made, *copy;
    thread_interrupt(thread_current(), ATTENTION_KILL);
    killed_made = vmo_create_contiguous(PAGES(70), PAGE_SHIFT, &made);
    killed_copied = vmo_snapshot(vmo, 0, PAGES(70), false, &copy);
    killed_zeroed = vmo_zero(vmo, 0, PAGES(70));
}

KTEST("vmo/making, copying and zeroing contiguous memory stops when the thread is killed, and leaves nothing") {
    struct vmo *vmo = contiguous(70, PAGE_SHIFT);
    NEED(vmo && vmo_poke(vmo, PAGES(69), 7));
    NEED(run_in(NULL, contiguous_killed, vmo));
    EXPECT(killed_made == ZX_ERR_CANCELED && killed_copied == ZX_ERR_CANCELED && killed_zeroed == ZX_ERR_CANCELED);
    EXPECT(vmo_peek(vmo, PAGES(69)) == 7 && vmo_child_count(vmo) == 0);
    EXPECT(vmo_zero(vmo, 1, PAGES(69)) == ZX_OK && vmo_peek(vmo, PAGES(69)) == 0);
    vmo_unref(vmo);
}

KTEST("mapping/a private snapshot of contiguous memory is of the whole mapping") {
    struct aspace *as = space_new();
    struct vmo *vmo = contiguous(40, PAGE_SHIFT), *old = NULL;
    NEED(as && vmo && vmo_poke(vmo, PAGES(20), 5) && vmo_poke(vmo, PAGES(39), 6));
    vaddr_t va = map_pages(as->root, vmo, 0, 40, PERM_READ, PERM_READ), at = va + PAGES(20);
    NEED(va && user_load(as, at) == 5);
    aspace_lock(as);
    EXPECT(mapping_snapshot(aspace_find(as, at), PAGES(20), &old) == ZX_OK);
    struct mapping *m = aspace_find(as, at);
    EXPECT(m->private && m->region.base == va && m->region.len == PAGES(40) && m->vmo->size == PAGES(40));
    mutex_unlock(&as->lock);
    vmo_unref(old);
    EXPECT(vmo_poke(vmo, PAGES(20), 8) && vmo_poke(vmo, PAGES(39), 9));
    EXPECT(user_load(as, at) == 5 && user_load(as, va + PAGES(39)) == 6 && vmo_child_count(vmo) == 1);
    space_end(as);
    vmo_unref(vmo);
}

KTEST("vmo/a physical VMO can be mapped, and nothing else") {
    struct vmo *vmo, *child;
    struct aspace *as = space_new();
    NEED(as && vmo_create_physical((paddr_t){0xfee00000}, PAGES(2), &vmo) == ZX_OK);
    EXPECT(vmo->cache_policy == ZX_CACHE_POLICY_UNCACHED);
    EXPECT(vmo_commit(vmo, 0, 1) == ZX_ERR_NOT_SUPPORTED && vmo_decommit(vmo, 0, PAGES(1)) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_zero(vmo, 0, 1) == ZX_ERR_NOT_SUPPORTED && vmo_set_size(vmo, 0) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_snapshot(vmo, 0, PAGES(1), false, &child) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_check_transfer(vmo, 0, 1) == ZX_ERR_NOT_SUPPORTED);
    vaddr_t va = map_pages(as->root, vmo, 1, 1, RW, RW);
    paddr_t pa;
    unsigned prot;
    NEED(va && aspace_fault(as, va, 0) == ZX_OK && arch_mmu_query(&as->arch, va, &pa, &prot, NULL));
    EXPECT(pa.raw == 0xfee01000 && prot == MMU_WRITE);
    EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_WRITE_COMBINING) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED) == ZX_OK);
    space_end(as);
    EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_WRITE_COMBINING) == ZX_OK);
    vmo_unref(vmo);
    EXPECT(vmo_create_physical((paddr_t){1}, PAGES(1), &vmo) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_create_physical((paddr_t){0}, 0, &vmo) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_create_physical((paddr_t){UINT64_MAX - PAGE_MASK}, PAGES(1), &vmo) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_create_physical((paddr_t){0}, UINT64_MAX, &vmo) == ZX_ERR_INVALID_ARGS);
}

/* The policy that the translation of an address has, or -1. */
static int cache_at(struct aspace *as, vaddr_t va) {
    paddr_t pa;
    unsigned prot;
    uint32_t cache;
    return arch_mmu_query(&as->arch, va, &pa, &prot, &cache) ? (int)cache : -1;
}

KTEST("mapping/each cache policy is in the translations: of pages, small and large ones of a device, and slices") {
    for (uint32_t policy = 0; policy <= ZX_CACHE_POLICY_MASK; policy++) {
        struct aspace *as = space_new();
        struct vmo *vmo = vmo_of(2, false), *device, *slice;
        NEED(as && vmo && vmo_create_physical((paddr_t){0xe0000000}, 2 * MMU_LARGE_PAGE, &device) == ZX_OK);
        NEED(vmo_set_cache_policy(vmo, policy) == ZX_OK && vmo_set_cache_policy(device, policy) == ZX_OK);
        NEED(vmo_slice(vmo, PAGES(1), PAGES(1), &slice) == ZX_OK);
        vaddr_t page = map_pages(as->root, vmo, 0, 2, RW, RW), part = map_pages(as->root, slice, 0, 1, RW, RW);
        uint64_t large = 2 * LARGE_PAGES - (USER_BASE % MMU_LARGE_PAGE >> PAGE_SHIFT),
                 small = large + 2 * LARGE_PAGES + 1;
        NEED(map_at(as->root, large, device, 0, LARGE_PAGES, ZX_VM_SPECIFIC | RW) == ZX_OK);
        NEED(map_at(as->root, small, device, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
        const vaddr_t at[] = {page, part, USER_BASE + PAGES(large), USER_BASE + PAGES(small)};
        for (size_t i = 0; i < countof(at); i++) {
            EXPECT(aspace_fault(as, at[i], 0) == ZX_OK && cache_at(as, at[i]) == (int)policy);
            EXPECT(i >= 2 || (aspace_fault(as, at[i], FAULT_WRITE) == ZX_OK && cache_at(as, at[i]) == (int)policy));
        }
        EXPECT(cache_at(as, at[2] + MMU_LARGE_PAGE - 1) == (int)policy && cache_at(as, at[3] + PAGE_SIZE) == -1);
        space_end(as);
        vmo_unref(slice);
        vmo_unref(vmo);
        vmo_unref(device);
    }
}

KTEST("mapping/the page that all holes share is never mapped other than cached: reading past the caches commits one") {
    for (uint32_t policy = ZX_CACHE_POLICY_CACHED; policy <= ZX_CACHE_POLICY_MASK; policy++) {
        bool cached = policy == ZX_CACHE_POLICY_CACHED;
        struct aspace *as = space_new();
        struct vmo *vmo = vmo_of(3, false);
        NEED(as && vmo && vmo_set_cache_policy(vmo, policy) == ZX_OK);
        vaddr_t va = map_pages(as->root, vmo, 0, 3, RW, RW);
        NEED(va && aspace_fault(as, va + PAGES(1), 0) == ZX_OK);
        EXPECT(vmo_committed_bytes(vmo, 0, PAGES(3)) == (cached ? 0 : PAGE_SIZE));
        EXPECT((vmo_frame(vmo, PAGES(1)) == page_phys(vmo_zero_page).raw) == cached);
        EXPECT(is_loaded(as, va + PAGES(1)) && is_writable(as, va + PAGES(1)) == !cached && translations_true(as));
        space_end(as);
        vmo_unref(vmo);
    }
}

static struct aspace *reader;
static vaddr_t read_at;

static zx_status_t read_fault(void *arg UNUSED) { return aspace_fault(reader, read_at, 0); }
static bool nothing_loaded(void *arg UNUSED) { return !is_loaded(reader, read_at); }

KTEST("mapping/a read past the caches that no page can be had for is NO_MEMORY") {
    struct vmo *vmo = vmo_of(1, false);
    reader = space_new();
    NEED(reader && vmo && vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED) == ZX_OK);
    read_at = map_pages(reader->root, vmo, 0, 1, RW, RW);
    NEED(read_at);
    EXPECT(fail_each_allocation(read_fault, nothing_loaded, NULL) >= 1 && is_loaded(reader, read_at));
    space_end(reader);
    vmo_unref(vmo);
}

/* A run of four megabytes, aligned, mapped at an address that is aligned too. */
static struct aspace *as;
static struct vmo *run;
static vaddr_t base;

static bool begin(void) {
    as = space_new();
    run = contiguous(2 * LARGE_PAGES, 21);
    if (!as || !run) return false;
    uint64_t at = (MMU_LARGE_PAGE - USER_BASE % MMU_LARGE_PAGE) % MMU_LARGE_PAGE;
    base = USER_BASE + at;
    return map_at(as->root, at >> PAGE_SHIFT, run, 0, 2 * LARGE_PAGES, ZX_VM_SPECIFIC | RW) == ZX_OK;
}

static void end(void) {
    EXPECT(translations_true(as));
    space_end(as);
    vmo_unref(run);
}

static vaddr_t at(uint64_t page) { return base + PAGES(page); }

KTEST("mapping/T19 one fault loads a large translation, and each page of it is right") {
    NEED(begin());
    EXPECT(user_store(as, at(3) + 5, 3) == ZX_OK && is_writable(as, at(0)) && is_writable(as, at(LARGE_PAGES - 1)));
    EXPECT(!is_loaded(as, at(LARGE_PAGES)) && vmo_peek(run, PAGES(3) + 5) == 3 && translations_true(as));
    end();
}

KTEST("mapping/T19 what cuts or protects part of a large translation takes all of it away") {
    NEED(begin() && user_store(as, at(3), 3) == ZX_OK && user_store(as, at(LARGE_PAGES), 4) == ZX_OK);
    EXPECT(vmar_protect(as->root, PERM_READ, at(3), PAGES(1)) == ZX_OK && !is_writable(as, at(3)));
    EXPECT(user_store(as, at(3), 9) == ZX_ERR_ACCESS_DENIED && user_load(as, at(3)) == 3);
    EXPECT(user_store(as, at(4), 5) == ZX_OK && user_store(as, at(2), 6) == ZX_OK && translations_true(as));
    EXPECT(is_writable(as, at(LARGE_PAGES)));
    EXPECT(vmar_unmap(as->root, at(LARGE_PAGES + 7), PAGES(1)) == ZX_OK && !is_loaded(as, at(LARGE_PAGES + 7)));
    EXPECT(user_load(as, at(LARGE_PAGES)) == 4 && user_load(as, at(LARGE_PAGES + 7)) == -1);
    end();
}

KTEST("mapping/T19 a large translation replaces small ones, and small ones a large one") {
    NEED(begin());
    struct vmo *small = vmo_of(1, false);
    NEED(small && vmo_poke(small, 0, 8));
    EXPECT(map_at(as->root, (at(9) - USER_BASE) >> PAGE_SHIFT, small, 0, 1, ZX_VM_SPECIFIC_OVERWRITE | RW) == ZX_OK);
    EXPECT(user_load(as, at(9)) == 8 && user_store(as, at(10), 1) == ZX_OK && translations_true(as));
    EXPECT(map_at(as->root, (at(0) - USER_BASE) >> PAGE_SHIFT, run, 0, 2 * LARGE_PAGES,
                  ZX_VM_SPECIFIC_OVERWRITE | RW) == ZX_OK);
    EXPECT(user_store(as, at(10), 2) == ZX_OK && user_load(as, at(9)) == 0 && is_writable(as, at(0)));
    vmo_unref(small);
    end();
}

KTEST("mapping/T19 MAP_RANGE loads large translations, and small ones where a part is mapped") {
    NEED(begin());
    uint64_t far = (at(8 * LARGE_PAGES) - USER_BASE) >> PAGE_SHIFT;
    EXPECT(map_at(as->root, far, run, 0, LARGE_PAGES + 3, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE | RW) == ZX_OK);
    for (uint64_t i = 0; i < LARGE_PAGES + 3; i++) NEED(is_writable(as, at(8 * LARGE_PAGES + i)));
    EXPECT(!is_loaded(as, at(9 * LARGE_PAGES + 3)) && translations_true(as));
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_MAP_RANGE, at(LARGE_PAGES + 5), PAGES(1)) == ZX_OK);
    EXPECT(is_loaded(as, at(LARGE_PAGES)) && is_loaded(as, at(2 * LARGE_PAGES - 1)) && !is_loaded(as, at(0)));
    end();
}

KTEST("mapping/T19 MAP_RANGE loads a device's memory too, and a part of it that is cut off at neither end") {
    struct vmo *device;
    NEED(begin() && vmo_create_physical((paddr_t){0xe0000000}, 2 * MMU_LARGE_PAGE, &device) == ZX_OK);
    uint64_t far = (at(8 * LARGE_PAGES) - USER_BASE) >> PAGE_SHIFT;
    EXPECT(map_at(as->root, far, device, 0, LARGE_PAGES + 2, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE | RW) == ZX_OK);
    EXPECT(is_writable(as, at(8 * LARGE_PAGES)) && is_writable(as, at(9 * LARGE_PAGES + 1)));
    EXPECT(!is_loaded(as, at(9 * LARGE_PAGES + 2)));
    EXPECT(vmar_unmap(as->root, at(8 * LARGE_PAGES), PAGES(LARGE_PAGES + 2)) == ZX_OK);
    vmo_unref(device);
    end();
}

KTEST("mapping/T19 a place that is not asked for suits large translations, wherever in its run the mapping begins") {
    static const uint64_t firsts[] = {0, 1, LARGE_PAGES - 1, LARGE_PAGES + 3};
    NEED(begin());
    for (size_t i = 0; i < countof(firsts); i++) {
        struct vmo *slice;
        NEED(map_pages(as->root, run, 0, 1, RW, RW) &&
             vmo_slice(run, PAGES(firsts[i] / 2), run->size / 2, &slice) == ZX_OK);
        vaddr_t whole = map_pages(as->root, run, firsts[i], 2 * LARGE_PAGES, RW, RW);
        vaddr_t part = map_pages(as->root, slice, firsts[i] / 2, LARGE_PAGES + 8, RW, RW);
        EXPECT(whole && (whole - run->frames.raw) % MMU_LARGE_PAGE == PAGES(firsts[i]) % MMU_LARGE_PAGE);
        EXPECT(part && (part - run->frames.raw) % MMU_LARGE_PAGE == PAGES(firsts[i] / 2 * 2) % MMU_LARGE_PAGE);
        vmo_unref(slice);
    }
    end();
}

KTEST("mapping/T19 where address and frame are not aligned alike, translations are small") {
    NEED(begin());
    uint64_t odd = (at(4 * LARGE_PAGES) - USER_BASE) >> PAGE_SHIFT;
    EXPECT(map_at(as->root, odd, run, 1, LARGE_PAGES + 5, ZX_VM_SPECIFIC | RW) == ZX_OK);
    EXPECT(user_load(as, at(4 * LARGE_PAGES)) == 0 && !is_loaded(as, at(4 * LARGE_PAGES + 1)));
    struct vmo *slice;
    NEED(vmo_slice(run, PAGES(LARGE_PAGES), PAGES(LARGE_PAGES - 1), &slice) == ZX_OK);
    uint64_t far = (at(8 * LARGE_PAGES) - USER_BASE) >> PAGE_SHIFT;
    EXPECT(map_at(as->root, far, slice, 0, LARGE_PAGES, ZX_VM_SPECIFIC | RW) == ZX_OK);
    EXPECT(user_load(as, at(8 * LARGE_PAGES)) == 0 && !is_loaded(as, at(8 * LARGE_PAGES + 1)));
    EXPECT(user_load(as, at(9 * LARGE_PAGES - 1)) == -1);
    vmo_unref(slice);
    end();
}
