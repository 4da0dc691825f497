/*
 * zx_process_write_memory and zx_process_read_memory when memory runs out (T20): every allocation that a call makes
 * is made to fail, one call for each. What comes back must be the truth: an error and not a byte moved, or a count
 * and exactly that many.
 */
#include "tests/user/memory.h"

#define MAX_ALLOCATIONS 200

/* One way to set things up, made anew for each failure. */
struct scene {
    struct target t;
    struct memory m;     /* what the target has, from PLACE on, as we see it */
    bool shut;           /* its mapping there is not to be written through: `m` must stay as it is */
    unsigned char *from; /* a buffer of `len` bytes */
    size_t at, len;      /* what is written, from PLACE */
};

#define BACKGROUND 3

static unsigned char *committed_buffer(size_t len) {
    unsigned char *buffer = buffer_make(len);
    pattern_fill(buffer, len, 9);
    return buffer;
}

static struct scene scene_make(size_t pages, unsigned seed, size_t at, size_t len) {
    struct scene s = {.t = target_make(), .m = memory_make(pages * PAGE, seed), .at = at, .len = len};
    s.from = committed_buffer(len);
    return s;
}

static void scene_map(struct scene *s, zx_handle_t vmo) { target_map(&s->t, PLACE, vmo, 0, s->m.len, PERM_R); }

static struct scene uncommitted(void) {
    struct scene s = scene_make(5, 0, 100, 3 * PAGE);
    scene_map(&s, s.m.vmo);
    return s;
}

/* Far apart in the VMO, so that the page tree has to grow. */
static struct scene sparse(void) {
    struct scene s = scene_make(1, 0, PAGE - 60, 4 * PAGE);
    zx_handle_t wide = vmo_make((size_t)1 << 40);
    s.m = memory_of(wide, 6 * PAGE, 0);
    target_map(&s.t, PLACE, wide, 0, PAGE, PERM_RW);
    target_map(&s.t, PLACE + PAGE, wide, (uint64_t)1 << 39, 2 * PAGE, PERM_RW);
    target_map(&s.t, PLACE + 3 * PAGE, wide, (uint64_t)1 << 30, 3 * PAGE, PERM_RW);
    return s;
}

static struct scene copy_pending(void) {
    struct scene s = scene_make(5, BACKGROUND, PAGE - 8, 3 * PAGE);
    zx_handle_t child;
    MUST(zx_vmo_create_child(s.m.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, s.m.len, &child));
    scene_map(&s, s.m.vmo);
    return s;
}

static struct scene made_private(void) {
    struct scene s = scene_make(4, BACKGROUND, PAGE - 8, 2 * PAGE);
    s.shut = true;
    scene_map(&s, handle_without(s.m.vmo, ZX_RIGHT_WRITE));
    return s;
}

static struct scene several_private(void) {
    struct scene s = scene_make(4, BACKGROUND, 8, 3 * PAGE);
    s.shut = true;
    zx_handle_t readable = handle_without(s.m.vmo, ZX_RIGHT_WRITE);
    for (size_t i = 0; i < 4; i++) target_map(&s.t, PLACE + i * PAGE, readable, i * PAGE, PAGE, PERM_R);
    return s;
}

/* The buffer lies where there are no page tables yet, each time somewhere else: they have to be allocated too. */
static struct scene buffer_uncommitted(void) {
    static zx_vaddr_t far_away;
    struct scene s = uncommitted();
    far_away += (zx_vaddr_t)1 << 39;
    s.from = (unsigned char *)far_away;
    vmar_map_at(zx_vmar_root_self(), far_away, vmo_make(4 * PAGE), 0, 4 * PAGE, PERM_RW);
    return s;
}

/* What the target shows must be its background, but for the first `count` bytes of the buffer. */
static void expect_target(const struct scene *s, size_t count) {
    unsigned char *want = buffer_make(s->m.len);
    pattern_fill(want, s->m.len, s->m.seed);
    memcpy(want + s->at, s->from, count);
    EXPECT_TARGET(&s->t, PLACE, want, s->m.len);
    if (s->shut) EXPECT_UNTOUCHED(&s->m);
}

/* How the call ended, when an allocation failed and when none did. */
static size_t count_moved(struct moved moved, size_t len, bool failed) {
    if (!failed) EXPECT_MOVED(moved, len);
    if (moved.status == ZX_OK) return moved.actual;
    EXPECT_STATUS(moved.status, ZX_ERR_NO_MEMORY);
    return 0;
}

/* Fails each allocation in turn. Some of them must make the call fail, and others cut it short. */
static void write_with_failures(struct scene (*make)(void)) {
    bool failed = true;
    unsigned nth = 0, refused = 0, cut = 0;
    while (failed) {
        NEED(nth < MAX_ALLOCATIONS);
        struct scene s = make();
        fail_arm(++nth);
        struct moved moved = write_to(s.t.process, PLACE + s.at, s.from, s.len);
        failed = fail_over();
        size_t count = count_moved(moved, s.len, failed);
        refused += count == 0;
        cut += count > 0 && count < s.len;
        expect_target(&s, count);
        zx_handle_close(s.t.process);
    }
    EXPECT(refused > 0 && cut > 0);
    test_note("%u allocations: %u errors, %u short counts", nth - 1, refused, cut);
}

#define OUT_OF_MEMORY "write_memory/NO_MEMORY T20 choices: out of memory: "
TEST(OUT_OF_MEMORY "an uncommitted target") { write_with_failures(uncommitted); }
TEST(OUT_OF_MEMORY "pages far apart, and mappings that adjoin") { write_with_failures(sparse); }
TEST(OUT_OF_MEMORY "a target whose copy is pending") { write_with_failures(copy_pending); }
TEST(OUT_OF_MEMORY "a mapping to be made private") { write_with_failures(made_private); }
TEST(OUT_OF_MEMORY "several mappings to be made private") { write_with_failures(several_private); }
TEST(OUT_OF_MEMORY "an uncommitted buffer and target") { write_with_failures(buffer_uncommitted); }

TEST("write_memory/T20 a write into memory that is there needs none") {
    struct scene s = scene_make(4, BACKGROUND, 5, 2 * PAGE);
    scene_map(&s, s.m.vmo);
    fail_arm(1);
    EXPECT_MOVED(write_to(s.t.process, PLACE + s.at, s.from, s.len), s.len);
    EXPECT(!fail_over());
    expect_target(&s, s.len);
}

static void read_with_failures(bool copy_is_pending) {
    bool failed = true;
    unsigned nth = 0;
    while (failed) {
        NEED(nth < MAX_ALLOCATIONS);
        struct scene s = scene_make(4, BACKGROUND, 100, 2 * PAGE);
        struct memory into = memory_make(4 * PAGE, copy_is_pending ? 7 : 0);
        zx_handle_t child = ZX_HANDLE_INVALID;
        if (copy_is_pending) MUST(zx_vmo_create_child(into.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, into.len, &child));
        scene_map(&s, s.m.vmo);
        fail_arm(++nth);
        struct moved moved = read_from(s.t.process, PLACE + s.at, into.view + 50, s.len);
        failed = fail_over();
        EXPECT_MEMORY(&into, 50, s.m.view + s.at, count_moved(moved, s.len, failed));
        EXPECT_UNTOUCHED(&s.m);
        zx_handle_close(s.t.process);
    }
    EXPECT(nth > 1);
}

TEST("read_memory/T20 out of memory: an uncommitted buffer") { read_with_failures(false); }
TEST("read_memory/T20 out of memory: a buffer whose copy is pending") { read_with_failures(true); }
