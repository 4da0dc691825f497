/*
 * zx_process_write_memory and the kinds of memory there are, and what the listings tell of it: how much a write
 * commits, and what becomes of a mapping.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/memory.h"

#define ROM ((zx_paddr_t)0xf0000) /* the firmware's last 64 KiB below 1 MiB: something to read, on every PC */

static unsigned char source[4 * 4096];

static zx_info_vmo_t vmo_info(zx_handle_t vmo) {
    zx_info_vmo_t info;
    MUST(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
    return info;
}

/* The target's mapping that begins at an address. */
static zx_info_maps_t mapping_at(const struct target *t, zx_vaddr_t addr) {
    static zx_info_maps_t maps[32];
    size_t count = 0;
    MUST(zx_object_get_info(t->process, ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &count, NULL));
    for (size_t i = 0; i < count; i++) {
        if (maps[i].type == ZX_INFO_MAPS_TYPE_MAPPING && maps[i].base == addr) return maps[i];
    }
    MUST_BE(false);
    return maps[0];
}

/* All memory of VMOs in the machine. */
static uint64_t vmo_bytes(void) {
    zx_info_kmem_stats_t stats;
    MUST(zx_object_get_info(test_resource(), ZX_INFO_KMEM_STATS, &stats, sizeof(stats), NULL, NULL));
    return stats.vmo_bytes;
}

TEST("write_memory/T1 a write commits the pages that it touches and no more; reading commits none") {
    struct target t = target_make();
    zx_handle_t vmo = vmo_make(64 * PAGE);
    target_map(&t, PLACE, vmo, 0, 64 * PAGE, PERM_RW);
    EXPECT_MOVED(read_from(t.process, PLACE, source, sizeof(source)), sizeof(source));
    EXPECT_EQ(vmo_info(vmo).committed_bytes, 0);
    EXPECT_MOVED(write_to(t.process, PLACE + 5 * PAGE + 9, source, 1), 1);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 8 * PAGE - 1, source, PAGE + 2), PAGE + 2);
    EXPECT_EQ(vmo_info(vmo).committed_bytes, 4 * PAGE);
}

TEST("write_memory/T11 a write into a snapshot copies the pages that it touches and no more") {
    struct target t = target_make();
    struct memory m = memory_make(64 * PAGE, 3);
    zx_handle_t child;
    NEED_OK(zx_vmo_clone(m.vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, m.len, &child));
    target_map(&t, PLACE, child, 0, m.len, PERM_RW);
    memset(source, 1, sizeof(source));
    uint64_t before = vmo_bytes();
    EXPECT_MOVED(write_to(t.process, PLACE + 8 * PAGE - 1, source, PAGE + 2), PAGE + 2);
    EXPECT_EQ(vmo_bytes() - before, 3 * PAGE);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/T3 T12 choices: same address, length and permissions; one snapshot, and a page for each page "
     "written") {
    struct target t = target_make();
    struct memory m = memory_make(8 * PAGE, 3);
    target_map(&t, PLACE, handle_without(m.vmo, ZX_RIGHT_WRITE), PAGE, 6 * PAGE, PERM_RX);
    zx_info_maps_t old = mapping_at(&t, PLACE);
    EXPECT_EQ(old.u.mapping.vmo_koid, vmo_info(m.vmo).koid);
    memset(source, 1, sizeof(source));
    uint64_t before = vmo_bytes();
    EXPECT_MOVED(write_to(t.process, PLACE + 10, source, 20), 20);
    zx_info_maps_t first = mapping_at(&t, PLACE);
    EXPECT(first.u.mapping.vmo_koid != old.u.mapping.vmo_koid);
    EXPECT_EQ(vmo_bytes() - before, PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 40, source, 20), 20);
    EXPECT_EQ(vmo_bytes() - before, PAGE);
    EXPECT_MOVED(write_to(t.process, PLACE + 3 * PAGE, source, 2 * PAGE), 2 * PAGE);
    EXPECT_EQ(vmo_bytes() - before, 3 * PAGE);
    zx_info_maps_t last = mapping_at(&t, PLACE);
    EXPECT_EQ(last.u.mapping.vmo_koid, first.u.mapping.vmo_koid);
    EXPECT_EQ(last.size, 6 * PAGE);
    EXPECT_EQ(last.u.mapping.mmu_flags, old.u.mapping.mmu_flags);
    EXPECT_EQ(vmo_info(m.vmo).num_mappings, 1);
}

TEST("write_memory/T2 T14 a write through an open mapping leaves it a mapping of its VMO") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, m.len, PERM_R);
    zx_info_maps_t old = mapping_at(&t, PLACE);
    EXPECT_MOVED(write_to(t.process, PLACE, source, 20), 20);
    zx_info_maps_t now = mapping_at(&t, PLACE);
    EXPECT_BYTES(&now, &old, sizeof(now));
}

TEST("write_memory/T17 contiguous memory is written in place, and a shut mapping of it is made private") {
    struct target t = target_make();
    zx_handle_t vmo;
    NEED_OK(zx_vmo_create_contiguous(test_resource(), 4 * PAGE, 0, &vmo));
    struct memory m = memory_of(vmo, 4 * PAGE, 3);
    pattern_fill(m.view, m.len, 3);
    pattern_fill(source, sizeof(source), 9);
    target_map(&t, PLACE, vmo, 0, m.len, PERM_R);
    target_map(&t, PLACE + m.len, handle_without(vmo, ZX_RIGHT_WRITE), 0, m.len, PERM_R);
    uint64_t before = vmo_bytes();
    EXPECT_MOVED(write_to(t.process, PLACE + 3 * PAGE - 8, source, PAGE + 8), PAGE + 8);
    EXPECT_EQ(vmo_bytes(), before);
    EXPECT_MEMORY(&m, 3 * PAGE - 8, source, PAGE + 8);
    EXPECT_MOVED(write_to(t.process, PLACE + m.len, source, 100), 100);
    EXPECT_TARGET(&t, PLACE + m.len, source, 100);
    EXPECT_MEMORY(&m, 3 * PAGE - 8, source, PAGE + 8);
}

TEST("write_memory/BAD_STATE T15 choices: physical memory, whatever its cache policy; as a buffer it is fine") {
    struct target t = target_make();
    struct memory m = memory_make(2 * PAGE, 3);
    zx_handle_t rom;
    NEED_OK(zx_vmo_create_physical(test_resource(), ROM, 16 * PAGE, &rom));
    for (uint32_t policy = ZX_CACHE_POLICY_CACHED; policy <= ZX_CACHE_POLICY_WRITE_COMBINING; policy++) {
        NEED_OK(zx_vmo_set_cache_policy(rom, policy));
        target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
        target_map(&t, PLACE + PAGE, rom, 0, PAGE, PERM_RW);
        target_map(&t, PLACE + 2 * PAGE, handle_without(rom, ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
        EXPECT_REFUSED(write_to(t.process, PLACE + PAGE, source, 16), ZX_ERR_BAD_STATE);
        EXPECT_REFUSED(write_to(t.process, PLACE + 2 * PAGE, source, 16), ZX_ERR_BAD_STATE);
        EXPECT_REFUSED(read_from(t.process, PLACE + PAGE, source, 16), ZX_ERR_BAD_STATE);
        EXPECT_MOVED(write_to(t.process, PLACE + PAGE - 8, source, 16), 8);
        const unsigned char *view = map_here(rom, 0, 16 * PAGE, PERM_R);
        pattern_fill(m.view, m.len, m.seed);
        EXPECT_MOVED(write_to(t.process, PLACE + 8, view + 15 * PAGE, PAGE - 8), PAGE - 8);
        EXPECT_MEMORY(&m, 8, view + 15 * PAGE, PAGE - 8);
        unmap_here(view, 16 * PAGE);
        NEED_OK(zx_vmar_unmap(t.vmar, PLACE, 3 * PAGE));
    }
}
