/*
 * zx_process_write_memory: writes through mappings that could never be made writable. They go to a snapshot of the
 * mapping's own, and nobody else ever sees a byte of them.
 */
#include "tests/user/memory.h"

static unsigned char source[8 * 4096];

/* A VMO, and a target that has all of it at PLACE with a ceiling that lacks WRITE. */
struct shut {
    struct target t;
    struct memory m;
    zx_handle_t readable;
};

static struct shut shut_make(size_t pages, zx_vm_option_t perms) {
    struct shut s = {.t = target_make(), .m = memory_make(pages * PAGE, 3)};
    s.readable = handle_without(s.m.vmo, ZX_RIGHT_WRITE);
    target_map(&s.t, PLACE, s.readable, 0, pages * PAGE, perms);
    pattern_fill(source, sizeof(source), 9);
    return s;
}

/* The target shows the VMO's background as it was, but for `len` bytes at `at`. */
static void expect_own(const struct shut *s, size_t at, const void *bytes, size_t len) {
    unsigned char *want = buffer_make(s->m.len);
    pattern_fill(want, s->m.len, s->m.seed);
    memcpy(want + at, bytes, len);
    EXPECT_TARGET(&s->t, PLACE, want, s->m.len);
}

TEST("write_memory/T3 T4 choices: a ceiling without WRITE: the target has the bytes, nobody else, and VMO and sharers "
     "stay") {
    const zx_vm_option_t perms[] = {PERM_R, PERM_RX, PERM_NONE};
    for (size_t i = 0; i < 3; i++) {
        struct shut s = shut_make(3, perms[i]);
        struct target other = target_make();
        target_map(&other, PLACE, s.readable, 0, s.m.len, PERM_R);
        target_map(&s.t, PLACE + 8 * PAGE, s.readable, 0, s.m.len, PERM_R);
        EXPECT_MOVED(write_to(s.t.process, PLACE + PAGE - 3, source, 7), 7);
        expect_own(&s, PAGE - 3, source, 7);
        EXPECT_UNTOUCHED(&s.m);
        EXPECT_TARGET(&other, PLACE, s.m.view, s.m.len);
        EXPECT_TARGET(&s.t, PLACE + 8 * PAGE, s.m.view, s.m.len);
        unsigned char back[64];
        NEED_OK(zx_vmo_read(s.m.vmo, back, PAGE - 32, 64));
        EXPECT_BYTES(back, s.m.view + PAGE - 32, 64);
    }
}

TEST("write_memory/T3 T11 snapshots taken before and after do not have the bytes either") {
    struct shut s = shut_make(2, PERM_R);
    zx_handle_t before, after;
    NEED_OK(zx_vmo_create_child(s.m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, s.m.len, &before));
    EXPECT_MOVED(write_to(s.t.process, PLACE, source, PAGE + 1), PAGE + 1);
    NEED_OK(zx_vmo_create_child(s.m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, s.m.len, &after));
    struct memory one = memory_of(before, s.m.len, s.m.seed), two = memory_of(after, s.m.len, s.m.seed);
    EXPECT_UNTOUCHED(&one);
    EXPECT_UNTOUCHED(&two);
    expect_own(&s, 0, source, PAGE + 1);
}

TEST("write_memory/T3 the whole of it is a snapshot: the VMO's later writes, decommit and resize do not show") {
    struct shut s = shut_make(4, PERM_R);
    EXPECT_MOVED(write_to(s.t.process, PLACE + PAGE, source, 8), 8);
    memset(s.m.view, 1, s.m.len);
    expect_own(&s, PAGE, source, 8);
    NEED_OK(zx_vmo_op_range(s.m.vmo, ZX_VMO_OP_DECOMMIT, 0, s.m.len, NULL, 0));
    expect_own(&s, PAGE, source, 8);
    NEED_OK(zx_vmo_set_size(s.m.vmo, PAGE));
    expect_own(&s, PAGE, source, 8);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 4 * PAGE - 8, source, 16), 8);
}

TEST("write_memory/T12 a second write makes no second copy: the same page needs no memory at all") {
    struct shut s = shut_make(3, PERM_R);
    fail_arm(1);
    EXPECT_REFUSED(write_to(s.t.process, PLACE + PAGE, source, 8), ZX_ERR_NO_MEMORY);
    NEED(fail_over());
    EXPECT_MOVED(write_to(s.t.process, PLACE + PAGE, source, 8), 8);
    fail_arm(1);
    EXPECT_MOVED(write_to(s.t.process, PLACE + PAGE + 8, source + 8, 8), 8);
    EXPECT(!fail_over());
    expect_own(&s, PAGE, source, 16);
    EXPECT_UNTOUCHED(&s.m);
}

TEST("write_memory/T12 many writes, all over the mapping, add up") {
    struct shut s = shut_make(6, PERM_RX);
    uint64_t state = random_seed();
    unsigned char *want = buffer_make(s.m.len);
    pattern_fill(want, s.m.len, s.m.seed);
    for (int i = 0; i < 200; i++) {
        size_t at = random_next(&state) % s.m.len, len = 1 + random_next(&state) % 300;
        if (len > s.m.len - at) len = s.m.len - at;
        const unsigned char *from = source + random_next(&state) % PAGE;
        NEED_MOVED(write_to(s.t.process, PLACE + at, from, len), len);
        memcpy(want + at, from, len);
    }
    EXPECT_TARGET(&s.t, PLACE, want, s.m.len);
    EXPECT_UNTOUCHED(&s.m);
}

TEST("write_memory/T13 a mapping of a private snapshot already: its handle does not see the bytes") {
    struct memory m = memory_make(2 * PAGE, 3);
    zx_handle_t own;
    NEED_OK(zx_vmo_create_child(m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, m.len, &own));
    struct memory child = memory_of(own, m.len, 3);
    child.view[5] = 0;
    child.view[5] = m.view[5];
    struct target t = target_make();
    target_map(&t, PLACE, handle_without(own, ZX_RIGHT_WRITE), 0, m.len, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE + 4, "abcd", 4), 4);
    EXPECT_TARGET(&t, PLACE + 4, "abcd", 4);
    EXPECT_UNTOUCHED(&child);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/T14 choices: read-only now, but could be made writable: written through, before and after it is") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 2, "abcd", 4), 4);
    EXPECT_MEMORY(&m, PAGE - 2, "abcd", 4);
    NEED_OK(zx_vmar_protect(t.vmar, PERM_RW, PLACE, m.len));
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 2, "efgh", 4), 4);
    EXPECT_MEMORY(&m, PAGE - 2, "efgh", 4);
    memset(m.view, 9, m.len);
    EXPECT_TARGET(&t, PLACE, m.view, m.len);
}

TEST("write_memory/T14 the ceiling stays what it was, and permissions too") {
    struct shut s = shut_make(2, PERM_R);
    EXPECT_STATUS(zx_vmar_protect(s.t.vmar, PERM_RW, PLACE, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_MOVED(write_to(s.t.process, PLACE, source, 8), 8);
    EXPECT_STATUS(zx_vmar_protect(s.t.vmar, PERM_RW, PLACE, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_vmar_protect(s.t.vmar, PERM_NONE, PLACE, s.m.len));
    EXPECT_OK(zx_vmar_protect(s.t.vmar, PERM_RX, PLACE, s.m.len));
    expect_own(&s, 0, source, 8);
}

TEST("write_memory/T14 a ceiling that the region set, whatever the VMO's handle allows") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    zx_handle_t region = vmar_make_with(t.vmar, PLACE, PAGE, ZX_VM_CAN_MAP_READ);
    vmar_map_at(region, PLACE, m.vmo, 0, PAGE, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE, "abcd", 4), 4);
    EXPECT_TARGET(&t, PLACE, "abcd", 4);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/T16 parts split off before the write are mappings of their own, and stay shared") {
    struct shut s = shut_make(3, PERM_R);
    NEED_OK(zx_vmar_protect(s.t.vmar, PERM_RX, PLACE + PAGE, PAGE));
    EXPECT_MOVED(write_to(s.t.process, PLACE + PAGE + 4, source, 8), 8);
    EXPECT_UNTOUCHED(&s.m);
    expect_own(&s, PAGE + 4, source, 8);
    memset(s.m.view, 5, s.m.len);
    EXPECT_TARGET(&s.t, PLACE, s.m.view, PAGE);
    EXPECT_TARGET(&s.t, PLACE + PAGE + 4, source, 8);
    EXPECT_TARGET(&s.t, PLACE + 2 * PAGE, s.m.view, PAGE);
}

TEST("write_memory/T16 T12 parts split off after the write share its snapshot, and make no second one") {
    struct shut s = shut_make(4, PERM_R);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 2 * PAGE - 4, source, 8), 8);
    NEED_OK(zx_vmar_protect(s.t.vmar, PERM_NONE, PLACE + PAGE, PAGE));
    NEED_OK(zx_vmar_unmap(s.t.vmar, PLACE + 3 * PAGE, PAGE));
    fail_arm(1);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 2 * PAGE - 4, source + 50, 8), 8);
    EXPECT(!fail_over());
    s.m.len = 3 * PAGE;
    expect_own(&s, 2 * PAGE - 4, source + 50, 8);
    memset(s.m.view, 5, s.m.len);
    expect_own(&s, 2 * PAGE - 4, source + 50, 8);
}

TEST("write_memory/T10 a shut mapping that begins inside its VMO") {
    struct target t = target_make();
    struct memory m = memory_make(5 * PAGE, 3);
    target_map(&t, PLACE, handle_without(m.vmo, ZX_RIGHT_WRITE), 2 * PAGE, 2 * PAGE, PERM_R);
    pattern_fill(source, sizeof(source), 9);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE + 7, source, 3 * PAGE), PAGE - 7);
    EXPECT_TARGET(&t, PLACE, m.view + 2 * PAGE, PAGE + 7);
    EXPECT_TARGET(&t, PLACE + PAGE + 7, source, PAGE - 7);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/T11 a shut mapping of a slice: the memory it is a window on stays") {
    zx_handle_t whole, slice;
    NEED_OK(zx_vmo_create(4 * PAGE, ZX_VMO_NON_RESIZABLE, &whole));
    struct memory m = memory_of(whole, 4 * PAGE, 6);
    pattern_fill(m.view, m.len, m.seed);
    NEED_OK(zx_vmo_create_child(whole, ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE, PAGE, 2 * PAGE, &slice));
    struct target t = target_make();
    target_map(&t, PLACE, slice, PAGE, PAGE, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE + 8, "abcd", 4), 4);
    EXPECT_TARGET(&t, PLACE, m.view + 2 * PAGE, 8);
    EXPECT_TARGET(&t, PLACE + 8, "abcd", 4);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/T7 one write through shut, open and shut mappings that adjoin") {
    struct shut s = shut_make(1, PERM_R);
    struct memory open = memory_make(PAGE, 4);
    target_map(&s.t, PLACE + PAGE, open.vmo, 0, PAGE, PERM_R);
    target_map(&s.t, PLACE + 2 * PAGE, s.readable, 0, PAGE, PERM_RX);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 5, source, 3 * PAGE), 3 * PAGE - 5);
    EXPECT_TARGET(&s.t, PLACE, s.m.view, 5);
    EXPECT_TARGET(&s.t, PLACE + 5, source, 3 * PAGE - 5);
    EXPECT_MEMORY(&open, 0, source + PAGE - 5, PAGE);
    EXPECT_UNTOUCHED(&s.m);
}

TEST("write_memory/NO_MEMORY A12 past the VMO's end a shut mapping is not made private") {
    struct shut s = shut_make(1, PERM_R);
    target_map(&s.t, PLACE + 8 * PAGE, s.readable, 0, 4 * PAGE, PERM_R);
    EXPECT_REFUSED(write_to(s.t.process, PLACE + 9 * PAGE, source, 8), ZX_ERR_NO_MEMORY);
    target_map(&s.t, PLACE + 16 * PAGE, s.readable, 5 * PAGE, PAGE, PERM_R);
    EXPECT_REFUSED(write_to(s.t.process, PLACE + 16 * PAGE, source, 8), ZX_ERR_NO_MEMORY);
    memset(s.m.view, 5, s.m.len);
    EXPECT_TARGET(&s.t, PLACE + 8 * PAGE, s.m.view, PAGE);
}

TEST("write_memory/T10 a shut mapping at the very end of an enormous VMO") {
    struct target t = target_make();
    uint64_t size = UINT64_MAX - ZX_PAGE_MASK, last = size - PAGE;
    zx_handle_t vmo;
    NEED_OK(zx_vmo_create(size, 0, &vmo));
    NEED_OK(zx_vmo_write(vmo, "before", last, 6));
    target_map(&t, PLACE, handle_without(vmo, ZX_RIGHT_WRITE), last - PAGE, 2 * PAGE, PERM_R);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 2, "abcd", 4), 4);
    EXPECT_TARGET(&t, PLACE + PAGE - 2, "abcdfore", 8);
    char back[8];
    NEED_OK(zx_vmo_read(vmo, back, last - 2, 8));
    EXPECT_BYTES(back, "\0\0before", 8);
}

TEST("write_memory/A12 A13 a private snapshot ends where the VMO ended, though that grows") {
    struct shut s = shut_make(1, PERM_R);
    target_map(&s.t, PLACE + 8 * PAGE, s.readable, 0, 4 * PAGE, PERM_R);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 9 * PAGE - 4, source, 8), 4);
    NEED_OK(zx_vmo_set_size(s.m.vmo, 4 * PAGE));
    EXPECT_REFUSED(write_to(s.t.process, PLACE + 9 * PAGE, source, 8), ZX_ERR_NO_MEMORY);
    EXPECT_TARGET(&s.t, PLACE + 9 * PAGE - 4, source, 4);
}

TEST("write_memory/BAD_STATE T15 a shut mapping of uncached memory") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(PAGE);
    NEED_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
    target_map(&t, PLACE, handle_without(vmo, ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
    EXPECT_REFUSED(write_to(t.process, PLACE, source, 8), ZX_ERR_BAD_STATE);
}

TEST("write_memory/INVALID_ARGS S4 a bad buffer, and a shut mapping: nothing leaks all the same") {
    struct shut s = shut_make(3, PERM_R);
    unsigned char *from = buffer_make(PAGE);
    pattern_fill(from, PAGE, 9);
    EXPECT_REFUSED(write_to(s.t.process, PLACE, from, 2 * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(write_to(s.t.process, PLACE, (void *)8, 2 * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&s.m);
    EXPECT_TARGET(&s.t, PLACE + PAGE, s.m.view + PAGE, 2 * PAGE);
}

TEST("write_memory/T3 the buffer lies in the very VMO behind the shut mapping") {
    struct shut s = shut_make(3, PERM_R);
    EXPECT_MOVED(write_to(s.t.process, PLACE + 100, s.m.view, 2 * PAGE), 2 * PAGE);
    EXPECT_UNTOUCHED(&s.m);
    expect_own(&s, 100, s.m.view, 2 * PAGE);
}

TEST("read_memory/T3 reading makes nothing private: a shut mapping goes on showing its VMO") {
    struct shut s = shut_make(2, PERM_R);
    expect_own(&s, 0, s.m.view, 0);
    memset(s.m.view, 5, s.m.len);
    EXPECT_TARGET(&s.t, PLACE, s.m.view, s.m.len);
}
