/*
 * zx_vmar_allocate and zx_vmar_map: what they check, in which order, and where things come to lie. Rights and
 * permissions are in vmar_rights.c; unmapping, protecting and destroying in vmar_change.c.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CAN_SPECIFIC ZX_VM_CAN_MAP_SPECIFIC
#define SPECIFIC ZX_VM_SPECIFIC
#define OVERWRITE ZX_VM_SPECIFIC_OVERWRITE
#define LEN (16 * PAGE)
#define BELOW_TOP(pages) (UINT64_MAX - (pages)*PAGE + 1)

/* A region to try things in: LEN bytes that allow all but what a test says. */
static zx_vaddr_t region_base;
static zx_handle_t region_make(zx_vm_option_t can) {
    zx_handle_t vmar = ZX_HANDLE_INVALID;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), can, 0, LEN, &vmar, &region_base));
    return vmar;
}
static zx_handle_t region_full(void) { return region_make(CAN_RWX | CAN_SPECIFIC); }

static zx_status_t allocate(zx_handle_t parent, zx_vm_option_t options, uint64_t offset, uint64_t size) {
    zx_handle_t child = UNTOUCHED;
    zx_vaddr_t addr = UNTOUCHED;
    zx_status_t status = zx_vmar_allocate(parent, options, offset, size, &child, &addr);
    EXPECT((status == ZX_OK) == (child != UNTOUCHED) && (status == ZX_OK) == (addr != UNTOUCHED));
    return status;
}

static zx_status_t map(zx_handle_t vmar, zx_vm_option_t options, uint64_t offset, zx_handle_t vmo, uint64_t vmo_offset,
                       uint64_t len) {
    zx_vaddr_t addr = UNTOUCHED;
    zx_status_t status = zx_vmar_map(vmar, options, offset, vmo, vmo_offset, len, &addr);
    EXPECT((status == ZX_OK) == (addr != UNTOUCHED));
    return status;
}

static zx_status_t allocate_in(zx_handle_t vmar) { return allocate(vmar, 0, 0, PAGE); }
TEST("vmar_allocate/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMAR, allocate_in); }
TEST("vmar_allocate/H6 without CAN_MAP_READ and the like no right is needed") {
    EXPECT_OK(allocate_in(handle_with(region_full(), ZX_RIGHT_NONE)));
}

TEST("vmar_allocate/unknown options, PERM bits and those of map are INVALID_ARGS") {
    zx_vm_option_t known = ZX_VM_COMPACT | SPECIFIC | CAN_RWX | CAN_SPECIFIC;
    for (zx_vm_option_t option = 1; option != 0; option <<= 1) {
        EXPECT_STATUS(allocate(region_full(), option, option == SPECIFIC ? LEN - PAGE : 0, PAGE),
                      option & known ? ZX_OK : ZX_ERR_INVALID_ARGS);
    }
}

TEST("vmar_allocate/A1 A3 the size is whole pages, not 0 and not rounded") {
    zx_handle_t vmar = region_full();
    const uint64_t wrong[] = {0, 1, PAGE - 1, PAGE + 1, UINT64_MAX, LEN + PAGE, LEN + 1, (uint64_t)1 << 63};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(allocate(vmar, 0, 0, wrong[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(allocate(vmar, SPECIFIC, PAGE, wrong[i]), ZX_ERR_INVALID_ARGS);
    }
}

TEST("vmar_allocate/A5 A6 A10 the place: within the parent, on a page, offset 0 unless SPECIFIC") {
    zx_handle_t vmar = region_full();
    const uint64_t wrong[] = {1, PAGE / 2, LEN, LEN - PAGE + 1, LEN + PAGE, UINT64_MAX, UINT64_MAX - PAGE + 1};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(allocate(vmar, SPECIFIC, wrong[i], PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(vmar, 0, PAGE, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(vmar, SPECIFIC, LEN - PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(allocate(vmar, SPECIFIC, LEN - PAGE, PAGE));
    EXPECT_OK(allocate(vmar, SPECIFIC, 0, PAGE));
}

TEST("vmar_allocate/H13 rights, options, alignment, life, size 0, permissions, offset, SPECIFIC, range, overlap") {
    zx_handle_t dead = region_full();
    MUST(zx_vmar_destroy(dead));
    zx_handle_t weak = handle_with(dead, ZX_RIGHT_WRITE);
    EXPECT_STATUS(allocate(weak, CAN_RW | ZX_VM_MAP_RANGE, 1, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(allocate(dead, CAN_RW | ZX_VM_MAP_RANGE, 1, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(dead, CAN_RW, 1, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(dead, CAN_RW, 1, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(allocate(dead, CAN_RW, 1, LEN * 2), ZX_ERR_BAD_STATE);
    zx_handle_t plain = region_make(CAN_RW);
    EXPECT_STATUS(allocate(plain, SPECIFIC, 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(plain, 0, 1, LEN * 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(plain, SPECIFIC, LEN * 2, PAGE), ZX_ERR_ACCESS_DENIED);
    zx_handle_t full = region_full();
    EXPECT_OK(allocate(full, 0, 0, PAGE));
    EXPECT_STATUS(allocate(full, SPECIFIC, 1, LEN), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(allocate(full, SPECIFIC, 0, LEN), ZX_ERR_NO_MEMORY);
}

TEST("vmar_allocate/the permissions asked for must be the parent's: ACCESS_DENIED") {
    zx_handle_t vmar = region_make(ZX_VM_CAN_MAP_READ);
    EXPECT_STATUS(allocate(vmar, ZX_VM_CAN_MAP_WRITE, 0, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(allocate(vmar, ZX_VM_CAN_MAP_EXECUTE, 0, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(allocate(vmar, ZX_VM_CAN_MAP_READ | CAN_SPECIFIC, 0, PAGE));
}

TEST("vmar_allocate/SPECIFIC needs the parent's CAN_MAP_SPECIFIC, which a child may have though its parent has not") {
    zx_handle_t vmar = region_make(CAN_RW);
    zx_handle_t child;
    zx_vaddr_t addr;
    EXPECT_STATUS(allocate(vmar, SPECIFIC, 0, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(map(vmar, SPECIFIC, 0, handle_of(KIND_VMO), 0, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(map(vmar, OVERWRITE, 0, handle_of(KIND_VMO), 0, PAGE), ZX_ERR_ACCESS_DENIED);
    NEED_OK(zx_vmar_allocate(vmar, CAN_RW | CAN_SPECIFIC, 0, 4 * PAGE, &child, &addr));
    EXPECT_OK(allocate(child, SPECIFIC, PAGE, PAGE));
    EXPECT_OK(map(child, SPECIFIC, 2 * PAGE, handle_of(KIND_VMO), 0, PAGE));
}

static void allocate_badly(void) {
    zx_handle_t vmar = region_full();
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t child = UNTOUCHED;
        zx_vaddr_t addr = UNTOUCHED;
        EXPECT_STATUS(zx_vmar_allocate(vmar, 0, 0, LEN, (zx_handle_t *)bad_targets[i], &addr), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmar_allocate(vmar, 0, 0, LEN, &child, (zx_vaddr_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(child));
    }
    EXPECT_OK(allocate(vmar, SPECIFIC, 0, LEN));
    MUST(zx_vmar_destroy(vmar));
    zx_handle_close(vmar);
}

TEST("vmar_allocate/bad pointers for either result are INVALID_ARGS, and the region is gone again") {
    allocate_badly();
}

static zx_status_t allocate_and_destroy(void) {
    zx_handle_t child;
    zx_vaddr_t addr;
    zx_status_t status = zx_vmar_allocate(zx_vmar_root_self(), CAN_RW, 0, PAGE, &child, &addr);
    if (status != ZX_OK) return status;
    MUST(zx_vmar_destroy(child));
    return zx_handle_close(child);
}
TEST("vmar_allocate/NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(allocate_and_destroy); }

TEST("vmar_allocate/overlap with anything is NO_MEMORY, beside it is fine; so too for mappings") {
    zx_handle_t vmo = vmo_make(4 * PAGE);
    const uint64_t taken[][2] = {{4, 4}, {3, 2}, {7, 2}, {3, 6}, {5, 1}, {0, 16}, {4, 1}, {7, 1}};
    for (int with_mapping = 0; with_mapping < 2; with_mapping++) {
        zx_handle_t vmar = region_full();
        NEED_OK(with_mapping ? map(vmar, SPECIFIC | PERM_R, 4 * PAGE, vmo, 0, 4 * PAGE)
                             : allocate(vmar, SPECIFIC, 4 * PAGE, 4 * PAGE));
        for (size_t i = 0; i < COUNT(taken); i++) {
            uint64_t offset = taken[i][0] * PAGE;
            uint64_t len = taken[i][1] * PAGE;
            EXPECT_STATUS(allocate(vmar, SPECIFIC, offset, len), ZX_ERR_NO_MEMORY);
            EXPECT_STATUS(map(vmar, SPECIFIC | PERM_R, offset, vmo, 0, len), ZX_ERR_NO_MEMORY);
        }
        EXPECT_OK(allocate(vmar, SPECIFIC, 3 * PAGE, PAGE));
        EXPECT_OK(map(vmar, SPECIFIC | PERM_R, 8 * PAGE, vmo, 0, PAGE));
    }
}

TEST("vmar_allocate/the whole of the parent, and then there is no room") {
    zx_handle_t vmar = region_full();
    EXPECT_OK(allocate(vmar, 0, 0, LEN));
    EXPECT_STATUS(allocate(vmar, 0, 0, PAGE), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(map(vmar, PERM_R, 0, handle_of(KIND_VMO), 0, PAGE), ZX_ERR_NO_MEMORY);
}

TEST("vmar_allocate/nested regions lie within their parents, apart from each other") {
    zx_handle_t vmar = region_full();
    zx_info_vmar_t outer = vmar_info(vmar);
    for (int depth = 0; depth < 6; depth++) {
        zx_handle_t child;
        zx_handle_t sibling;
        zx_vaddr_t addr;
        zx_vaddr_t beside;
        uint64_t size = outer.len - PAGE;
        NEED_OK(zx_vmar_allocate(vmar, CAN_RWX | (depth % 2 ? ZX_VM_COMPACT : 0), 0, size, &child, &addr));
        NEED_OK(zx_vmar_allocate(vmar, ZX_VM_COMPACT, 0, PAGE, &sibling, &beside));
        zx_info_vmar_t inner = vmar_info(child);
        EXPECT(inner.base == addr && inner.len == size);
        EXPECT(inner.base >= outer.base && inner.base + inner.len <= outer.base + outer.len);
        EXPECT(beside + PAGE <= addr || beside >= addr + size);
        vmar = child;
        outer = inner;
    }
    zx_vaddr_t mapped;
    NEED_OK(zx_vmar_map(vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &mapped));
    EXPECT(mapped >= outer.base && mapped + PAGE <= outer.base + outer.len);
    EXPECT(can_write(mapped));
}

static void nest_deep(void) {
    zx_handle_t vmar = zx_vmar_root_self();
    zx_handle_t top = ZX_HANDLE_INVALID;
    for (int depth = 0; depth < 2000; depth++) {
        zx_handle_t child;
        zx_vaddr_t addr;
        MUST(zx_vmar_allocate(vmar, CAN_RW, 0, LEN, &child, &addr));
        if (vmar != zx_vmar_root_self() && vmar != top) zx_handle_close(vmar);
        if (top == ZX_HANDLE_INVALID) top = child;
        vmar = child;
    }
    zx_vaddr_t mapped;
    MUST(zx_vmar_map(vmar, PERM_RW, 0, handle_of(KIND_VMO), 0, PAGE, &mapped));
    EXPECT(can_write(mapped));
    MUST(zx_vmar_destroy(top));
    EXPECT(!can_read(mapped));
    zx_handle_close(top);
    zx_handle_close(vmar);
}
TEST("vmar_allocate/regions nested very deep are used and destroyed without recursion") { check_gives_back(nest_deep); }

static zx_status_t map_in(zx_handle_t vmar) { return map(vmar, 0, 0, handle_of(KIND_VMO), 0, PAGE); }
static zx_status_t map_it(zx_handle_t vmo) { return map(handle_of(KIND_VMAR), 0, 0, vmo, 0, PAGE); }
TEST("vmar_map/H1 H2 H3 H4 H5 H11 bad handles for the region") { check_handles(KIND_VMAR, map_in); }
TEST("vmar_map/H1 H2 H3 H4 H5 H11 bad handles for the VMO") { check_handles(KIND_VMO, map_it); }
TEST("vmar_map/H6 needs MAP on the VMO, and no right on the region to map nothing") {
    check_rights(vmo_make(PAGE), ZX_RIGHT_MAP, map_it);
    EXPECT_OK(map_in(handle_with(region_full(), ZX_RIGHT_NONE)));
}

TEST("vmar_map/unknown options and those of allocate are INVALID_ARGS") {
    const zx_vm_option_t known =
        PERM_RW | ZX_VM_PERM_EXECUTE | SPECIFIC | OVERWRITE | ZX_VM_MAP_RANGE | ZX_VM_REQUIRE_NON_RESIZABLE;
    zx_handle_t vmo;
    NEED_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    for (zx_vm_option_t option = 1; option != 0; option <<= 1) {
        uint64_t offset = option == SPECIFIC ? LEN - PAGE : 0;
        EXPECT_STATUS(map(region_full(), option | PERM_R, offset, vmo, 0, PAGE),
                      option & known ? ZX_OK : ZX_ERR_INVALID_ARGS);
    }
    EXPECT_STATUS(map(region_full(), PERM_R | OVERWRITE | ZX_VM_MAP_RANGE, 0, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
}

TEST("vmar_map/REQUIRE_NON_RESIZABLE with a VMO that is resizable is NOT_SUPPORTED") {
    EXPECT_STATUS(map(region_full(), PERM_R | ZX_VM_REQUIRE_NON_RESIZABLE, 0, vmo_make(PAGE), 0, PAGE),
                  ZX_ERR_NOT_SUPPORTED);
}

TEST("vmar_map/A1 A5 A6 A10 the VMO's offset is on a page and the sum below 2^64; the length is rounded, not 0") {
    zx_handle_t vmar = region_full();
    zx_handle_t vmo = vmo_make(PAGE);
    const uint64_t wrong[][2] = {{1, PAGE},
                                 {PAGE - 1, 1},
                                 {0, 0},
                                 {0, UINT64_MAX},
                                 {BELOW_TOP(1), PAGE},
                                 {BELOW_TOP(1), 1},
                                 {BELOW_TOP(2), PAGE + 1},
                                 {0, LEN + 1},
                                 {0, LEN + PAGE}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(map(vmar, PERM_R, 0, vmo, wrong[i][0], wrong[i][1]), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(map(vmar, PERM_R | SPECIFIC, 0, vmo, BELOW_TOP(2), PAGE));
    EXPECT_OK(map(vmar, PERM_R | SPECIFIC, PAGE, vmo, 0, 1));
    EXPECT_OK(map(vmar, PERM_R, 0, vmo, 0, LEN - 3 * PAGE + 1));
    EXPECT_STATUS(map(vmar, PERM_R, 0, vmo, 0, 1), ZX_ERR_NO_MEMORY);
}

TEST("vmar_map/A6 A7 A8 A9 the place: within the region, on a page, offset 0 unless SPECIFIC") {
    zx_handle_t vmar = region_full();
    zx_handle_t vmo = vmo_make(PAGE);
    const uint64_t wrong[] = {1, LEN, LEN - PAGE + 1, UINT64_MAX, UINT64_MAX - PAGE + 1};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(map(vmar, PERM_R | SPECIFIC, wrong[i], vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(map(vmar, PERM_R | OVERWRITE, wrong[i], vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_STATUS(map(vmar, PERM_R, PAGE, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(vmar, PERM_R | SPECIFIC, LEN - PAGE, vmo, 0, PAGE + 1), ZX_ERR_INVALID_ARGS);
    const uint64_t all = USER_END - USER_BASE;
    EXPECT_STATUS(map(zx_vmar_root_self(), PERM_R | SPECIFIC, all, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(zx_vmar_root_self(), PERM_R | SPECIFIC, all - PAGE, vmo, 0, 2 * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(zx_vmar_root_self(), PERM_R | SPECIFIC, 0 - USER_BASE, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(map(zx_vmar_root_self(), PERM_RW | SPECIFIC, all - PAGE, vmo, 0, PAGE));
    EXPECT(can_write(USER_END - 1) && !can_read(USER_END));
}

TEST("vmar_map/H13 region, VMO, MAP, WRITE alone, RANGE with OVERWRITE, CAN_MAP, rights, options, and so on") {
    const zx_vm_option_t all_wrong = PERM_RW | ZX_VM_CAN_MAP_READ | OVERWRITE | ZX_VM_MAP_RANGE | 1u << 31;
    zx_handle_t dead = region_make(ZX_VM_CAN_MAP_READ);
    MUST(zx_vmar_destroy(dead));
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t weak = handle_with(vmo, ZX_RIGHT_READ);
    EXPECT_STATUS(map(ZX_HANDLE_INVALID, all_wrong, 1, ZX_HANDLE_INVALID, 1, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(map(vmo, all_wrong, 1, ZX_HANDLE_INVALID, 1, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(map(dead, all_wrong, 1, ZX_HANDLE_INVALID, 1, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(map(dead, all_wrong, 1, dead, 1, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(map(dead, all_wrong, 1, weak, 1, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(map(dead, ZX_VM_PERM_WRITE, 1, handle_with(vmo, ZX_RIGHT_MAP), 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(dead, PERM_RW | 1u << 31, 1, vmo, 1, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(map(dead, PERM_R | 1u << 31 | ZX_VM_REQUIRE_NON_RESIZABLE, 1, vmo, 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(dead, PERM_R | ZX_VM_COMPACT | ZX_VM_REQUIRE_NON_RESIZABLE, 1, vmo, 1, 0), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(map(dead, PERM_R | ZX_VM_COMPACT, 1, vmo, 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(dead, PERM_R, 1, vmo, 1, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(dead, PERM_R, 1, vmo, 0, 0), ZX_ERR_BAD_STATE);
}

TEST("vmar_map/H13 then length 0, the ceiling, offset, SPECIFIC, range, alignment, overlap") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t vmar = region_make(CAN_RW);
    EXPECT_STATUS(map(vmar, PERM_R, 1, vmo, 0, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(vmar, PERM_R, PAGE, vmo, 0, 2 * LEN), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(vmar, PERM_R | SPECIFIC, 2 * LEN + 1, vmo, 0, PAGE), ZX_ERR_ACCESS_DENIED);
    zx_handle_t full = region_full();
    EXPECT_OK(map(full, PERM_R | SPECIFIC, 0, vmo, 0, PAGE));
    EXPECT_STATUS(map(full, PERM_R | SPECIFIC, 1, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map(full, PERM_R | SPECIFIC, 0, vmo, 0, PAGE), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(zx_vmar_map(full, PERM_R | SPECIFIC, 0, vmo, 0, PAGE, NULL), ZX_ERR_NO_MEMORY);
}

TEST("vmar_map/bad pointers are INVALID_ARGS, and the mapping is gone again") {
    zx_handle_t vmar = region_full();
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < bad_target_count; i++) {
        EXPECT_STATUS(zx_vmar_map(vmar, PERM_R | SPECIFIC, 0, vmo, 0, PAGE, (zx_vaddr_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
    }
    EXPECT(!can_read(region_base));
    EXPECT_OK(allocate(vmar, SPECIFIC, 0, LEN));
}

TEST("vmar_map/a bad pointer with SPECIFIC_OVERWRITE: what was overwritten is gone too, and nothing beside it") {
    zx_handle_t vmar = region_full();
    zx_handle_t vmo = vmo_make(LEN);
    NEED_OK(map(vmar, PERM_RW | SPECIFIC, 0, vmo, 0, LEN));
    EXPECT_STATUS(zx_vmar_map(vmar, PERM_R | OVERWRITE, 2 * PAGE, vmo, 0, 2 * PAGE, NULL), ZX_ERR_INVALID_ARGS);
    for (uint64_t i = 0; i < 16; i++) EXPECT_EQ(can_write(region_base + i * PAGE), i < 2 || i >= 4);
    EXPECT_OK(allocate(vmar, SPECIFIC, 2 * PAGE, 2 * PAGE));
}

static zx_status_t map_and_unmap(void) {
    zx_vaddr_t addr;
    zx_handle_t vmo = handle_of(KIND_VMO);
    zx_status_t status = zx_vmar_map(zx_vmar_root_self(), PERM_R | ZX_VM_MAP_RANGE, 0, vmo, 0, PAGE, &addr);
    if (status == ZX_OK) unmap_here((void *)addr, PAGE);
    return status;
}
TEST("vmar_map/T20 NO_MEMORY at each allocation, and nothing stays") {
    poke(handle_of(KIND_VMO), 0, 1);
    check_out_of_memory(map_and_unmap);
}

TEST("vmar_map/any number of mappings of one VMO, at any offset, in any process, all show the same") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    struct target target = target_make();
    volatile uint64_t *views[20];
    for (size_t i = 0; i < 20; i++) views[i] = map_here(vmo, i % 3 * PAGE, PAGE, PERM_RW);
    target_map(&target, PLACE, vmo, PAGE, PAGE, PERM_R);
    for (size_t i = 0; i < 20; i++) {
        *views[i] = i + 1;
        EXPECT_EQ(peek(vmo, i % 3 * PAGE), i + 1);
    }
    for (size_t i = 0; i < 20; i++) EXPECT_EQ(*views[i], 18 + (i + 1) % 3);
    const uint64_t second = 20;
    EXPECT_TARGET(&target, PLACE, &second, 8);
}

TEST("vmar_map/a page first read and then written through one mapping shows in all") {
    zx_handle_t vmo = vmo_make(PAGE);
    volatile uint64_t *one = map_here(vmo, 0, PAGE, PERM_RW);
    volatile uint64_t *two = map_here(vmo, 0, PAGE, PERM_R);
    EXPECT(*one == 0 && *two == 0);
    *one = 5;
    EXPECT_EQ(*two, 5);
}

TEST("vmar_map/the mapping keeps the VMO, not the VMO's handle, nor the region's") {
    zx_handle_t vmar = region_full();
    zx_handle_t vmo = vmo_make(PAGE);
    zx_vaddr_t addr;
    NEED_OK(zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, PAGE, &addr));
    MUST(zx_handle_close(vmo));
    MUST(zx_handle_close(vmar));
    *(volatile uint64_t *)addr = 6;
    EXPECT_EQ(*(volatile uint64_t *)addr, 6);
}

TEST("vmar_map/A12 parts beyond the VMO's end fault, and work when it grows") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_vaddr_t view = (zx_vaddr_t)map_here(vmo, 0, 3 * PAGE, PERM_RW);
    EXPECT(can_write(view) && !can_read(view + PAGE) && !can_read(view + 2 * PAGE));
    NEED_OK(zx_vmo_set_size(vmo, 2 * PAGE));
    EXPECT(can_write(view + PAGE) && !can_read(view + 2 * PAGE));
    EXPECT(!can_read((zx_vaddr_t)map_here(vmo, 100 * PAGE, PAGE, PERM_R)));
}

TEST("vmar_map/no permission at all holds place and VMO, and faults") {
    zx_vaddr_t view = (zx_vaddr_t)map_here(vmo_make(PAGE), 0, PAGE, PERM_NONE);
    EXPECT(!can_read(view));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, view, PAGE));
    EXPECT(can_write(view));
}

TEST("vmar_map/MAP_RANGE at an offset, over holes and beyond the end; it commits nothing") {
    zx_handle_t vmo = vmo_make(4 * PAGE);
    poke(vmo, PAGE, 11);
    poke(vmo, 3 * PAGE, 33);
    volatile uint64_t *view = map_here(vmo, PAGE, 8 * PAGE, PERM_RW | ZX_VM_MAP_RANGE);
    EXPECT(view[0] == 11 && view[512] == 0 && view[1024] == 33);
    EXPECT(!can_read((zx_vaddr_t)view + 3 * PAGE));
    view[0] = 12;
    EXPECT_EQ(peek(vmo, PAGE), 12);
    zx_handle_t empty = vmo_make(4 * PAGE);
    void *none = map_here(empty, 0, 4 * PAGE, PERM_RW | ZX_VM_MAP_RANGE);
    unmap_here(none, 4 * PAGE);
    EXPECT_OK(zx_vmo_set_cache_policy(empty, ZX_CACHE_POLICY_CACHED));
}

TEST("vmar_map/MAP_RANGE of a snapshot: the first store still makes its own page") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t snapshot;
    poke(vmo, 0, 1);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    volatile uint64_t *view = map_here(snapshot, 0, PAGE, PERM_RW | ZX_VM_MAP_RANGE);
    view[0] = 2;
    EXPECT(peek(vmo, 0) == 1 && peek(snapshot, 0) == 2);
}
