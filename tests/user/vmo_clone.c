/*
 * zx_vmo_clone, the older spelling of a snapshot, and zx_vmo_replace_as_executable.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGEST (UINT64_MAX - PAGE + 1)
#define CLONE ZX_VMO_CLONE_COPY_ON_WRITE
#define FIXED ZX_VMO_CLONE_NON_RESIZEABLE

static zx_handle_t clone_of(zx_handle_t vmo, uint32_t options, uint64_t offset, uint64_t size) {
    zx_handle_t clone = ZX_HANDLE_INVALID;
    MUST(zx_vmo_clone(vmo, options, offset, size, &clone));
    return clone;
}

static void expect_refused(zx_handle_t vmo, uint32_t options, uint64_t offset, uint64_t size, zx_status_t status) {
    zx_handle_t clone = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_clone(vmo, options, offset, size, &clone), status);
    EXPECT_EQ(clone, UNTOUCHED);
}

static zx_handle_t physical(void) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create_physical(test_resource(), 0xfee00000, PAGE, &vmo));
    return vmo;
}

static zx_handle_t uncached(void) {
    zx_handle_t vmo = vmo_make(PAGE);
    MUST(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
    return vmo;
}

static zx_status_t clone_it(zx_handle_t vmo) {
    zx_handle_t clone = UNTOUCHED;
    zx_status_t status = zx_vmo_clone(vmo, CLONE, 0, PAGE, &clone);
    EXPECT((status == ZX_OK) == (clone != UNTOUCHED));
    if (status == ZX_OK) zx_handle_close(clone);
    return status;
}

TEST("vmo_clone/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, clone_it); }
TEST("vmo_clone/H6 H7 needs DUPLICATE and READ, and nothing else") {
    check_rights(vmo_make(PAGE), ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, clone_it);
}

TEST("vmo_clone/options: COPY_ON_WRITE must be there, and nothing but NON_RESIZEABLE beside it") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (uint32_t options = 0; options < 256; options++) {
        if (options == CLONE || options == (CLONE | FIXED)) continue;
        expect_refused(vmo, options, 0, PAGE, ZX_ERR_INVALID_ARGS);
    }
    for (uint32_t option = 256; option != 0; option <<= 1)
        expect_refused(vmo, CLONE | option, 0, PAGE, ZX_ERR_INVALID_ARGS);
}

TEST("vmo_clone/physical memory is NOT_SUPPORTED, memory that is not cached BAD_STATE") {
    expect_refused(physical(), CLONE, 0, PAGE, ZX_ERR_NOT_SUPPORTED);
    expect_refused(uncached(), CLONE, 0, PAGE, ZX_ERR_BAD_STATE);
}

TEST("vmo_clone/A1 A5 A6 A10 a size that cannot be rounded, an offset not on a page, a sum beyond 2^64") {
    zx_handle_t vmo = vmo_make(PAGE);
    expect_refused(vmo, CLONE, 0, LARGEST + 1, ZX_ERR_OUT_OF_RANGE);
    expect_refused(vmo, CLONE, 1, PAGE, ZX_ERR_INVALID_ARGS);
    expect_refused(vmo, CLONE, LARGEST, PAGE, ZX_ERR_OUT_OF_RANGE);
    expect_refused(vmo, CLONE, PAGE, LARGEST, ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(vmo_info(clone_of(vmo, CLONE, 0, 0)).size_bytes, 0);
    EXPECT_EQ(vmo_info(clone_of(vmo, CLONE, 0, 1)).size_bytes, PAGE);
    EXPECT_EQ(vmo_info(clone_of(vmo, CLONE, 0, LARGEST)).size_bytes, LARGEST);
    EXPECT_EQ(vmo_info(clone_of(vmo, CLONE, LARGEST - PAGE, PAGE)).size_bytes, PAGE);
}

TEST("vmo_clone/H13 handle, options, physical, rounding, cache policy, alignment, sum") {
    zx_handle_t weak = handle_with(vmo_make(PAGE), ZX_RIGHT_READ);
    expect_refused(ZX_HANDLE_INVALID, 0, 1, UINT64_MAX, ZX_ERR_BAD_HANDLE);
    expect_refused(handle_of(KIND_VMAR), 0, 1, UINT64_MAX, ZX_ERR_WRONG_TYPE);
    expect_refused(weak, 0, 1, UINT64_MAX, ZX_ERR_ACCESS_DENIED);
    expect_refused(physical(), 0, 1, UINT64_MAX, ZX_ERR_INVALID_ARGS);
    expect_refused(physical(), CLONE, 1, UINT64_MAX, ZX_ERR_NOT_SUPPORTED);
    expect_refused(uncached(), CLONE, 1, UINT64_MAX, ZX_ERR_OUT_OF_RANGE);
    expect_refused(uncached(), CLONE, 1, LARGEST, ZX_ERR_BAD_STATE);
    expect_refused(vmo_make(PAGE), CLONE, 1, LARGEST, ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_clone(vmo_make(PAGE), CLONE, PAGE, LARGEST, NULL), ZX_ERR_OUT_OF_RANGE);
}

static void clone_badly(void) {
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_vmo_clone(vmo, CLONE, 0, PAGE, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
    zx_handle_close(vmo);
}
TEST("vmo_clone/bad pointers are INVALID_ARGS, and no clone stays") { check_gives_back(clone_badly); }

TEST("vmo_clone/rights: the source's, both property rights and WRITE; EXECUTE stays, MAP does not come") {
    zx_handle_t vmo = vmo_make(PAGE);
    const zx_rights_t sources[] = {ZX_DEFAULT_VMO_RIGHTS, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ,
                                   ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE,
                                   ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ | ZX_RIGHT_MAP};
    for (size_t i = 0; i < COUNT(sources); i++) {
        zx_rights_t want = sources[i] | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_WRITE;
        EXPECT_EQ(handle_rights(clone_of(handle_with(vmo, sources[i]), CLONE, 0, PAGE)), want);
    }
}

TEST("vmo_clone/resizable unless NON_RESIZEABLE, whatever the parent is") {
    zx_handle_t fixed;
    MUST(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &fixed));
    EXPECT_OK(zx_vmo_set_size(clone_of(fixed, CLONE, 0, PAGE), 2 * PAGE));
    EXPECT_OK(zx_vmo_set_size(clone_of(vmo_make(PAGE), CLONE, 0, PAGE), 0));
    EXPECT_STATUS(zx_vmo_set_size(clone_of(vmo_make(PAGE), CLONE | FIXED, 0, PAGE), PAGE), ZX_ERR_UNAVAILABLE);
}

TEST("vmo_clone/choices: a real snapshot: no later write, resize or decommit shows on the other side") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    for (uint64_t i = 0; i < 3; i++) poke(vmo, i * PAGE, 10 + i);
    zx_handle_t clone = clone_of(vmo, CLONE, 0, 4 * PAGE);
    poke(vmo, 0, 20);
    EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, PAGE, PAGE, NULL, 0));
    EXPECT_OK(zx_vmo_set_size(vmo, 2 * PAGE));
    for (uint64_t i = 0; i < 3; i++) EXPECT_EQ(peek(clone, i * PAGE), 10 + i);
    EXPECT_EQ(peek(clone, 3 * PAGE), 0);
    poke(clone, 0, 30);
    EXPECT_EQ(peek(vmo, 0), 20);
    EXPECT_OK(zx_vmo_set_size(vmo, 4 * PAGE));
    poke(vmo, 3 * PAGE, 40);
    EXPECT_EQ(peek(clone, 3 * PAGE), 0);
}

TEST("vmo_clone/T11 of a clone, at an offset, wholly beyond the end, and of contiguous memory") {
    zx_handle_t vmo = vmo_make(3 * PAGE), run;
    for (uint64_t i = 0; i < 3; i++) poke(vmo, i * PAGE, 10 + i);
    zx_handle_t second = clone_of(clone_of(vmo, CLONE, PAGE, 2 * PAGE), CLONE, PAGE, 2 * PAGE);
    EXPECT_EQ(peek(second, 0), 12);
    EXPECT_EQ(peek(second, PAGE), 0);
    EXPECT_EQ(peek(clone_of(vmo, CLONE, 9 * PAGE, PAGE), 0), 0);
    MUST(zx_vmo_create_contiguous(test_resource(), 2 * PAGE, 0, &run));
    poke(run, PAGE, 7);
    zx_handle_t ordinary = clone_of(run, CLONE, PAGE, 2 * PAGE);
    EXPECT_EQ(peek(ordinary, 0), 7);
    poke(ordinary, 0, 8);
    EXPECT_EQ(peek(run, PAGE), 7);
    EXPECT_OK(zx_vmo_set_size(ordinary, 0));
    EXPECT_EQ(vmo_info(ordinary).flags & (ZX_INFO_VMO_CONTIGUOUS | ZX_INFO_VMO_IS_COW_CLONE), ZX_INFO_VMO_IS_COW_CLONE);
}

static zx_status_t clone_one(void) {
    static zx_handle_t vmo;
    if (!vmo) vmo = vmo_make(100 * PAGE);
    poke(vmo, 0, 1);
    poke(vmo, 90 * PAGE, 1);
    zx_handle_t clone;
    zx_status_t status = zx_vmo_clone(vmo, CLONE, 0, 80 * PAGE, &clone);
    if (status == ZX_OK) zx_handle_close(clone);
    EXPECT_EQ(peek(vmo, 90 * PAGE), 1);
    return status;
}
TEST("vmo_clone/T20 NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(clone_one); }

/* --- zx_vmo_replace_as_executable --- */

/* The handle that takes the old one's place; the old one is gone in any case. */
static zx_status_t replace(zx_handle_t vmo, zx_handle_t vmex, zx_handle_t *out) {
    *out = UNTOUCHED;
    zx_status_t status = zx_vmo_replace_as_executable(vmo, vmex, out);
    EXPECT((status == ZX_OK) == (*out != UNTOUCHED));
    EXPECT(!is_handle(vmo));
    return status;
}

static zx_status_t replace_bad(zx_handle_t vmo) {
    zx_handle_t out = UNTOUCHED;
    zx_status_t status = zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &out);
    EXPECT_EQ(out, UNTOUCHED);
    return status;
}
TEST("vmo_replace_as_executable/H1 H2 H3 H4 H11 what is no handle is BAD_HANDLE") { check_bad_handles(replace_bad); }

TEST("vmo_replace_as_executable/the same object with EXECUTE and the old rights, from any rights, vmex or 0") {
    const zx_rights_t sources[] = {ZX_RIGHT_NONE, ZX_DEFAULT_VMO_RIGHTS, ZX_RIGHT_READ | ZX_RIGHT_MAP};
    for (size_t i = 0; i < COUNT(sources); i++) {
        zx_handle_t vmo = vmo_make(PAGE), out;
        NEED_OK(replace(handle_with(vmo, sources[i]), i == 0 ? ZX_HANDLE_INVALID : test_resource(), &out));
        EXPECT_EQ(handle_rights(out), sources[i] | ZX_RIGHT_EXECUTE);
        EXPECT_EQ(basic_info(out).koid, basic_info(vmo).koid);
    }
}

TEST("vmo_replace_as_executable/what a snapshot lost can be had again, and run") {
    zx_handle_t vmo = vmo_make(PAGE), snapshot, out;
    const unsigned char ret = 0xc3;
    MUST(zx_vmo_write(vmo, &ret, 0, 1));
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    zx_vaddr_t addr;
    EXPECT_STATUS(zx_vmar_map(zx_vmar_root_self(), PERM_RX, 0, snapshot, 0, PAGE, &addr), ZX_ERR_ACCESS_DENIED);
    NEED_OK(replace(snapshot, ZX_HANDLE_INVALID, &out));
    ((void (*)(void))map_here(out, 0, PAGE, PERM_RX))();
}

TEST("vmo_replace_as_executable/the handle is gone on every failure: vmex first, then the type, then the pointer") {
    zx_handle_t out;
    EXPECT_STATUS(replace(vmo_make(PAGE), UINT32_MAX, &out), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(replace(vmo_make(PAGE), handle_of(KIND_VMAR), &out), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(replace(pair_make().a, handle_of(KIND_VMAR), &out), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(replace(pair_make().a, test_resource(), &out), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmo_replace_as_executable(pair_make().a, ZX_HANDLE_INVALID, NULL), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmo_replace_as_executable(ZX_HANDLE_INVALID, handle_of(KIND_VMAR), NULL), ZX_ERR_BAD_HANDLE);
}

static void replace_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t vmo = vmo_make(PAGE);
        EXPECT_STATUS(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, (zx_handle_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT(!is_handle(vmo));
    }
}
TEST("vmo_replace_as_executable/bad pointers are INVALID_ARGS, and object and handle are gone") {
    check_gives_back(replace_badly);
}
