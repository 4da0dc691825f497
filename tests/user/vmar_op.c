/*
 * zx_vmar_op_range: acting on memory through the addresses where it is mapped.
 */
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define COMMIT ZX_VMAR_OP_COMMIT
#define DECOMMIT ZX_VMAR_OP_DECOMMIT
#define MAP_RANGE ZX_VMAR_OP_MAP_RANGE
#define ZERO ZX_VMAR_OP_ZERO

static const uint32_t known_ops[] = {
    COMMIT, DECOMMIT, MAP_RANGE, ZERO, ZX_VMAR_OP_DONT_NEED, ZX_VMAR_OP_ALWAYS_NEED, ZX_VMAR_OP_PREFETCH};
static const uint32_t changing_ops[] = {COMMIT, DECOMMIT, ZERO};

/*
 * Eight pages of addresses; two VMOs, of which pages 0 to 2 and 3 to 5 show three pages each, beginning with their
 * second.
 */
struct ground {
    zx_handle_t vmar, vmos[2];
    zx_vaddr_t base;
};

static struct ground ground_make(void) {
    struct ground g;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, 8 * PAGE, &g.vmar, &g.base));
    for (size_t i = 0; i < 2; i++) {
        g.vmos[i] = vmo_make(6 * PAGE);
        vmar_map_at(g.vmar, g.base + i * 3 * PAGE, g.vmos[i], PAGE, 3 * PAGE, PERM_RW);
    }
    return g;
}

static zx_status_t op(const struct ground *g, uint32_t code, uint64_t first, uint64_t end) {
    return zx_vmar_op_range(g->vmar, code, g->base + first * PAGE, (end - first) * PAGE, NULL, 0);
}

/* The committed pages of both VMOs together. */
static size_t committed(const struct ground *g) {
    return (vmo_info(g->vmos[0]).committed_bytes + vmo_info(g->vmos[1]).committed_bytes) / PAGE;
}

static void fill(const struct ground *g) {
    for (uint64_t i = 0; i < 12; i++) poke(g->vmos[i / 6], i % 6 * PAGE, 100 + i);
}

static zx_status_t op_of(zx_handle_t vmar) { return zx_vmar_op_range(vmar, MAP_RANGE, USER_BASE, PAGE, NULL, 0); }
TEST("vmar_op_range/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMAR, op_of); }

TEST("vmar_op_range/needs no right") {
    struct ground g = ground_make();
    zx_handle_t none = handle_with(g.vmar, ZX_RIGHT_NONE);
    for (size_t i = 0; i < COUNT(known_ops); i++)
        EXPECT_OK(zx_vmar_op_range(none, known_ops[i], g.base, PAGE, NULL, 0));
}

TEST("vmar_op_range/a buffer or a size of one is INVALID_ARGS, before all else") {
    struct ground g = ground_make();
    EXPECT_STATUS(zx_vmar_op_range(g.vmar, COMMIT, g.base, PAGE, &g, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_op_range(g.vmar, COMMIT, g.base, PAGE, NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_op_range(ZX_HANDLE_INVALID, COMMIT, g.base, PAGE, NULL, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(committed(&g), 0);
}

TEST("vmar_op_range/A1 A5 A10 an address not on a page, no length or one that cannot be rounded: INVALID_ARGS") {
    struct ground g = ground_make();
    const uint64_t wrong[][2] = {{g.base + 1, PAGE},   {g.base + PAGE - 1, PAGE},       {g.base, 0},
                                 {g.base, UINT64_MAX}, {g.base, UINT64_MAX - PAGE + 2}, {1, PAGE}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(zx_vmar_op_range(g.vmar, COMMIT, wrong[i][0], wrong[i][1], NULL, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(committed(&g), 0);
}

TEST("vmar_op_range/A6 A9 a range not within the region is OUT_OF_RANGE, also when nothing is mapped there") {
    struct ground g = ground_make();
    const uint64_t wrong[][2] = {{g.base - PAGE, PAGE},
                                 {g.base - PAGE, 2 * PAGE},
                                 {g.base + 8 * PAGE, PAGE},
                                 {g.base, 8 * PAGE + 1},
                                 {0, PAGE},
                                 {PHYSMAP, PAGE},
                                 {NON_CANONICAL, PAGE},
                                 {UINT64_MAX - PAGE + 1, PAGE},
                                 {g.base, UINT64_MAX - PAGE + 1}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        EXPECT_STATUS(zx_vmar_op_range(g.vmar, COMMIT, wrong[i][0], wrong[i][1], NULL, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQ(committed(&g), 0);
}

TEST("vmar_op_range/a dead region is BAD_STATE, after alignment and range") {
    struct ground g = ground_make();
    MUST(zx_vmar_destroy(g.vmar));
    EXPECT_STATUS(zx_vmar_op_range(g.vmar, 99, g.base, PAGE, NULL, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_op_range(g.vmar, 99, g.base - PAGE, PAGE, NULL, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmar_op_range(g.vmar, 99, g.base + 1, PAGE, NULL, 0), ZX_ERR_INVALID_ARGS);
}

TEST("vmar_op_range/a gap in the range is BAD_STATE, and nothing is done: at the start, in the middle, at the end") {
    struct ground g = ground_make();
    fill(&g);
    MUST(zx_vmar_unmap(g.vmar, g.base + 2 * PAGE, PAGE));
    for (size_t i = 0; i < COUNT(known_ops); i++) {
        EXPECT_STATUS(op(&g, known_ops[i], 2, 3), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(op(&g, known_ops[i], 2, 5), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(op(&g, known_ops[i], 0, 5), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(op(&g, known_ops[i], 4, 7), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(op(&g, known_ops[i], 6, 8), ZX_ERR_BAD_STATE);
    }
    EXPECT_EQ(committed(&g), 12);
    for (uint64_t i = 0; i < 12; i++) EXPECT_EQ(peek(g.vmos[i / 6], i % 6 * PAGE), 100 + i);
}

TEST("vmar_op_range/a region in the range is INVALID_ARGS, and nothing is done; through its own handle it works") {
    struct ground g = ground_make();
    zx_handle_t inner = vmar_make(g.vmar, g.base + 6 * PAGE, PAGE);
    vmar_map_at(inner, g.base + 6 * PAGE, g.vmos[0], 0, PAGE, PERM_RW);
    for (size_t i = 0; i < COUNT(known_ops); i++) {
        EXPECT_STATUS(op(&g, known_ops[i], 5, 7), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(&g, known_ops[i], 6, 7), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(&g, known_ops[i], 6, 8), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQ(committed(&g), 0);
    EXPECT_OK(zx_vmar_op_range(inner, COMMIT, g.base + 6 * PAGE, PAGE, NULL, 0));
    EXPECT_EQ(committed(&g), 1);
}

TEST("vmar_op_range/COMMIT, DECOMMIT and ZERO of what could not be made writable: ACCESS_DENIED, and nothing is done") {
    struct ground g = ground_make();
    fill(&g);
    vmar_map_at(g.vmar, g.base + 6 * PAGE, handle_without(g.vmos[0], ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
    MUST(zx_vmar_protect(g.vmar, PERM_R, g.base, 6 * PAGE));
    for (size_t i = 0; i < COUNT(changing_ops); i++) {
        EXPECT_STATUS(op(&g, changing_ops[i], 0, 7), ZX_ERR_ACCESS_DENIED);
        EXPECT_STATUS(op(&g, changing_ops[i], 6, 7), ZX_ERR_ACCESS_DENIED);
    }
    EXPECT_EQ(committed(&g), 12);
    for (uint64_t i = 0; i < 12; i++) EXPECT_EQ(peek(g.vmos[i / 6], i % 6 * PAGE), 100 + i);
    EXPECT_OK(op(&g, MAP_RANGE, 0, 7));
    EXPECT_OK(op(&g, ZX_VMAR_OP_PREFETCH, 0, 7));
    EXPECT_OK(op(&g, ZERO, 0, 6));
}

TEST("vmar_op_range/no such operation is INVALID_ARGS, after gaps and regions") {
    struct ground g = ground_make();
    const uint32_t wrong[] = {0, 4, 5, 6, 7, 8, 9, 11, 15, 16, 99, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        EXPECT_STATUS(op(&g, wrong[i], 0, 6), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(op(&g, wrong[i], 0, 7), ZX_ERR_BAD_STATE);
    }
}

TEST("vmar_op_range/COMMIT gets the pages that the range shows, over several mappings, rounded up, and no others") {
    struct ground g = ground_make();
    EXPECT_OK(zx_vmar_op_range(g.vmar, COMMIT, g.base + 2 * PAGE, PAGE + 1, NULL, 0));
    EXPECT_EQ(committed(&g), 2);
    EXPECT_EQ(vmo_info(g.vmos[1]).committed_bytes, PAGE);
    poke(g.vmos[0], 3 * PAGE, 7);
    EXPECT_OK(op(&g, COMMIT, 0, 6));
    EXPECT_EQ(committed(&g), 6);
    EXPECT_EQ(peek(g.vmos[0], 3 * PAGE), 7);
}

TEST("vmar_op_range/DECOMMIT and ZERO take away what the range shows, and nothing beside it") {
    for (size_t i = 1; i < COUNT(changing_ops); i++) {
        struct ground g = ground_make();
        fill(&g);
        EXPECT_OK(op(&g, changing_ops[i], 1, 5));
        for (uint64_t page = 0; page < 12; page++) {
            uint64_t shown = page / 6 * 3 + page % 6 - 1; /* where in the ground, if at all */
            bool gone = page % 6 >= 1 && page % 6 <= 3 && shown >= 1 && shown < 5;
            EXPECT_EQ(peek(g.vmos[page / 6], page % 6 * PAGE), gone ? 0 : 100 + page);
        }
        EXPECT_EQ(committed(&g), 8);
    }
}

TEST("vmar_op_range/MAP_RANGE and the hints change nothing") {
    struct ground g = ground_make();
    poke(g.vmos[0], 2 * PAGE, 5);
    for (size_t i = 0; i < COUNT(known_ops); i++) {
        if (known_ops[i] != MAP_RANGE && known_ops[i] < ZX_VMAR_OP_DONT_NEED) continue;
        EXPECT_OK(op(&g, known_ops[i], 0, 6));
        EXPECT_EQ(committed(&g), 1);
        EXPECT_EQ(*(volatile uint64_t *)(g.base + PAGE), 5);
    }
    *(volatile uint64_t *)(g.base + PAGE) = 6;
    EXPECT_EQ(peek(g.vmos[0], 2 * PAGE), 6);
}

TEST("vmar_op_range/A12 beyond the VMO's end is OUT_OF_RANGE, for MAP_RANGE fine") {
    struct ground g = ground_make();
    MUST(zx_vmo_set_size(g.vmos[0], 3 * PAGE));
    for (size_t i = 0; i < COUNT(changing_ops); i++) {
        EXPECT_STATUS(op(&g, changing_ops[i], 2, 3), ZX_ERR_OUT_OF_RANGE);
        EXPECT_STATUS(op(&g, changing_ops[i], 0, 3), ZX_ERR_OUT_OF_RANGE);
        EXPECT_OK(op(&g, changing_ops[i], 0, 2));
    }
    EXPECT_OK(op(&g, MAP_RANGE, 0, 6));
}

TEST("vmar_op_range/A6 MAP_RANGE far beyond a slice's end shows nothing of the memory that it is a window on") {
    struct ground g = ground_make();
    zx_handle_t whole, slice;
    MUST(zx_vmo_create(8 * PAGE, ZX_VMO_NON_RESIZABLE, &whole));
    for (uint64_t i = 0; i < 8; i++) poke(whole, i * PAGE, 100 + i);
    MUST(zx_vmo_create_child(whole, ZX_VMO_CHILD_SLICE, 6 * PAGE, PAGE, &slice));
    MUST(zx_vmar_unmap(g.vmar, g.base, 6 * PAGE));
    vmar_map_at(g.vmar, g.base, slice, 0 - 7 * PAGE, 6 * PAGE, PERM_RW);
    for (uint64_t i = 0; i < 6; i++) {
        EXPECT_OK(op(&g, MAP_RANGE, i, 6));
        EXPECT(!can_read(g.base + i * PAGE));
    }
    for (uint64_t i = 0; i < 6; i++) EXPECT(!can_read(g.base + i * PAGE));
}

TEST("vmar_op_range/contiguous and physical memory: as zx_vmo_op_range says") {
    struct ground g = ground_make();
    zx_handle_t run, device;
    MUST(zx_vmo_create_contiguous(test_resource(), PAGE, 0, &run));
    MUST(zx_vmo_create_physical(test_resource(), 0xfee00000, PAGE, &device));
    vmar_map_at(g.vmar, g.base + 6 * PAGE, run, 0, PAGE, PERM_RW);
    vmar_map_at(g.vmar, g.base + 7 * PAGE, device, 0, PAGE, PERM_RW);
    poke(run, 8, 5);
    EXPECT_OK(op(&g, COMMIT, 6, 7));
    EXPECT_STATUS(op(&g, DECOMMIT, 6, 7), ZX_ERR_NOT_SUPPORTED);
    EXPECT_EQ(peek(run, 8), 5);
    EXPECT_OK(op(&g, ZERO, 6, 7));
    EXPECT_EQ(peek(run, 8), 0);
    for (size_t i = 0; i < COUNT(changing_ops); i++) EXPECT_STATUS(op(&g, changing_ops[i], 7, 8), ZX_ERR_NOT_SUPPORTED);
    EXPECT_OK(op(&g, MAP_RANGE, 6, 8));
}

TEST("vmar_op_range/a snapshot's pages become its own by COMMIT, the parent's stay") {
    struct ground g = ground_make();
    zx_handle_t snapshot;
    poke(g.vmos[0], 0, 5);
    MUST(zx_vmo_create_child(g.vmos[0], ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    vmar_map_at(g.vmar, g.base + 6 * PAGE, snapshot, 0, PAGE, PERM_RW);
    EXPECT_OK(op(&g, COMMIT, 6, 7));
    *(volatile uint64_t *)(g.base + 6 * PAGE) = 6;
    EXPECT_EQ(peek(g.vmos[0], 0), 5);
    EXPECT_OK(op(&g, ZERO, 6, 7));
    EXPECT_EQ(peek(g.vmos[0], 0), 5);
}
