/*
 * zx_process_write_memory: what the target may have at the address.
 */
#include "tests/user/memory.h"

static unsigned char source[16 * 4096];

static struct target target_new(void) {
    pattern_fill(source, sizeof(source), 9);
    return target_make();
}

TEST("write_memory/T1 memory that only the target has") {
    struct target t = target_new();
    zx_handle_t vmo = vmo_make(3 * PAGE);
    target_map(&t, PLACE, vmo, 0, 3 * PAGE, PERM_RW);
    NEED_OK(zx_handle_close(vmo));
    unsigned char want[3 * 4096] = {0};
    memcpy(want + 100, source, PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 100, source, PAGE), PAGE);
    EXPECT_TARGET(&t, PLACE, want, sizeof(want));
}

TEST("write_memory/T2 shared writable memory: every mapper sees it, and goes on sharing") {
    struct target t = target_new(), other = target_make();
    struct memory m = memory_make(2 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, 2 * PAGE, PERM_RW);
    target_map(&t, PLACE + 8 * PAGE, m.vmo, PAGE, PAGE, PERM_R);
    target_map(&other, PLACE, m.vmo, 0, 2 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 8, source, 16), 16);
    EXPECT_MEMORY(&m, PAGE - 8, source, 16);
    EXPECT_TARGET(&other, PLACE + PAGE - 8, source, 16);
    EXPECT_TARGET(&t, PLACE + 8 * PAGE, source + 8, 8);
    m.view[PAGE] ^= 0xff;
    EXPECT_TARGET(&other, PLACE, m.view, 2 * PAGE);
    EXPECT_TARGET(&t, PLACE, m.view, 2 * PAGE);
}

TEST("write_memory/T2 a page committed by the write, seen where it was read as zero before") {
    struct target t = target_new();
    struct memory m = memory_make(4 * PAGE, 0);
    EXPECT_UNTOUCHED(&m);
    target_map(&t, PLACE, m.vmo, 0, 4 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE + 7, source, PAGE), PAGE);
    EXPECT_MEMORY(&m, PAGE + 7, source, PAGE);
}

/* Writes through every kind of permission into memory whose ceiling allows writing. */
TEST("write_memory/T5 T16 permissions of now do not matter, and choices: written through") {
    struct target t = target_new();
    struct memory m = memory_make(4 * PAGE, 3);
    const zx_vm_option_t perms[] = {PERM_NONE, PERM_R, PERM_RX, PERM_RW};
    for (size_t i = 0; i < 4; i++) target_map(&t, PLACE + i * PAGE, m.vmo, i * PAGE, PAGE, perms[i]);
    EXPECT_MOVED(write_to(t.process, PLACE + 10, source, 4 * PAGE - 20), 4 * PAGE - 20);
    EXPECT_MEMORY(&m, 10, source, 4 * PAGE - 20);
    EXPECT_TARGET(&t, PLACE, m.view, 4 * PAGE);
}

TEST("write_memory/T16 a mapping split by protect is written through in one go, and stays one memory") {
    struct target t = target_new();
    struct memory m = memory_make(6 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, 6 * PAGE, PERM_RW);
    NEED_OK(zx_vmar_protect(t.vmar, PERM_R, PLACE + PAGE, PAGE));
    NEED_OK(zx_vmar_protect(t.vmar, PERM_NONE, PLACE + 3 * PAGE, PAGE));
    NEED_OK(zx_vmar_protect(t.vmar, PERM_RX, PLACE + 4 * PAGE, PAGE));
    EXPECT_MOVED(write_to(t.process, PLACE + 1, source, 6 * PAGE - 2), 6 * PAGE - 2);
    EXPECT_MEMORY(&m, 1, source, 6 * PAGE - 2);
    NEED_OK(zx_vmar_protect(t.vmar, PERM_RW, PLACE, 6 * PAGE));
    memset(m.view, 7, m.len);
    EXPECT_TARGET(&t, PLACE, m.view, m.len);
}

TEST("write_memory/NO_MEMORY T6 a hole: at the address an error, later a short count") {
    struct target t = target_new();
    struct memory m = memory_make(5 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, 5 * PAGE, PERM_RW);
    NEED_OK(zx_vmar_unmap(t.vmar, PLACE + 2 * PAGE, PAGE));
    EXPECT_REFUSED(write_to(t.process, PLACE + 2 * PAGE, source, PAGE + 1), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, PLACE + 3 * PAGE - 1, source, 2), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, PLACE + 5 * PAGE, source, 1), ZX_ERR_NO_MEMORY);
    EXPECT_UNTOUCHED(&m);
    EXPECT_MOVED(write_to(t.process, PLACE + 30, source, 4 * PAGE), 2 * PAGE - 30);
    EXPECT_MEMORY(&m, 30, source, 2 * PAGE - 30);
    pattern_fill(m.view, m.len, m.seed);
    EXPECT_MOVED(write_to(t.process, PLACE + 3 * PAGE, source, sizeof(source)), 2 * PAGE);
    EXPECT_MEMORY(&m, 3 * PAGE, source, 2 * PAGE);
}

TEST("write_memory/NO_MEMORY T6 a region without a mapping there, and one that was destroyed") {
    struct target t = target_new();
    struct memory m = memory_make(4 * PAGE, 3);
    zx_handle_t region = vmar_make(t.vmar, PLACE, 4 * PAGE);
    EXPECT_REFUSED(write_to(t.process, PLACE, source, 8), ZX_ERR_NO_MEMORY);
    vmar_map_at(region, PLACE + PAGE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_REFUSED(write_to(t.process, PLACE, source, 2 * PAGE), ZX_ERR_NO_MEMORY);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE, source, 2 * PAGE), PAGE);
    EXPECT_MEMORY(&m, 0, source, PAGE);
    NEED_OK(zx_vmar_destroy(region));
    EXPECT_REFUSED(write_to(t.process, PLACE + PAGE, source + 1, 8), ZX_ERR_NO_MEMORY);
    EXPECT_MEMORY(&m, 0, source, PAGE);
}

TEST("write_memory/T7 choices: goes on through adjoining mappings of different VMOs") {
    struct target t = target_new();
    struct memory a = memory_make(3 * PAGE, 3), b = memory_make(2 * PAGE, 4), c = memory_make(2 * PAGE, 5);
    target_map(&t, PLACE, a.vmo, PAGE, 2 * PAGE, PERM_RW);
    target_map(&t, PLACE + 2 * PAGE, b.vmo, 0, PAGE, PERM_R);
    target_map(&t, PLACE + 3 * PAGE, c.vmo, 0, 2 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE + 5, source, 3 * PAGE), 3 * PAGE);
    EXPECT_MEMORY(&a, 2 * PAGE + 5, source, PAGE - 5);
    EXPECT_MEMORY(&b, 0, source + PAGE - 5, PAGE);
    EXPECT_MEMORY(&c, 0, source + 2 * PAGE - 5, PAGE + 5);
}

TEST("write_memory/T7 one VMO mapped in pieces, out of order") {
    struct target t = target_new();
    struct memory m = memory_make(4 * PAGE, 3);
    for (size_t i = 0; i < 4; i++) target_map(&t, PLACE + i * PAGE, m.vmo, (3 - i) * PAGE, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE, source, 4 * PAGE), 4 * PAGE);
    for (size_t i = 0; i < 4; i++) EXPECT_BYTES(m.view + (3 - i) * PAGE, source + i * PAGE, PAGE);
}

#define FRAGMENTS 150
TEST("write_memory/T8 150 fragments in one write") {
    struct target t = target_new();
    static struct memory fragments[FRAGMENTS];
    static unsigned char from[FRAGMENTS * 4096];
    const zx_vm_option_t perms[] = {PERM_RW, PERM_R, PERM_RX, PERM_NONE};
    pattern_fill(from, sizeof(from), 21);
    for (size_t i = 0; i < FRAGMENTS; i++) {
        fragments[i] = memory_make(PAGE, i % 3 ? 1 + (unsigned)i : 0);
        target_map(&t, PLACE + i * PAGE, fragments[i].vmo, 0, PAGE, perms[i % 4]);
    }
    size_t len = (FRAGMENTS - 1) * PAGE;
    EXPECT_MOVED(write_to(t.process, PLACE + 100, from, len), len);
    EXPECT_MEMORY(&fragments[0], 100, from, PAGE - 100);
    for (size_t i = 1; i < FRAGMENTS - 1; i++) EXPECT_MEMORY(&fragments[i], 0, from + i * PAGE - 100, PAGE);
    EXPECT_MEMORY(&fragments[FRAGMENTS - 1], 0, from + len - 100, 100);
}

/* PLACE: [ outer: mapping | [ inner: mapping ] ] [ sibling: [ nested: mapping ] ] | mapping of the root's */
TEST("write_memory/T9 over the edges of regions, in and out of nested ones") {
    struct target t = target_new();
    struct memory m = memory_make(4 * PAGE, 3);
    zx_handle_t outer = vmar_make(t.vmar, PLACE, 2 * PAGE);
    zx_handle_t inner = vmar_make(outer, PLACE + PAGE, PAGE);
    zx_handle_t sibling = vmar_make(t.vmar, PLACE + 2 * PAGE, PAGE);
    zx_handle_t nested = vmar_make(sibling, PLACE + 2 * PAGE, PAGE);
    vmar_map_at(outer, PLACE, m.vmo, 0, PAGE, PERM_RW);
    vmar_map_at(inner, PLACE + PAGE, m.vmo, PAGE, PAGE, PERM_R);
    vmar_map_at(nested, PLACE + 2 * PAGE, m.vmo, 2 * PAGE, PAGE, PERM_RW);
    target_map(&t, PLACE + 3 * PAGE, m.vmo, 3 * PAGE, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 3, source, sizeof(source)), 4 * PAGE - 3);
    EXPECT_MEMORY(&m, 3, source, 4 * PAGE - 3);
}

TEST("write_memory/T9 a deep nest of regions") {
    struct target t = target_new();
    struct memory m = memory_make(PAGE, 3);
    zx_handle_t region = t.vmar;
    for (int i = 0; i < 300; i++) region = vmar_make(region, PLACE, PAGE);
    vmar_map_at(region, PLACE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 1, source, PAGE), PAGE - 1);
    EXPECT_MEMORY(&m, 1, source, PAGE - 1);
}

TEST("write_memory/T10 a mapping that begins inside its VMO: the VMO's other bytes are not touched") {
    struct target t = target_new();
    struct memory m = memory_make(6 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 2 * PAGE, 2 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 9, source, 3 * PAGE), 2 * PAGE - 9);
    EXPECT_MEMORY(&m, 2 * PAGE + 9, source, 2 * PAGE - 9);
}

TEST("write_memory/T10 an enormous VMO, at its very end") {
    struct target t = target_new();
    uint64_t size = UINT64_MAX - ZX_PAGE_MASK, last = size - PAGE;
    zx_handle_t vmo;
    NEED_OK(zx_vmo_create(size, 0, &vmo));
    target_map(&t, PLACE, vmo, last - PAGE, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 8, source, 16), 8);
    unsigned char back[16], want[16] = {0};
    memcpy(want, source, 8);
    NEED_OK(zx_vmo_read(vmo, back, last - 8, 16));
    EXPECT_BYTES(back, want, 16);
}

static zx_handle_t snapshot(zx_handle_t vmo, size_t len) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, len, &child));
    return child;
}

TEST("write_memory/T11 a snapshot of a snapshot: only the generation that is written changes") {
    struct target t = target_new();
    struct memory generations[4] = {memory_make(3 * PAGE, 3)};
    for (size_t i = 1; i < 4; i++) generations[i] = memory_of(snapshot(generations[i - 1].vmo, 3 * PAGE), 3 * PAGE, 3);
    for (size_t i = 0; i < 4; i++) {
        target_map(&t, PLACE, generations[i].vmo, 0, 3 * PAGE, PERM_RW);
        EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 4, source + i, 8), 8);
        NEED_OK(zx_vmar_unmap(t.vmar, PLACE, 3 * PAGE));
        for (size_t k = 0; k < 4; k++) EXPECT_MEMORY(&generations[k], PAGE - 4, source + k, k <= i ? 8 : 0);
    }
}

TEST("write_memory/T11 200 generations, and the last one is written") {
    struct target t = target_new();
    struct memory first = memory_make(3 * PAGE, 3);
    zx_handle_t last = first.vmo;
    for (int i = 0; i < 200; i++) {
        zx_handle_t next = snapshot(last, 3 * PAGE);
        if (last != first.vmo && i % 2) NEED_OK(zx_handle_close(last));
        last = next;
    }
    struct memory m = memory_of(last, 3 * PAGE, 3);
    target_map(&t, PLACE, last, 0, 3 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 50, source, PAGE), PAGE);
    EXPECT_MEMORY(&m, 50, source, PAGE);
    EXPECT_UNTOUCHED(&first);
}

TEST("write_memory/T11 a slice: the write is seen in the memory it is a window on, and only there") {
    struct target t = target_new();
    zx_handle_t whole, slice;
    NEED_OK(zx_vmo_create(4 * PAGE, ZX_VMO_NON_RESIZABLE, &whole));
    struct memory m = memory_of(whole, 4 * PAGE, 0);
    NEED_OK(zx_vmo_create_child(whole, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE, &slice));
    target_map(&t, PLACE, slice, 0, 3 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 20, source, 3 * PAGE), 2 * PAGE - 20);
    EXPECT_MEMORY(&m, PAGE + 20, source, 2 * PAGE - 20);
}

static const uint32_t uncached[] = {ZX_CACHE_POLICY_UNCACHED, ZX_CACHE_POLICY_UNCACHED_DEVICE,
                                    ZX_CACHE_POLICY_WRITE_COMBINING};

TEST("write_memory/BAD_STATE T15 uncached memory: refused, and not touched; choices: short where it begins later") {
    struct target t = target_new();
    struct memory m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    for (size_t i = 0; i < 3; i++) {
        zx_handle_t vmo = vmo_make(PAGE);
        NEED_OK(zx_vmo_set_cache_policy(vmo, uncached[i]));
        struct memory device = memory_of(vmo, PAGE, 5);
        pattern_fill(device.view, PAGE, 5);
        target_map(&t, PLACE + PAGE, vmo, 0, PAGE, PERM_RW);
        unsigned char back[16] = {0}, none[16] = {0};
        EXPECT_REFUSED(write_to(t.process, PLACE + PAGE, source, 16), ZX_ERR_BAD_STATE);
        EXPECT_REFUSED(read_from(t.process, PLACE + PAGE, back, 16), ZX_ERR_BAD_STATE);
        EXPECT_BYTES(back, none, 16);
        EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 100, source, 200), 100);
        EXPECT_MEMORY(&m, PAGE - 100, source, 100);
        EXPECT_UNTOUCHED(&device);
        NEED_OK(zx_vmar_unmap(t.vmar, PLACE + PAGE, PAGE));
    }
}

TEST("write_memory/choices: short where memory ends, whatever comes after: a gap, a VMO's end, uncached memory") {
    struct target t = target_new();
    struct memory m = memory_make(PAGE, 3);
    for (int after = 0; after < 4; after++) {
        zx_vaddr_t at = PLACE + (zx_vaddr_t)after * 16 * PAGE;
        zx_handle_t beyond = vmo_make(after == 3 ? PAGE : 0);
        target_map(&t, at, m.vmo, 0, PAGE, PERM_RW);
        if (after == 1) vmar_make(t.vmar, at + PAGE, PAGE);
        if (after == 3) NEED_OK(zx_vmo_set_cache_policy(beyond, ZX_CACHE_POLICY_UNCACHED));
        if (after >= 2) target_map(&t, at + PAGE, beyond, 0, PAGE, PERM_RW);
        pattern_fill(m.view, PAGE, m.seed);
        EXPECT_MOVED(write_to(t.process, at + PAGE - 1, source, 2), 1);
        EXPECT_MEMORY(&m, PAGE - 1, source, 1);
        EXPECT_REFUSED(write_to(t.process, at + PAGE, source, 2), after == 3 ? ZX_ERR_BAD_STATE : ZX_ERR_NO_MEMORY);
    }
}
