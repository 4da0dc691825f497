/*
 * What address spaces can be asked for as a whole: lists of their regions, and work on ranges of addresses.
 */
#include "vm/aspace_list.h"

#include "tests/kernel/support.h"

#define CAN_ALL (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define SPECIFIC_RW (ZX_VM_SPECIFIC | RW)

static struct aspace *as;
static struct vmar *vmar; /* pages 4 to 8 of the address space */
static struct vmo *vmo;

/* Page 2 is mapped, 4 in the VMAR too, and 12 and 13 apart from each other. */
static bool begin(void) {
    as = space_new();
    vmo = vmo_of(20, false);
    return as && vmo && vmar_allocate(as->root, CAN_ALL | ZX_VM_SPECIFIC, PAGES(4), PAGES(4), &vmar) == ZX_OK &&
           map_at(as->root, 2, vmo, 2, 1, SPECIFIC_RW) == ZX_OK && map_at(vmar, 0, vmo, 4, 1, SPECIFIC_RW) == ZX_OK &&
           map_at(as->root, 12, vmo, 12, 1, SPECIFIC_RW) == ZX_OK &&
           map_at(as->root, 13, vmo, 15, 1, SPECIFIC_RW) == ZX_OK;
}

static struct region_cursor cursor;

static void end(void) {
    region_cursor_end(&cursor);
    object_unref(&vmar->object);
    space_end(as);
    vmo_unref(vmo);
}

static vaddr_t at(uint64_t page) { return USER_BASE + PAGES(page); }

/* Is the next region of that kind, at that page, that deep? */
static bool next_is(enum region_kind kind, uint64_t page, size_t depth) {
    struct region_info info;
    if (!aspace_list_next(as, &cursor, &info)) return false;
    bool same = info.kind == kind && info.base == at(page) && info.depth == depth &&
                (kind == REGION_VMAR || (info.vmo == vmo && info.perms == RW));
    region_info_release(&info);
    return same;
}

static bool list_ends(void) {
    struct region_info info;
    return !aspace_list_next(as, &cursor, &info);
}

/* The list has reached the VMAR at page 4, or what is below it at that address, and has taken nothing ahead. */
static void list_got_to(size_t depth) {
    const struct region_place place = {.begun = true, .base = at(4), .depth = depth, .vmar = vmar, .vmar_depth = 2};
    cursor = (struct region_cursor){.place = place};
    object_ref(&vmar->object);
}

KTEST("list/regions are told in order, each VMAR before what it holds") {
    NEED(begin());
    cursor = (struct region_cursor){0};
    EXPECT(next_is(REGION_VMAR, 0, 1) && next_is(REGION_MAPPING, 2, 2) && next_is(REGION_VMAR, 4, 2));
    EXPECT(next_is(REGION_MAPPING, 4, 3) && next_is(REGION_MAPPING, 12, 2) && next_is(REGION_MAPPING, 13, 2));
    EXPECT(list_ends() && list_ends());
    end();
}

KTEST("list/it goes on where it was when what it told last is gone, or something new has come") {
    NEED(begin());
    list_got_to(2);
    EXPECT(vmar_destroy(vmar) == ZX_OK && map_at(as->root, 1, vmo, 1, 1, SPECIFIC_RW) == ZX_OK);
    EXPECT(map_at(as->root, 6, vmo, 6, 1, SPECIFIC_RW) == ZX_OK);
    EXPECT(next_is(REGION_MAPPING, 6, 2) && next_is(REGION_MAPPING, 12, 2));
    EXPECT(next_is(REGION_MAPPING, 13, 2) && vmar_unmap(as->root, at(12), PAGES(2)) == ZX_OK && list_ends());
    end();
}

KTEST("list/it goes on in a VMAR that has come in the place of the one it was in, behind what it told last") {
    NEED(begin());
    list_got_to(3);
    EXPECT(vmar_destroy(vmar) == ZX_OK);
    object_unref(&vmar->object);
    NEED(vmar_allocate(as->root, CAN_ALL | ZX_VM_SPECIFIC, PAGES(4), PAGES(4), &vmar) == ZX_OK);
    EXPECT(map_at(vmar, 0, vmo, 4, 1, SPECIFIC_RW) == ZX_OK && map_at(vmar, 2, vmo, 6, 1, SPECIFIC_RW) == ZX_OK);
    EXPECT(next_is(REGION_MAPPING, 6, 3) && next_is(REGION_MAPPING, 12, 2));
    end();
}

KTEST("list/VMARs in one another at the same address are each told once") {
    struct vmar *inner = vmar, *child;
    NEED(begin());
    for (int depth = 0; depth < 20; depth++) {
        NEED(vmar_allocate(depth ? inner : as->root, CAN_ALL | ZX_VM_SPECIFIC, depth ? 0 : PAGES(20), PAGES(1),
                           &child) == ZX_OK);
        if (depth) object_unref(&inner->object);
        inner = child;
    }
    object_unref(&inner->object);
    cursor = (struct region_cursor){.place = {.begun = true, .base = at(19), .depth = 9}};
    for (size_t depth = 0; depth < 20; depth++) EXPECT(next_is(REGION_VMAR, 20, 2 + depth));
    EXPECT(list_ends());
    end();
}

KTEST("list/more regions than are taken together are told each once; one that ends early leaves nothing behind") {
    NEED(begin());
    for (uint64_t page = 20; page < 20 + 3 * REGIONS_AHEAD; page++)
        NEED(map_at(as->root, page, vmo, 0, 1, SPECIFIC_RW) == ZX_OK);
    cursor = (struct region_cursor){.place = {.begun = true, .base = at(13), .depth = 2}};
    for (uint64_t page = 20; page < 20 + 3 * REGIONS_AHEAD; page++) EXPECT(next_is(REGION_MAPPING, page, 2));
    EXPECT(list_ends());
    region_cursor_end(&cursor);
    cursor = (struct region_cursor){0};
    EXPECT(next_is(REGION_VMAR, 0, 1) && next_is(REGION_MAPPING, 2, 2));
    end();
}

KTEST("list/mappings and address spaces of a VMO are counted apart") {
    struct aspace *other = space_new();
    struct vmo *slice;
    NEED(begin() && other && vmo_slice(vmo, PAGES(1), PAGES(2), &slice) == ZX_OK);
    EXPECT(map_pages(other->root, vmo, 0, 1, RW, RW) && map_pages(other->root, slice, 0, 1, RW, RW));
    EXPECT(vmo_counts(vmo).mappings == 5 && vmo_counts(slice).mappings == 1 && vmo_counts(vmo).sharers == 2);
    space_end(other);
    EXPECT(vmo_counts(vmo).mappings == 4 && vmo_counts(vmo).sharers == 1);
    vmo_unref(slice);
    end();
}

/* What the address space's mappings show of the VMO, and what is committed of that, in pages. */
static size_t pages_here(void) {
    struct task_memory memory;
    aspace_measure(as, &memory);
    return (memory.only_here + memory.shared) >> PAGE_SHIFT;
}

KTEST("list/a page is counted once, however many mappings show it: some longer than others, some through a slice") {
    struct vmo *slice;
    NEED(begin() && vmo_commit(vmo, 0, PAGES(20)) == ZX_OK && vmo_slice(vmo, PAGES(8), PAGES(3), &slice) == ZX_OK);
    EXPECT(pages_here() == 4); /* 2, 4, 12 and 15 */
    EXPECT(map_pages(as->root, vmo, 2, 3, RW, RW) && pages_here() == 5);
    EXPECT(map_pages(as->root, vmo, 1, 5, RW, RW) && pages_here() == 7);
    EXPECT(map_pages(as->root, vmo, 1, 2, RW, RW) && map_pages(as->root, vmo, 1, 5, RW, RW) && pages_here() == 7);
    EXPECT(map_pages(as->root, slice, 1, 9, RW, RW) && pages_here() == 9);
    EXPECT(map_pages(as->root, vmo, 9, 1, RW, RW) && pages_here() == 9);
    EXPECT(map_pages(as->root, vmo, 0, 30, RW, RW) && pages_here() == 20);
    vmo_unref(slice);
    end();
}

KTEST("vmar/op_range commits, zeroes, decommits and loads what the addresses show, across mappings") {
    NEED(begin());
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, at(12), PAGES(2)) == ZX_OK);
    EXPECT(vmo_committed_bytes(vmo, PAGES(12), PAGES(1)) == PAGES(1) &&
           vmo_committed_bytes(vmo, 0, PAGES(20)) == PAGES(2));
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_MAP_RANGE, at(12), PAGES(2)) == ZX_OK);
    EXPECT(is_loaded(as, at(12)) && is_loaded(as, at(13)));
    EXPECT(user_store(as, at(13), 5) == ZX_OK && vmar_op_range(as->root, ZX_VMAR_OP_ZERO, at(13), PAGES(1)) == ZX_OK);
    EXPECT(user_load(as, at(13)) == 0 && vmo_committed_bytes(vmo, 0, PAGES(20)) == PAGES(1));
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_DECOMMIT, at(12), PAGES(2)) == ZX_OK && !is_loaded(as, at(12)));
    EXPECT(vmo_committed_bytes(vmo, 0, PAGES(20)) == 0 && translations_true(as));
    end();
}

KTEST("vmar/op_range does nothing unless all of the range will do") {
    NEED(begin());
    vaddr_t text = map_pages(as->root, vmo, 0, 1, PERM_READ, PERM_READ);
    EXPECT(text && vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, text, PAGES(1)) == ZX_ERR_ACCESS_DENIED);
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, at(12), PAGES(3)) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, at(11), PAGES(2)) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, at(4), PAGES(1)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_op_range(as->root, 99, at(12), PAGES(1)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_op_range(as->root, ZX_VMAR_OP_COMMIT, at(12) + 1, PAGES(1)) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmar_op_range(vmar, ZX_VMAR_OP_COMMIT, at(12), PAGES(1)) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_committed_bytes(vmo, 0, PAGES(20)) == 0);
    EXPECT(vmar_destroy(vmar) == ZX_OK);
    EXPECT(vmar_op_range(vmar, ZX_VMAR_OP_COMMIT, at(4), PAGES(1)) == ZX_ERR_BAD_STATE);
    end();
}
