/*
 * zx_process_read_memory: what the target may have at the address.
 */
#include "tests/user/memory.h"

#define LARGE ((size_t)2 << 20)
#define FRAGMENTS 150

static unsigned char into[FRAGMENTS * 4096];

/* Forgets what was read before. */
static unsigned char *fresh(void) {
    memset(into, 0xee, sizeof(into));
    return into;
}

/* Is what was read `len` bytes, and nothing behind them? */
static void expect_read(const void *bytes, size_t len) {
    EXPECT_BYTES(into, bytes, len);
    if (len < sizeof(into)) EXPECT_EQ(into[len], 0xee);
}

TEST("read_memory/T1 T2 what another mapper stored last, at once, and shared memory stays shared") {
    struct target t = target_make();
    struct memory m = memory_make(3 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_R);
    EXPECT_MOVED(read_from(t.process, PLACE, fresh(), m.len), m.len);
    expect_read(m.view, m.len);
    memset(m.view + PAGE, 7, PAGE);
    EXPECT_MOVED(read_from(t.process, PLACE, fresh(), m.len), m.len);
    expect_read(m.view, m.len);
    EXPECT_OK(zx_vmo_op_range(m.vmo, ZX_VMO_OP_ZERO, 5, 2 * PAGE, NULL, 0));
    EXPECT_MOVED(read_from(t.process, PLACE, fresh(), m.len), m.len);
    expect_read(m.view, m.len);
}

TEST("read_memory/T3 T4 T12 T13 what was forced into a shut mapping is read there, and nowhere else") {
    struct target t = target_make(), other = target_make();
    struct memory m = memory_make(3 * PAGE, 3);
    zx_handle_t shut = handle_without(m.vmo, ZX_RIGHT_WRITE);
    target_map(&t, PLACE, shut, 0, m.len, PERM_RX);
    target_map(&other, PLACE, shut, 0, m.len, PERM_RX);
    static unsigned char want[3 * 4096];
    memcpy(want, m.view, m.len);
    for (size_t at = 5; at < m.len; at += PAGE) {
        want[at] ^= 0xff;
        EXPECT_MOVED(write_to(t.process, PLACE + at, want + at, 1), 1);
        EXPECT_MOVED(read_from(t.process, PLACE, fresh(), m.len), m.len);
        expect_read(want, m.len);
        EXPECT_MOVED(read_from(other.process, PLACE, fresh(), m.len), m.len);
        expect_read(m.view, m.len);
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("read_memory/T8 150 fragments in one read") {
    struct target t = target_make();
    const zx_vm_option_t perms[] = {PERM_RW, PERM_R, PERM_RX, PERM_NONE};
    static unsigned char want[FRAGMENTS * 4096];
    for (size_t i = 0; i < FRAGMENTS; i++) {
        struct memory m = memory_make(PAGE, i % 3 ? 1 + (unsigned)i : 0);
        target_map(&t, PLACE + i * PAGE, m.vmo, 0, PAGE, perms[i % 4]);
        memcpy(want + i * PAGE, m.view, PAGE);
        unmap_here(m.view, PAGE);
    }
    EXPECT_MOVED(read_from(t.process, PLACE + 100, fresh(), FRAGMENTS * PAGE), FRAGMENTS * PAGE - 100);
    expect_read(want + 100, FRAGMENTS * PAGE - 100);
}

/* PLACE: [ outer: mapping | [ inner: mapping ] ] [ sibling: [ nested: mapping ] ] | mapping of the root's */
TEST("read_memory/T9 over the edges of regions, in and out of nested ones") {
    struct target t = target_make();
    struct memory m = memory_make(4 * PAGE, 3);
    zx_handle_t outer = vmar_make(t.vmar, PLACE, 2 * PAGE);
    zx_handle_t inner = vmar_make(outer, PLACE + PAGE, PAGE);
    zx_handle_t nested = vmar_make(vmar_make(t.vmar, PLACE + 2 * PAGE, PAGE), PLACE + 2 * PAGE, PAGE);
    vmar_map_at(outer, PLACE, m.vmo, 0, PAGE, PERM_RW);
    vmar_map_at(inner, PLACE + PAGE, m.vmo, PAGE, PAGE, PERM_R);
    vmar_map_at(nested, PLACE + 2 * PAGE, m.vmo, 2 * PAGE, PAGE, PERM_RW);
    target_map(&t, PLACE + 3 * PAGE, m.vmo, 3 * PAGE, PAGE, PERM_RW);
    EXPECT_MOVED(read_from(t.process, PLACE + 3, fresh(), sizeof(into)), 4 * PAGE - 3);
    expect_read(m.view + 3, 4 * PAGE - 3);
    MUST(zx_vmar_destroy(inner));
    EXPECT_MOVED(read_from(t.process, PLACE + 3, fresh(), sizeof(into)), PAGE - 3);
    expect_read(m.view + 3, PAGE - 3);
}

TEST("read_memory/T10 a mapping that begins inside its VMO, and the very end of an enormous one") {
    struct target t = target_make();
    struct memory m = memory_make(6 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 2 * PAGE, 2 * PAGE, PERM_RW);
    EXPECT_MOVED(read_from(t.process, PLACE + 9, fresh(), 3 * PAGE), 2 * PAGE - 9);
    expect_read(m.view + 2 * PAGE + 9, 2 * PAGE - 9);
    uint64_t size = UINT64_MAX - ZX_PAGE_MASK;
    zx_handle_t vmo = vmo_make(size);
    MUST(zx_vmo_write(vmo, m.view, size - 2 * PAGE, PAGE));
    target_map(&t, PLACE + 16 * PAGE, vmo, size - 2 * PAGE, PAGE, PERM_R);
    EXPECT_MOVED(read_from(t.process, PLACE + 16 * PAGE + 1, fresh(), 2 * PAGE), PAGE - 1);
    expect_read(m.view + 1, PAGE - 1);
}

TEST("read_memory/A12 A13 short at the VMO's end, as it is now, and NO_MEMORY at or past it") {
    struct target t = target_make();
    struct memory m = memory_make(4 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, PAGE, 8 * PAGE, PERM_R);
    for (uint64_t pages = 4; pages > 1; pages--) {
        MUST(zx_vmo_set_size(m.vmo, pages * PAGE));
        size_t left = (pages - 1) * PAGE;
        EXPECT_MOVED(read_from(t.process, PLACE + 7, fresh(), 8 * PAGE), left - 7);
        expect_read(m.view + PAGE + 7, left - 7);
        EXPECT_REFUSED(read_from(t.process, PLACE + left, fresh(), 1), ZX_ERR_NO_MEMORY);
        EXPECT_EQ(into[0], 0xee);
    }
}

TEST("read_memory/BAD_STATE T15 uncached and physical memory: not a byte of it, also where it begins later") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    for (uint32_t policy = 0; policy < 4; policy++) {
        zx_handle_t vmo;
        if (policy == ZX_CACHE_POLICY_CACHED)
            MUST(zx_vmo_create_physical(test_resource(), 0xf0000, PAGE, &vmo));
        else
            vmo = vmo_make(PAGE);
        MUST(zx_vmo_set_cache_policy(vmo, policy));
        target_map(&t, PLACE + PAGE, vmo, 0, PAGE, PERM_RW);
        EXPECT_REFUSED(read_from(t.process, PLACE + PAGE, fresh(), 16), ZX_ERR_BAD_STATE);
        EXPECT_EQ(into[0], 0xee);
        EXPECT_MOVED(read_from(t.process, PLACE + PAGE - 100, fresh(), 200), 100);
        expect_read(m.view + PAGE - 100, 100);
        MUST(zx_vmar_unmap(t.vmar, PLACE + PAGE, PAGE));
    }
}

TEST("read_memory/T17 T19 contiguous memory, large pages, whole and split by protect and unmap") {
    struct target t = target_make();
    zx_handle_t vmo;
    MUST(zx_vmo_create_contiguous(test_resource(), 2 * LARGE, 21, &vmo));
    unsigned char *view = map_here(vmo, 0, 2 * LARGE, PERM_RW);
    pattern_fill(view, 2 * LARGE, 5);
    const zx_vaddr_t base = PLACE & ~(LARGE - 1);
    target_map(&t, base, vmo, 0, 2 * LARGE, PERM_RW);
    EXPECT_MOVED(read_from(t.process, base + LARGE - PAGE - 1, fresh(), 3 * PAGE), 3 * PAGE);
    expect_read(view + LARGE - PAGE - 1, 3 * PAGE);
    MUST(zx_vmar_protect(t.vmar, PERM_NONE, base + LARGE, PAGE));
    MUST(zx_vmar_unmap(t.vmar, base + LARGE + PAGE, PAGE));
    EXPECT_MOVED(read_from(t.process, base + LARGE - PAGE, fresh(), 3 * PAGE), 2 * PAGE);
    expect_read(view + LARGE - PAGE, 2 * PAGE);
    EXPECT_MOVED(read_from(t.process, base + LARGE + 2 * PAGE, fresh(), PAGE), PAGE);
    expect_read(view + LARGE + 2 * PAGE, PAGE);
}

/*
 * Translations on either side of a transfer may be absent, only looked at, or stored through: the bytes are the same.
 */
TEST("write_memory/T22 whether the page was never used, accessed or dirty, its bytes are those written last, either "
     "way") {
    struct target t = target_make();
    for (int before = 0; before < 3; before++) {
        zx_handle_t vmo = vmo_make(PAGE);
        volatile uint64_t *view = map_here(vmo, 0, PAGE, PERM_RW);
        target_map(&t, PLACE, vmo, 0, PAGE, PERM_RW);
        if (before == 1) (void)view[0];
        if (before == 2) view[0] = 1;
        for (uint64_t i = 5; i < 10; i++) {
            uint64_t word = i, back = 0;
            EXPECT_MOVED(write_to(t.process, PLACE, &word, 8), 8);
            EXPECT_EQ(view[0], i);
            view[0] = i + 100;
            EXPECT_MOVED(read_from(t.process, PLACE, &back, 8), 8);
            EXPECT_EQ(back, i + 100);
        }
        MUST(zx_vmar_unmap(t.vmar, PLACE, PAGE));
    }
}
