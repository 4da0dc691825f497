/*
 * Random operations on VMOs, mappings and process memory, a hundred thousand where time runs freely, each compared with
 * a model (memory_model.h): its status, what it moved, and then some of the memory; now and then all of it. The same
 * with "test.seed=NUMBER" on the kernel's command line.
 */
#include <stdlib.h>

#include "tests/user/memory_model.h"
#include "tests/user/probe.h"

#define OPERATIONS 100000u
#define SOME 16u /* pages that one call is about, at most */

static struct model model;
static zx_handle_t handles[VMOS];
static zx_handle_t arena;
static zx_vaddr_t base;
static zx_handle_t regions[ARENA]; /* by id */
static uint64_t seed;
static uint64_t next_word = 1;
static bool lowest; /* does placement take the lowest gap? */

static unsigned below(unsigned limit) { return (unsigned)(random_next(&seed) >> 11) % limit; }

/* Cells as bytes. Words count upwards. */
static uint64_t buffer[STORE_CELLS * CELL / sizeof(uint64_t)];
static void buffer_fill(unsigned cells, uint64_t word) {
    for (unsigned cell = 0; cell < cells; cell++) {
        for (unsigned i = 0; i < CELL / sizeof(uint64_t); i++) buffer[cell * CELL / sizeof(uint64_t) + i] = word + cell;
    }
}
static uint64_t words_take(unsigned cells) {
    uint64_t word = next_word;
    next_word += cells;
    return word;
}
/* The cell holds one word from end to end; it is looked at in two places. */
static bool buffer_is(unsigned cell, uint64_t word) {
    const uint64_t *at = &buffer[cell * CELL / sizeof(uint64_t)];
    return at[0] == word && at[CELL / sizeof(uint64_t) - 1] == word;
}

static struct model_vmo *pick_vmo(unsigned *index) {
    do {
        *index = below(VMOS);
    } while (!model.vmos[*index].store);
    return &model.vmos[*index];
}

/* A place for a new VMO; one that is in use is given up. */
static struct model_vmo *free_vmo(unsigned *index) {
    *index = 1 + below(VMOS - 1);
    struct model_vmo *vmo = &model.vmos[*index];
    if (vmo->store) {
        MUST(zx_handle_close(handles[*index]));
        model_close(&model, vmo);
    }
    return vmo;
}

/* A range in cells, mostly within the VMO, often in whole pages. */
static void pick_cells(const struct model_vmo *vmo, unsigned *at, unsigned *len) {
    unsigned cells = model_size(vmo) * CELLS_PER_PAGE;
    *at = below(cells + 2);
    *len = below(cells + 2 - *at > SOME ? SOME : cells + 2 - *at) + (below(8) == 0);
    if (below(2) == 0) {
        *at -= *at % CELLS_PER_PAGE;
        *len -= *len % CELLS_PER_PAGE;
    }
}

/* A range of pages of the arena, rarely beyond its end. */
static void pick_pages(unsigned *at, unsigned *len) {
    *at = below(ARENA);
    *len = 1 + below(below(4) ? 6 : SOME);
    if (*at + *len > ARENA && below(16)) *len = ARENA - *at;
}

static zx_vaddr_t address(unsigned page) { return base + page * PAGE; }

static bool op_create(void) {
    unsigned index, size = below(STORE_PAGES + 1), kind = below(5);
    struct model_vmo *vmo = free_vmo(&index);
    if (kind == 0 && size > 0) {
        model_create(&model, vmo, size, false, true);
        return TEST_STATUS(zx_vmo_create_contiguous(test_resource(), size * PAGE, 0, &handles[index]), ZX_OK);
    }
    bool fixed = kind <= 2;
    model_create(&model, vmo, size, !fixed, false);
    return TEST_STATUS(zx_vmo_create(size * PAGE, fixed ? ZX_VMO_NON_RESIZABLE : 0, &handles[index]), ZX_OK);
}

static bool op_child(void) {
    unsigned from, index, kind = below(4);
    struct model_vmo *made = free_vmo(&index), *vmo = pick_vmo(&from), child = {0};
    unsigned offset = below(model_size(vmo) + 2), size = below(STORE_PAGES + 1);
    zx_status_t want, status;
    if (kind == 0) {
        size = below(model_size(vmo) + 2);
        want = model_slice(vmo, offset, size, &child);
        status = zx_vmo_create_child(handles[from], ZX_VMO_CHILD_SLICE, offset * PAGE, size * PAGE, &handles[index]);
    } else if (kind == 1) {
        want = model_snapshot(&model, vmo, offset, size, true, &child);
        status = zx_vmo_clone(handles[from], ZX_VMO_CLONE_COPY_ON_WRITE, offset * PAGE, size * PAGE, &handles[index]);
    } else {
        uint32_t options = ZX_VMO_CHILD_SNAPSHOT | (kind == 2 ? ZX_VMO_CHILD_RESIZABLE : 0);
        want = model_snapshot(&model, vmo, offset, size, kind == 2, &child);
        status = zx_vmo_create_child(handles[from], options, offset * PAGE, size * PAGE, &handles[index]);
    }
    *made = child;
    return TEST_STATUS(status, want);
}

static bool op_write(void) {
    unsigned index, at, len;
    struct model_vmo *vmo = pick_vmo(&index);
    pick_cells(vmo, &at, &len);
    uint64_t word = words_take(len);
    buffer_fill(len, word);
    return TEST_STATUS(zx_vmo_write(handles[index], buffer, at * CELL, len * CELL), model_write(vmo, at, len, word));
}

static bool op_resize(void) {
    unsigned index, size = below(STORE_PAGES + 1);
    struct model_vmo *vmo = pick_vmo(&index);
    return TEST_STATUS(zx_vmo_set_size(handles[index], size * PAGE), model_set_size(vmo, size));
}

static bool op_range(void) {
    static const uint32_t codes[] = {ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO};
    static zx_status_t (*const models[])(const struct model_vmo *, unsigned, unsigned) = {model_commit, model_decommit,
                                                                                          model_zero};
    unsigned index, at, len, which = below(3);
    struct model_vmo *vmo = pick_vmo(&index);
    pick_cells(vmo, &at, &len);
    zx_status_t status = zx_vmo_op_range(handles[index], codes[which], at * CELL, len * CELL, NULL, 0);
    return TEST_STATUS(status, models[which](vmo, at, len));
}

static bool op_map(void) {
    static const uint32_t perms[] = {PERM_RW, PERM_RW, PERM_R, PERM_NONE};
    unsigned index, at, len, placing = below(3);
    struct model_vmo *vmo = pick_vmo(&index);
    unsigned offset = below(model_size(vmo) + 1);
    uint32_t now = perms[below(4)], ceiling = below(3) ? PERM_RW : PERM_R;
    zx_vm_option_t options = now | (below(3) || placing == 1 ? 0 : ZX_VM_MAP_RANGE);
    zx_vaddr_t addr = 0;
    pick_pages(&at, &len);
    zx_rights_t rights = ZX_RIGHT_MAP | ZX_RIGHT_READ | (ceiling == PERM_RW ? ZX_RIGHT_WRITE : 0);
    zx_handle_t handle = handle_with(handles[index], rights);
    if (placing > 0) options |= placing == 1 ? ZX_VM_SPECIFIC_OVERWRITE : ZX_VM_SPECIFIC;
    zx_status_t status = zx_vmar_map(arena, options, placing ? at * PAGE : 0, handle, offset * PAGE, len * PAGE, &addr);
    MUST(zx_handle_close(handle));
    if (placing == 0 && status == ZX_OK) at = (unsigned)((addr - base) / PAGE);
    if (placing == 0 && (now & ~ceiling) == 0) {
        unsigned room = model_room(&model, len);
        if (room == ARENA) return TEST_STATUS(status, ZX_ERR_NO_MEMORY);
        if (lowest && !TEST_EQ(at, room)) return false;
    }
    if (!TEST_STATUS(status, model_map(&model, at, len, vmo, offset, now, ceiling, placing == 1))) return false;
    return status != ZX_OK || TEST_EQ(addr, address(at));
}

static bool op_unmap(void) {
    unsigned at, len;
    pick_pages(&at, &len);
    return TEST_STATUS(zx_vmar_unmap(arena, address(at), len * PAGE), model_unmap(&model, at, len));
}

static bool op_protect(void) {
    static const uint32_t perms[] = {PERM_RW, PERM_R, PERM_NONE};
    uint32_t now = perms[below(3)];
    unsigned at, len;
    pick_pages(&at, &len);
    return TEST_STATUS(zx_vmar_protect(arena, now, address(at), len * PAGE), model_protect(&model, at, len, now));
}

static bool op_region(void) {
    static unsigned id;
    unsigned at, len;
    zx_vaddr_t addr;
    zx_handle_t region = ZX_HANDLE_INVALID;
    pick_pages(&at, &len);
    zx_status_t status = zx_vmar_allocate(arena, CAN_RW | ZX_VM_SPECIFIC, at * PAGE, len * PAGE, &region, &addr);
    id = (id + 1) % ARENA;
    if (!TEST_STATUS(status, model_allocate(&model, at, len, id)) || status != ZX_OK) return status != ZX_OK;
    /* The region that had the number before it goes, if nothing else has taken it away. */
    struct model_mapping *old = NULL;
    for (unsigned i = 0; i < MAPPINGS; i++) {
        struct model_mapping *r = &model.mappings[i];
        if (r->used && r->is_region && r->id == id && r->base != at) old = r;
    }
    if (regions[id]) {
        if (!TEST_STATUS(zx_vmar_destroy(regions[id]), old ? ZX_OK : ZX_ERR_BAD_STATE)) return false;
        if (old) old->used = false;
        MUST(zx_handle_close(regions[id]));
    }
    regions[id] = region;
    return TEST_EQ(addr, address(at));
}

static bool op_vmar_op(void) {
    static const uint32_t codes[] = {ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_ZERO, ZX_VMAR_OP_MAP_RANGE};
    uint32_t code = codes[below(4)];
    unsigned at, len;
    pick_pages(&at, &len);
    return TEST_STATUS(zx_vmar_op_range(arena, code, address(at), len * PAGE, NULL, 0),
                       model_op(&model, code, at, len));
}

static bool op_process_write(void) {
    unsigned at = below(ARENA * CELLS_PER_PAGE), len = 1 + below(SOME * CELLS_PER_PAGE);
    uint64_t word = words_take(len);
    buffer_fill(len, word);
    if (at + len > ARENA * CELLS_PER_PAGE) len = ARENA * CELLS_PER_PAGE - at;
    unsigned moved = model_process_write(&model, at, len, word);
    struct moved result = write_to(zx_process_self(), base + at * CELL, buffer, len * CELL);
    if (!TEST_STATUS(result.status, moved ? ZX_OK : ZX_ERR_NO_MEMORY)) return false;
    return !moved || TEST_EQ(result.actual, moved * CELL);
}

static bool op_process_read(void) {
    unsigned at = below(ARENA * CELLS_PER_PAGE), len = 1 + below(SOME * CELLS_PER_PAGE);
    if (at + len > ARENA * CELLS_PER_PAGE) len = ARENA * CELLS_PER_PAGE - at;
    unsigned moved = model_process_reach(&model, at, len);
    struct moved result = read_from(zx_process_self(), base + at * CELL, buffer, len * CELL);
    if (!TEST_STATUS(result.status, moved ? ZX_OK : ZX_ERR_NO_MEMORY)) return false;
    if (moved && !TEST_EQ(result.actual, moved * CELL)) return false;
    for (unsigned i = 0; i < moved; i++) {
        if (!TEST_TRUE(buffer_is(i, *model_arena_cell(&model, at + i)))) return false;
    }
    return true;
}

/* A load and a store of our own; where one would fault, the kernel is asked. */
static bool op_touch(void) {
    unsigned at = below(ARENA * CELLS_PER_PAGE), page = at / CELLS_PER_PAGE;
    volatile uint64_t *cell = (volatile uint64_t *)(base + at * CELL);
    if (!model_can(&model, page, PERM_R)) return TEST_TRUE(!can_read((zx_vaddr_t)cell));
    if (!TEST_EQ(*cell, *model_arena_cell(&model, at))) return false;
    if (!model_can(&model, page, ZX_VM_PERM_WRITE)) return TEST_TRUE(!can_write((zx_vaddr_t)cell));
    struct model_mapping *r = model_at(&model, page);
    uint64_t word = words_take(1);
    for (unsigned i = 0; i < CELL / sizeof(uint64_t); i += CELL / sizeof(uint64_t) - 1) cell[i] = word;
    *model_arena_cell(&model, at) = word;
    model_touch(&r->vmo, page - r->base + r->offset);
    return true;
}

static bool vmo_true(unsigned index) {
    const struct model_vmo *vmo = &model.vmos[index];
    if (!vmo->store) return true;
    unsigned size = model_size(vmo);
    zx_info_vmo_t info = vmo_info(handles[index]);
    if (!TEST_EQ(info.size_bytes, size * PAGE) || !TEST_EQ(info.committed_bytes, model_committed(vmo))) return false;
    if (!TEST_STATUS(zx_vmo_read(handles[index], buffer, 0, size * PAGE), ZX_OK)) return false;
    for (unsigned cell = 0; cell < size * CELLS_PER_PAGE; cell++) {
        if (!TEST_TRUE(buffer_is(cell, *model_cell(vmo, cell)))) return false;
    }
    return true;
}

static bool all_true(void) {
    for (unsigned index = 0; index < VMOS; index++) {
        if (!vmo_true(index)) return false;
    }
    for (unsigned at = 0; at < ARENA * CELLS_PER_PAGE; at++) {
        uint64_t word, *want = model_arena_cell(&model, at);
        struct moved result = read_from(zx_process_self(), base + at * CELL, &word, sizeof(word));
        if (!TEST_STATUS(result.status, want ? ZX_OK : ZX_ERR_NO_MEMORY) || (want && !TEST_EQ(word, *want)))
            return false;
    }
    return TEST_STATUS(kernel_command("check"), ZX_OK);
}

static const struct operation {
    const char *name;
    bool (*run)(void);
    unsigned weight;
} operations[] = {
    {"create", op_create, 4},
    {"child", op_child, 8},
    {"write", op_write, 10},
    {"resize", op_resize, 5},
    {"range", op_range, 8},
    {"map", op_map, 14},
    {"unmap", op_unmap, 6},
    {"protect", op_protect, 8},
    {"region", op_region, 2},
    {"vmar op", op_vmar_op, 6},
    {"process write", op_process_write, 10},
    {"process read", op_process_read, 8},
    {"touch", op_touch, 14},
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

static const struct operation *pick_operation(void) {
    unsigned sum = 0;
    for (size_t i = 0; i < OPERATION_COUNT; i++) sum += operations[i].weight;
    unsigned at = below(sum), which = 0;
    while (at >= operations[which].weight) at -= operations[which++].weight;
    return &operations[which];
}

TEST("memory/random operations on VMOs, mappings and process memory agree with a model") {
    const char *option = getenv("aslr.disable");
    lowest = !option || strcmp(option, "false") != 0;
    seed = random_seed();
    MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, ARENA * PAGE, &arena, &base));
    model_create(&model, &model.vmos[0], 10, true, false);
    handles[0] = vmo_make(10 * PAGE);
    for (unsigned i = 0; i < amount(OPERATIONS); i++) {
        const struct operation *operation = pick_operation();
        unsigned index = below(VMOS);
        if (!operation->run() || (i % 4 == 0 && !vmo_true(index)) || (i % 1000 == 0 && !all_true())) {
            test_note("operation %u: %s", i, operation->name);
            return;
        }
    }
    EXPECT(all_true());
}
