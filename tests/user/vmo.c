/*
 * Making, reading, writing and resizing VMOs: zx_vmo_create, zx_vmo_read, zx_vmo_write, zx_vmo_get_size and
 * zx_vmo_set_size.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGEST (UINT64_MAX - PAGE + 1)

static uint64_t size_of(zx_handle_t vmo) {
    uint64_t size = UNTOUCHED;
    MUST(zx_vmo_get_size(vmo, &size));
    return size;
}

static zx_handle_t fixed_vmo(uint64_t size) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create(size, ZX_VMO_NON_RESIZABLE, &vmo));
    return vmo;
}

TEST("vmo_create/A1 A2 A3 the size is rounded up to pages; 0 is a size") {
    const uint64_t sizes[][2] = {{0, 0},
                                 {1, PAGE},
                                 {PAGE - 1, PAGE},
                                 {PAGE, PAGE},
                                 {PAGE + 1, 2 * PAGE},
                                 {10 * PAGE, 10 * PAGE},
                                 {LARGEST - 1, LARGEST},
                                 {LARGEST, LARGEST}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (uint32_t options = 0; options <= 2; options++) {
            zx_handle_t vmo;
            NEED_OK(zx_vmo_create(sizes[i][0], options, &vmo));
            EXPECT_EQ(size_of(vmo), sizes[i][1]);
            MUST(zx_handle_close(vmo));
        }
    }
}

TEST("vmo_create/A5 a size that rounds to 2^64 is OUT_OF_RANGE") {
    zx_handle_t vmo = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_create(LARGEST + 1, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_create(UINT64_MAX, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(vmo, UNTOUCHED);
}

TEST("vmo_create/unknown options and the two that exclude each other are INVALID_ARGS") {
    zx_handle_t vmo = UNTOUCHED;
    for (uint32_t option = 4; option != 0; option <<= 1)
        EXPECT_STATUS(zx_vmo_create(PAGE, option, &vmo), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_create(PAGE, ZX_VMO_RESIZABLE | ZX_VMO_NON_RESIZABLE, &vmo), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_create(PAGE, UINT32_MAX, &vmo), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(vmo, UNTOUCHED);
}

TEST("vmo_create/H13 options, then the size, then the pointer") {
    EXPECT_STATUS(zx_vmo_create(UINT64_MAX, 4, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_create(UINT64_MAX, 0, NULL), ZX_ERR_OUT_OF_RANGE);
}

TEST("vmo_create/the handle has the default rights, and ZERO_CHILDREN is asserted") {
    zx_handle_t vmo = vmo_make(PAGE);
    EXPECT_EQ(handle_rights(vmo), ZX_DEFAULT_VMO_RIGHTS);
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_vmo_create(PAGE, 0, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("vmo_create/bad pointers are INVALID_ARGS, and no VMO stays") { check_gives_back(create_badly); }

static zx_status_t create_and_close(void) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create(PAGE, 0, &vmo);
    return status == ZX_OK ? zx_handle_close(vmo) : status;
}
TEST("vmo_create/NO_MEMORY at each allocation, and nothing stays") { check_out_of_memory(create_and_close); }

static unsigned char buffer[4 * 4096];

static zx_status_t read_one(zx_handle_t vmo) { return zx_vmo_read(vmo, buffer, 0, 1); }
static zx_status_t write_one(zx_handle_t vmo) { return zx_vmo_write(vmo, buffer, 0, 1); }
TEST("vmo_read/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, read_one); }
TEST("vmo_write/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, write_one); }
TEST("vmo_read/H6 H7 needs READ and nothing else") { check_rights(vmo_make(PAGE), ZX_RIGHT_READ, read_one); }
TEST("vmo_write/H6 H7 needs WRITE and nothing else") { check_rights(vmo_make(PAGE), ZX_RIGHT_WRITE, write_one); }

TEST("vmo_read/fresh memory is zeros, and stays uncommitted") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    memset(buffer, 1, sizeof(buffer));
    EXPECT_OK(zx_vmo_read(vmo, buffer, 0, 3 * PAGE));
    for (size_t i = 0; i < 3 * PAGE; i++) NEED_EQ(buffer[i], 0);
    EXPECT_EQ(buffer[3 * PAGE], 1);
    EXPECT_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
}

TEST("vmo_write/A2 A3 A10 what is written is read back, at any offset and size, and nothing else changes") {
    struct memory m = memory_make(3 * PAGE, 1);
    static unsigned char bytes[2 * 4096 + 1];
    const size_t sizes[] = {1, 7, 8, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE};
    pattern_fill(bytes, sizeof(bytes), 9);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        for (size_t offset = 0; offset < 16; offset++) {
            size_t at = PAGE - 8 + offset;
            if (at + sizes[s] > m.len) continue;
            NEED_OK(zx_vmo_write(m.vmo, bytes, at, sizes[s]));
            EXPECT_MEMORY(&m, at, bytes, sizes[s]);
            memset(buffer, 0, sizeof(buffer));
            NEED_OK(zx_vmo_read(m.vmo, buffer + 3, at, sizes[s]));
            EXPECT_BYTES(buffer + 3, bytes, sizes[s]);
            EXPECT(buffer[2] == 0 && buffer[3 + sizes[s]] == 0);
            pattern_fill(m.view, m.len, 1);
        }
    }
}

static void expect_range(zx_handle_t vmo, uint64_t offset, size_t len, zx_status_t status) {
    memset(buffer, 0x77, sizeof(buffer));
    EXPECT_STATUS(zx_vmo_read(vmo, buffer, offset, len), status);
    if (status != ZX_OK) EXPECT_EQ(buffer[0], 0x77);
    EXPECT_STATUS(zx_vmo_write(vmo, buffer, offset, len), status);
}

TEST("vmo_read/A1 A3 A5 A6 a range not within the VMO is OUT_OF_RANGE, and nothing moves; vmo_write too") {
    struct memory m = memory_make(2 * PAGE, 4);
    expect_range(m.vmo, 0, 2 * PAGE + 1, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 1, 2 * PAGE, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 2 * PAGE, 1, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 2 * PAGE - 1, 2, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, UINT64_MAX, 1, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, UINT64_MAX, 2, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 1, SIZE_MAX, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 0, SIZE_MAX, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, 2 * PAGE + 1, 0, ZX_ERR_OUT_OF_RANGE);
    expect_range(m.vmo, UINT64_MAX, 0, ZX_ERR_OUT_OF_RANGE);
    EXPECT_UNTOUCHED(&m);
    expect_range(m.vmo, 2 * PAGE, 0, ZX_OK);
    expect_range(m.vmo, 0, 0, ZX_OK);
    EXPECT_UNTOUCHED(&m);
    expect_range(vmo_make(0), 0, 0, ZX_OK);
    expect_range(vmo_make(0), 0, 1, ZX_ERR_OUT_OF_RANGE);
}

TEST("vmo_read/A1 S1 NULL is fine for no bytes; vmo_write too") {
    zx_handle_t vmo = vmo_make(PAGE);
    EXPECT_OK(zx_vmo_read(vmo, NULL, 0, 0));
    EXPECT_OK(zx_vmo_write(vmo, NULL, PAGE, 0));
}

TEST("vmo_read/H13 handle, type, right, then the range, then the buffer; vmo_write too") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t weak = handle_with(vmo, ZX_RIGHT_MAP);
    EXPECT_STATUS(zx_vmo_read(ZX_HANDLE_INVALID, NULL, PAGE, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmo_read(weak, NULL, PAGE, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmo_write(weak, NULL, PAGE, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmo_read(vmo, NULL, PAGE, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_write(vmo, NULL, PAGE, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_read(vmo, NULL, PAGE - 1, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_write(vmo, NULL, PAGE - 1, 1), ZX_ERR_INVALID_ARGS);
}

TEST("vmo_read/O1 O2 O3 O4 bad buffers are INVALID_ARGS") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_vmo_read(vmo, (void *)bad_targets[i], 0, 8), ZX_ERR_INVALID_ARGS);
}

TEST("vmo_write/S1 S2 S5 S6 bad buffers are INVALID_ARGS, and nothing changes") {
    struct memory m = memory_make(PAGE, 4);
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_vmo_write(m.vmo, (void *)bad_sources[i], 0, 8), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&m);
}

TEST("vmo_read/S4 bytes before a bad place have moved, none beyond; nothing is touched in advance") {
    struct memory m = memory_make(2 * PAGE, 6);
    unsigned char *half = buffer_make(PAGE);
    for (size_t before = 1; before < 2 * PAGE; before += 1021) {
        if (before > PAGE) break;
        memset(half, 0x11, PAGE);
        EXPECT_STATUS(zx_vmo_read(m.vmo, half + PAGE - before, 0, before + 1), ZX_ERR_INVALID_ARGS);
        for (size_t i = 0; i < PAGE - before; i++) NEED_EQ(half[i], 0x11);
    }
}

TEST("vmo_write/S4 bytes before a bad place may have moved, none beyond") {
    unsigned char *half = buffer_make(PAGE);
    memset(half, 0x33, PAGE);
    for (size_t before = 1; before <= PAGE; before += 1365) {
        struct memory m = memory_make(3 * PAGE, 6);
        EXPECT_STATUS(zx_vmo_write(m.vmo, half + PAGE - before, 100, before + 1000), ZX_ERR_INVALID_ARGS);
        EXPECT_MEMORY_UP_TO(&m, 100, half, before);
    }
}

TEST("vmo_write/S7 S8 S13 buffers not committed, copy-on-write and read-only are fine") {
    zx_handle_t source = vmo_make(PAGE);
    zx_handle_t snapshot;
    zx_handle_t vmo = vmo_make(PAGE);
    const uint64_t *fresh = map_here(source, 0, PAGE, PERM_R);
    poke(vmo, 0, 5);
    EXPECT_OK(zx_vmo_write(vmo, fresh, 0, 8));
    EXPECT_EQ(peek(vmo, 0), 0);
    poke(source, 0, 99);
    NEED_OK(zx_vmo_create_child(source, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    uint64_t *shared = map_here(snapshot, 0, PAGE, PERM_RW);
    EXPECT_OK(zx_vmo_write(vmo, shared, 0, 8));
    EXPECT_EQ(peek(vmo, 0), 99);
    EXPECT_OK(zx_vmo_read(vmo, shared + 1, 0, 8));
    EXPECT(shared[0] == 99 && shared[1] == 99);
    EXPECT_EQ(peek(source, 8), 0);
}

TEST("vmo_write/S11 the buffer may map the very page: committed, not committed, copy-on-write") {
    for (int kind = 0; kind < 3; kind++) {
        zx_handle_t vmo = vmo_make(2 * PAGE);
        if (kind > 0) poke(vmo, 8, 0x1234);
        zx_handle_t snapshot = ZX_HANDLE_INVALID;
        if (kind == 2) NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
        uint64_t *view = map_here(vmo, 0, 2 * PAGE, PERM_RW);
        EXPECT_OK(zx_vmo_write(vmo, view, PAGE, PAGE));
        EXPECT_EQ(view[513], kind > 0 ? 0x1234 : 0);
        EXPECT_OK(zx_vmo_write(vmo, view, 0, PAGE));
        EXPECT_OK(zx_vmo_read(vmo, view, 0, PAGE));
        EXPECT_EQ(view[1], kind > 0 ? 0x1234 : 0);
        EXPECT_OK(zx_vmo_read(vmo, view, PAGE, PAGE));
        EXPECT_EQ(view[1], kind > 0 ? 0x1234 : 0);
    }
}

TEST("vmo_read/mappings and their permissions do not matter; nor for vmo_write") {
    zx_handle_t vmo = vmo_make(PAGE);
    const uint64_t *view = map_here(vmo, 0, PAGE, PERM_R);
    map_here(vmo, 0, PAGE, PERM_NONE);
    uint64_t value = 31;
    EXPECT_EQ(view[0], 0);
    EXPECT_OK(zx_vmo_write(vmo, &value, 0, 8));
    EXPECT_EQ(((const volatile uint64_t *)view)[0], 31);
}

TEST("vmo_read/a VMO that is not cached is BAD_STATE, whatever the range; vmo_write too") {
    for (uint32_t policy = 1; policy <= 3; policy++) {
        zx_handle_t vmo = vmo_make(PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, policy));
        expect_range(vmo, 0, 1, ZX_ERR_BAD_STATE);
        expect_range(vmo, PAGE, 1, ZX_ERR_BAD_STATE);
        expect_range(vmo, 0, 0, ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmo_read(vmo, NULL, 0, 1), ZX_ERR_BAD_STATE);
    }
}

static zx_status_t write_fresh_page(void) {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_status_t status = zx_vmo_write(vmo, buffer, 0, 8);
    zx_handle_close(vmo);
    return status;
}
TEST("vmo_write/T20 NO_MEMORY at each allocation for a page") {
    for (unsigned nth = 1; nth < 20; nth++) {
        zx_handle_t vmo = vmo_make(PAGE);
        fail_arm(nth);
        zx_status_t status = zx_vmo_write(vmo, buffer, 0, 8);
        bool failed = fail_over();
        NEED_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
        EXPECT_EQ(peek(vmo, 0), 0);
        EXPECT_OK(write_fresh_page());
        MUST(zx_handle_close(vmo));
        if (!failed) {
            EXPECT(nth > 1);
            return;
        }
    }
    EXPECT(false);
}

static zx_status_t get_size_of(zx_handle_t vmo) {
    uint64_t size = UNTOUCHED;
    zx_status_t status = zx_vmo_get_size(vmo, &size);
    EXPECT((status == ZX_OK) == (size != UNTOUCHED));
    return status;
}
TEST("vmo_get_size/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, get_size_of); }
TEST("vmo_get_size/needs no right") { EXPECT_OK(get_size_of(handle_with(vmo_make(PAGE), ZX_RIGHT_NONE))); }
TEST("vmo_get_size/bad pointers are INVALID_ARGS") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_vmo_get_size(vmo, (uint64_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_get_size(ZX_HANDLE_INVALID, NULL), ZX_ERR_BAD_HANDLE);
}

static zx_status_t resize_it(zx_handle_t vmo) { return zx_vmo_set_size(vmo, PAGE); }
TEST("vmo_set_size/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, resize_it); }
TEST("vmo_set_size/H6 H7 needs WRITE and nothing else") { check_rights(vmo_make(PAGE), ZX_RIGHT_WRITE, resize_it); }

TEST("vmo_set_size/any size, rounded up; the largest is 2^64 - PAGE, above is OUT_OF_RANGE") {
    const uint64_t sizes[][2] = {{1, PAGE}, {0, 0}, {PAGE + 1, 2 * PAGE}, {PAGE, PAGE}, {LARGEST, LARGEST}, {5, PAGE}};
    zx_handle_t vmo = vmo_make(3 * PAGE);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        EXPECT_OK(zx_vmo_set_size(vmo, sizes[i][0]));
        EXPECT_EQ(size_of(vmo), sizes[i][1]);
        EXPECT_STATUS(zx_vmo_set_size(vmo, LARGEST + 1), ZX_ERR_OUT_OF_RANGE);
        EXPECT_STATUS(zx_vmo_set_size(vmo, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
        EXPECT_EQ(size_of(vmo), sizes[i][1]);
    }
}

TEST("vmo_set_size/a VMO not resizable is UNAVAILABLE, whatever the size") {
    const uint64_t sizes[] = {0, PAGE, 2 * PAGE, UINT64_MAX};
    zx_handle_t vmo = fixed_vmo(PAGE);
    for (size_t i = 0; i < COUNT(sizes); i++) EXPECT_STATUS(zx_vmo_set_size(vmo, sizes[i]), ZX_ERR_UNAVAILABLE);
    EXPECT_EQ(size_of(vmo), PAGE);
    EXPECT_STATUS(zx_vmo_set_size(handle_with(vmo, ZX_RIGHT_READ), PAGE), ZX_ERR_ACCESS_DENIED);
    zx_handle_t resizable;
    NEED_OK(zx_vmo_create(PAGE, ZX_VMO_RESIZABLE, &resizable));
    EXPECT_OK(zx_vmo_set_size(resizable, 0));
}

TEST("vmo_set_size/shrunk and grown again it reads zeros, the rest is as it was") {
    struct memory m = memory_make(3 * PAGE, 8);
    uint64_t first = peek(m.vmo, 0);
    NEED_OK(zx_vmo_set_size(m.vmo, PAGE));
    NEED_OK(zx_vmo_set_size(m.vmo, 3 * PAGE));
    EXPECT_EQ(peek(m.vmo, 0), first);
    EXPECT_EQ(peek(m.vmo, PAGE - 8), *(uint64_t *)(m.view + PAGE - 8));
    for (size_t at = PAGE; at < 3 * PAGE; at += 8) NEED_EQ(*(uint64_t *)(m.view + at), 0);
}

TEST("vmo_set_size/A13 under a mapping: memory beyond the end faults, and works again when it is back") {
    struct memory m = memory_make(2 * PAGE, 8);
    zx_vaddr_t second = (zx_vaddr_t)m.view + PAGE;
    EXPECT(can_write(second));
    NEED_OK(zx_vmo_set_size(m.vmo, PAGE));
    EXPECT(!can_read(second));
    EXPECT(can_write(second - 1));
    NEED_OK(zx_vmo_set_size(m.vmo, 2 * PAGE));
    EXPECT(can_write(second));
    EXPECT_EQ(m.view[PAGE], 0);
    m.view[PAGE] = 1;
    EXPECT_EQ(peek(m.vmo, PAGE), 1);
}

static void grow_and_shrink(void) {
    zx_handle_t vmo = vmo_make(0);
    MUST(zx_vmo_set_size(vmo, LARGEST));
    poke(vmo, LARGEST - 8, 1);
    poke(vmo, 0, 1);
    poke(vmo, (uint64_t)1 << 62, 1);
    MUST(zx_vmo_set_size(vmo, 2 * PAGE));
    EXPECT_EQ(peek(vmo, 0), 1);
    zx_handle_close(vmo);
    vmo = vmo_make(LARGEST);
    poke(vmo, LARGEST - 8, 7);
    EXPECT_EQ(peek(vmo, LARGEST - 8), 7);
    zx_handle_close(vmo);
}
TEST("vmo/A8 the last page of the largest VMO can be used, and its pages come back") {
    check_gives_back(grow_and_shrink);
}
