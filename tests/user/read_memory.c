/*
 * zx_process_read_memory, where it is not the mirror of writing: what it may never change, and the buffer's far end.
 * Handles, sizes and addresses are tried together with writing.
 */
#include "tests/user/memory.h"

#define PAGES 6
static struct target t;
static struct memory m;
static unsigned char *into;

/* A target with background at PLACE, and a buffer of the same size. */
static void set_up(unsigned seed) {
    t = target_make();
    m = memory_make(PAGES * PAGE, seed);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    into = buffer_make(m.len);
}

TEST("read_memory/A2 A3 A10 sizes and alignments, and not a byte more than asked for") {
    set_up(3);
    const size_t lens[] = {1, 2, 7, 8, 9, 15, 64, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 5};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (size_t at = PAGE - 17; at <= PAGE + 1; at++) {
            memset(into, 0xee, m.len);
            NEED_MOVED(read_from(t.process, PLACE + at, into + 32 + i, lens[i]), lens[i]);
            EXPECT_BYTES(into + 32 + i, m.view + at, lens[i]);
            EXPECT_EQ(into[31 + i], 0xee);
            EXPECT_EQ(into[32 + i + lens[i]], 0xee);
        }
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("read_memory/A4 exactly 64 MiB, of which almost nothing is committed") {
    t = target_make();
    zx_handle_t vmo = vmo_make(MAX_TRANSFER);
    uint64_t mark = 0x123456789abcdef0;
    NEED_OK(zx_vmo_write(vmo, &mark, MAX_TRANSFER - 8, 8));
    NEED_OK(zx_vmo_write(vmo, &mark, MAX_TRANSFER / 2, 8));
    target_map(&t, PLACE, vmo, 0, MAX_TRANSFER, PERM_R);
    uint64_t *words = (uint64_t *)(void *)buffer_make(MAX_TRANSFER);
    for (size_t i = 0; i < MAX_TRANSFER / 8; i += 16) words[i] = 1;
    EXPECT_MOVED(read_from(t.process, PLACE, words, MAX_TRANSFER), MAX_TRANSFER);
    for (size_t i = 0; i < MAX_TRANSFER / 8; i++)
        NEED_EQ(words[i], i == MAX_TRANSFER / 16 || i == MAX_TRANSFER / 8 - 1 ? mark : 0);
    EXPECT_REFUSED(read_from(t.process, PLACE, words, MAX_TRANSFER + 1), ZX_ERR_INVALID_ARGS);
}

TEST("read_memory/T18 memory never touched reads as zeros, and is not committed") {
    set_up(0);
    memset(into, 0xee, m.len);
    unmap_here(m.view, m.len);
    fail_arm(1);
    EXPECT_MOVED(read_from(t.process, PLACE, into, m.len), m.len);
    EXPECT(!fail_over());
    for (size_t i = 0; i < m.len; i++) NEED_EQ(into[i], 0);
    /* The cache policy can be set only while nothing is committed. */
    NEED_OK(zx_vmar_unmap(t.vmar, PLACE, m.len));
    EXPECT_OK(zx_vmo_set_cache_policy(m.vmo, ZX_CACHE_POLICY_UNCACHED));
}

TEST("read_memory/T5 T16 permissions of the target's mappings do not matter") {
    set_up(3);
    const zx_vm_option_t perms[] = {PERM_NONE, PERM_R, PERM_RX, PERM_RW, PERM_NONE, PERM_R};
    for (size_t i = 0; i < PAGES; i++) NEED_OK(zx_vmar_protect(t.vmar, perms[i], PLACE + i * PAGE, PAGE));
    EXPECT_MOVED(read_from(t.process, PLACE + 1, into, m.len - 1), m.len - 1);
    EXPECT_BYTES(into, m.view + 1, m.len - 1);
}

TEST("read_memory/NO_MEMORY T6 T7 choices: goes on over adjoining mappings, and is short at a hole") {
    set_up(3);
    struct memory next = memory_make(2 * PAGE, 4);
    target_map(&t, PLACE + m.len, next.vmo, PAGE, PAGE, PERM_NONE);
    memset(into, 0xee, m.len);
    EXPECT_MOVED(read_from(t.process, PLACE + m.len - PAGE, into, 3 * PAGE), 2 * PAGE);
    EXPECT_BYTES(into, m.view + m.len - PAGE, PAGE);
    EXPECT_BYTES(into + PAGE, next.view + PAGE, PAGE);
    for (size_t i = 2 * PAGE; i < m.len; i++) NEED_EQ(into[i], 0xee);
    EXPECT_REFUSED(read_from(t.process, PLACE + m.len + PAGE, into, 1), ZX_ERR_NO_MEMORY);
}

TEST("read_memory/S2 choices: what of the buffer is not reached is never looked at, nor touched") {
    set_up(3);
    unsigned char *last = into + m.len - PAGE;
    EXPECT_MOVED(read_from(t.process, PLACE + m.len - PAGE, last, MAX_TRANSFER), PAGE);
    EXPECT_BYTES(last, m.view + m.len - PAGE, PAGE);
    EXPECT_MOVED(read_from(t.process, PLACE + m.len - 8, last + PAGE - 8, PAGE), 8);
}

TEST("read_memory/INVALID_ARGS S4 A11 a buffer whose end is bad: nothing beyond it moves, `actual` stays") {
    set_up(3);
    struct memory back = memory_make(3 * PAGE, 7);
    for (size_t good = 1; good < 2 * PAGE; good += good < 40 ? 1 : 511) {
        unsigned char *place = into + m.len - good;
        memset(into + m.len - 2 * PAGE, 0xee, 2 * PAGE);
        EXPECT_REFUSED(read_from(t.process, PLACE + 5, place, 3 * PAGE), ZX_ERR_INVALID_ARGS);
        size_t moved = 0;
        while (moved < good && place[moved] == m.view[5 + moved]) moved++;
        for (; moved < good; moved++) NEED_EQ(place[moved], 0xee);
        if (good < 2 * PAGE) EXPECT_EQ(place[-1], 0xee);
    }
    NEED_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_R, (zx_vaddr_t)back.view + PAGE, PAGE));
    EXPECT_REFUSED(read_from(t.process, PLACE, back.view, 3 * PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_MEMORY_UP_TO(&back, 0, m.view, PAGE);
}

TEST("read_memory/INVALID_ARGS S13 a read-only buffer") {
    set_up(3);
    struct memory shut = memory_make(PAGE, 7);
    EXPECT_REFUSED(read_from(t.process, PLACE, map_here(shut.vmo, 0, PAGE, PERM_R), 8), ZX_ERR_INVALID_ARGS);
    EXPECT_UNTOUCHED(&shut);
}

TEST("read_memory/S7 S8 a buffer not committed yet, or whose copy is pending") {
    set_up(3);
    struct memory parent = memory_make(3 * PAGE, 7);
    zx_handle_t vmo;
    NEED_OK(zx_vmo_create_child(parent.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, parent.len, &vmo));
    struct memory child = memory_of(vmo, parent.len, 7);
    EXPECT_MOVED(read_from(t.process, PLACE + 3, child.view + PAGE - 4, PAGE + 8), PAGE + 8);
    EXPECT_MEMORY(&child, PAGE - 4, m.view + 3, PAGE + 8);
    EXPECT_UNTOUCHED(&parent);
    EXPECT_MOVED(read_from(t.process, PLACE, into, 2 * PAGE), 2 * PAGE);
    EXPECT_BYTES(into, m.view, 2 * PAGE);
    EXPECT_EQ(into[2 * PAGE], 0);
}

TEST("read_memory/S14 a buffer in uncached memory is fine") {
    set_up(3);
    zx_handle_t vmo = vmo_make(PAGE);
    NEED_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
    struct memory uncached = memory_of(vmo, PAGE, 0);
    EXPECT_MOVED(read_from(t.process, PLACE + 1, uncached.view + 2, 100), 100);
    EXPECT_MEMORY(&uncached, 2, m.view + 1, 100);
}

TEST("read_memory/O5 `actual` inside the buffer: the count is what stays; INVALID_ARGS O1 O2 O3 bad ones") {
    set_up(3);
    unsigned char want[64];
    size_t count = sizeof(want);
    EXPECT_OK(zx_process_read_memory(t.process, PLACE, into, sizeof(want), (size_t *)(void *)(into + 8)));
    memcpy(want, m.view, sizeof(want));
    memcpy(want + 8, &count, sizeof(count));
    EXPECT_BYTES(into, want, sizeof(want));
    struct memory shut = memory_make(PAGE, 7);
    size_t *bad[] = {NULL, (size_t *)8, (size_t *)0xffff800000000000, map_here(shut.vmo, 0, PAGE, PERM_R)};
    for (size_t i = 0; i < 4; i++) {
        memset(into, 0, 64);
        EXPECT_STATUS(zx_process_read_memory(t.process, PLACE, into, 64, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_BYTES(into, m.view, 64);
    }
    EXPECT_UNTOUCHED(&shut);
}

TEST("read_memory/T11 from a snapshot of a snapshot") {
    set_up(3);
    zx_handle_t one, two;
    NEED_OK(zx_vmo_create_child(m.vmo, ZX_VMO_CHILD_SNAPSHOT, PAGE, 3 * PAGE, &one));
    NEED_OK(zx_vmo_create_child(one, ZX_VMO_CHILD_SNAPSHOT, PAGE, 3 * PAGE, &two));
    target_map(&t, PLACE + 16 * PAGE, two, 0, 3 * PAGE, PERM_R);
    memcpy(into, m.view + 2 * PAGE, 2 * PAGE);
    memset(m.view, 1, m.len);
    unsigned char *back = buffer_make(3 * PAGE);
    EXPECT_MOVED(read_from(t.process, PLACE + 16 * PAGE, back, 4 * PAGE), 3 * PAGE);
    EXPECT_BYTES(back, into, 3 * PAGE);
}
