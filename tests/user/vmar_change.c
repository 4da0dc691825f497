/*
 * zx_vmar_unmap, zx_vmar_protect, zx_vmar_destroy and replacing by SPECIFIC_OVERWRITE: what is left afterwards.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGES 8u
#define LEN (PAGES * PAGE)
#define ALL_PAGES 0xffu

/* A region in which each page of a VMO, numbered in its first word, is mapped at its own place. */
struct ground {
    zx_handle_t vmar, vmo;
    zx_vaddr_t base;
};

static struct ground ground_empty(void) {
    struct ground g;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, LEN, &g.vmar, &g.base));
    g.vmo = vmo_make(LEN);
    for (uint64_t i = 0; i < PAGES; i++) poke(g.vmo, i * PAGE, 100 + i);
    return g;
}

/* Maps pages [first, end) of the VMO at their own place. */
static zx_vaddr_t put(const struct ground *g, uint64_t first, uint64_t end, zx_vm_option_t options) {
    zx_vaddr_t addr = 0;
    MUST(zx_vmar_map(g->vmar, options | (options & ZX_VM_SPECIFIC_OVERWRITE ? 0 : ZX_VM_SPECIFIC), first * PAGE, g->vmo,
                     first * PAGE, (end - first) * PAGE, &addr));
    return addr;
}

static struct ground ground_mapped(void) {
    struct ground g = ground_empty();
    put(&g, 0, PAGES, PERM_RW);
    return g;
}

static zx_handle_t put_region(const struct ground *g, uint64_t first, uint64_t end) {
    return vmar_make(g->vmar, g->base + first * PAGE, (end - first) * PAGE);
}

static zx_status_t unmap(const struct ground *g, uint64_t first, uint64_t end) {
    return zx_vmar_unmap(g->vmar, g->base + first * PAGE, (end - first) * PAGE);
}
static zx_status_t protect(const struct ground *g, uint64_t first, uint64_t end, zx_vm_option_t perms) {
    return zx_vmar_protect(g->vmar, perms, g->base + first * PAGE, (end - first) * PAGE);
}

/* The pages that can be read, as bits, and those that can be written; what can be read must be the right page. */
static uint32_t readable(const struct ground *g) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < PAGES; i++) {
        zx_vaddr_t addr = g->base + i * PAGE;
        if (!can_read(addr)) continue;
        bits |= 1u << i;
        EXPECT_EQ(*(volatile uint64_t *)addr, 100 + i);
    }
    return bits;
}
static uint32_t writable(const struct ground *g) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < PAGES; i++) bits |= (uint32_t)can_write(g->base + i * PAGE) << i;
    return bits;
}
static void expect_pages(const struct ground *g, uint32_t read, uint32_t write) {
    EXPECT_EQ(readable(g), read);
    EXPECT_EQ(writable(g), write);
}

static zx_status_t unmap_of(zx_handle_t vmar) { return zx_vmar_unmap(vmar, USER_BASE, PAGE); }
static zx_status_t protect_of(zx_handle_t vmar) { return zx_vmar_protect(vmar, PERM_R, USER_BASE, PAGE); }
static zx_status_t destroy_of(zx_handle_t vmar) { return zx_vmar_destroy(vmar); }
TEST("vmar_unmap/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMAR, unmap_of); }
TEST("vmar_protect/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMAR, protect_of); }
TEST("vmar_destroy/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMAR, destroy_of); }

TEST("vmar_unmap/needs no right, nor does vmar_destroy") {
    struct ground g = ground_mapped();
    zx_handle_t none = handle_with(g.vmar, ZX_RIGHT_NONE);
    EXPECT_OK(zx_vmar_unmap(none, g.base, PAGE));
    expect_pages(&g, 0xfe, 0xfe);
    EXPECT_OK(zx_vmar_destroy(none));
    expect_pages(&g, 0, 0);
}

TEST("vmar_unmap/A1 A5 A6 A10 bad ranges are INVALID_ARGS, and nothing changes; vmar_protect too") {
    struct ground g = ground_mapped();
    const uint64_t wrong[][2] = {{g.base + 1, PAGE},
                                 {g.base, 0},
                                 {g.base, UINT64_MAX},
                                 {g.base, LEN + 1},
                                 {g.base - PAGE, PAGE},
                                 {g.base - PAGE, 2 * PAGE},
                                 {g.base + LEN, PAGE},
                                 {g.base + LEN - PAGE, PAGE + 1},
                                 {g.base, UINT64_MAX - PAGE + 1},
                                 {UINT64_MAX - PAGE + 1, PAGE},
                                 {0, PAGE},
                                 {PHYSMAP, PAGE},
                                 {NON_CANONICAL, PAGE},
                                 {g.base, UINT64_MAX - g.base + 1}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(zx_vmar_unmap(g.vmar, wrong[i][0], wrong[i][1]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmar_protect(g.vmar, PERM_R, wrong[i][0], wrong[i][1]), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_STATUS(zx_vmar_unmap(zx_vmar_root_self(), USER_END, PAGE), ZX_ERR_INVALID_ARGS);
    expect_pages(&g, ALL_PAGES, ALL_PAGES);
}

TEST("vmar_unmap/H13 alignment, length, life, range; for vmar_protect rights and options come first") {
    struct ground g = ground_mapped();
    zx_handle_t weak = handle_with(g.vmar, ZX_RIGHT_READ);
    MUST(zx_vmar_destroy(g.vmar));
    EXPECT_STATUS(zx_vmar_unmap(g.vmar, g.base + 1, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_unmap(g.vmar, g.base, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_unmap(g.vmar, g.base - PAGE, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_protect(weak, ZX_VM_PERM_WRITE, g.base + 1, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_protect(weak, PERM_R | ZX_VM_SPECIFIC, g.base, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_protect(weak, PERM_R, g.base, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_protect(weak, PERM_R, g.base - PAGE, PAGE), ZX_ERR_BAD_STATE);
}

TEST("vmar_protect/any other option is INVALID_ARGS, and nothing changes") {
    struct ground g = ground_mapped();
    for (zx_vm_option_t option = 8; option != 0; option <<= 1)
        EXPECT_STATUS(zx_vmar_protect(g.vmar, PERM_R | option, g.base, PAGE), ZX_ERR_INVALID_ARGS);
    expect_pages(&g, ALL_PAGES, ALL_PAGES);
}

TEST("vmar_unmap/left, right, middle, all: what is left stays, at its place and with its bytes") {
    const uint32_t ranges[][2] = {{0, 3}, {5, 8}, {2, 6}, {0, 8}, {0, 1}, {7, 8}, {3, 4}};
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct ground g = ground_mapped();
        uint32_t gone = (1u << ranges[i][1]) - (1u << ranges[i][0]);
        EXPECT_OK(unmap(&g, ranges[i][0], ranges[i][1]));
        expect_pages(&g, ALL_PAGES & ~gone, ALL_PAGES & ~gone);
        uint64_t words[PAGES * 512];
        zx_vaddr_t after = g.base + ranges[i][1] * PAGE;
        if (ranges[i][1] < PAGES) EXPECT_MOVED(read_from(zx_process_self(), after, words, PAGE), PAGE);
        EXPECT_REFUSED(read_from(zx_process_self(), after - PAGE, words, LEN), ZX_ERR_NO_MEMORY);
        put(&g, ranges[i][0], ranges[i][1], PERM_R);
        expect_pages(&g, ALL_PAGES, ALL_PAGES & ~gone);
        MUST(zx_vmar_destroy(g.vmar));
    }
}

TEST("vmar_unmap/a length not of whole pages is rounded up") {
    struct ground g = ground_mapped();
    EXPECT_OK(zx_vmar_unmap(g.vmar, g.base + PAGE, PAGE + 1));
    expect_pages(&g, ALL_PAGES & ~0x06u, ALL_PAGES & ~0x06u);
    EXPECT_OK(zx_vmar_unmap(g.vmar, g.base, 1));
    expect_pages(&g, 0xf8, 0xf8);
}

TEST("vmar_unmap/several mappings, whole and in part, and holes between; nothing mapped is fine") {
    struct ground g = ground_empty();
    EXPECT_OK(unmap(&g, 0, PAGES));
    put(&g, 0, 2, PERM_R);
    put(&g, 3, 4, PERM_RW);
    put(&g, 5, 8, PERM_R);
    EXPECT_OK(unmap(&g, 1, 6));
    expect_pages(&g, 0xc1, 0);
    EXPECT_OK(unmap(&g, 2, 4));
    expect_pages(&g, 0xc1, 0);
}

TEST("vmar_unmap/a region wholly covered is destroyed with all in it, its handles say BAD_STATE") {
    struct ground g = ground_mapped();
    MUST(unmap(&g, 2, 6));
    zx_handle_t inner = put_region(&g, 3, 5);
    zx_vaddr_t addr = 0;
    NEED_OK(zx_vmar_map(inner, PERM_RW | ZX_VM_SPECIFIC, 0, g.vmo, 3 * PAGE, PAGE, &addr));
    expect_pages(&g, 0xcb, 0xcb);
    EXPECT_OK(unmap(&g, 1, 7));
    expect_pages(&g, 0x81, 0x81);
    EXPECT_STATUS(zx_vmar_map(inner, PERM_R, 0, g.vmo, 0, PAGE, &addr), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_unmap(inner, g.base + 3 * PAGE, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_protect(inner, PERM_R, g.base + 3 * PAGE, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_destroy(inner), ZX_ERR_BAD_STATE);
    put(&g, 1, 7, PERM_R);
    expect_pages(&g, ALL_PAGES, 0x81);
}

TEST("vmar_unmap/a region covered in part is INVALID_ARGS, also when called for an ancestor, and nothing changes") {
    struct ground g = ground_mapped();
    MUST(unmap(&g, 2, 6));
    zx_handle_t inner = put_region(&g, 2, 6);
    zx_vaddr_t addr;
    NEED_OK(zx_vmar_map(inner, PERM_R | ZX_VM_SPECIFIC, 0, g.vmo, 2 * PAGE, 4 * PAGE, &addr));
    const uint32_t wrong[][2] = {{0, 3}, {5, 8}, {3, 4}, {2, 5}, {3, 6}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(unmap(&g, wrong[i][0], wrong[i][1]), ZX_ERR_INVALID_ARGS);
        zx_vaddr_t base = g.base + wrong[i][0] * PAGE;
        EXPECT_STATUS(zx_vmar_unmap(zx_vmar_root_self(), base, (wrong[i][1] - wrong[i][0]) * PAGE),
                      ZX_ERR_INVALID_ARGS);
    }
    expect_pages(&g, ALL_PAGES, 0xc3);
    EXPECT_OK(zx_vmar_unmap(inner, g.base + 3 * PAGE, PAGE));
    expect_pages(&g, 0xf7, 0xc3);
}

TEST("vmar_map/SPECIFIC_OVERWRITE replaces whole mappings and parts, and nothing beside them") {
    const uint32_t ranges[][2] = {{0, 8}, {0, 3}, {5, 8}, {2, 6}, {1, 2}};
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct ground g = ground_empty();
        put(&g, 0, 3, PERM_RW);
        put(&g, 3, 5, PERM_RW);
        put(&g, 5, 8, PERM_RW);
        uint32_t changed = (1u << ranges[i][1]) - (1u << ranges[i][0]);
        zx_vaddr_t at = put(&g, ranges[i][0], ranges[i][1], PERM_R | ZX_VM_SPECIFIC_OVERWRITE);
        EXPECT_EQ(at, g.base + ranges[i][0] * PAGE);
        expect_pages(&g, ALL_PAGES, ALL_PAGES & ~changed);
        MUST(zx_vmar_destroy(g.vmar));
    }
    struct ground g = ground_empty();
    put(&g, 2, 4, PERM_R | ZX_VM_SPECIFIC_OVERWRITE);
    expect_pages(&g, 0x0c, 0);
}

TEST("vmar_map/SPECIFIC_OVERWRITE of a region, even wholly covered, is INVALID_ARGS, and nothing changes") {
    struct ground g = ground_mapped();
    MUST(unmap(&g, 3, 5));
    put_region(&g, 3, 5);
    const uint32_t wrong[][2] = {{0, 8}, {3, 5}, {3, 4}, {0, 4}, {4, 8}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        zx_vaddr_t addr = UNTOUCHED;
        uint64_t len = (wrong[i][1] - wrong[i][0]) * PAGE;
        EXPECT_STATUS(zx_vmar_map(g.vmar, PERM_R | ZX_VM_SPECIFIC_OVERWRITE, wrong[i][0] * PAGE, g.vmo, 0, len, &addr),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(addr, UNTOUCHED);
    }
    expect_pages(&g, 0xe7, 0xe7);
}

static struct ground contested;
static _Atomic uint32_t reads;
static _Atomic bool enough;
static void keep_reading(void *arg) {
    (void)arg;
    while (!enough) {
        uint64_t seen = *(volatile uint64_t *)(contested.base + PAGE);
        EXPECT_EQ(seen, 101);
        reads++;
    }
}

TEST("vmar_map/L8 SPECIFIC_OVERWRITE is one step: another thread never finds the place empty") {
    static struct worker worker;
    contested = ground_mapped();
    NEED(worker_start(&worker, keep_reading, NULL));
    zx_time_t end = zx_deadline_after(ZX_MSEC(150));
    while (zx_clock_get_monotonic() < end) put(&contested, 1, 2, PERM_R | ZX_VM_SPECIFIC_OVERWRITE);
    enough = true;
    NEED(worker_join(&worker));
    EXPECT(reads > 100);
}

TEST("vmar_protect/left, right, middle, all: just the range changes, and can change back") {
    const uint32_t ranges[][2] = {{0, 3}, {5, 8}, {2, 6}, {0, 8}, {0, 1}, {7, 8}};
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct ground g = ground_mapped();
        uint32_t changed = (1u << ranges[i][1]) - (1u << ranges[i][0]);
        EXPECT_OK(protect(&g, ranges[i][0], ranges[i][1], PERM_R));
        expect_pages(&g, ALL_PAGES, ALL_PAGES & ~changed);
        EXPECT_OK(protect(&g, ranges[i][0], ranges[i][1], PERM_NONE));
        expect_pages(&g, ALL_PAGES & ~changed, ALL_PAGES & ~changed);
        EXPECT_OK(protect(&g, 0, PAGES, PERM_RW));
        expect_pages(&g, ALL_PAGES, ALL_PAGES);
        MUST(zx_vmar_destroy(g.vmar));
    }
}

TEST("vmar_protect/two mappings at once, the same permissions again, a length rounded up") {
    struct ground g = ground_empty();
    put(&g, 0, 4, PERM_RW);
    put(&g, 4, 8, PERM_RW);
    EXPECT_OK(protect(&g, 2, 6, PERM_R));
    EXPECT_OK(protect(&g, 2, 6, PERM_R));
    expect_pages(&g, ALL_PAGES, 0xc3);
    EXPECT_OK(zx_vmar_protect(g.vmar, PERM_R, g.base, 1));
    expect_pages(&g, ALL_PAGES, 0xc2);
}

TEST("vmar_protect/holes are NOT_FOUND, and nothing changes: at the start, in the middle, at the end, all") {
    struct ground g = ground_mapped();
    MUST(unmap(&g, 3, 4));
    MUST(unmap(&g, 7, 8));
    const uint32_t wrong[][2] = {{3, 5}, {1, 6}, {5, 8}, {3, 4}, {0, 4}, {7, 8}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(protect(&g, wrong[i][0], wrong[i][1], PERM_R), ZX_ERR_NOT_FOUND);
    expect_pages(&g, 0x77, 0x77);
    struct ground empty = ground_empty();
    EXPECT_STATUS(protect(&empty, 0, PAGES, PERM_R), ZX_ERR_NOT_FOUND);
}

TEST("vmar_protect/H13 of several problems the lowest counts: a region, a hole, a ceiling; the first hole before all") {
    struct ground g = ground_empty();
    put(&g, 0, 1, PERM_RW);
    g.vmo = handle_without(g.vmo, ZX_RIGHT_WRITE);
    put(&g, 2, 3, PERM_R);
    put_region(&g, 3, 4);
    put(&g, 4, 5, PERM_R);
    EXPECT_STATUS(protect(&g, 0, 5, PERM_RW), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(protect(&g, 2, 5, PERM_RW), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(protect(&g, 2, 5, PERM_R), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(protect(&g, 3, 5, PERM_RW), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(protect(&g, 1, 5, PERM_RW), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(protect(&g, 4, 6, PERM_RW), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(protect(&g, 4, 6, PERM_R), ZX_ERR_NOT_FOUND);
    expect_pages(&g, 0x15, 0x01);
}

TEST("vmar_protect/T18 read, then made writable, then stored: the zero page and the parent's stay as they are") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t parent = vmo_make(PAGE);
    zx_handle_t snapshot;
    poke(parent, 0, 1);
    NEED_OK(zx_vmo_create_child(parent, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    volatile uint64_t *zeros = map_here(vmo, 0, PAGE, PERM_R);
    volatile uint64_t *shared = map_here(snapshot, 0, PAGE, PERM_R);
    EXPECT(zeros[0] == 0 && shared[0] == 1);
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, (zx_vaddr_t)zeros, PAGE));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, (zx_vaddr_t)shared, PAGE));
    zeros[0] = 0xbad;
    shared[0] = 2;
    EXPECT_EQ(*(volatile uint64_t *)map_here(vmo_make(PAGE), 0, PAGE, PERM_R), 0);
    EXPECT(peek(vmo, 0) == 0xbad && peek(parent, 0) == 1 && peek(snapshot, 0) == 2);
}

TEST("vmar_protect/on 1 GiB never touched it governs later faults") {
    const uint64_t gib = (uint64_t)1 << 30;
    zx_handle_t vmo = vmo_make(gib);
    zx_vaddr_t view = (zx_vaddr_t)map_here(vmo, 0, gib, PERM_RW);
    poke(vmo, gib / 2, 5);
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_R, view, gib));
    EXPECT(can_read(view) && !can_write(view) && !can_write(view + gib / 2) && !can_write(view + gib - 1));
    EXPECT_EQ(*(volatile uint64_t *)(view + gib / 2), 5);
}

TEST("vmar_unmap/64 TiB in one mapping are mapped, protected and unmapped at once") {
    const uint64_t huge = (uint64_t)1 << 46;
    zx_handle_t vmo = vmo_make(huge);
    zx_time_t start = zx_clock_get_monotonic();
    zx_vaddr_t view = (zx_vaddr_t)map_here(vmo, 0, huge, PERM_RW);
    EXPECT(can_write(view) && can_write(view + huge - 1) && can_write(view + huge / 3));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_R, view, huge));
    EXPECT(!can_write(view + huge / 3));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), view, huge));
    EXPECT(!can_read(view + huge - 1));
    EXPECT(zx_clock_get_monotonic() - start < ZX_SEC(2));
}

TEST("vmar_destroy/all within is gone at once, handles stay and say BAD_STATE, the place is free again") {
    struct ground g = ground_mapped();
    MUST(unmap(&g, 2, 4));
    zx_handle_t inner = put_region(&g, 2, 4);
    zx_handle_t child;
    zx_vaddr_t addr;
    expect_pages(&g, 0xf3, 0xf3);
    EXPECT_OK(zx_vmar_destroy(g.vmar));
    expect_pages(&g, 0, 0);
    const zx_handle_t dead[] = {g.vmar, inner};
    for (size_t i = 0; i < COUNT(dead); i++) {
        EXPECT_STATUS(zx_vmar_destroy(dead[i]), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmar_allocate(dead[i], 0, 0, PAGE, &child, &addr), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmar_map(dead[i], PERM_R, 0, g.vmo, 0, PAGE, &addr), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmar_unmap(dead[i], g.base, PAGE), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmar_protect(dead[i], PERM_R, g.base, PAGE), ZX_ERR_BAD_STATE);
    }
    uint64_t word;
    EXPECT_REFUSED(read_from(zx_process_self(), g.base, &word, 8), ZX_ERR_NO_MEMORY);
    zx_handle_t fresh = vmo_make(PAGE);
    vmar_map_at(zx_vmar_root_self(), g.base, fresh, 0, PAGE, PERM_RW);
    EXPECT_EQ(*(volatile uint64_t *)g.base, 0);
}

TEST("vmar_destroy/a region goes on without its handle until it is destroyed or covered") {
    struct ground g = ground_mapped();
    MUST(zx_handle_close(g.vmar));
    expect_pages(&g, ALL_PAGES, ALL_PAGES);
    EXPECT_STATUS(zx_vmar_unmap(zx_vmar_root_self(), g.base, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), g.base, LEN));
    expect_pages(&g, 0, 0);
}

static void destroy_own_root(zx_handle_t vmar, uintptr_t there) {
    struct board *board = (struct board *)there;
    board->words[1] = 1;
    zx_vmar_destroy(vmar);
    board->words[2] = 1;
    zx_process_exit(0);
}

TEST("vmar_destroy/the root: allowed, and whoever runs there crashes") {
    struct child child;
    NEED(child_make(&child));
    zx_vaddr_t addr;
    NEED_OK(child_start(&child, destroy_own_root, handle_with(child.vmar, ZX_RIGHT_TRANSFER)));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT(child.board->words[1] == 1 && child.board->words[2] == 0);
    struct target target = target_make();
    EXPECT_OK(zx_vmar_destroy(target.vmar));
    EXPECT_STATUS(zx_vmar_map(target.vmar, PERM_R, 0, vmo_make(PAGE), 0, PAGE, &addr), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_task_kill(target.process));
}

/* A mapping cut in two needs memory for its second half: without it nothing must have changed. */
static void cut_without_memory(bool by_protect) {
    for (unsigned nth = 1; nth < 20; nth++) {
        struct ground g = ground_mapped();
        fail_arm(nth);
        zx_status_t status = by_protect ? protect(&g, 3, 5, PERM_NONE) : unmap(&g, 3, 5);
        bool failed = fail_over();
        NEED_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
        expect_pages(&g, failed ? ALL_PAGES : 0xe7, failed ? ALL_PAGES : 0xe7);
        MUST(zx_vmar_destroy(g.vmar));
        if (failed) continue;
        EXPECT(nth > 1);
        return;
    }
    EXPECT(false);
}

TEST("vmar_unmap/T20 NO_MEMORY at each allocation, and then nothing has changed") { cut_without_memory(false); }
TEST("vmar_protect/T20 NO_MEMORY at each allocation, and then nothing has changed") { cut_without_memory(true); }

/* A thread that takes its own stack away: it is `stack`, a page. */
static unsigned char *stack;
static zx_handle_t last_event;
static zx_status_t refused;

static _Noreturn void leave(uintptr_t arg1, uintptr_t arg2) {
    (void)arg1, (void)arg2;
    refused = zx_vmar_unmap_handle_close_thread_exit(zx_vmar_root_self(), (uintptr_t)stack + 1, PAGE, last_event);
    zx_vmar_unmap_handle_close_thread_exit(zx_vmar_root_self(), (uintptr_t)stack, PAGE, last_event);
    zx_process_exit(1);
}

TEST("vmar_unmap_handle_close_thread_exit/its own stack, a handle, the end; an error changes nothing and is returned") {
    zx_handle_t thread;
    stack = map_here(vmo_make(PAGE), 0, PAGE, PERM_RW);
    last_event = event_make();
    NEED_OK(zx_thread_create(zx_process_self(), "leaver", 6, 0, &thread));
    NEED_OK(zx_thread_start(thread, (uintptr_t)leave, (uintptr_t)stack + PAGE - 8, 0, 0));
    NEED_OK(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(10)), NULL));
    EXPECT_STATUS(refused, ZX_ERR_INVALID_ARGS);
    EXPECT(!can_read((zx_vaddr_t)stack) && !is_handle(last_event));
}
