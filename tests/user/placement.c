/*
 * Where zx_vmar_map and zx_vmar_allocate put things when the caller does not say: the lowest gap that fits; with
 * "aslr.disable=false" on the kernel's command line, anywhere.
 */
#include <stdlib.h>

#include "tests/user/probe.h"

#define REGION 64u /* pages */
#define NONE REGION

static bool is_random(void) {
    const char *option = getenv("aslr.disable");
    return option && strcmp(option, "false") == 0;
}

static bool taken[REGION];

/* The lowest place for `len` pages, or NONE. */
static unsigned lowest_room(unsigned len) {
    for (unsigned at = 0, run = 0; at < REGION; at++) {
        run = taken[at] ? 0 : run + 1;
        if (run == len) return at + 1 - len;
    }
    return NONE;
}

/* Something of `len` pages has come to lie at `addr`. */
static bool place_true(zx_vaddr_t base, zx_vaddr_t addr, unsigned len) {
    unsigned lowest = lowest_room(len);
    if (!TEST_TRUE(addr % PAGE == 0 && addr >= base && addr + len * PAGE <= base + REGION * PAGE)) return false;
    unsigned at = (unsigned)((addr - base) / PAGE);
    for (unsigned i = at; i < at + len; i++) {
        if (!TEST_TRUE(!taken[i])) return false;
        taken[i] = true;
    }
    return is_random() || TEST_EQ(at, lowest);
}

TEST("vmar_map/placement: within the region, on pages, over nothing, as long as there is room, and no longer") {
    uint64_t seed = random_seed();
    zx_handle_t vmo = vmo_make(PAGE), vmar, child;
    zx_vaddr_t base, addr;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, REGION * PAGE, &vmar, &base));
    for (unsigned i = 0; i < 20000; i++) {
        unsigned len = 1 + (unsigned)(random_next(&seed) % 5), at = (unsigned)(random_next(&seed) % REGION);
        if (i % 3 == 0) {
            if (at + len > REGION || (at > 0 && taken[at])) len = 1;
            /* Holes of all sizes; regions go only when covered wholly. */
            if (zx_vmar_unmap(vmar, base + at * PAGE, len * PAGE) != ZX_OK) continue;
            memset(taken + at, 0, len * sizeof(taken[0]));
            continue;
        }
        bool map = i % 3 == 1, room = lowest_room(len) != NONE;
        zx_status_t status = map ? zx_vmar_map(vmar, PERM_R, 0, vmo, 0, len * PAGE, &addr)
                                 : zx_vmar_allocate(vmar, ZX_VM_COMPACT, 0, len * PAGE, &child, &addr);
        NEED_STATUS(status, room ? ZX_OK : ZX_ERR_NO_MEMORY);
        if (status != ZX_OK) continue;
        if (!map) MUST(zx_handle_close(child));
        if (!place_true(base, addr, len)) return;
    }
}

/* How many of some mappings begin where the one before ended. */
static unsigned neighbours(void) {
    zx_handle_t vmo = vmo_make(PAGE);
    struct target t = target_make();
    zx_vaddr_t last = 0, addr;
    unsigned count = 0;
    for (unsigned i = 0; i < 50; i++) {
        MUST(zx_vmar_map(t.vmar, PERM_R, 0, vmo, 0, PAGE, &addr));
        MUST_BE(addr >= USER_BASE && addr + PAGE <= USER_END);
        count += addr == last + PAGE;
        last = addr;
    }
    return count;
}

TEST("vmar_map/placement: one after the other, or all over the address space if it is random") {
    EXPECT_EQ(neighbours(), is_random() ? 0 : 49);
}

TEST("vmar_map/placement: the whole of a region, and the last hole in it, are always found") {
    zx_handle_t vmo = vmo_make(PAGE), vmar;
    zx_vaddr_t base, addr;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, REGION * PAGE, &vmar, &base));
    EXPECT_OK(zx_vmar_map(vmar, PERM_R, 0, vmo, 0, REGION * PAGE, &addr));
    EXPECT_EQ(addr, base);
    for (unsigned at = 0; at < REGION; at++) {
        MUST(zx_vmar_unmap(vmar, base + at * PAGE, PAGE));
        EXPECT_STATUS(zx_vmar_map(vmar, PERM_R, 0, vmo, 0, 2 * PAGE, &addr), ZX_ERR_NO_MEMORY);
        EXPECT_OK(zx_vmar_map(vmar, PERM_R, 0, vmo, 0, PAGE, &addr));
        EXPECT_EQ(addr, base + at * PAGE);
    }
}
