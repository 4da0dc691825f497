/*
 * VMARs: what may be made where, what unmap, protect and destroy do to it, and a random walk of all of them.
 */
#include "vm/vmar.h"

#include "arch/upcall.h"
#include "tests/kernel/support.h"

#define CAN_ALL (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define SPECIFIC_RW (ZX_VM_SPECIFIC | RW)

/* An address space with a VMAR of 64 pages in it, and a VMO whose page i begins with byte i. */
static struct fixture {
    struct aspace *as;
    struct vmar *vmar;
    struct vmo *vmo;
} f;

static bool begin(void) {
    f.as = space_new();
    f.vmo = vmo_of(64, true);
    for (unsigned i = 0; f.vmo && i < 64; i++) {
        if (!vmo_poke(f.vmo, PAGES(i), (uint8_t)i)) return false;
    }
    return f.as && f.vmo && vmar_allocate(f.as->root, CAN_ALL, 0, PAGES(64), &f.vmar) == ZX_OK;
}

static void end(void) {
    object_unref(&f.vmar->object);
    space_end(f.as);
    vmo_unref(f.vmo);
}

static vaddr_t at(uint64_t page) { return f.vmar->region.base + PAGES(page); }

/* Page `page` of the VMAR shows page `want` of the VMO; -1: nothing is mapped there. */
static bool shows(uint64_t page, int want) { return user_load(f.as, at(page)) == want; }

KTEST("vmar/without a place given, the lowest room is taken") {
    NEED(begin());
    vaddr_t a = map_pages(f.vmar, f.vmo, 0, 4, PERM_READ, PERM_ALL),
            b = map_pages(f.vmar, f.vmo, 0, 2, PERM_READ, PERM_ALL);
    EXPECT(a == at(0) && b == at(4));
    EXPECT(vmar_unmap(f.vmar, at(1), PAGES(2)) == ZX_OK);
    EXPECT(map_pages(f.vmar, f.vmo, 0, 3, PERM_READ, PERM_ALL) == at(6));
    EXPECT(map_pages(f.vmar, f.vmo, 0, 2, PERM_READ, PERM_ALL) == at(1));
    EXPECT(map_pages(f.vmar, f.vmo, 0, 56, PERM_READ, PERM_ALL) == 0);
    EXPECT(map_pages(f.vmar, f.vmo, 0, 55, PERM_READ, PERM_ALL) == at(9));
    EXPECT(map_pages(f.vmar, f.vmo, 0, 1, PERM_READ, PERM_ALL) == 0);
    end();
}

KTEST("vmar/a place given is kept, overlap and overrun are refused") {
    NEED(begin());
    EXPECT(map_at(f.vmar, 10, f.vmo, 0, 4, SPECIFIC_RW) == ZX_OK);
    EXPECT(map_at(f.vmar, 13, f.vmo, 0, 1, SPECIFIC_RW) == ZX_ERR_NO_MEMORY);
    EXPECT(map_at(f.vmar, 9, f.vmo, 0, 2, SPECIFIC_RW) == ZX_ERR_NO_MEMORY);
    EXPECT(map_at(f.vmar, 14, f.vmo, 0, 50, SPECIFIC_RW) == ZX_OK);
    EXPECT(map_at(f.vmar, 9, f.vmo, 0, 56, SPECIFIC_RW) == ZX_ERR_INVALID_ARGS);
    EXPECT(map_at(f.vmar, 64, f.vmo, 0, 1, SPECIFIC_RW) == ZX_ERR_INVALID_ARGS);
    EXPECT(map_at(f.vmar, 1, f.vmo, 0, 1, RW) == ZX_ERR_INVALID_ARGS);
    EXPECT(shows(10, 0) && shows(13, 3) && shows(14, 0) && shows(9, -1));
    end();
}

KTEST("vmar/map refuses what its arguments cannot mean") {
    vaddr_t base;
    NEED(begin());
    struct vmar_map good = {.options = PERM_READ, .vmo = f.vmo, .len = PAGE_SIZE, .ceiling = PERM_ALL}, args = good;
    args.vmo_offset = 1;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    args.vmo_offset = UINT64_MAX - PAGE_MASK;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    args = good, args.len = 0;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    args = good, args.len = UINT64_MAX;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    args = good, args.options = PERM_READ | ZX_VM_COMPACT;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    args = good, args.options = PERM_READ | ZX_VM_REQUIRE_NON_RESIZABLE;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_NOT_SUPPORTED);
    args = good, args.options = PERM_READ | 1u << 20;
    EXPECT(vmar_map(f.vmar, &args, &base) == ZX_ERR_INVALID_ARGS);
    EXPECT(!region_first(&f.vmar->children));
    end();
}

KTEST("vmar/a VMAR gives no more than it can") {
    struct vmar *narrow, *child;
    NEED(begin());
    NEED(vmar_allocate(f.vmar, ZX_VM_CAN_MAP_READ, 0, PAGES(8), &narrow) == ZX_OK);
    EXPECT(map_pages(narrow, f.vmo, 0, 1, RW, PERM_READ) == 0);
    EXPECT(map_pages(narrow, f.vmo, 0, 1, PERM_READ, RW) == 0);
    EXPECT(map_pages(narrow, f.vmo, 0, 1, PERM_READ, PERM_READ) != 0);
    EXPECT(map_at(narrow, 0, f.vmo, 0, 1, ZX_VM_SPECIFIC | PERM_READ) == ZX_ERR_ACCESS_DENIED);
    EXPECT(vmar_allocate(narrow, ZX_VM_CAN_MAP_WRITE, 0, PAGES(1), &child) == ZX_ERR_ACCESS_DENIED);
    EXPECT(vmar_allocate(narrow, ZX_VM_CAN_MAP_READ, 0, 1, &child) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_allocate(narrow, ZX_VM_CAN_MAP_READ, 0, 0, &child) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_allocate(narrow, ZX_VM_CAN_MAP_READ, 0, PAGES(8), &child) == ZX_ERR_NO_MEMORY);
    object_unref(&narrow->object);
    end();
}

KTEST("vmar/unmap takes the left, the right, the middle or all of a mapping") {
    NEED(begin());
    NEED(map_at(f.vmar, 0, f.vmo, 0, 10, SPECIFIC_RW) == ZX_OK);
    EXPECT(vmar_unmap(f.vmar, at(0), PAGES(2)) == ZX_OK && shows(1, -1) && shows(2, 2));
    EXPECT(vmar_unmap(f.vmar, at(9), PAGES(5)) == ZX_OK && shows(8, 8) && shows(9, -1));
    EXPECT(vmar_unmap(f.vmar, at(4), PAGES(2)) == ZX_OK);
    EXPECT(shows(3, 3) && shows(4, -1) && shows(5, -1) && shows(6, 6) && shows(8, 8));
    EXPECT(translations_true(f.as));
    EXPECT(vmar_unmap(f.vmar, at(0), PAGES(64)) == ZX_OK && !region_first(&f.vmar->children));
    EXPECT(shows(3, -1) && shows(8, -1));
    EXPECT(vmar_unmap(f.vmar, at(0), PAGES(64)) == ZX_OK);
    end();
}

KTEST("vmar/unmap refuses what is unaligned, empty, outside, or part of a VMAR") {
    struct vmar *child;
    NEED(begin() && vmar_allocate(f.vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(4), PAGES(4), &child) == ZX_OK);
    NEED(map_at(f.vmar, 3, f.vmo, 0, 1, SPECIFIC_RW) == ZX_OK && map_at(child, 0, f.vmo, 1, 1, SPECIFIC_RW) == ZX_OK);
    EXPECT(vmar_unmap(f.vmar, at(3) + 1, PAGE_SIZE) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_unmap(f.vmar, at(3), 0) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_unmap(f.vmar, at(3), UINT64_MAX) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_unmap(f.vmar, at(63), PAGES(2)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_unmap(f.vmar, at(3), PAGES(2)) == ZX_ERR_INVALID_ARGS && shows(3, 0) && shows(4, 1));
    EXPECT(vmar_unmap(f.vmar, at(5), PAGES(1)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_unmap(f.vmar, at(3), PAGES(5)) == ZX_OK && shows(4, -1) && child->dead);
    EXPECT(vmar_unmap(child, at(4), PAGES(1)) == ZX_ERR_BAD_STATE);
    object_unref(&child->object);
    end();
}

KTEST("vmar/protect changes its range alone, and nothing if any of it cannot change") {
    NEED(begin() && map_at(f.vmar, 0, f.vmo, 0, 10, SPECIFIC_RW) == ZX_OK);
    vaddr_t low = map_pages(f.vmar, f.vmo, 10, 2, PERM_READ, PERM_READ);
    EXPECT(low == at(10) && user_store(f.as, at(5), 5) == ZX_OK);
    EXPECT(vmar_protect(f.vmar, PERM_READ, at(4), PAGES(3)) == ZX_OK);
    EXPECT(user_store(f.as, at(3), 3) == ZX_OK && user_store(f.as, at(7), 7) == ZX_OK);
    for (uint64_t page = 4; page < 7; page++)
        EXPECT(user_store(f.as, at(page), 1) == ZX_ERR_ACCESS_DENIED && shows(page, (int)page));
    EXPECT(vmar_protect(f.vmar, RW, at(8), PAGES(4)) == ZX_ERR_ACCESS_DENIED);
    EXPECT(vmar_protect(f.vmar, 0, at(8), PAGES(5)) == ZX_ERR_NOT_FOUND && shows(8, 8));
    EXPECT(vmar_protect(f.vmar, 0, at(12), PAGES(1)) == ZX_ERR_NOT_FOUND);
    EXPECT(vmar_protect(f.vmar, PERM_WRITE, at(0), PAGES(1)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_protect(f.vmar, 0, at(4), PAGES(1)) == ZX_OK && shows(4, -1));
    EXPECT(vmar_protect(f.vmar, RW, at(0), PAGES(10)) == ZX_OK && user_store(f.as, at(4), 4) == ZX_OK && shows(4, 4));
    EXPECT(translations_true(f.as));
    end();
}

KTEST("vmar/overwriting trims and removes mappings, and spares VMARs") {
    struct vmar *child;
    NEED(begin() && vmar_allocate(f.vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(20), PAGES(4), &child) == ZX_OK);
    const uint32_t over = ZX_VM_SPECIFIC_OVERWRITE | RW;
    NEED(map_at(f.vmar, 0, f.vmo, 0, 4, SPECIFIC_RW) == ZX_OK && map_at(f.vmar, 4, f.vmo, 4, 4, SPECIFIC_RW) == ZX_OK);
    EXPECT(shows(2, 2) && shows(5, 5));
    EXPECT(map_at(f.vmar, 2, f.vmo, 30, 4, over) == ZX_OK);
    EXPECT(shows(1, 1) && shows(2, 30) && shows(5, 33) && shows(6, 6));
    EXPECT(map_at(f.vmar, 3, f.vmo, 40, 1, over) == ZX_OK && shows(2, 30) && shows(3, 40) && shows(4, 32));
    EXPECT(map_at(f.vmar, 10, f.vmo, 0, 11, over) == ZX_ERR_INVALID_ARGS && shows(10, -1));
    EXPECT(map_at(f.vmar, 20, f.vmo, 0, 4, over) == ZX_ERR_INVALID_ARGS && !child->dead);
    EXPECT(translations_true(f.as));
    object_unref(&child->object);
    end();
}

KTEST("vmar/undoing a map takes what is left of it, and nothing that has come in its place") {
    vaddr_t base;
    struct vmar *child;
    NEED(begin());
    struct vmar_map args = {.options = SPECIFIC_RW,
                            .offset = PAGES(2),
                            .vmo = f.vmo,
                            .vmo_offset = PAGES(2),
                            .len = PAGES(12) - 5,
                            .ceiling = PERM_ALL};
    NEED(vmar_map(f.vmar, &args, &base) == ZX_OK && base == at(2));
    NEED(map_at(f.vmar, 6, f.vmo, 30, 2, ZX_VM_SPECIFIC_OVERWRITE | RW) == ZX_OK);
    NEED(vmar_unmap(f.vmar, at(12), PAGES(2)) == ZX_OK && vmar_protect(f.vmar, 0, at(3), PAGES(1)) == ZX_OK);
    NEED(vmar_allocate(f.vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(12), PAGES(1), &child) == ZX_OK);
    NEED(map_at(f.vmar, 14, f.vmo, 14, 1, SPECIFIC_RW) == ZX_OK);
    vmar_map_undo(f.vmar, &args, base);
    for (uint64_t page = 2; page < 12; page++) EXPECT(shows(page, page == 6 || page == 7 ? (int)page + 24 : -1));
    EXPECT(!child->dead && shows(14, 14) && translations_true(f.as));
    object_unref(&child->object);
    end();
}

KTEST("vmar/destroying takes everything inside, and what is dead stays dead") {
    struct vmar *outer, *inner;
    NEED(begin() && vmar_allocate(f.vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(8), PAGES(8), &outer) == ZX_OK);
    NEED(vmar_allocate(outer, CAN_ALL | ZX_VM_SPECIFIC, PAGES(2), PAGES(4), &inner) == ZX_OK);
    NEED(map_at(outer, 0, f.vmo, 1, 2, SPECIFIC_RW) == ZX_OK && map_at(inner, 1, f.vmo, 2, 2, SPECIFIC_RW) == ZX_OK);
    EXPECT(shows(8, 1) && shows(11, 2));
    EXPECT(vmar_destroy(outer) == ZX_OK && shows(8, -1) && shows(11, -1));
    struct vmar *late;
    EXPECT(vmar_destroy(outer) == ZX_ERR_BAD_STATE && vmar_destroy(inner) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_allocate(inner, CAN_ALL, 0, PAGES(1), &late) == ZX_ERR_BAD_STATE);
    EXPECT(map_at(inner, 0, f.vmo, 0, 1, SPECIFIC_RW) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_protect(inner, 0, at(10), PAGES(1)) == ZX_ERR_BAD_STATE);
    EXPECT(inner->region.base == at(10) && inner->region.len == PAGES(4));
    EXPECT(map_at(f.vmar, 8, f.vmo, 9, 8, SPECIFIC_RW) == ZX_OK && shows(11, 12));
    object_unref(&outer->object);
    object_unref(&inner->object);
    end();
}

KTEST("vmar/ten thousand VMARs in one another are made, looked through and destroyed without recursion") {
    NEED(begin());
    struct vmar *vmar = f.vmar, *child;
    object_ref(&vmar->object);
    for (int depth = 0; depth < 10000; depth++) {
        NEED(vmar_allocate(vmar, CAN_ALL, 0, PAGES(64), &child) == ZX_OK);
        object_unref(&vmar->object);
        vmar = child;
    }
    EXPECT(map_at(vmar, 5, f.vmo, 7, 1, SPECIFIC_RW) == ZX_OK && shows(5, 7));
    EXPECT(vmar_destroy(f.vmar) == ZX_OK && vmar->dead && shows(5, -1));
    object_unref(&vmar->object);
    end();
}

/* More than go in one hold of the lock: mappings, and VMARs of a mapping each. */
#define MANY 200

static bool fill_with_many(struct vmar *vmar, struct vmo *vmo) {
    bool made = true;
    for (uint64_t i = 0; i < MANY && made; i++) {
        struct vmar *child;
        made = map_at(vmar, 4 * i, vmo, 0, 1, SPECIFIC_RW) == ZX_OK &&
               vmar_allocate(vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(4 * i + 1), PAGES(2), &child) == ZX_OK;
        if (!made) break;
        made = map_at(child, 1, vmo, 1, 1, SPECIFIC_RW) == ZX_OK;
        object_unref(&child->object);
    }
    return made;
}

/* A call by a thread that is killed already. */
struct killed_call {
    zx_status_t (*call)(struct vmar *vmar);
    struct vmar *vmar;
    zx_status_t status;
};
static void call_killed(void *arg) {
    struct killed_call *killed = arg;
    thread_interrupt(thread_current(), ATTENTION_KILL);
    killed->status = killed->call(killed->vmar);
}

/* It stops half-way and says so. */
static bool killed_stops(zx_status_t (*call)(struct vmar *vmar), struct vmar *vmar) {
    struct killed_call killed = {.call = call, .vmar = vmar};
    return run_in(NULL, call_killed, &killed) && killed.status == ZX_ERR_CANCELED;
}

static zx_status_t unmap_many(struct vmar *vmar) { return vmar_unmap(vmar, vmar->region.base, PAGES(4 * MANY)); }

KTEST("vmar/unmapping and destroying many regions stops when the thread is killed, and can be done again") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    struct vmar *vmar;
    NEED(as && vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(4 * MANY), &vmar) == ZX_OK);
    NEED(fill_with_many(vmar, vmo) && killed_stops(unmap_many, vmar));
    size_t left = vmo_counts(vmo).mappings;
    EXPECT(left > 0 && left < 2 * MANY);
    EXPECT(unmap_many(vmar) == ZX_OK && vmo_counts(vmo).mappings == 0 && RB_EMPTY(&vmar->children));
    NEED(fill_with_many(vmar, vmo) && killed_stops(vmar_destroy, vmar));
    left = vmo_counts(vmo).mappings;
    EXPECT(left > 0 && left < 2 * MANY);
    EXPECT(map_at(vmar, 0, vmo, 0, 1, SPECIFIC_RW) == ZX_OK && vmar_destroy(vmar) == ZX_OK);
    EXPECT(vmo_counts(vmo).mappings == 0 && RB_EMPTY(&as->root->children) && vmar_destroy(vmar) == ZX_ERR_BAD_STATE);
    object_unref(&vmar->object);
    vmo_unref(vmo);
    space_end(as);
}

static zx_status_t protect_many(struct vmar *vmar, uint32_t perms) {
    return vmar_protect(vmar, perms, vmar->region.base, PAGES(MANY));
}
static zx_status_t protect_many_from_writes(struct vmar *vmar) { return protect_many(vmar, PERM_READ); }

/* MANY mappings of a page each, one behind the other. */
static bool fill_with_pages(struct vmar *vmar, struct vmo *vmo) {
    bool made = true;
    for (uint64_t i = 0; i < MANY && made; i++) made = map_at(vmar, i, vmo, i % 2, 1, SPECIFIC_RW) == ZX_OK;
    return made;
}

/* How many of those pages have just these permissions. */
static size_t count_perms(struct vmar *vmar, uint32_t perms) {
    size_t count = 0;
    aspace_lock(vmar->aspace);
    for (struct region *r = region_first(&vmar->children); r; r = region_next(r))
        if (mapping_from_region(r)->perms == perms) count += r->len / PAGE_SIZE;
    mutex_unlock(&vmar->aspace->lock);
    return count;
}

KTEST("vmar/protecting many regions is all or nothing, and stops when the thread is killed") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    struct vmar *vmar;
    NEED(as && vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(MANY + 1), &vmar) == ZX_OK);
    NEED(fill_with_pages(vmar, vmo));
    EXPECT(vmar_protect(vmar, PERM_READ, vmar->region.base, PAGES(MANY + 1)) == ZX_ERR_NOT_FOUND);
    EXPECT(count_perms(vmar, RW) == MANY);
    EXPECT(killed_stops(protect_many_from_writes, vmar) && count_perms(vmar, RW) > 0);
    EXPECT(protect_many_from_writes(vmar) == ZX_OK && count_perms(vmar, PERM_READ) == MANY);
    EXPECT(protect_many(vmar, RW) == ZX_OK && count_perms(vmar, RW) == MANY);
    object_unref(&vmar->object);
    vmo_unref(vmo);
    space_end(as);
}

static struct vmo *over_vmo;
static zx_status_t map_over_many(struct vmar *vmar) {
    return map_at(vmar, 0, over_vmo, 0, MANY, RW | ZX_VM_SPECIFIC_OVERWRITE);
}

KTEST("vmar/mapping over many is all or nothing, and stops when the thread is killed") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    struct vmar *vmar, *last;
    over_vmo = vmo_of(MANY, false);
    NEED(as && vmo && over_vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(MANY + 1), &vmar) == ZX_OK);
    NEED(fill_with_pages(vmar, vmo) && killed_stops(map_over_many, vmar));
    EXPECT(vmo_counts(vmo).mappings > 0 && count_perms(vmar, RW) == MANY);
    EXPECT(map_over_many(vmar) == ZX_OK && vmo_counts(vmo).mappings == 0);
    EXPECT(vmo_counts(over_vmo).mappings == 1 && count_perms(vmar, RW) == MANY);
    NEED(vmar_unmap(vmar, vmar->region.base, PAGES(MANY)) == ZX_OK && fill_with_pages(vmar, vmo));
    NEED(vmar_unmap(vmar, vmar->region.base + PAGES(MANY - 1), PAGES(1)) == ZX_OK);
    NEED(vmar_allocate(vmar, CAN_ALL | ZX_VM_SPECIFIC, PAGES(MANY - 1), PAGES(1), &last) == ZX_OK);
    EXPECT(map_over_many(vmar) == ZX_ERR_INVALID_ARGS && vmo_counts(vmo).mappings == MANY - 1);
    EXPECT(vmo_counts(over_vmo).mappings == 0);
    object_unref(&last->object);
    object_unref(&vmar->object);
    vmo_unref(over_vmo);
    vmo_unref(vmo);
    space_end(as);
}

static zx_status_t start_in(struct vmar *root) { return aspace_start(root->aspace); }

KTEST("vmar/starting in an address space with many regions stops when the thread is killed, and can be done again") {
    const uint32_t rx = PERM_READ | PERM_EXECUTE;
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    NEED(as && vmo);
    for (unsigned i = 0; i < MANY; i++) NEED(map_pages(as->root, vmo, 0, 1, rx, rx));
    EXPECT(killed_stops(start_in, as->root) && vmo->text_count < MANY);
    EXPECT(aspace_start(as) == ZX_OK && vmo->text_count == MANY);
    vmo_unref(vmo);
    space_end(as);
}

static void end_killed(void *arg) {
    thread_interrupt(thread_current(), ATTENTION_KILL);
    space_end(arg);
}

KTEST("vmar/the end of an address space takes all, also in a killed thread, and nothing can be put into it any more") {
    struct aspace *as = space_new();
    struct vmo *vmo = vmo_of(2, false);
    struct vmar *vmar, *inner;
    NEED(as && vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(4 * MANY), &vmar) == ZX_OK);
    NEED(fill_with_many(vmar, vmo) && run_in(NULL, end_killed, as));
    EXPECT(vmo_counts(vmo).mappings == 0 && map_at(vmar, 0, vmo, 0, 1, SPECIFIC_RW) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_allocate(vmar, CAN_ALL, 0, PAGES(1), &inner) == ZX_ERR_BAD_STATE);
    object_unref(&vmar->object);
    vmo_unref(vmo);
}

/* One thread unmaps all, again and again, while another puts mappings and VMARs there. */
static atomic_bool unmapping;
static void put_meanwhile(void *arg) {
    struct {
        struct vmar *vmar;
        struct vmo *vmo;
    } *to = arg;
    while (atomic_load(&unmapping)) (void)fill_with_many(to->vmar, to->vmo);
}

KTEST("vmar/what comes while many regions are unmapped is there as a whole or not at all") {
    struct aspace *as = space_new();
    struct {
        struct vmar *vmar;
        struct vmo *vmo;
    } to = {.vmo = vmo_of(2, false)};
    static struct runner other;
    NEED(as && to.vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(4 * MANY), &to.vmar) == ZX_OK);
    atomic_store(&unmapping, true);
    NEED(fill_with_many(to.vmar, to.vmo) && runner_start(&other, NULL, put_meanwhile, &to));
    for (int i = 0; i < 50; i++) EXPECT(unmap_many(to.vmar) == ZX_OK);
    atomic_store(&unmapping, false);
    runner_join(&other);
    EXPECT(!to.vmar->dead && unmap_many(to.vmar) == ZX_OK && vmo_counts(to.vmo).mappings == 0);
    object_unref(&to.vmar->object);
    vmo_unref(to.vmo);
    space_end(as);
}

KTEST("vmar/what comes while many regions are replaced or protected is there as a whole or not at all") {
    struct aspace *as = space_new();
    struct {
        struct vmar *vmar;
        struct vmo *vmo;
    } to = {.vmo = vmo_of(2, false)};
    static struct runner other;
    over_vmo = vmo_of(MANY, false);
    NEED(as && to.vmo && over_vmo && vmar_allocate(as->root, CAN_ALL, 0, PAGES(4 * MANY), &to.vmar) == ZX_OK);
    atomic_store(&unmapping, true);
    NEED(runner_start(&other, NULL, put_meanwhile, &to));
    for (int i = 0; i < 50; i++) {
        zx_status_t status = map_over_many(to.vmar);
        EXPECT(status == ZX_OK || status == ZX_ERR_INVALID_ARGS);
        status = protect_many(to.vmar, i % 2 ? PERM_READ : RW);
        EXPECT(status == ZX_OK || status == ZX_ERR_INVALID_ARGS || status == ZX_ERR_NOT_FOUND);
        EXPECT(unmap_many(to.vmar) == ZX_OK);
    }
    atomic_store(&unmapping, false);
    runner_join(&other);
    EXPECT(unmap_many(to.vmar) == ZX_OK && vmo_counts(to.vmo).mappings == 0 && vmo_counts(over_vmo).mappings == 0);
    object_unref(&to.vmar->object);
    vmo_unref(over_vmo);
    vmo_unref(to.vmo);
    space_end(as);
}

KTEST("vmar/the root may be destroyed, and its address space ended after that") {
    NEED(begin());
    NEED(map_at(f.vmar, 0, f.vmo, 1, 1, SPECIFIC_RW) == ZX_OK && shows(0, 1));
    EXPECT(vmar_destroy(f.as->root) == ZX_OK && shows(0, -1));
    EXPECT(vmar_destroy(f.as->root) == ZX_ERR_BAD_STATE);
    EXPECT(map_pages(f.as->root, f.vmo, 0, 1, PERM_READ, PERM_READ) == 0);
    end();
}

KTEST("vmar/a VMAR outlives its address space, dead") {
    NEED(begin());
    space_end(f.as);
    EXPECT(f.vmar->dead && vmar_unmap(f.vmar, at(0), PAGES(1)) == ZX_ERR_BAD_STATE);
    object_unref(&f.vmar->object);
    vmo_unref(f.vmo);
}

KTEST("vmar/the first and the last page of user space can be mapped, and none beside them") {
    NEED(begin());
    uint64_t last = (USER_END - USER_BASE - PAGE_SIZE) >> PAGE_SHIFT;
    EXPECT(vmar_destroy(f.vmar) == ZX_OK);
    EXPECT(map_at(f.as->root, 0, f.vmo, 1, 1, SPECIFIC_RW) == ZX_OK && user_load(f.as, USER_BASE) == 1);
    EXPECT(map_at(f.as->root, last, f.vmo, 2, 1, SPECIFIC_RW) == ZX_OK && user_load(f.as, USER_END - PAGE_SIZE) == 2);
    EXPECT(map_at(f.as->root, last, f.vmo, 2, 2, SPECIFIC_RW) == ZX_ERR_INVALID_ARGS);
    EXPECT(aspace_fault(f.as, USER_END, FAULT_USER) == ZX_ERR_NOT_FOUND);
    EXPECT(aspace_fault(f.as, USER_BASE - 1, FAULT_USER) == ZX_ERR_NOT_FOUND);
    EXPECT(aspace_fault(f.as, UINT64_MAX, FAULT_USER) == ZX_ERR_NOT_FOUND);
    end();
}
