/*
 * T20 for the calls that change memory: every allocation that a call makes is made to fail, one for each try. The
 * answer must be NO_MEMORY, nothing may have changed, and nothing be kept. Each try has a scene of its own, set up
 * before the failure is armed. The other calls have such tests in their own files.
 */
#include "tests/user/probe.h"

#define MAX_ALLOCATIONS 400
#define SPAN 5000 /* pages: far enough apart that they hang from different nodes */

/* A VMO whose pages are shared with a snapshot, so that whatever changes has something to copy; and both mapped. */
static struct scene {
    zx_handle_t vmo, snapshot;
    zx_vaddr_t view;
} scene;

static const uint64_t marks[] = {0, 3, 70, 4200};
#define MARKS (sizeof(marks) / sizeof(marks[0]))

static void scene_begin(void) {
    scene.vmo = vmo_make(SPAN * PAGE);
    for (size_t i = 0; i < MARKS; i++) poke(scene.vmo, marks[i] * PAGE, 100 + i);
    MUST(zx_vmo_create_child(scene.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, SPAN * PAGE, &scene.snapshot));
    MUST(zx_vmar_map(zx_vmar_root_self(), PERM_RW, 0, scene.vmo, 0, SPAN * PAGE, &scene.view));
}

static void scene_end(void) {
    zx_vmar_unmap(zx_vmar_root_self(), scene.view, SPAN * PAGE);
    zx_handle_close(scene.vmo);
    zx_handle_close(scene.snapshot);
}

static void expect_unchanged(void) {
    zx_info_vmo_t info = vmo_info(scene.vmo);
    EXPECT_EQ(info.size_bytes, SPAN * PAGE);
    EXPECT_EQ(info.committed_bytes, MARKS * PAGE);
    EXPECT_EQ(info.num_children, 1);
    EXPECT_EQ(info.num_mappings, 1);
    EXPECT_EQ(vmo_info(scene.snapshot).committed_bytes, 0);
    for (size_t i = 0; i < MARKS; i++) {
        EXPECT_EQ(peek(scene.vmo, marks[i] * PAGE), 100 + i);
        EXPECT_EQ(peek(scene.snapshot, marks[i] * PAGE), 100 + i);
    }
}

/* One try; true if the failure happened. `act` gives back what it made, if it succeeds. */
static bool try(zx_status_t (*act)(void), unsigned nth) {
    scene_begin();
    fail_arm(nth);
    zx_status_t status = act();
    bool failed = fail_over();
    EXPECT_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
    if (failed) expect_unchanged();
    scene_end();
    return failed;
}

static void fail_each(zx_status_t (*act)(void)) {
    NEED(!try(act, MAX_ALLOCATIONS) && !try(act, MAX_ALLOCATIONS));
    baseline_take();
    unsigned nth = 1;
    while (nth < MAX_ALLOCATIONS && try(act, nth)) nth++;
    EXPECT(nth > 1 && nth < MAX_ALLOCATIONS);
    EXPECT(all_given_back());
}

static zx_status_t op(uint32_t code, uint64_t first, uint64_t count) {
    return zx_vmo_op_range(scene.vmo, code, first * PAGE, count * PAGE, NULL, 0);
}
static zx_status_t op_here(uint32_t code, uint64_t first, uint64_t count) {
    return zx_vmar_op_range(zx_vmar_root_self(), code, scene.view + first * PAGE, count * PAGE, NULL, 0);
}

static zx_status_t do_decommit(void) { return op(ZX_VMO_OP_DECOMMIT, 3, 4000); }
TEST("vmo_op_range/T20 DECOMMIT of shared pages: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_decommit);
}

static zx_status_t do_zero(void) { return zx_vmo_op_range(scene.vmo, ZX_VMO_OP_ZERO, 4, 4200 * PAGE, NULL, 0); }
TEST("vmo_op_range/T20 ZERO of shared pages: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_zero);
}

static zx_status_t do_commit(void) { return op(ZX_VMO_OP_COMMIT, 0, 75); }
TEST("vmo_op_range/T20 COMMIT of shared pages and holes: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_commit);
}

static zx_status_t do_shrink(void) { return zx_vmo_set_size(scene.vmo, 70 * PAGE); }
TEST("vmo_set_size/T20 shrinking shared pages: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_shrink);
}

static zx_status_t do_write(void) {
    static const char text[] = "text";
    return zx_vmo_write(scene.vmo, text, 3 * PAGE + 8, sizeof(text));
}
TEST("vmo_write/T20 into a shared page: NO_MEMORY at each allocation, and nothing has changed") { fail_each(do_write); }

/* The buffer is a new one each time, where there are no page tables yet. */
TEST("vmo_read/T20 into a buffer that is not committed: its faults are tried again, whichever allocation fails once; "
     "at a "
     "limit it is NO_MEMORY, and bytes before it may have moved") {
    static const size_t len = 2 * PAGE;
    unsigned nth = 0;
    scene_begin();
    for (bool failed = true; failed; nth++) {
        NEED(nth < MAX_ALLOCATIONS);
        zx_vaddr_t at = ((zx_vaddr_t)nth + 1) << 39;
        zx_handle_t vmo = vmo_make(len);
        vmar_map_at(zx_vmar_root_self(), at, vmo, 0, len, PERM_RW);
        fail_arm(nth + 1);
        zx_status_t status = zx_vmo_read(scene.vmo, (void *)at, 3 * PAGE, len);
        failed = fail_over();
        const bool refused = failed && fail_by_limit();
        EXPECT_STATUS(status, refused ? ZX_ERR_NO_MEMORY : ZX_OK);
        uint64_t first = *(volatile uint64_t *)at;
        EXPECT(first == 101 || (refused && first == 0));
        unmap_here((void *)at, len);
        MUST(zx_handle_close(vmo));
    }
    EXPECT(nth > 2);
    expect_unchanged();
}

static zx_status_t do_slice(void) {
    zx_handle_t slice;
    zx_status_t status = zx_vmo_create_child(scene.snapshot, ZX_VMO_CHILD_SLICE, PAGE, PAGE, &slice);
    return status == ZX_OK ? zx_handle_close(slice) : status;
}
TEST("vmo_create_child/T20 a slice: NO_MEMORY at each allocation, and nothing stays") { fail_each(do_slice); }

static zx_status_t do_snapshot(void) {
    zx_handle_t snapshot;
    zx_status_t status = zx_vmo_create_child(scene.vmo, ZX_VMO_CHILD_SNAPSHOT, 2 * PAGE, 4000 * PAGE, &snapshot);
    return status == ZX_OK ? zx_handle_close(snapshot) : status;
}
TEST("vmo_create_child/T20 a snapshot of a part: NO_MEMORY at each allocation, and nothing stays") {
    fail_each(do_snapshot);
}

static zx_status_t do_map_range(void) {
    zx_vaddr_t addr;
    zx_status_t status =
        zx_vmar_map(zx_vmar_root_self(), PERM_RW | ZX_VM_MAP_RANGE, 0, scene.vmo, 0, SPAN * PAGE, &addr);
    return status == ZX_OK ? zx_vmar_unmap(zx_vmar_root_self(), addr, SPAN * PAGE) : status;
}
TEST("vmar_map/T20 MAP_RANGE: NO_MEMORY at each allocation, and nothing stays") { fail_each(do_map_range); }

static zx_status_t do_commit_here(void) { return op_here(ZX_VMAR_OP_COMMIT, 0, 75); }
static zx_status_t do_decommit_here(void) { return op_here(ZX_VMAR_OP_DECOMMIT, 3, 4000); }
static zx_status_t do_zero_here(void) { return op_here(ZX_VMAR_OP_ZERO, 3, 4000); }
static zx_status_t do_map_range_here(void) { return op_here(ZX_VMAR_OP_MAP_RANGE, 0, SPAN); }
TEST("vmar_op_range/T20 COMMIT: NO_MEMORY at each allocation, and nothing has changed") { fail_each(do_commit_here); }
TEST("vmar_op_range/T20 DECOMMIT: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_decommit_here);
}
TEST("vmar_op_range/T20 ZERO: NO_MEMORY at each allocation, and nothing has changed") { fail_each(do_zero_here); }
TEST("vmar_op_range/T20 MAP_RANGE: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_map_range_here);
}

static zx_status_t do_overwrite(void) {
    zx_info_vmar_t root = vmar_info(zx_vmar_root_self());
    zx_vaddr_t addr;
    zx_status_t status = zx_vmar_map(zx_vmar_root_self(), PERM_R | ZX_VM_SPECIFIC_OVERWRITE,
                                     scene.view + PAGE - root.base, scene.snapshot, 0, PAGE, &addr);
    return status;
}
TEST("vmar_map/T20 SPECIFIC_OVERWRITE of a middle: NO_MEMORY at each allocation, and nothing has changed") {
    fail_each(do_overwrite);
}

static zx_status_t do_clone(void) {
    zx_handle_t clone;
    zx_status_t status = zx_vmo_clone(scene.snapshot, ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, 100 * PAGE, &clone);
    return status == ZX_OK ? zx_handle_close(clone) : status;
}
TEST("vmo_clone/T20 of a part: NO_MEMORY at each allocation, and nothing stays") { fail_each(do_clone); }

/* What a call answers, or does, when there is no memory at all. */
#define EXPECT_WITHOUT_MEMORY(call, want) \
    do {                                  \
        fail_arm(1);                      \
        zx_status_t status_ = (call);     \
        EXPECT(!fail_over());             \
        EXPECT_STATUS(status_, want);     \
    } while (0)

TEST("vmar_protect/what cuts no mapping needs no memory, and NO_MEMORY hides no other error") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(8 * PAGE), dead = vmar_make(t.vmar, PLACE + 64 * PAGE, 4 * PAGE);
    MUST(zx_vmar_destroy(dead));
    target_map(&t, PLACE, vmo, 0, 4 * PAGE, PERM_RW);
    target_map(&t, PLACE + 4 * PAGE, vmo, 4 * PAGE, 4 * PAGE, PERM_RW);
    EXPECT_WITHOUT_MEMORY(zx_vmar_protect(t.vmar, PERM_R, PLACE, 4 * PAGE), ZX_OK);
    EXPECT_WITHOUT_MEMORY(zx_vmar_protect(t.vmar, PERM_RW, PLACE, 8 * PAGE), ZX_OK);
    EXPECT_WITHOUT_MEMORY(zx_vmar_protect(t.vmar, PERM_R, PLACE + 7 * PAGE, 2 * PAGE), ZX_ERR_NOT_FOUND);
    EXPECT_WITHOUT_MEMORY(zx_vmar_protect(t.vmar, PERM_R, PLACE + 16 * PAGE, PAGE), ZX_ERR_NOT_FOUND);
    EXPECT_WITHOUT_MEMORY(zx_vmar_protect(dead, PERM_R, PLACE + 64 * PAGE, PAGE), ZX_ERR_BAD_STATE);
    fail_arm(1);
    EXPECT_STATUS(zx_vmar_protect(t.vmar, PERM_R, PLACE + PAGE, 2 * PAGE), ZX_ERR_NO_MEMORY);
    EXPECT(fail_over());
}

TEST("vmar_map, vmar_allocate, vmo_create_child/NO_MEMORY hides no other error") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(PAGE), uncached = vmo_make(PAGE), dead = vmar_make(t.vmar, PLACE, 4 * PAGE), child;
    zx_vaddr_t addr;
    MUST(zx_vmar_destroy(dead));
    MUST(zx_vmo_set_cache_policy(uncached, ZX_CACHE_POLICY_UNCACHED));
    EXPECT_WITHOUT_MEMORY(zx_vmar_map(dead, PERM_R, 0, vmo, 0, PAGE, &addr), ZX_ERR_BAD_STATE);
    EXPECT_WITHOUT_MEMORY(zx_vmar_map(t.vmar, PERM_R, 0, vmo, 0, 0, &addr), ZX_ERR_INVALID_ARGS);
    EXPECT_WITHOUT_MEMORY(zx_vmar_allocate(dead, ZX_VM_CAN_MAP_READ, 0, PAGE, &child, &addr), ZX_ERR_BAD_STATE);
    EXPECT_WITHOUT_MEMORY(zx_vmar_allocate(t.vmar, ZX_VM_CAN_MAP_READ, 0, 0, &child, &addr), ZX_ERR_INVALID_ARGS);
    EXPECT_WITHOUT_MEMORY(zx_vmo_create_child(uncached, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &child), ZX_ERR_BAD_STATE);
}
