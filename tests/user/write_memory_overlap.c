/*
 * zx_process_write_memory and zx_process_read_memory where buffer and target share memory: one process, one VMO, one
 * page.
 *
 * What overlapping bytes become is that of a copy page by page from the lowest address up. Within a page the copy may
 * go by bytes, by words, or as if through a second buffer, so each of those outcomes is right; nothing outside the
 * destination may change.
 */
#include "tests/user/memory.h"

#define LEN (6 * PAGE)

static unsigned char model[6 * 4096];

/* Copies within `model` as an ascending copy would whose pieces end at the target's pages. */
static void model_copy(size_t to, size_t from, size_t len, size_t step, size_t piece_at) {
    while (len > 0) {
        size_t piece = PAGE - piece_at % PAGE, size;
        if (piece > len) piece = len;
        if (step == 0) memmove(model + to, model + from, piece);
        for (size_t done = 0; step && done < piece; done += size) {
            size = piece - done < step ? 1 : step;
            unsigned char word[8];
            memcpy(word, model + from + done, size);
            memcpy(model + to + done, word, size);
        }
        to += piece, from += piece, piece_at += piece, len -= piece;
    }
}

/* Is the view what a copy within it may leave? `piece_at`: the target's address, which cuts the copy into pieces. */
static bool overlap_holds(const struct memory *m, size_t to, size_t from, size_t len, size_t piece_at) {
    static const size_t steps[] = {8, 1, 0};
    for (size_t i = 0; i < 3; i++) {
        pattern_fill(model, m->len, m->seed);
        model_copy(to, from, len, steps[i], piece_at);
        if (memcmp(model, m->view, m->len) == 0) return true;
    }
    return false;
}

struct overlap {
    struct memory m;
    struct target t;
    const unsigned char *again; /* the same memory at another address of ours */
};

static struct overlap overlap_make(void) {
    struct overlap o = {.m = memory_make(LEN, 3), .t = target_make()};
    target_map(&o.t, PLACE, o.m.vmo, 0, LEN, PERM_RW);
    o.again = map_here(o.m.vmo, 0, LEN, PERM_RW);
    return o;
}

static bool try_write(struct overlap *o, zx_handle_t process, zx_vaddr_t base, size_t to, size_t from, size_t len) {
    pattern_fill(o->m.view, LEN, o->m.seed);
    if (!moved_test(write_to(process, base + to, o->again + from, len), (struct moved){ZX_OK, len}, __FILE__, __LINE__,
                    "the write"))
        return false;
    return TEST_TRUE(overlap_holds(&o->m, to, from, len, to));
}

static bool try_read(struct overlap *o, zx_handle_t process, zx_vaddr_t base, size_t to, size_t from, size_t len) {
    pattern_fill(o->m.view, LEN, o->m.seed);
    if (!moved_test(read_from(process, base + from, (void *)(o->again + to), len), (struct moved){ZX_OK, len}, __FILE__,
                    __LINE__, "the read"))
        return false;
    return TEST_TRUE(overlap_holds(&o->m, to, from, len, from));
}

/* Distances in both directions: every one up to 70, then those around a page and two. */
static const int far[] = {128, 1000, 4088, 4095, 4096, 4097, 4104, 8191, 8192, 8193};
#define NEAR 70
#define DISTANCES (NEAR + 1 + (int)(sizeof(far) / sizeof(far[0])))

static bool each_distance(struct overlap *o, zx_handle_t process, zx_vaddr_t base,
                          bool (*attempt)(struct overlap *, zx_handle_t, zx_vaddr_t, size_t, size_t, size_t)) {
    for (int i = 0; i < DISTANCES; i++) {
        size_t distance = (size_t)(i <= NEAR ? i : far[i - NEAR - 1]);
        size_t len = i % 3 ? 300 + (size_t)i : 5000, low = PAGE - 100 + (size_t)i % 9;
        if (attempt(o, process, base, low, low + distance, len) && attempt(o, process, base, low + distance, low, len))
            continue;
        test_note("at distance %zu", distance);
        return false;
    }
    return true;
}

TEST("write_memory/S11 S12 A10 choices: overlap at every distance, both directions, of two mappings of one VMO") {
    struct overlap o = overlap_make();
    EXPECT(each_distance(&o, o.t.process, PLACE, try_write));
}

TEST("write_memory/S11 S12 H10 overlap at every distance, both directions, writing to oneself") {
    struct overlap o = overlap_make();
    EXPECT(each_distance(&o, zx_process_self(), (zx_vaddr_t)o.m.view, try_write));
    EXPECT(each_distance(&o, zx_process_self(), (zx_vaddr_t)o.again, try_write));
}

TEST("read_memory/S11 S12 H10 overlap at every distance, both directions") {
    struct overlap o = overlap_make();
    EXPECT(each_distance(&o, o.t.process, PLACE, try_read));
    EXPECT(each_distance(&o, zx_process_self(), (zx_vaddr_t)o.again, try_read));
}

TEST("write_memory/S11 a range onto itself changes nothing") {
    struct overlap o = overlap_make();
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)o.m.view + 7, o.m.view + 7, 4 * PAGE), 4 * PAGE);
    EXPECT_MOVED(write_to(o.t.process, PLACE + 1, o.m.view + 1, LEN - 2), LEN - 2);
    EXPECT_MOVED(read_from(o.t.process, PLACE + 1, o.m.view + 1, LEN - 2), LEN - 2);
    EXPECT_UNTOUCHED(&o.m);
}

TEST("write_memory/S11 S7 the buffer is the very page that the write commits") {
    struct memory m = memory_make(3 * PAGE, 0);
    struct target t = target_make();
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    EXPECT_EQ(m.view[PAGE], 0);
    EXPECT_MOVED(write_to(t.process, PLACE + PAGE, m.view + PAGE, PAGE), PAGE);
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)m.view, m.view, PAGE), PAGE);
    EXPECT_MOVED(read_from(t.process, PLACE + 2 * PAGE, m.view + 2 * PAGE, PAGE), PAGE);
    EXPECT_UNTOUCHED(&m);
    m.view[2 * PAGE] = 1;
}

TEST("write_memory/S11 S8 the buffer is the very page whose copy is pending") {
    for (int self = 0; self < 2; self++) {
        struct memory parent = memory_make(3 * PAGE, 4);
        zx_handle_t vmo;
        NEED_OK(zx_vmo_create_child(parent.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, parent.len, &vmo));
        struct memory child = memory_of(vmo, parent.len, 4);
        EXPECT_UNTOUCHED(&child);
        struct target t = target_make();
        target_map(&t, PLACE, vmo, 0, child.len, PERM_RW);
        zx_vaddr_t base = self ? (zx_vaddr_t)child.view : PLACE;
        unsigned char old[200];
        memcpy(old, child.view + PAGE - 100, sizeof(old));
        EXPECT_MOVED(write_to(self ? zx_process_self() : t.process, base + PAGE - 300, child.view + PAGE - 100, 200),
                     200);
        EXPECT_MEMORY(&child, PAGE - 300, old, 200);
        EXPECT_UNTOUCHED(&parent);
    }
}

TEST("write_memory/S12 source and target, both uncommitted, in one VMO") {
    struct memory m = memory_make(64 * PAGE, 0);
    struct target t = target_make();
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_RW);
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)m.view, m.view + 32 * PAGE, 30 * PAGE), 30 * PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 31 * PAGE, m.view + 40 * PAGE, 20 * PAGE), 20 * PAGE);
    EXPECT_MOVED(read_from(t.process, PLACE + 51 * PAGE, m.view + 60 * PAGE, 4 * PAGE), 4 * PAGE);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/S12 a committed source and an uncommitted target in one VMO, unaligned") {
    struct memory m = memory_make(16 * PAGE, 0);
    pattern_fill(m.view + 8 * PAGE, 3 * PAGE, 5);
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)m.view + 5, m.view + 8 * PAGE, 3 * PAGE), 3 * PAGE);
    unsigned char *want = buffer_make(m.len);
    pattern_fill(want + 5, 3 * PAGE, 5);
    pattern_fill(want + 8 * PAGE, 3 * PAGE, 5);
    EXPECT_BYTES(m.view, want, m.len);
}

TEST("write_memory/S11 T3 the buffer is the shut mapping that the write makes private, and the running stack") {
    struct memory m = memory_make(2 * PAGE, 4);
    const unsigned char *shut = map_here(handle_without(m.vmo, ZX_RIGHT_WRITE), 0, m.len, PERM_R);
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)shut + 10, shut + PAGE - 5, 20), 20);
    EXPECT_BYTES(shut + 10, m.view + PAGE - 5, 20);
    EXPECT_BYTES(shut + 30, m.view + 30, m.len - 30);
    EXPECT_UNTOUCHED(&m);
    unsigned char there[64];
    memset(there, 1, sizeof(there));
    EXPECT_MOVED(write_to(zx_process_self(), (zx_vaddr_t)there, shut, sizeof(there)), sizeof(there));
    EXPECT_BYTES(there, shut, sizeof(there));
}
