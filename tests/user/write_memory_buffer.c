/*
 * zx_process_write_memory: the caller's buffer, and `actual`.
 */
#include "tests/user/memory.h"

static const zx_vaddr_t nowhere[] = {
    1,
    PAGE - 1,
    PAGE,
    USER_BASE - 16,
    USER_END,
    USER_END + PAGE,
    0x800000000000,
    0x8000000000000000,
    0xffff7ffffffffff0,
    0xffff800000000000,
    0xffff800000100000,
    0xffffffff80100000,
    UINT64_MAX - 7,
    UINT64_MAX,
    0x7f0000000000,
};
#define NOWHERE_COUNT (sizeof(nowhere) / sizeof(nowhere[0]))

/* A target with a few pages of background at PLACE. */
#define PAGES 6
static struct target t;
static struct memory m;

static void set_up(void) {
    t = target_make();
    m = memory_make(PAGES * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
}

TEST("write_memory/INVALID_ARGS S1 the buffer is NULL") {
    set_up();
    EXPECT_REFUSED(write_to(t.process, PLACE, NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(write_to(t.process, PLACE, NULL, MAX_TRANSFER), ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(read_from(t.process, PLACE, NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/INVALID_ARGS S2 S5 S6 A11 a buffer that is unmapped, the kernel's, non-canonical, or wraps") {
    set_up();
    for (size_t i = 0; i < NOWHERE_COUNT; i++) {
        void *bad = (void *)nowhere[i];
        EXPECT_REFUSED(write_to(t.process, PLACE + 100, bad, 16), ZX_ERR_INVALID_ARGS);
        EXPECT_REFUSED(write_to(t.process, PLACE + 100, bad, 3 * PAGE), ZX_ERR_INVALID_ARGS);
        EXPECT_REFUSED(write_to(t.process, PLACE + 100, bad, MAX_TRANSFER), ZX_ERR_INVALID_ARGS);
        EXPECT_REFUSED(read_from(t.process, PLACE + 100, bad, 3 * PAGE), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/INVALID_ARGS S3 a buffer without access") {
    set_up();
    struct memory from = memory_make(PAGE, 7);
    void *shut = map_here(from.vmo, 0, PAGE, PERM_NONE);
    EXPECT_REFUSED(write_to(t.process, PLACE, shut, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(read_from(t.process, PLACE, shut, 16), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&m);
    EXPECT_UNTOUCHED(&from);
}

/* `good` bytes before a page that cannot be read, at each of several distances. */
static void check_half_good(unsigned char *end) {
    for (size_t good = 1; good < 2 * PAGE; good += good < 40 ? 1 : 517) {
        pattern_fill(m.view, m.len, m.seed);
        const unsigned char *from = end - good;
        EXPECT_REFUSED(write_to(t.process, PLACE + PAGE - 3, from, 3 * PAGE), ZX_ERR_INVALID_ARGS);
        EXPECT_MEMORY_UP_TO(&m, PAGE - 3, from, good);
    }
}

TEST("write_memory/INVALID_ARGS S4 a buffer whose end is unmapped: nothing beyond the bad place moves") {
    set_up();
    unsigned char *from = buffer_make(2 * PAGE);
    pattern_fill(from, 2 * PAGE, 7);
    check_half_good(from + 2 * PAGE);
}

TEST("write_memory/INVALID_ARGS S4 a buffer whose end lies past its VMO's end, or has no access") {
    set_up();
    struct memory from = memory_make(3 * PAGE, 7);
    NEED_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_NONE, (zx_vaddr_t)from.view + 2 * PAGE, PAGE));
    check_half_good(from.view + 2 * PAGE);
    struct memory shrunk = memory_make(3 * PAGE, 7);
    NEED_OK(zx_vmo_set_size(shrunk.vmo, 2 * PAGE));
    check_half_good(shrunk.view + 2 * PAGE);
}

TEST("write_memory/INVALID_ARGS A11 S4 a buffer that runs over the end of user space") {
    set_up();
    struct memory from = memory_make(PAGE, 7);
    vmar_map_at(zx_vmar_root_self(), USER_END - PAGE, from.vmo, 0, PAGE, PERM_R);
    const unsigned char *last = (const unsigned char *)USER_END - 50;
    EXPECT_REFUSED(write_to(t.process, PLACE, last, 51), ZX_ERR_INVALID_ARGS);
    EXPECT_MEMORY_UP_TO(&m, 0, last, 50);
    EXPECT_MOVED(write_to(t.process, PLACE, last, 50), 50);
    EXPECT_MEMORY(&m, 0, last, 50);
}

TEST("write_memory/INVALID_ARGS a hole in the middle of a long buffer: what is behind it never moves") {
    set_up();
    struct memory from = memory_make(PAGES * PAGE, 7);
    unmap_here(from.view + 3 * PAGE, PAGE);
    EXPECT_REFUSED(write_to(t.process, PLACE, from.view, PAGES * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_MEMORY_UP_TO(&m, 0, from.view, 3 * PAGE);
    EXPECT_BYTES(m.view, from.view, 1);
}

TEST("write_memory/choices: a part of the buffer that is not reached is never looked at") {
    set_up();
    unsigned char *from = buffer_make(PAGE);
    pattern_fill(from, PAGE, 7);
    zx_vaddr_t near_end = PLACE + m.len - PAGE;
    EXPECT_MOVED(write_to(t.process, near_end, from, MAX_TRANSFER), PAGE);
    EXPECT_MEMORY(&m, m.len - PAGE, from, PAGE);
    EXPECT_MOVED(write_to(t.process, near_end + 1, from, 2 * PAGE), PAGE - 1);
    EXPECT_MOVED(write_to(t.process, near_end + 7, from + 7, UINT32_C(0x100000)), PAGE - 7);
}

TEST("write_memory/choices: no memory at the address comes before a bad buffer") {
    set_up();
    for (size_t i = 0; i < NOWHERE_COUNT; i++)
        EXPECT_REFUSED(write_to(t.process, PLACE + m.len, (void *)nowhere[i], 16), ZX_ERR_NO_MEMORY);
}

TEST("write_memory/S7 a buffer that was never touched gives zeros") {
    set_up();
    static const unsigned char zeros[3 * 4096];
    const unsigned char *fresh = buffer_make(3 * PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 5, fresh + 3, 2 * PAGE), 2 * PAGE);
    EXPECT_MEMORY(&m, 5, zeros, 2 * PAGE);
}

TEST("write_memory/S8 a buffer whose copy is still pending, on either side of it") {
    set_up();
    struct memory parent = memory_make(2 * PAGE, 8);
    zx_handle_t child;
    NEED_OK(zx_vmo_create_child(parent.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * PAGE, &child));
    const unsigned char *view = map_here(child, 0, 2 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE, view + 9, PAGE), PAGE);
    EXPECT_MEMORY(&m, 0, parent.view + 9, PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE, parent.view, PAGE), PAGE);
    EXPECT_TARGET(&t, PLACE + PAGE, view, PAGE);
    EXPECT_UNTOUCHED(&parent);
}

TEST("write_memory/S9 a buffer in executable memory; there is none that can be executed only") {
    set_up();
    struct memory from = memory_make(PAGE, 8);
    zx_vaddr_t addr;
    EXPECT_STATUS(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_EXECUTE, 0, from.vmo, 0, PAGE, &addr),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_MOVED(write_to(t.process, PLACE, map_here(from.vmo, 0, PAGE, PERM_RX), 64), 64);
    EXPECT_MEMORY(&m, 0, from.view, 64);
    EXPECT_REFUSED(read_from(t.process, PLACE, map_here(from.vmo, 0, PAGE, PERM_RX), 64), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&from);
}

TEST("write_memory/S13 a read-only buffer is fine") {
    set_up();
    struct memory from = memory_make(3 * PAGE, 8);
    const unsigned char *view = map_here(handle_without(from.vmo, ZX_RIGHT_WRITE), 0, 3 * PAGE, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE + 1, view, 3 * PAGE), 3 * PAGE);
    EXPECT_MEMORY(&m, 1, from.view, 3 * PAGE);
}

TEST("write_memory/S14 a buffer in uncached memory is fine") {
    set_up();
    static const uint32_t policies[] = {ZX_CACHE_POLICY_UNCACHED, ZX_CACHE_POLICY_UNCACHED_DEVICE,
                                        ZX_CACHE_POLICY_WRITE_COMBINING};
    for (size_t i = 0; i < 3; i++) {
        zx_handle_t vmo = vmo_make(2 * PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, policies[i]));
        unsigned char *view = map_here(vmo, 0, 2 * PAGE, PERM_RW);
        pattern_fill(view, 2 * PAGE, 20 + (unsigned)i);
        EXPECT_MOVED(write_to(t.process, PLACE + 11, view + 5, PAGE), PAGE);
        EXPECT_MEMORY(&m, 11, view + 5, PAGE);
    }
}

/* The write itself, with some place for `actual`; the bytes must have moved, whatever the place. */
static zx_status_t write_with_actual(size_t *actual) {
    static unsigned char from[100];
    static unsigned seed = 40;
    pattern_fill(from, sizeof(from), ++seed);
    zx_status_t status = zx_process_write_memory(t.process, PLACE + PAGE - 50, from, sizeof(from), actual);
    EXPECT_MEMORY(&m, PAGE - 50, from, sizeof(from));
    return status;
}

TEST("write_memory/INVALID_ARGS O1 O2 O4 choices: `actual` is bad or NULL: the bytes have moved all the same") {
    set_up();
    EXPECT_STATUS(write_with_actual(NULL), ZX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < NOWHERE_COUNT; i++)
        EXPECT_STATUS(write_with_actual((size_t *)nowhere[i]), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_process_read_memory(t.process, PLACE, buffer_make(8), 8, NULL), ZX_ERR_INVALID_ARGS);
}

TEST("write_memory/INVALID_ARGS O3 `actual` is read-only") {
    set_up();
    struct memory place = memory_make(PAGE, 6);
    EXPECT_STATUS(write_with_actual(map_here(place.vmo, 0, PAGE, PERM_R)), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(write_with_actual(map_here(place.vmo, 0, PAGE, PERM_NONE)), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&place);
}

TEST("write_memory/O5 `actual` lies inside the buffer: the target gets what stood there") {
    set_up();
    unsigned char from[64], old[64];
    pattern_fill(from, sizeof(from), 11);
    memcpy(old, from, sizeof(from));
    EXPECT_OK(zx_process_write_memory(t.process, PLACE, from, sizeof(from), (size_t *)(void *)(from + 16)));
    EXPECT_MEMORY(&m, 0, old, sizeof(old));
    size_t count = sizeof(from);
    memcpy(old + 16, &count, sizeof(count));
    EXPECT_BYTES(from, old, sizeof(old));
}

TEST("write_memory/O6 `actual` lies inside the destination: the count is what stays") {
    struct memory self = memory_make(PAGE, 6);
    unsigned char from[64];
    pattern_fill(from, sizeof(from), 11);
    EXPECT_OK(zx_process_write_memory(zx_process_self(), (zx_vaddr_t)self.view, from, sizeof(from),
                                      (size_t *)(void *)(self.view + 24)));
    size_t count = sizeof(from);
    memcpy(from + 24, &count, sizeof(count));
    EXPECT_MEMORY(&self, 0, from, sizeof(from));
}

TEST("write_memory/O7 O8 `actual` is not committed yet, or misaligned, or on two pages") {
    set_up();
    for (size_t at = PAGE - 9; at <= PAGE + 1; at++) {
        struct memory place = memory_make(2 * PAGE, 0);
        size_t count = 100;
        EXPECT_OK(write_with_actual((size_t *)(void *)(place.view + at)));
        EXPECT_MEMORY(&place, at, &count, sizeof(count));
    }
}

TEST("write_memory/INVALID_ARGS O2 O8 `actual` lies half in bad memory") {
    set_up();
    for (size_t good = 1; good < sizeof(size_t); good++) {
        unsigned char *place = buffer_make(PAGE);
        EXPECT_STATUS(write_with_actual((size_t *)(void *)(place + PAGE - good)), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(place[PAGE - good - 1], 0);
        EXPECT_STATUS(write_with_actual((size_t *)(void *)(place - good)), ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(place[0], 0);
    }
}
