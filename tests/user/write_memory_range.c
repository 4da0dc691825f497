/*
 * zx_process_write_memory: sizes and addresses.
 */
#include "tests/user/memory.h"

static unsigned char source[8 * 4096];

static void source_fill(void) { pattern_fill(source, sizeof(source), 9); }

TEST("write_memory/INVALID_ARGS A1 A5 a size of 0 or above 64 MiB, whatever the handle") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 4);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    const size_t sizes[] = {0,        MAX_TRANSFER + 1, MAX_TRANSFER + PAGE, (size_t)1 << 32, ((size_t)1 << 32) + 1,
                            SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX - PAGE,     SIZE_MAX - 1,    (size_t)1 << 63};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        EXPECT_REFUSED(write_to(t.process, PLACE, source, sizes[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_REFUSED(read_from(t.process, PLACE, source, sizes[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_REFUSED(write_to(ZX_HANDLE_INVALID, PLACE, source, sizes[i]), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/A2 A3 a byte, a page and their neighbours, at every kind of place") {
    struct target t = target_make();
    struct memory m = memory_make(6 * PAGE, 5);
    source_fill();
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    const size_t lens[] = {1, 2, 7, 8, 9, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 5};
    const size_t places[] = {0, 1, 8, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 9};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            pattern_fill(m.view, m.len, m.seed);
            NEED_MOVED(write_to(t.process, PLACE + places[k], source, lens[i]), lens[i]);
            EXPECT_MEMORY(&m, places[k], source, lens[i]);
        }
    }
}

TEST("write_memory/A10 every alignment of buffer and address") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 6);
    source_fill();
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    for (size_t to = 0; to < 16; to++) {
        for (size_t from = 0; from < 16; from++) {
            size_t len = 40 + (to * 5 + from) % 23;
            pattern_fill(m.view, m.len, m.seed);
            NEED_MOVED(write_to(t.process, PLACE + PAGE - 32 + to, source + PAGE - 32 + from, len), len);
            EXPECT_MEMORY(&m, PAGE - 32 + to, source + PAGE - 32 + from, len);
        }
    }
}

/* The words of the 64 MiB: each of them another. */
static uint64_t word_at(size_t i) { return (i + 1) * 0x9e3779b97f4a7c15u; }

TEST("write_memory/A4 a write of exactly 64 MiB succeeds, and every byte of it is right") {
    struct target t = target_make();
    size_t words = MAX_TRANSFER / 8, guard = PAGE / 8;
    zx_handle_t from = vmo_make(MAX_TRANSFER), to = vmo_make(MAX_TRANSFER + 2 * PAGE);
    uint64_t *buffer = map_here(from, 0, MAX_TRANSFER, PERM_RW);
    for (size_t i = 0; i < words; i++) buffer[i] = word_at(i);
    target_map(&t, PLACE, to, 0, MAX_TRANSFER + 2 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE, buffer, MAX_TRANSFER), MAX_TRANSFER);
    const uint64_t *view = map_here(to, 0, MAX_TRANSFER + 2 * PAGE, PERM_R);
    for (size_t i = 0; i < guard; i++) NEED(view[i] == 0 && view[guard + words + i] == 0);
    for (size_t i = 0; i < words; i++) NEED_EQ(view[guard + i], word_at(i));
    EXPECT_REFUSED(write_to(t.process, PLACE + PAGE, buffer, MAX_TRANSFER + 1), ZX_ERR_INVALID_ARGS);
}

TEST("write_memory/NO_MEMORY A7 page 0 and all below the user's space") {
    struct target t = target_make();
    const zx_vaddr_t places[] = {0, 1, 8, PAGE - 1, PAGE, 0x10000, USER_BASE - PAGE, USER_BASE - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        EXPECT_REFUSED(write_to(t.process, places[i], source, 1), ZX_ERR_NO_MEMORY);
        EXPECT_REFUSED(write_to(t.process, places[i], source, sizeof(source)), ZX_ERR_NO_MEMORY);
        EXPECT_REFUSED(write_to(zx_process_self(), places[i], source, 16), ZX_ERR_NO_MEMORY);
        EXPECT_REFUSED(read_from(t.process, places[i], source, sizeof(source)), ZX_ERR_NO_MEMORY);
    }
}

TEST("write_memory/A7 the first user byte, and none before it") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 2);
    source_fill();
    target_map(&t, USER_BASE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_REFUSED(write_to(t.process, USER_BASE - 8, source, 16), ZX_ERR_NO_MEMORY);
    EXPECT_UNTOUCHED(&m);
    EXPECT_MOVED(write_to(t.process, USER_BASE, source, 16), 16);
    EXPECT_MEMORY(&m, 0, source, 16);
}

TEST("write_memory/A8 A6 the last user byte, and none past it") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 2);
    source_fill();
    target_map(&t, USER_END - PAGE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, USER_END - 1, source, 1), 1);
    EXPECT_MEMORY(&m, PAGE - 1, source, 1);
    EXPECT_MOVED(write_to(t.process, USER_END - 1, source + 1, sizeof(source) - 1), 1);
    EXPECT_MEMORY(&m, PAGE - 1, source + 1, 1);
    pattern_fill(m.view, m.len, m.seed);
    EXPECT_MOVED(write_to(t.process, USER_END - 100, source, sizeof(source)), 100);
    EXPECT_MEMORY(&m, PAGE - 100, source, 100);
    EXPECT_REFUSED(write_to(t.process, USER_END, source, 1), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, USER_END + PAGE - 1, source, 2), ZX_ERR_NO_MEMORY);
    EXPECT_MEMORY(&m, PAGE - 100, source, 100);
}

TEST("write_memory/NO_MEMORY A9 A6 kernel and non-canonical addresses") {
    struct target t = target_make();
    unsigned char back[16];
    const zx_vaddr_t places[] = {
        0x800000000000,     0x800000000000 + PAGE, 0x00ff000000000000, 0x8000000000000000, 0xffff000000000000,
        0xffff7fffffffffff, 0xffff800000000000,    0xffff800000100000, 0xffff800008000000, 0xffffffff80000000,
        0xffffffff80100000, 0xffffffff80200000,    UINT64_MAX - PAGE,  UINT64_MAX - 15,    UINT64_MAX,
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        EXPECT_REFUSED(write_to(t.process, places[i], source, 16), ZX_ERR_NO_MEMORY);
        EXPECT_REFUSED(write_to(zx_process_self(), places[i], source, sizeof(source)), ZX_ERR_NO_MEMORY);
        EXPECT_REFUSED(read_from(t.process, places[i], back, sizeof(back)), ZX_ERR_NO_MEMORY);
    }
    for (unsigned bit = 47; bit < 64; bit++)
        EXPECT_REFUSED(write_to(zx_process_self(), (zx_vaddr_t)back | (zx_vaddr_t)1 << bit, source, 16),
                       ZX_ERR_NO_MEMORY);
}

TEST("write_memory/A6 an address whose sum with the size wraps is as good as its bytes") {
    struct target t = target_make();
    EXPECT_REFUSED(write_to(t.process, UINT64_MAX - 7, source, 16), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, UINT64_MAX - MAX_TRANSFER + 2, source, MAX_TRANSFER), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, (zx_vaddr_t)0 - PAGE, source, sizeof(source)), ZX_ERR_NO_MEMORY);
}

TEST("write_memory/A12 the VMO ends before its mapping, and choices: at or past the VMO's end") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 8);
    source_fill();
    target_map(&t, PLACE, m.vmo, 0, 4 * PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE + 2 * PAGE - 10, source, 11), 10);
    EXPECT_MEMORY(&m, 2 * PAGE - 10, source, 10);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE, source, 3 * PAGE), PAGE);
    EXPECT_MEMORY(&m, PAGE, source, PAGE);
    EXPECT_REFUSED(write_to(t.process, PLACE + 2 * PAGE, source, 1), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(write_to(t.process, PLACE + 4 * PAGE - 1, source, 1), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(read_from(t.process, PLACE + 2 * PAGE, source, 1), ZX_ERR_NO_MEMORY);
    EXPECT_MEMORY(&m, PAGE, source, PAGE);
}

TEST("write_memory/A12 what adjoins a mapping whose VMO ends early is not reached") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 8), next = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, 2 * PAGE, PERM_RW);
    target_map(&t, PLACE + 2 * PAGE, next.vmo, 0, PAGE, PERM_RW);
    source_fill();
    EXPECT_MOVED(write_to(t.process, PLACE + 10, source, 3 * PAGE), PAGE - 10);
    EXPECT_MEMORY(&m, 10, source, PAGE - 10);
    EXPECT_UNTOUCHED(&next);
}

TEST("write_memory/A13 the VMO shrinks under its mapping, and grows again") {
    struct target t = target_make();
    struct memory m = memory_make(4 * PAGE, 7);
    source_fill();
    target_map(&t, PLACE, m.vmo, 0, 4 * PAGE, PERM_RW);
    NEED_OK(zx_vmo_set_size(m.vmo, 2 * PAGE));
    EXPECT_REFUSED(write_to(t.process, PLACE + 2 * PAGE, source, 8), ZX_ERR_NO_MEMORY);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE + 1, source, 3 * PAGE), PAGE - 1);
    NEED_OK(zx_vmo_set_size(m.vmo, 0));
    EXPECT_REFUSED(write_to(t.process, PLACE, source, 8), ZX_ERR_NO_MEMORY);
    EXPECT_REFUSED(read_from(t.process, PLACE, source, 8), ZX_ERR_NO_MEMORY);
    NEED_OK(zx_vmo_set_size(m.vmo, 4 * PAGE));
    m.seed = 0;
    EXPECT_UNTOUCHED(&m);
    EXPECT_MOVED(write_to(t.process, PLACE + 3 * PAGE - 4, source, 8), 8);
    EXPECT_MEMORY(&m, 3 * PAGE - 4, source, 8);
}
