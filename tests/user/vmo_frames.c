/*
 * VMOs that keep their frames: zx_vmo_create_contiguous and zx_vmo_create_physical. What only the kernel can see of
 * them, where the frames lie and how they are translated, is in tests/kernel/vmo_frames.c.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGEST (UINT64_MAX - PAGE + 1)
#define LARGE ((size_t)2 << 20)

/* A page of low memory that the kernel leaves alone; and a device: a processor's own interrupt controller. */
#define LOW_PAGE 0x50000
#define APIC 0xfee00000
#define APIC_VERSION 0x30 /* a register that is never 0 and never changes */

static zx_handle_t contiguous(size_t size) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create_contiguous(test_resource(), size, 0, &vmo));
    return vmo;
}
static zx_handle_t physical(zx_paddr_t paddr, size_t size) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create_physical(test_resource(), paddr, size, &vmo));
    return vmo;
}

static zx_status_t op(zx_handle_t vmo, uint32_t code, uint64_t offset, uint64_t size) {
    return zx_vmo_op_range(vmo, code, offset, size, NULL, 0);
}

/* --- contiguous --- */

static zx_status_t contiguous_with(zx_handle_t resource) {
    zx_handle_t vmo = UNTOUCHED;
    zx_status_t status = zx_vmo_create_contiguous(resource, PAGE, 0, &vmo);
    EXPECT((status == ZX_OK) == (vmo != UNTOUCHED));
    if (status == ZX_OK) zx_handle_close(vmo);
    return status;
}
TEST("vmo_create_contiguous/H1 H2 H3 H4 H5 H11 only with the root resource") {
    check_handles(KIND_RESOURCE, contiguous_with);
}
TEST("vmo_create_contiguous/choices: the resource needs no right") {
    EXPECT_OK(contiguous_with(handle_with(test_resource(), ZX_RIGHT_NONE)));
}

static void contiguous_refused(zx_handle_t resource, size_t size, uint32_t align, zx_status_t status) {
    zx_handle_t vmo = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_create_contiguous(resource, size, align, &vmo), status);
    EXPECT_EQ(vmo, UNTOUCHED);
}

TEST("vmo_create_contiguous/A1 size 0, an alignment below 12 or above 63: INVALID_ARGS") {
    contiguous_refused(test_resource(), 0, 0, ZX_ERR_INVALID_ARGS);
    for (uint32_t align = 1; align < 12; align++) contiguous_refused(test_resource(), PAGE, align, ZX_ERR_INVALID_ARGS);
    const uint32_t wrong[] = {64, 65, 128, 255, 256, UINT32_MAX, 1u << 31};
    for (size_t i = 0; i < COUNT(wrong); i++) contiguous_refused(test_resource(), PAGE, wrong[i], ZX_ERR_INVALID_ARGS);
}

TEST("vmo_create_contiguous/A5 OUT_OF_RANGE if it cannot be rounded, NO_MEMORY if there is no such run") {
    contiguous_refused(test_resource(), LARGEST + 1, 0, ZX_ERR_OUT_OF_RANGE);
    contiguous_refused(test_resource(), SIZE_MAX, 12, ZX_ERR_OUT_OF_RANGE);
    contiguous_refused(test_resource(), LARGEST, 0, ZX_ERR_NO_MEMORY);
    contiguous_refused(test_resource(), (size_t)1 << 40, 0, ZX_ERR_NO_MEMORY);
    for (uint32_t align = 40; align < 64; align++) contiguous_refused(test_resource(), PAGE, align, ZX_ERR_NO_MEMORY);
}

TEST("vmo_create_contiguous/H13 size 0, alignment, resource, rounding") {
    contiguous_refused(handle_of(KIND_VMO), 0, 0, ZX_ERR_INVALID_ARGS);
    contiguous_refused(handle_of(KIND_VMO), SIZE_MAX, 1, ZX_ERR_INVALID_ARGS);
    contiguous_refused(handle_of(KIND_VMO), SIZE_MAX, 0, ZX_ERR_WRONG_TYPE);
    contiguous_refused(ZX_HANDLE_INVALID, SIZE_MAX, 0, ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmo_create_contiguous(test_resource(), SIZE_MAX, 0, NULL), ZX_ERR_OUT_OF_RANGE);
}

static void contiguous_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t *out = (zx_handle_t *)bad_targets[i];
        EXPECT_STATUS(zx_vmo_create_contiguous(test_resource(), 8 * PAGE, 0, out), ZX_ERR_INVALID_ARGS);
    }
}
TEST("vmo_create_contiguous/bad pointers are INVALID_ARGS, and no VMO stays") { check_gives_back(contiguous_badly); }

TEST("vmo_create_contiguous/T17 zeros, all committed, cached, not resizable, with the default rights") {
    zx_handle_t vmo = contiguous(5 * PAGE - 1);
    zx_info_vmo_t info = vmo_info(vmo);
    EXPECT_EQ(info.size_bytes, 5 * PAGE);
    EXPECT_EQ(info.committed_bytes, 5 * PAGE);
    EXPECT_EQ(info.cache_policy, ZX_CACHE_POLICY_CACHED);
    EXPECT_EQ(info.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_CONTIGUOUS | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT_EQ(handle_rights(vmo), ZX_DEFAULT_VMO_RIGHTS);
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
    struct memory m = memory_of(vmo, 5 * PAGE, 0);
    EXPECT_UNTOUCHED(&m);
}

TEST("vmo_create_contiguous/T17 reads, writes and mappings are as ever, large ones too") {
    zx_handle_t vmo = contiguous(2 * LARGE);
    volatile uint64_t *view = map_here(vmo, 0, 2 * LARGE, PERM_RW);
    for (size_t at = 0; at < 2 * LARGE; at += LARGE / 8) {
        poke(vmo, at, at + 1);
        EXPECT_EQ(view[at / 8], at + 1);
        view[at / 8 + 1] = at + 2;
        EXPECT_EQ(peek(vmo, at + 8), at + 2);
    }
    uint64_t word;
    EXPECT_STATUS(zx_vmo_read(vmo, &word, 2 * LARGE - 7, 8), ZX_ERR_OUT_OF_RANGE);
}

TEST("vmo_create_contiguous/set_size is UNAVAILABLE, DECOMMIT NOT_SUPPORTED, a cache policy BAD_STATE") {
    zx_handle_t vmo = contiguous(2 * PAGE);
    EXPECT_STATUS(zx_vmo_set_size(vmo, PAGE), ZX_ERR_UNAVAILABLE);
    EXPECT_STATUS(zx_vmo_set_size(vmo, UINT64_MAX), ZX_ERR_UNAVAILABLE);
    EXPECT_STATUS(op(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(op(vmo, ZX_VMO_OP_DECOMMIT, 1, UINT64_MAX), ZX_ERR_NOT_SUPPORTED);
    for (uint32_t policy = 0; policy < 4; policy++)
        EXPECT_STATUS(zx_vmo_set_cache_policy(vmo, policy), ZX_ERR_BAD_STATE);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, 2 * PAGE);
}

TEST("vmo_create_contiguous/COMMIT has nothing to do; ZERO zeroes the very bytes and gives nothing back") {
    zx_handle_t vmo = contiguous(4 * PAGE);
    struct memory m = memory_of(vmo, 4 * PAGE, 5);
    static const unsigned char zeros[4 * 4096];
    pattern_fill(m.view, m.len, m.seed);
    EXPECT_OK(op(vmo, ZX_VMO_OP_COMMIT, 1, 4 * PAGE - 1));
    EXPECT_STATUS(op(vmo, ZX_VMO_OP_COMMIT, 1, 4 * PAGE), ZX_ERR_OUT_OF_RANGE);
    EXPECT_UNTOUCHED(&m);
    EXPECT_OK(op(vmo, ZX_VMO_OP_ZERO, PAGE - 5, 2 * PAGE + 10));
    EXPECT_MEMORY(&m, PAGE - 5, zeros, 2 * PAGE + 10);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, 4 * PAGE);
}

TEST("vmo_create_contiguous/children: snapshots are ordinary copies, slices the very frames") {
    zx_handle_t vmo = contiguous(2 * PAGE), snapshot, slice;
    poke(vmo, PAGE, 1);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 3 * PAGE, &snapshot));
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, PAGE, PAGE, &slice));
    poke(vmo, PAGE, 2);
    EXPECT(peek(snapshot, PAGE) == 1 && peek(snapshot, 2 * PAGE) == 0 && peek(slice, 0) == 2);
    poke(slice, 0, 3);
    EXPECT_EQ(peek(vmo, PAGE), 3);
    EXPECT_OK(op(snapshot, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
    EXPECT_STATUS(op(slice, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
    EXPECT_EQ(vmo_info(snapshot).flags & ZX_INFO_VMO_CONTIGUOUS, 0);
    EXPECT_EQ(vmo_info(slice).flags & ZX_INFO_VMO_CONTIGUOUS, ZX_INFO_VMO_CONTIGUOUS);
    EXPECT_EQ(peek(vmo, PAGE), 3);
}

TEST("vmar_map/REQUIRE_NON_RESIZABLE takes contiguous, physical and NON_RESIZABLE memory") {
    zx_handle_t fixed;
    zx_vaddr_t addr;
    MUST(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &fixed));
    const zx_handle_t vmos[] = {fixed, contiguous(PAGE), physical(LOW_PAGE, PAGE)};
    const zx_vm_option_t options = PERM_R | ZX_VM_REQUIRE_NON_RESIZABLE | ZX_VM_MAP_RANGE;
    for (size_t i = 0; i < COUNT(vmos); i++)
        EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), options, 0, vmos[i], 0, PAGE, &addr));
}

static zx_status_t make_contiguous(void) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create_contiguous(test_resource(), 70 * PAGE, 0, &vmo);
    if (status == ZX_OK) zx_handle_close(vmo);
    return status;
}
TEST("vmo_create_contiguous/T20 NO_MEMORY at each allocation, and nothing stays") {
    check_out_of_memory(make_contiguous);
}

TEST("write_memory/T19 T16 large pages, whole and split by protect and unmap") {
    struct target t = target_make();
    zx_handle_t vmo;
    MUST(zx_vmo_create_contiguous(test_resource(), 2 * LARGE, 21, &vmo));
    struct memory m = memory_of(vmo, 2 * LARGE, 0);
    const zx_vaddr_t base = PLACE & ~(LARGE - 1);
    target_map(&t, base, vmo, 0, 2 * LARGE, PERM_RW);
    static unsigned char bytes[3 * 4096], zeros[3 * 4096];
    pattern_fill(bytes, sizeof(bytes), 9);
    EXPECT_MOVED(write_to(t.process, base + LARGE - PAGE, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_MEMORY(&m, LARGE - PAGE, bytes, sizeof(bytes));
    MUST(zx_vmar_protect(t.vmar, PERM_R, base + LARGE, PAGE));
    MUST(zx_vmar_unmap(t.vmar, base + LARGE + PAGE, PAGE));
    EXPECT_MOVED(write_to(t.process, base + LARGE - PAGE, zeros, sizeof(zeros)), 2 * PAGE);
    EXPECT_MEMORY(&m, LARGE + PAGE, bytes + 2 * PAGE, PAGE);
}

/* --- physical --- */

static zx_status_t physical_with(zx_handle_t resource) {
    zx_handle_t vmo = UNTOUCHED;
    zx_status_t status = zx_vmo_create_physical(resource, LOW_PAGE, PAGE, &vmo);
    EXPECT((status == ZX_OK) == (vmo != UNTOUCHED));
    if (status == ZX_OK) zx_handle_close(vmo);
    return status;
}
TEST("vmo_create_physical/H1 H2 H3 H4 H5 H11 only with the root resource") {
    check_handles(KIND_RESOURCE, physical_with);
}

static void physical_refused(zx_handle_t resource, zx_paddr_t paddr, size_t size, zx_status_t status) {
    zx_handle_t vmo = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_create_physical(resource, paddr, size, &vmo), status);
    EXPECT_EQ(vmo, UNTOUCHED);
}

TEST("vmo_create_physical/A1 A5 A6 A10 size 0 or too large, an address not on a page: INVALID_ARGS, after the "
     "resource") {
    const uint64_t wrong[][2] = {{LOW_PAGE, 0},
                                 {LOW_PAGE, SIZE_MAX},
                                 {LOW_PAGE, LARGEST},
                                 {LOW_PAGE + 1, PAGE},
                                 {LARGEST, PAGE},
                                 {LARGEST - PAGE, 2 * PAGE},
                                 {UINT64_MAX, PAGE},
                                 {0, (uint64_t)1 << 63},
                                 {(uint64_t)1 << 63, PAGE},
                                 {(uint64_t)1 << 52, PAGE},
                                 {((uint64_t)1 << 52) - PAGE, 2 * PAGE}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        physical_refused(test_resource(), wrong[i][0], wrong[i][1], ZX_ERR_INVALID_ARGS);
        physical_refused(handle_of(KIND_VMAR), wrong[i][0], wrong[i][1], ZX_ERR_WRONG_TYPE);
        physical_refused(ZX_HANDLE_INVALID, wrong[i][0], wrong[i][1], ZX_ERR_BAD_HANDLE);
    }
}

TEST("vmo_create_physical/A9 what the processor cannot address is INVALID_ARGS, below that any address can be read") {
    for (unsigned bit = 36; bit < 52; bit++) {
        zx_handle_t vmo;
        zx_status_t status = zx_vmo_create_physical(test_resource(), (zx_paddr_t)1 << bit, PAGE, &vmo);
        if (status != ZX_OK) {
            EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
            continue;
        }
        volatile uint64_t *view = map_here(vmo, 0, PAGE, PERM_R);
        (void)*view;
        zx_handle_close(vmo);
        unmap_here((void *)(uintptr_t)view, PAGE);
    }
}

static void physical_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++) {
        zx_handle_t *out = (zx_handle_t *)bad_targets[i];
        EXPECT_STATUS(zx_vmo_create_physical(test_resource(), LOW_PAGE, PAGE, out), ZX_ERR_INVALID_ARGS);
    }
}
TEST("vmo_create_physical/bad pointers are INVALID_ARGS, and no VMO stays") { check_gives_back(physical_badly); }

TEST("vmo_create_physical/not cached at first, nothing committed, not resizable, with the default rights") {
    zx_handle_t vmo = physical(LOW_PAGE, 2 * PAGE - 1);
    zx_info_vmo_t info = vmo_info(vmo);
    EXPECT_EQ(info.size_bytes, 2 * PAGE);
    EXPECT_EQ(info.committed_bytes, 0);
    EXPECT_EQ(info.cache_policy, ZX_CACHE_POLICY_UNCACHED);
    EXPECT_EQ(info.flags, ZX_INFO_VMO_TYPE_PHYSICAL | ZX_INFO_VMO_VIA_HANDLE);
    EXPECT_EQ(handle_rights(vmo), ZX_DEFAULT_VMO_RIGHTS);
}

/* Maps a page of low memory and keeps what is in it. */
static volatile uint64_t *low_memory(zx_handle_t *vmo, uint64_t *saved) {
    *vmo = physical(LOW_PAGE, PAGE);
    volatile uint64_t *view = map_here(*vmo, 0, PAGE, PERM_RW);
    *saved = *view;
    return view;
}

/* A mapping of its own of that memory, under that policy. */
static volatile uint64_t *low_view(uint32_t policy) {
    zx_handle_t vmo = physical(LOW_PAGE - PAGE, 2 * PAGE);
    EXPECT_OK(zx_vmo_set_cache_policy(vmo, policy));
    return map_here(vmo, PAGE, PAGE, PERM_RW | ZX_VM_MAP_RANGE);
}

TEST("vmo_create_physical/T15 all mappings of an address show the same memory, from any VMO, at any policy") {
    zx_handle_t vmo;
    uint64_t saved;
    (void)low_memory(&vmo, &saved);
    for (uint32_t policy = 0; policy < 4; policy++) {
        volatile uint64_t *view = low_view(policy), *second = low_view(policy);
        *view = 0x1234 + policy;
        EXPECT_EQ(*second, 0x1234 + policy);
        *second = saved;
        EXPECT_EQ(*view, saved);
    }
}

TEST("vmo_create_physical/a device's registers are read through a mapping") {
    volatile uint32_t *apic = map_here(physical(APIC, PAGE), 0, PAGE, PERM_R);
    EXPECT(apic[APIC_VERSION / 4] != 0 && apic[APIC_VERSION / 4] != UINT32_MAX);
}

TEST("vmo_create_physical/it can be mapped and sliced; all else is NOT_SUPPORTED") {
    zx_handle_t vmo = physical(LOW_PAGE, 2 * PAGE), child;
    uint64_t word = 0;
    const uint32_t ops[] = {ZX_VMO_OP_COMMIT,      ZX_VMO_OP_DECOMMIT,   ZX_VMO_OP_ZERO,
                            ZX_VMO_OP_LOCK,        ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE,
                            ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_UNLOCK,     ZX_VMO_OP_CACHE_CLEAN_INVALIDATE};
    EXPECT_STATUS(zx_vmo_read(vmo, &word, 0, 8), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_vmo_write(vmo, &word, 9 * PAGE, 8), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_vmo_set_size(vmo, UINT64_MAX), ZX_ERR_NOT_SUPPORTED);
    for (size_t i = 0; i < COUNT(ops); i++) EXPECT_STATUS(op(vmo, ops[i], 9 * PAGE, 0), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &child), ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 1, PAGE, &child), ZX_ERR_INVALID_ARGS);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, PAGE, PAGE, &child));
    EXPECT_STATUS(zx_vmo_read(child, &word, 0, 8), ZX_ERR_NOT_SUPPORTED);
    zx_handle_t direct = physical(LOW_PAGE + PAGE, PAGE);
    EXPECT_EQ(*(volatile uint64_t *)map_here(child, 0, PAGE, PERM_R),
              *(volatile uint64_t *)map_here(direct, 0, PAGE, PERM_R));
    EXPECT_EQ(vmo_info(child).cache_policy, ZX_CACHE_POLICY_UNCACHED);
}

TEST(
    "vmo_set_cache_policy/physical: its own at once even if mapped, another only when not; with a slice neither side") {
    zx_handle_t vmo = physical(LOW_PAGE, PAGE), slice;
    for (uint32_t policy = 0; policy < 4; policy++) {
        EXPECT_OK(zx_vmo_set_cache_policy(vmo, policy));
        void *view = map_here(vmo, 0, PAGE, PERM_R);
        EXPECT_OK(zx_vmo_set_cache_policy(vmo, policy));
        EXPECT_STATUS(zx_vmo_set_cache_policy(vmo, policy ^ 1), ZX_ERR_BAD_STATE);
        EXPECT_EQ(vmo_info(vmo).cache_policy, policy);
        unmap_here(view, PAGE);
    }
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 0, PAGE, &slice));
    EXPECT_STATUS(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmo_set_cache_policy(slice, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_vmo_set_cache_policy(slice, ZX_CACHE_POLICY_WRITE_COMBINING));
}

static zx_status_t make_physical(void) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create_physical(test_resource(), LOW_PAGE, PAGE, &vmo);
    if (status == ZX_OK) zx_handle_close(vmo);
    return status;
}
TEST("vmo_create_physical/T20 NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(make_physical); }
