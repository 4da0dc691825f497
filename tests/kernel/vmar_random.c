/*
 * VMARs: a random walk of map, overwrite, unmap and protect over one VMAR, against an array that says what each page
 * shows; and the same calls with each allocation failing.
 */
#include "arch/upcall.h"
#include "tests/kernel/support.h"
#include "vm/budget.h"

#define ARENA 48
#define NOTHING UINT16_MAX

static struct aspace *as;
static struct vmo *vmo;

/* What each page of the root VMAR's beginning should be. */
static struct expected {
    uint16_t page; /* of the VMO, or NOTHING */
    uint8_t perms;
} model[ARENA];

static bool begin(void) {
    as = space_new();
    vmo = vmo_of(2 * ARENA, false);
    for (size_t i = 0; i < ARENA; i++) model[i].page = NOTHING;
    for (unsigned i = 0; vmo && i < 2 * ARENA; i++) {
        if (!vmo_poke(vmo, PAGES(i), (uint8_t)i)) return false;
    }
    return as && vmo;
}

static void end(void) {
    space_end(as);
    vmo_unref(vmo);
}

static vaddr_t at(size_t page) { return USER_BASE + PAGES(page); }

static uint32_t random_perms(void) {
    static const uint32_t perms[] = {0, PERM_READ, RW, PERM_READ | PERM_EXECUTE, PERM_ALL};
    return perms[random_below(countof(perms))];
}

static bool random_map(size_t first, size_t count) {
    uint32_t perms = random_perms(), overwrite = random_below(2) ? ZX_VM_SPECIFIC_OVERWRITE : ZX_VM_SPECIFIC;
    uint64_t from = random_below(ARENA);
    bool free = true;
    for (size_t i = first; i < first + count; i++) free = free && model[i].page == NOTHING;
    bool fits = free || overwrite == ZX_VM_SPECIFIC_OVERWRITE;
    for (size_t i = 0; fits && i < count; i++)
        model[first + i] = (struct expected){(uint16_t)(from + i), (uint8_t)perms};
    return map_at(as->root, first, vmo, from, count, overwrite | perms) == (fits ? ZX_OK : ZX_ERR_NO_MEMORY);
}

static bool random_unmap(size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) model[i].page = NOTHING;
    return vmar_unmap(as->root, at(first), PAGES(count)) == ZX_OK;
}

static bool random_protect(size_t first, size_t count) {
    uint32_t perms = random_perms();
    bool whole = true;
    for (size_t i = first; i < first + count; i++) whole = whole && model[i].page != NOTHING;
    for (size_t i = first; whole && i < first + count; i++) model[i].perms = (uint8_t)perms;
    return vmar_protect(as->root, perms, at(first), PAGES(count)) == (whole ? ZX_OK : ZX_ERR_NOT_FOUND);
}

static bool page_true(size_t i) {
    const struct expected *want = &model[i];
    bool mapped = want->page != NOTHING;
    zx_status_t refused = mapped ? ZX_ERR_ACCESS_DENIED : ZX_ERR_NOT_FOUND;
    zx_status_t fetch = mapped && (want->perms & PERM_EXECUTE) ? ZX_OK : refused;
    zx_status_t store = mapped && (want->perms & PERM_WRITE) ? ZX_OK : refused;
    int load = mapped && (want->perms & PERM_READ) ? (uint8_t)want->page : -1;
    return user_load(as, at(i)) == load && user_store(as, at(i), (uint8_t)want->page) == store &&
           aspace_fault(as, at(i), FAULT_USER | FAULT_EXECUTE) == fetch;
}

KTEST("vmar/3,000 random maps, unmaps and protects leave every page as an array says") {
    random_seed(5);
    NEED(begin());
    for (int step = 0; step < 3000; step++) {
        size_t first = random_below(ARENA), count = 1 + random_below(ARENA - first < 12 ? ARENA - first : 12);
        uint64_t what = random_below(10);
        NEED(what < 5   ? random_map(first, count)
             : what < 7 ? random_unmap(first, count)
                        : random_protect(first, count));
        for (int look = 0; look < 8; look++) NEED(page_true(random_below(ARENA)));
        if (step % 8 == 0) NEED(translations_true(as));
    }
    for (size_t i = 0; i < ARENA; i++) EXPECT(page_true(i));
    end();
}

/* Eight pages mapped readable and writable, and no other. */
static bool eight_pages(void *arg UNUSED) {
    bool same = user_load(as, at(8)) == -1;
    for (unsigned i = 0; i < 8; i++) same = same && user_store(as, at(i), (uint8_t)i) == ZX_OK;
    struct region *only = region_first(&as->root->children);
    return same && only && !region_next(only) && only->len == PAGES(8);
}

static zx_status_t do_map(void *arg UNUSED) {
    return map_at(as->root, 8, vmo, 0, 8, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE | RW);
}
static zx_status_t do_overwrite(void *arg UNUSED) {
    return map_at(as->root, 2, vmo, 20, 3, ZX_VM_SPECIFIC_OVERWRITE | RW);
}
static zx_status_t do_unmap(void *arg UNUSED) { return vmar_unmap(as->root, at(2), PAGES(3)); }
static zx_status_t do_protect(void *arg UNUSED) { return vmar_protect(as->root, PERM_READ, at(2), PAGES(3)); }

static zx_status_t do_allocate(void *arg UNUSED) {
    struct vmar *child;
    zx_status_t status = vmar_allocate(as->root, ZX_VM_CAN_MAP_READ, 0, PAGES(4), &child);
    if (status == ZX_OK) object_unref(&child->object);
    return status;
}

KTEST("vmar/whichever allocation fails, the call has changed nothing") {
    zx_status_t (*const acts[])(void *) = {do_map, do_overwrite, do_unmap, do_protect, do_allocate};
    for (size_t i = 0; i < countof(acts); i++) {
        NEED(begin() && map_at(as->root, 0, vmo, 0, 8, ZX_VM_SPECIFIC | RW) == ZX_OK);
        EXPECT(fail_each_allocation(acts[i], eight_pages, NULL) >= 1);
        EXPECT(translations_true(as));
        end();
    }
}

static zx_status_t do_create(void *arg) {
    struct aspace **out = arg;
    return aspace_create(budget_current(), out);
}

static bool none(void *arg) { return *(struct aspace **)arg == NULL; }

KTEST("aspace/whichever allocation fails, no address space is half made") {
    struct aspace *made = NULL;
    EXPECT(fail_each_allocation(do_create, none, &made) >= 1);
    space_end(made);
}
