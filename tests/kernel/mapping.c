/*
 * Mappings and page faults: which page an address shows, and that no translation outlives the page it leads to.
 */
#include "vm/mapping.h"

#include "arch/upcall.h"
#include "tests/kernel/support.h"
#include "vm/inject.h"

/* One VMO of eight pages, mapped twice in one address space and once in another. */
static struct fixture {
    struct aspace *as[2];
    struct vmo *vmo;
    vaddr_t va[3];
} f;

static struct aspace *space_of(size_t view) { return f.as[view / 2]; }

static bool begin(void) {
    f.as[0] = space_new();
    f.as[1] = space_new();
    f.vmo = vmo_of(8, true);
    if (!f.as[0] || !f.as[1] || !f.vmo) return false;
    for (size_t view = 0; view < 3; view++) {
        f.va[view] = map_pages(space_of(view)->root, f.vmo, 0, 8, RW, PERM_ALL);
        if (!f.va[view]) return false;
    }
    return true;
}

static void end(void) {
    for (size_t i = 0; i < 2; i++) {
        EXPECT(translations_true(f.as[i]));
        space_end(f.as[i]);
    }
    vmo_unref(f.vmo);
}

static int load(size_t view, uint64_t page) { return user_load(space_of(view), f.va[view] + PAGES(page)); }
static bool loaded(size_t view, uint64_t page) { return is_loaded(space_of(view), f.va[view] + PAGES(page)); }
static bool writable(size_t view, uint64_t page) { return is_writable(space_of(view), f.va[view] + PAGES(page)); }

static bool store(size_t view, uint64_t page, uint8_t value) {
    return user_store(space_of(view), f.va[view] + PAGES(page), value) == ZX_OK;
}

/* Loads page `page` in all three views; true if each shows `want`. */
static bool all_show(uint64_t page, int want) {
    return load(0, page) == want && load(1, page) == want && load(2, page) == want;
}

static bool none_loaded(uint64_t page) { return !loaded(0, page) && !loaded(1, page) && !loaded(2, page); }

KTEST("mapping/a page committed through one view replaces the zeros in all others, and only there") {
    NEED(begin());
    EXPECT(all_show(2, 0) && all_show(3, 0) && store(1, 2, 7));
    EXPECT(!loaded(0, 2) && !loaded(2, 2) && loaded(0, 3) && loaded(2, 3));
    EXPECT(all_show(2, 7) && vmo_peek(f.vmo, PAGES(2)) == 7);
    end();
}

KTEST("mapping/decommit, zero and shrink take the page out of every view before it is free") {
    NEED(begin());
    for (uint64_t page = 1; page < 7; page++) NEED(store(0, page, (uint8_t)page) && all_show(page, (int)page));
    EXPECT(vmo_decommit(f.vmo, PAGES(1), PAGES(1)) == ZX_OK && none_loaded(1) && all_show(1, 0));
    EXPECT(vmo_zero(f.vmo, PAGES(2), PAGES(1)) == ZX_OK && none_loaded(2) && all_show(2, 0));
    EXPECT(vmo_set_size(f.vmo, PAGES(4)) == ZX_OK && none_loaded(4) && none_loaded(6) && loaded(0, 3));
    EXPECT(all_show(4, -1) && aspace_fault(f.as[0], f.va[0] + PAGES(4), FAULT_USER) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_set_size(f.vmo, PAGES(8)) == ZX_OK && all_show(4, 0) && all_show(3, 3));
    end();
}

KTEST("mapping/after a snapshot no view can write the shared page in place") {
    struct vmo *child;
    NEED(begin() && store(0, 2, 5) && store(2, 2, 6) && writable(0, 2));
    NEED(vmo_snapshot(f.vmo, 0, PAGES(8), false, &child) == ZX_OK);
    EXPECT(!writable(0, 2) && !writable(1, 2) && !writable(2, 2));
    EXPECT(all_show(2, 6) && !writable(1, 2));
    EXPECT(store(1, 2, 7) && all_show(2, 7) && vmo_peek(child, PAGES(2)) == 6);
    vmo_unref(child);
    end();
}

KTEST("mapping/reading first, writing later: the page of zeros is never written") {
    struct vmo *other = vmo_of(1, false);
    NEED(begin() && other);
    EXPECT(vmar_protect(f.as[0]->root, PERM_READ, f.va[0], PAGES(8)) == ZX_OK && load(0, 0) == 0);
    EXPECT(vmar_protect(f.as[0]->root, RW, f.va[0], PAGES(8)) == ZX_OK);
    EXPECT(!writable(0, 0) && store(0, 0, 9) && load(0, 0) == 9 && vmo_peek(other, 0) == 0);
    vmo_unref(other);
    end();
}

KTEST("mapping/a store through a snapshot made writable later still forks") {
    struct vmo *child;
    NEED(begin() && store(0, 1, 3) && vmo_snapshot(f.vmo, 0, PAGES(8), false, &child) == ZX_OK);
    vaddr_t va = map_pages(f.as[1]->root, child, 0, 8, PERM_READ, RW);
    EXPECT(va && user_load(f.as[1], va + PAGES(1)) == 3);
    EXPECT(vmar_protect(f.as[1]->root, RW, va, PAGES(8)) == ZX_OK);
    EXPECT(user_store(f.as[1], va + PAGES(1), 4) == ZX_OK && all_show(1, 3) && vmo_peek(child, PAGES(1)) == 4);
    vmo_unref(child);
    end();
}

KTEST("mapping/each refused access has its own status") {
    NEED(begin());
    EXPECT(vmar_protect(f.as[0]->root, PERM_READ, f.va[0], PAGES(1)) == ZX_OK);
    EXPECT(vmar_protect(f.as[0]->root, 0, f.va[0] + PAGES(1), PAGES(1)) == ZX_OK);
    EXPECT(aspace_fault(f.as[0], f.va[0], FAULT_USER | FAULT_WRITE) == ZX_ERR_ACCESS_DENIED);
    EXPECT(aspace_fault(f.as[0], f.va[0], FAULT_USER | FAULT_EXECUTE) == ZX_ERR_ACCESS_DENIED);
    EXPECT(aspace_fault(f.as[0], f.va[0] + PAGES(1), FAULT_USER) == ZX_ERR_ACCESS_DENIED);
    EXPECT(aspace_fault(f.as[0], f.va[2] + PAGES(100), FAULT_USER) == ZX_ERR_NOT_FOUND);
    EXPECT(vmo_set_size(f.vmo, PAGES(2)) == ZX_OK);
    EXPECT(aspace_fault(f.as[0], f.va[0] + PAGES(2), FAULT_USER) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(aspace_fault(f.as[0], f.va[0] + PAGES(2) - 1, FAULT_USER) == ZX_ERR_ACCESS_DENIED);
    end();
}

KTEST("mapping/reading loads the pages beside that are the store's own, as far as mapping and VMO reach") {
    struct vmo *child;
    NEED(begin());
    for (uint64_t page = 0; page < 8; page++) NEED(page == 3 || store(0, page, (uint8_t)page));
    /* The VMO's last page is none of the mapping's. */
    NEED(vmar_unmap(f.as[1]->root, f.va[2], PAGES(8)) == ZX_OK);
    f.va[2] = USER_BASE + PAGES(1024);
    NEED(map_at(f.as[1]->root, 1024, f.vmo, 0, 7, RW | ZX_VM_SPECIFIC) == ZX_OK);
    EXPECT(load(2, 1) == 1 && loaded(2, 0) && loaded(2, 2) && loaded(2, 6) && !loaded(2, 3) && !loaded(2, 7));
    EXPECT(writable(2, 0) && load(2, 0) == 0 && load(2, 6) == 6 && load(2, 3) == 0);
    EXPECT(translations_true(f.as[1]));
    /* Writing loads one, and what a snapshot shares comes one by one. */
    NEED(vmar_protect(f.as[1]->root, RW, f.va[2], PAGES(7)) == ZX_OK && !loaded(2, 0));
    EXPECT(store(2, 1, 9) && loaded(2, 1) && !loaded(2, 0) && !loaded(2, 2));
    NEED(vmo_snapshot(f.vmo, 0, PAGES(8), false, &child) == ZX_OK && store(2, 5, 8));
    EXPECT(load(2, 2) == 2 && !loaded(2, 0) && !loaded(2, 4));
    EXPECT(vmo_set_size(f.vmo, PAGES(6)) == ZX_OK && load(2, 6) == -1);
    vmo_unref(child);
    end();
}

static zx_status_t fault_write(void *arg UNUSED) {
    return aspace_fault(f.as[0], f.va[0] + PAGES(3), FAULT_USER | FAULT_WRITE);
}

static bool still_old(void *arg UNUSED) { return vmo_peek(f.vmo, PAGES(3)) == 5 && !writable(0, 3); }

KTEST("mapping/whichever allocation fails, a fault has changed nothing") {
    struct vmo *child;
    NEED(begin() && vmo_poke(f.vmo, PAGES(3), 5));
    NEED(vmo_snapshot(f.vmo, 0, PAGES(8), false, &child) == ZX_OK);
    EXPECT(fail_each_allocation(fault_write, still_old, NULL) >= 1);
    EXPECT(writable(0, 3) && load(0, 3) == 5);
    vmo_unref(child);
    end();
}

KTEST("mapping/it shows its VMO from its own offset on, through slices of slices too") {
    struct vmo *fixed = vmo_of(10, false), *slice, *inner;
    struct aspace *as = space_new();
    NEED(fixed && as && vmo_slice(fixed, PAGES(2), PAGES(6), &slice) == ZX_OK);
    NEED(vmo_slice(slice, PAGES(1), PAGES(4), &inner) == ZX_OK);
    for (unsigned i = 0; i < 10; i++) NEED(vmo_poke(fixed, PAGES(i), (uint8_t)i));
    vaddr_t va = map_pages(as->root, inner, 2, 4, RW, RW);
    NEED(va);
    EXPECT(user_load(as, va) == 5 && user_load(as, va + PAGES(1)) == 6 && user_load(as, va + PAGES(2)) == -1);
    EXPECT(vmo_decommit(fixed, PAGES(5), PAGES(1)) == ZX_OK && !is_loaded(as, va) && is_loaded(as, va + PAGES(1)));
    EXPECT(vmo_decommit(slice, PAGES(4), PAGES(1)) == ZX_OK && !is_loaded(as, va + PAGES(1)));
    EXPECT(user_store(as, va, 9) == ZX_OK && vmo_peek(fixed, PAGES(5)) == 9);
    space_end(as);
    vmo_unref(inner);
    vmo_unref(slice);
    vmo_unref(fixed);
}

KTEST("mapping/one that reaches past 2^64 in its store loses its translations like any other") {
    struct vmo *vmo, *slice;
    struct aspace *as = space_new();
    NEED(as && vmo_create(VMO_MAX_SIZE, false, &vmo) == ZX_OK);
    NEED(vmo_slice(vmo, VMO_MAX_SIZE - PAGE_SIZE, PAGE_SIZE, &slice) == ZX_OK);
    vaddr_t va = map_pages(as->root, slice, 0, 3, RW, RW);
    NEED(va && user_store(as, va, 5) == ZX_OK);
    EXPECT(vmo_decommit(slice, 0, PAGE_SIZE) == ZX_OK && !is_loaded(as, va));
    EXPECT(user_load(as, va) == 0 && user_store(as, va, 6) == ZX_OK && user_load(as, va + PAGES(1)) == -1);
    EXPECT(vmo_decommit(vmo, VMO_MAX_SIZE - PAGE_SIZE, PAGE_SIZE) == ZX_OK && !is_loaded(as, va));
    EXPECT(vmo_poke(slice, 0, 7) && map_at(as->root, 100, slice, 0, 3, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE | RW) == ZX_OK);
    EXPECT(is_loaded(as, USER_BASE + PAGES(100)));
    space_end(as);
    vmo_unref(slice);
    vmo_unref(vmo);
}

KTEST("mapping/MAP_RANGE loads the pages that exist, and commits none") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(100, false);
    NEED(as && vmo && vmo_poke(vmo, PAGES(4), 4) && vmo_poke(vmo, PAGES(7), 7) && vmo_poke(vmo, PAGES(99), 99));
    NEED(map_at(as->root, 0, vmo, 4, 200, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE | RW) == ZX_OK);
    EXPECT(is_loaded(as, USER_BASE) && is_loaded(as, USER_BASE + PAGES(3)) && is_loaded(as, USER_BASE + PAGES(95)));
    EXPECT(!is_loaded(as, USER_BASE + PAGES(1)) && !is_loaded(as, USER_BASE + PAGES(96)));
    EXPECT(vmo_committed_bytes(vmo, 0, PAGES(100)) == PAGES(3) && translations_true(as));
    EXPECT(map_at(as->root, 300, vmo, 4, 4, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE) == ZX_OK);
    EXPECT(!is_loaded(as, USER_BASE + PAGES(300)));
    space_end(as);
    vmo_unref(vmo);
}

/*
 * Its beginning is beyond all that the slice has; and some pages on, its place in the store is the store's beginning
 * again.
 */
KTEST("mapping/MAP_RANGE loads nothing where a slice has ended, though the sum with its place in its store wraps") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(8, false), *slice;
    NEED(as && vmo && vmo_commit(vmo, 0, PAGES(8)) == ZX_OK && vmo_slice(vmo, PAGES(6), PAGES(1), &slice) == ZX_OK);
    uint64_t first = (VMO_MAX_SIZE >> PAGE_SHIFT) - 6;
    vaddr_t va = map_pages(as->root, slice, first, 6, RW, RW);
    NEED(va && vmar_op_range(as->root, ZX_VMAR_OP_MAP_RANGE, va + PAGES(2), PAGES(4)) == ZX_OK);
    for (uint64_t i = 0; i < 6; i++) EXPECT(!is_loaded(as, va + PAGES(i)) && user_load(as, va + PAGES(i)) == -1);
    EXPECT(translations_true(as));
    space_end(as);
    vmo_unref(slice);
    vmo_unref(vmo);
}

KTEST("mapping/a mapping keeps its VMO, and lets it go at the end") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    NEED(as && vmo);
    vaddr_t va = map_pages(as->root, vmo, 0, 2, RW, RW);
    vmo_unref(vmo);
    EXPECT(va && user_store(as, va, 1) == ZX_OK && user_load(as, va) == 1);
    size_t objects = object_count();
    EXPECT(vmar_unmap(as->root, va, PAGES(2)) == ZX_OK && object_count() == objects - 1);
    space_end(as);
}

KTEST("mapping/every page of an address space has a translation of its own") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(1, false);
    NEED(as && vmo && vmo_poke(vmo, 0, 1));
    /* Wide apart, so that each needs tables down from the top; then near, so that they share some. */
    for (unsigned shift = 12; shift < 47; shift++)
        NEED(map_at(as->root, ((uint64_t)1 << shift) >> PAGE_SHIFT, vmo, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    size_t free = pages_free();
    for (unsigned shift = 12; shift < 47; shift++) EXPECT(user_load(as, USER_BASE + ((vaddr_t)1 << shift)) == 1);
    EXPECT(translations_true(as) && pages_free() < free);
    EXPECT(vmo_decommit(vmo, 0, PAGES(1)) == ZX_OK);
    for (unsigned shift = 12; shift < 47; shift++) EXPECT(!is_loaded(as, USER_BASE + ((vaddr_t)1 << shift)));
    EXPECT(pages_free() > free); /* the page was freed, and so was each table */
    space_end(as);
    vmo_unref(vmo);
}

KTEST("mapping/text is what is mapped executable where a thread was started, as long as it is") {
    const uint32_t rx = PERM_READ | PERM_EXECUTE;
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(8, false), *private = NULL;
    struct vmar *inner;
    NEED(as && vmo &&
         vmar_allocate(as->root, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_EXECUTE, 0, PAGES(8), &inner) == ZX_OK);
    vaddr_t early = map_pages(inner, vmo, 0, 4, rx, rx), data = map_pages(as->root, vmo, 0, 4, PERM_READ, rx);
    NEED(early && data && vmo->text_count == 0);
    EXPECT(aspace_start(as) == ZX_OK && vmo->text_count == 1);
    vaddr_t late = map_pages(as->root, vmo, 4, 4, rx, rx);
    EXPECT(late && vmo->text_count == 2);
    EXPECT(vmar_protect(as->root, rx, data, PAGES(4)) == ZX_OK && vmo->text_count == 3);
    EXPECT(vmar_protect(as->root, PERM_READ, data + PAGES(1), PAGES(1)) == ZX_OK && vmo->text_count == 4);
    EXPECT(vmar_unmap(as->root, data, PAGES(4)) == ZX_OK && vmo->text_count == 2);
    aspace_lock(as);
    struct mapping *m = aspace_find(as, late);
    EXPECT(m && mapping_snapshot(m, 0, &private) == ZX_OK && m->vmo->text_count == 1 && vmo->text_count == 1);
    mutex_unlock(&as->lock);
    if (private) vmo_unref(private);
    EXPECT(vmar_destroy(inner) == ZX_OK && vmo->text_count == 0);
    object_unref(&inner->object);
    space_end(as);
    vmo_unref(vmo);
}

#define TABLE_PAGES (MMU_LARGE_PAGE / PAGE_SIZE)

/* Pages that fill a table, and some of the tables before and behind. */
KTEST(
    "mapping/a snapshot of pages that are mapped: readers keep their translations, and no store reaches it in place") {
    const size_t count = TABLE_PAGES + 20;
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(count, false), *copy;
    const vaddr_t at = ((vaddr_t)1 << 33) - PAGES(10);
    NEED(as && vmo && vmo_commit(vmo, 0, PAGES(count)) == ZX_OK);
    NEED(map_at(as->root, (at - USER_BASE) >> PAGE_SHIFT, vmo, 0, count, ZX_VM_SPECIFIC | RW) == ZX_OK);
    for (size_t i = 0; i < count; i++) NEED(user_store(as, at + PAGES(i), 1) == ZX_OK);
    NEED(vmo_snapshot(vmo, PAGES(1), PAGES(count - 1), false, &copy) == ZX_OK);
    EXPECT(is_writable(as, at));
    for (size_t i = 1; i < count; i++) NEED(is_loaded(as, at + PAGES(i)) && !is_writable(as, at + PAGES(i)));
    for (size_t i = 5; i < count; i += 100) {
        EXPECT(user_store(as, at + PAGES(i), 2) == ZX_OK && is_writable(as, at + PAGES(i)));
        EXPECT(is_loaded(as, at + PAGES(i + 1)) && !is_writable(as, at + PAGES(i + 1)));
        EXPECT(vmo_peek(copy, PAGES(i - 1)) == 1 && vmo_peek(vmo, PAGES(i)) == 2);
    }
    EXPECT(translations_true(as));
    vmo_unref(copy);
    space_end(as);
    vmo_unref(vmo);
}
