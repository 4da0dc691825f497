/*
 * zx_vmo_create_child: snapshots, which no later change on either side reaches, and slices, which share everything.
 */
#include "tests/user/agent.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LARGEST (UINT64_MAX - PAGE + 1)
#define SNAPSHOT ZX_VMO_CHILD_SNAPSHOT
#define SLICE ZX_VMO_CHILD_SLICE
#define CHAIN 300

static const uint32_t snapshots[] = {SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE};

static zx_handle_t child_of(zx_handle_t vmo, uint32_t options, uint64_t offset, uint64_t size) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create_child(vmo, options, offset, size, &child));
    return child;
}
static zx_handle_t fixed_vmo(uint64_t size) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    MUST(zx_vmo_create(size, ZX_VMO_NON_RESIZABLE, &vmo));
    return vmo;
}
static uint64_t size_of(zx_handle_t vmo) {
    uint64_t size = UNTOUCHED;
    MUST(zx_vmo_get_size(vmo, &size));
    return size;
}

static void expect_refused(zx_handle_t vmo, uint32_t options, uint64_t offset, uint64_t size, zx_status_t status) {
    zx_handle_t child = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_create_child(vmo, options, offset, size, &child), status);
    EXPECT_EQ(child, UNTOUCHED);
}

static zx_status_t snapshot_it(zx_handle_t vmo) {
    zx_handle_t child = UNTOUCHED;
    zx_status_t status = zx_vmo_create_child(vmo, SNAPSHOT, 0, PAGE, &child);
    EXPECT((status == ZX_OK) == (child != UNTOUCHED));
    if (status == ZX_OK) zx_handle_close(child);
    return status;
}

TEST("vmo_create_child/H1 H2 H3 H4 H5 H11 bad handles") { check_handles(KIND_VMO, snapshot_it); }
TEST("vmo_create_child/H6 H7 needs DUPLICATE and READ, and nothing else") {
    check_rights(vmo_make(PAGE), ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, snapshot_it);
}

TEST("vmo_create_child/options: exactly one kind, and only what goes with it") {
    zx_handle_t vmo = fixed_vmo(PAGE);
    for (uint32_t options = 0; options < 64; options++) {
        uint32_t kind = options & (SNAPSHOT | SLICE | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE);
        bool resizable = options & ZX_VMO_CHILD_RESIZABLE;
        bool good = kind && !(kind & (kind - 1)) && !(options & 2) && !(resizable && kind == SLICE) &&
                    !(resizable && (options & ZX_VMO_CHILD_NO_WRITE));
        zx_handle_t child = UNTOUCHED;
        EXPECT_STATUS(zx_vmo_create_child(vmo, options, 0, PAGE, &child), good ? ZX_OK : ZX_ERR_INVALID_ARGS);
        EXPECT_EQ(child != UNTOUCHED, good);
    }
    for (uint32_t option = 64; option != 0; option <<= 1)
        expect_refused(vmo, SNAPSHOT | option, 0, PAGE, ZX_ERR_INVALID_ARGS);
}

TEST("vmo_create_child/H13 size, then NO_WRITE with RESIZABLE, then the handle, then other options, then the range") {
    const uint32_t contrary = ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE;
    zx_handle_t weak = handle_with(vmo_make(PAGE), ZX_RIGHT_READ);
    expect_refused(ZX_HANDLE_INVALID, contrary, 1, UINT64_MAX, ZX_ERR_OUT_OF_RANGE);
    expect_refused(ZX_HANDLE_INVALID, contrary, 1, PAGE, ZX_ERR_INVALID_ARGS);
    expect_refused(ZX_HANDLE_INVALID, 2, 1, PAGE, ZX_ERR_BAD_HANDLE);
    expect_refused(handle_of(KIND_VMAR), 2, 1, PAGE, ZX_ERR_WRONG_TYPE);
    expect_refused(weak, 2, 1, PAGE, ZX_ERR_ACCESS_DENIED);
    expect_refused(vmo_make(PAGE), SLICE | SNAPSHOT, 0, PAGE, ZX_ERR_INVALID_ARGS);
    expect_refused(vmo_make(PAGE), SNAPSHOT, 1, LARGEST, ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_create_child(vmo_make(PAGE), SNAPSHOT, 1, PAGE, NULL), ZX_ERR_INVALID_ARGS);
}

static void create_badly(void) {
    zx_handle_t vmo = fixed_vmo(PAGE);
    const uint32_t kinds[] = {SNAPSHOT, SLICE};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        for (size_t i = 0; i < bad_target_count; i++) {
            zx_handle_t *bad = (zx_handle_t *)bad_targets[i];
            EXPECT_STATUS(zx_vmo_create_child(vmo, kinds[k], 0, PAGE, bad), ZX_ERR_INVALID_ARGS);
            EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
        }
    }
    zx_handle_close(vmo);
}
TEST("vmo_create_child/bad pointers are INVALID_ARGS, and no child stays") { check_gives_back(create_badly); }

static zx_status_t snapshot_and_close(void) {
    static zx_handle_t vmo;
    if (vmo == ZX_HANDLE_INVALID) {
        vmo = vmo_make(100 * PAGE);
        for (uint64_t at = 0; at < 100 * PAGE; at += PAGE) poke(vmo, at, at);
    }
    zx_handle_t child;
    zx_status_t status = zx_vmo_create_child(vmo, SNAPSHOT, 3 * PAGE, 40 * PAGE, &child);
    EXPECT_EQ(peek(vmo, 4 * PAGE), 4 * PAGE);
    return status == ZX_OK ? zx_handle_close(child) : status;
}
TEST("vmo_create_child/T20 NO_MEMORY at each allocation, and nothing stays") {
    check_out_of_memory(snapshot_and_close);
}

TEST("vmo_create_child/a snapshot shows what was there, and no later write on either side") {
    for (size_t k = 0; k < COUNT(snapshots); k++) {
        struct memory parent = memory_make(4 * PAGE, 7);
        zx_handle_t vmo = child_of(parent.vmo, snapshots[k], 0, 4 * PAGE);
        struct memory child = memory_of(vmo, 4 * PAGE, 7);
        EXPECT_UNTOUCHED(&child);
        const uint64_t mark = 0x1111111111111111;
        memcpy(parent.view, &mark, 8);
        memcpy(child.view + PAGE, &mark, 8);
        poke(parent.vmo, 2 * PAGE, mark);
        EXPECT_MEMORY(&child, PAGE, &mark, 8);
        pattern_fill(child.view, child.len, 7);
        poke(child.vmo, 3 * PAGE, mark);
        EXPECT_MEMORY(&child, 3 * PAGE, &mark, 8);
        EXPECT_EQ(peek(parent.vmo, 0), mark);
        EXPECT_EQ(peek(parent.vmo, 2 * PAGE), mark);
        EXPECT(peek(parent.vmo, PAGE) != mark && peek(parent.vmo, 3 * PAGE) != mark);
    }
}

TEST("vmo_create_child/a snapshot isolates mappings that were written before it was taken") {
    zx_handle_t vmo = vmo_make(PAGE);
    volatile uint64_t *view = map_here(vmo, 0, PAGE, PERM_RW);
    view[0] = 1;
    zx_handle_t child = child_of(vmo, SNAPSHOT, 0, PAGE);
    view[0] = 2;
    EXPECT_EQ(peek(child, 0), 1);
    EXPECT_EQ(peek(vmo, 0), 2);
}

TEST("vmo_create_child/pages the parent never had are zeros in a snapshot for good") {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    zx_handle_t child = child_of(vmo, SNAPSHOT, 0, 2 * PAGE);
    poke(vmo, 0, 5);
    EXPECT_EQ(peek(child, 0), 0);
    poke(child, PAGE, 6);
    EXPECT_EQ(peek(vmo, PAGE), 0);
}

TEST("vmo_create_child/the parent's resize, decommit and end do not show in a snapshot") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    for (uint64_t at = 0; at < 3 * PAGE; at += PAGE) poke(vmo, at, at + 1);
    zx_handle_t child = child_of(vmo, SNAPSHOT, 0, 3 * PAGE);
    volatile uint64_t *view = map_here(child, 0, 3 * PAGE, PERM_R);
    NEED_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
    NEED_OK(zx_vmo_set_size(vmo, PAGE));
    EXPECT(view[0] == 1 && view[512] == PAGE + 1 && view[1024] == 2 * PAGE + 1);
    NEED_OK(zx_vmo_set_size(vmo, 3 * PAGE));
    poke(vmo, PAGE, 99);
    EXPECT_EQ(view[512], PAGE + 1);
    MUST(zx_handle_close(vmo));
    EXPECT(view[0] == 1 && view[512] == PAGE + 1 && view[1024] == 2 * PAGE + 1);
}

TEST("vmo_create_child/a snapshot at an offset, and beyond the parent's end: zeros there") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    for (uint64_t at = 0; at < 3 * PAGE; at += PAGE) poke(vmo, at, at + 1);
    zx_handle_t child = child_of(vmo, SNAPSHOT, 2 * PAGE, 3 * PAGE);
    EXPECT_EQ(size_of(child), 3 * PAGE);
    EXPECT_EQ(peek(child, 0), 2 * PAGE + 1);
    EXPECT_EQ(peek(child, PAGE), 0);
    poke(child, 2 * PAGE, 5);
    EXPECT_EQ(peek(child, 2 * PAGE), 5);
    NEED_OK(zx_vmo_set_size(vmo, 6 * PAGE));
    poke(vmo, 3 * PAGE, 77);
    EXPECT_EQ(peek(child, PAGE), 0);
    EXPECT_EQ(peek(child_of(vmo, SNAPSHOT, 100 * PAGE, PAGE), 0), 0);
}

TEST("vmo_create_child/A1 A2 A5 A6 sizes of snapshots: 0, rounded up, the largest; wrapping is OUT_OF_RANGE") {
    zx_handle_t vmo = vmo_make(PAGE);
    EXPECT_EQ(size_of(child_of(vmo, SNAPSHOT, 0, 0)), 0);
    EXPECT_EQ(size_of(child_of(vmo, SNAPSHOT, 0, 1)), PAGE);
    EXPECT_EQ(size_of(child_of(vmo, SNAPSHOT, 0, LARGEST)), LARGEST);
    EXPECT_EQ(size_of(child_of(vmo, SNAPSHOT, LARGEST, 0)), 0);
    expect_refused(vmo, SNAPSHOT, LARGEST, PAGE, ZX_ERR_OUT_OF_RANGE);
    expect_refused(vmo, SNAPSHOT, PAGE, LARGEST, ZX_ERR_OUT_OF_RANGE);
    expect_refused(vmo, SNAPSHOT, 0, LARGEST + 1, ZX_ERR_OUT_OF_RANGE);
    for (uint64_t offset = 1; offset < PAGE; offset *= 3)
        expect_refused(vmo, SNAPSHOT, offset, PAGE, ZX_ERR_INVALID_ARGS);
}

TEST("vmo_create_child/a snapshot is resizable only with RESIZABLE; grown it shows zeros") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    for (uint64_t at = 0; at < 3 * PAGE; at += PAGE) poke(vmo, at, at + 1);
    EXPECT_STATUS(zx_vmo_set_size(child_of(vmo, SNAPSHOT, 0, PAGE), 2 * PAGE), ZX_ERR_UNAVAILABLE);
    zx_handle_t child = child_of(vmo, SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, 2 * PAGE);
    NEED_OK(zx_vmo_set_size(child, 3 * PAGE));
    EXPECT_EQ(peek(child, PAGE), PAGE + 1);
    EXPECT_EQ(peek(child, 2 * PAGE), 0);
    NEED_OK(zx_vmo_set_size(child, PAGE));
    NEED_OK(zx_vmo_set_size(child, 2 * PAGE));
    EXPECT_EQ(peek(child, PAGE), 0);
    EXPECT_EQ(peek(vmo, PAGE), PAGE + 1);
    EXPECT_EQ(peek(child, 0), 1);
}

TEST("vmo_create_child/rights: the source's and both property rights; snapshots gain WRITE and lose EXECUTE") {
    const zx_rights_t needed = ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ;
    const zx_rights_t others[] = {
        0, ZX_RIGHT_WRITE, ZX_RIGHT_EXECUTE, ZX_RIGHT_MAP, ZX_RIGHT_TRANSFER, ZX_DEFAULT_VMO_RIGHTS};
    zx_handle_t vmo = fixed_vmo(PAGE);
    for (size_t i = 0; i < COUNT(others); i++) {
        zx_handle_t source = handle_with(vmo, needed | others[i]);
        zx_rights_t have = needed | others[i] | ZX_RIGHTS_PROPERTY;
        EXPECT_EQ(handle_rights(child_of(source, SNAPSHOT, 0, PAGE)), (have | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE);
        EXPECT_EQ(handle_rights(child_of(source, SLICE, 0, PAGE)), have);
        EXPECT_EQ(handle_rights(child_of(source, SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0, PAGE)), have & ~ZX_RIGHT_WRITE);
        EXPECT_EQ(handle_rights(child_of(source, SLICE | ZX_VMO_CHILD_NO_WRITE, 0, PAGE)), have & ~ZX_RIGHT_WRITE);
    }
}

TEST("vmo_create_child/a snapshot of memory that is not cached is BAD_STATE, a slice works") {
    zx_handle_t vmo = fixed_vmo(PAGE);
    NEED_OK(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
    expect_refused(vmo, SNAPSHOT, 0, PAGE, ZX_ERR_BAD_STATE);
    zx_handle_t slice = child_of(vmo, SLICE, 0, PAGE);
    EXPECT_STATUS(zx_vmo_write(slice, &slice, 0, 1), ZX_ERR_BAD_STATE);
}

TEST("vmo_create_child/ZERO_CHILDREN: gone with the first child, back when no descendant is left") {
    zx_handle_t vmo = fixed_vmo(2 * PAGE);
    zx_handle_t snapshot = child_of(vmo, SNAPSHOT, 0, PAGE);
    EXPECT_EQ(signals_of(vmo), 0);
    zx_handle_t slice = child_of(vmo, SLICE, 0, PAGE);
    zx_handle_t grandchild = child_of(snapshot, SNAPSHOT, 0, PAGE);
    EXPECT_EQ(signals_of(snapshot), 0);
    EXPECT_EQ(signals_of(slice), ZX_VMO_ZERO_CHILDREN);
    MUST(zx_handle_close(snapshot));
    EXPECT_EQ(signals_of(vmo), 0);
    void *view = map_here(slice, 0, PAGE, PERM_R);
    MUST(zx_handle_close(slice));
    EXPECT_EQ(signals_of(vmo), 0);
    unmap_here(view, PAGE);
    EXPECT_EQ(signals_of(vmo), 0);
    EXPECT_EQ(signals_of(grandchild), ZX_VMO_ZERO_CHILDREN);
    MUST(zx_handle_close(grandchild));
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
    expect_refused(vmo, SNAPSHOT, 1, PAGE, ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
}

TEST("vmo_create_child/T11 snapshots of snapshots, each with its own writes") {
    zx_handle_t generations[12];
    generations[0] = vmo_make(12 * PAGE);
    for (uint64_t at = 0; at < 12; at++) poke(generations[0], at * PAGE, 100 + at);
    for (uint64_t g = 1; g < 12; g++) {
        generations[g] = child_of(generations[g - 1], SNAPSHOT, 0, 12 * PAGE);
        poke(generations[g], g * PAGE, 1000 + g);
    }
    poke(generations[3], 0, 5);
    for (uint64_t g = 0; g < 12; g++) {
        for (uint64_t at = 0; at < 12; at++) {
            uint64_t want = at > 0 && at <= g ? 1000 + at : 100 + at;
            EXPECT_EQ(peek(generations[g], at * PAGE), g == 3 && at == 0 ? 5 : want);
        }
    }
    for (uint64_t g = 0; g < 12; g += 2) MUST(zx_handle_close(generations[g]));
    for (uint64_t g = 1; g < 12; g += 2) EXPECT_EQ(peek(generations[g], g * PAGE), 1000 + g);
}

static void make_chain(void) {
    zx_handle_t vmo = vmo_make(2 * PAGE);
    poke(vmo, 0, 1);
    for (uint64_t i = 0; i < CHAIN; i++) {
        zx_handle_t next = child_of(vmo, SNAPSHOT, 0, 2 * PAGE);
        if (i % 2) poke(next, PAGE, i);
        zx_handle_close(vmo);
        vmo = next;
    }
    EXPECT_EQ(peek(vmo, 0), 1);
    EXPECT_EQ(peek(vmo, PAGE), CHAIN - 1);
    zx_handle_close(vmo);
}
TEST("vmo_create_child/a chain of 300 snapshots works, and leaves nothing behind") { check_gives_back(make_chain); }

TEST("vmo_create_child/300 snapshots in a chain, all alive, freed from either end") {
    zx_handle_t chain[CHAIN];
    chain[0] = vmo_make(PAGE);
    poke(chain[0], 0, 7);
    for (size_t i = 1; i < CHAIN; i++) chain[i] = child_of(chain[i - 1], SNAPSHOT, 0, PAGE);
    EXPECT_EQ(peek(chain[CHAIN - 1], 0), 7);
    poke(chain[150], 0, 8);
    EXPECT(peek(chain[149], 0) == 7 && peek(chain[151], 0) == 7 && peek(chain[150], 0) == 8);
    for (size_t i = 0; i < CHAIN / 2; i++) MUST(zx_handle_close(chain[i]));
    for (size_t i = CHAIN - 1; i >= CHAIN / 2; i--) {
        EXPECT_EQ(peek(chain[i], 0), i == 150 ? 8 : 7);
        MUST(zx_handle_close(chain[i]));
    }
}

TEST("vmo_create_child/a slice is the parent's own memory, both ways, by calls and mappings") {
    zx_handle_t vmo = fixed_vmo(4 * PAGE);
    zx_handle_t slice = child_of(vmo, SLICE, PAGE, 2 * PAGE);
    EXPECT_EQ(size_of(slice), 2 * PAGE);
    poke(vmo, PAGE, 1);
    EXPECT_EQ(peek(slice, 0), 1);
    poke(slice, PAGE, 2);
    EXPECT_EQ(peek(vmo, 2 * PAGE), 2);
    volatile uint64_t *whole = map_here(vmo, 0, 4 * PAGE, PERM_RW);
    volatile uint64_t *part = map_here(slice, 0, 2 * PAGE, PERM_RW);
    whole[513] = 3;
    part[514] = 4;
    EXPECT(part[1] == 3 && whole[1026] == 4);
    MUST(zx_handle_close(vmo));
    EXPECT(peek(slice, 8) == 3 && part[1] == 3);
}

TEST("vmo_create_child/a slice ends where it ends: no access beyond, though the parent goes on") {
    zx_handle_t vmo = fixed_vmo(4 * PAGE);
    zx_handle_t slice = child_of(vmo, SLICE, PAGE, PAGE);
    uint64_t word = 0;
    poke(vmo, 2 * PAGE, 5);
    EXPECT_STATUS(zx_vmo_read(slice, &word, PAGE, 8), ZX_ERR_OUT_OF_RANGE);
    zx_vaddr_t view = (zx_vaddr_t)map_here(slice, 0, 3 * PAGE, PERM_RW);
    EXPECT(can_write(view) && !can_read(view + PAGE));
    EXPECT_STATUS(zx_vmo_set_size(slice, PAGE), ZX_ERR_UNAVAILABLE);
    zx_handle_t snapshot = child_of(slice, SNAPSHOT, 0, 2 * PAGE);
    EXPECT_EQ(peek(snapshot, PAGE), 0);
}

TEST("vmo_create_child/COMMIT, DECOMMIT and ZERO on a slice act on the parent's pages") {
    zx_handle_t vmo = fixed_vmo(3 * PAGE);
    zx_handle_t slice = child_of(vmo, SLICE, PAGE, PAGE);
    for (uint64_t at = 0; at < 3 * PAGE; at += PAGE) poke(vmo, at + 8, 9);
    NEED_OK(zx_vmo_op_range(slice, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
    EXPECT(peek(vmo, 8) == 9 && peek(vmo, PAGE + 8) == 0 && peek(vmo, 2 * PAGE + 8) == 9);
    NEED_OK(zx_vmo_op_range(slice, ZX_VMO_OP_COMMIT, 0, PAGE, NULL, 0));
    poke(vmo, PAGE, 9);
    poke(vmo, PAGE + 8, 9);
    NEED_OK(zx_vmo_op_range(slice, ZX_VMO_OP_ZERO, 8, 8, NULL, 0));
    EXPECT(peek(vmo, PAGE) == 9 && peek(vmo, PAGE + 8) == 0);
    EXPECT_STATUS(zx_vmo_op_range(slice, ZX_VMO_OP_ZERO, PAGE, 1, NULL, 0), ZX_ERR_OUT_OF_RANGE);
}

TEST("vmo_create_child/a slice must be whole pages within the parent, else INVALID_ARGS") {
    const uint64_t wrong[][2] = {{0, 3 * PAGE}, {2 * PAGE, PAGE}, {PAGE, 2 * PAGE}, {1, PAGE},      {0, 1},
                                 {0, PAGE + 1}, {LARGEST, PAGE},  {3 * PAGE, 0},    {PAGE, LARGEST}};
    zx_handle_t vmo = fixed_vmo(2 * PAGE);
    for (size_t i = 0; i < COUNT(wrong); i++) expect_refused(vmo, SLICE, wrong[i][0], wrong[i][1], ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(size_of(child_of(vmo, SLICE, 2 * PAGE, 0)), 0);
    EXPECT_EQ(size_of(child_of(vmo, SLICE, 0, 2 * PAGE)), 2 * PAGE);
}

TEST("vmo_create_child/a slice of a resizable VMO is NOT_SUPPORTED; slices of slices and of snapshots work") {
    expect_refused(vmo_make(PAGE), SLICE, 0, PAGE, ZX_ERR_NOT_SUPPORTED);
    zx_handle_t vmo = fixed_vmo(3 * PAGE);
    zx_handle_t inner = child_of(child_of(vmo, SLICE, PAGE, 2 * PAGE), SLICE, PAGE, PAGE);
    poke(inner, 0, 8);
    EXPECT_EQ(peek(vmo, 2 * PAGE), 8);
    zx_handle_t snapshot = child_of(vmo, SNAPSHOT, 0, 3 * PAGE);
    zx_handle_t slice = child_of(snapshot, SLICE, 2 * PAGE, PAGE);
    poke(slice, 0, 9);
    EXPECT(peek(snapshot, 2 * PAGE) == 9 && peek(vmo, 2 * PAGE) == 8);
}

/* A thread that makes a snapshot of each VMO that the test gives it, while the test changes the VMO's policy. */
struct births {
    _Atomic uint64_t asked, born;
    zx_handle_t parent, child;
    zx_status_t status;
};

#define BIRTHS 400

/* Comes back at the same moment as the other side, if there is a processor for each. */
static void births_await(const _Atomic uint64_t *word, uint64_t n) {
    bool alone = zx_system_get_num_cpus() == 1;
    while (atomic_load(word) < n) {
        if (alone) zx_nanosleep(0);
    }
}

static void give_birth(void *arg) {
    struct births *b = arg;
    for (uint64_t n = 1; n <= BIRTHS; n++) {
        births_await(&b->asked, n);
        for (volatile unsigned wait = n % 128; wait > 0; wait--) continue;
        b->status = zx_vmo_create_child(b->parent, n % 4 ? SNAPSHOT : SLICE, 0, PAGE, &b->child);
        atomic_store(&b->born, n);
    }
}

TEST("vmo_set_cache_policy/L19 against create_child: no cached child has a parent that is not") {
    struct births b = {0};
    zx_handle_t thread = thread_run(give_birth, &b);
    for (uint64_t n = 1; n <= BIRTHS; n++) {
        b.parent = fixed_vmo(PAGE);
        atomic_store(&b.asked, n);
        for (volatile unsigned wait = n / 8 % 128; wait > 0; wait--) continue;
        zx_status_t policy = zx_vmo_set_cache_policy(b.parent, ZX_CACHE_POLICY_UNCACHED);
        births_await(&b.born, n);
        EXPECT(policy == ZX_OK || policy == ZX_ERR_BAD_STATE);
        EXPECT(b.status == ZX_OK || (policy == ZX_OK && b.status == ZX_ERR_BAD_STATE));
        if (n % 4) EXPECT(policy == ZX_ERR_BAD_STATE || b.status == ZX_ERR_BAD_STATE);
        if (b.status == ZX_OK) zx_handle_close(b.child);
        zx_handle_close(b.parent);
    }
    thread_join(thread);
}

/* A line of VMOs that were freed, long enough that a walk along it releases the family's lock on the way. */
#define GONE 300
#define LINES 60

struct line {
    zx_handle_t youngest;
    _Atomic bool over;
};

/* The youngest first: each then has a parent that is left, and none of the way is shortened. */
static void line_make(struct line *line, zx_handle_t *last) {
    static zx_handle_t gone[GONE];
    gone[0] = vmo_make(PAGE);
    for (size_t i = 1; i < GONE; i++) gone[i] = child_of(gone[i - 1], SNAPSHOT, 0, PAGE);
    *last = child_of(gone[GONE - 1], SNAPSHOT, 0, PAGE);
    line->youngest = child_of(*last, SNAPSHOT, 0, PAGE);
    for (size_t i = GONE; i-- > 0;) MUST(zx_handle_close(gone[i]));
}

static void look_for_ancestor(void *arg) {
    struct line *line = arg;
    zx_info_vmo_t info;
    while (!atomic_load(&line->over))
        MUST(zx_object_get_info(line->youngest, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
}

TEST("object_get_info/VMO while the parent is freed below a long line of VMOs that are gone") {
    for (int n = 0; n < LINES; n++) {
        struct line line = {0};
        zx_handle_t last, threads[3];
        line_make(&line, &last);
        for (size_t i = 0; i < 3; i++) threads[i] = thread_run(look_for_ancestor, &line);
        for (volatile int wait = n * 50; wait > 0; wait--) continue;
        MUST(zx_handle_close(last));
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        atomic_store(&line.over, true);
        for (size_t i = 0; i < 3; i++) thread_join(threads[i]);
        MUST(zx_handle_close(line.youngest));
    }
}
