/*
 * The transfer engine, between two address spaces that hold no program: a kernel thread lends itself to the caller's.
 */
#include "vm/transfer.h"

#include "arch/upcall.h"
#include "kernel/base/string.h"
#include "tests/kernel/rig.h"
#include "vm/usercopy.h"

KTEST("transfer/A10 every length at every alignment moves its bytes and no other") {
    static const size_t lengths[] = {0, 1, 7, 8, 9, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1};
    NEED(rig_begin() && fill_buffer(3 * PAGE_SIZE));
    for (size_t i = 0; i < countof(lengths); i++) {
        for (size_t skew = 0; skew < 16; skew += 5) {
            size_t len = lengths[i];
            EXPECT(vmo_zero(rig.memory, 0, PAGES(4)) == ZX_OK);
            EXPECT(writes(rig.from + skew, rig.to + PAGE_SIZE - 1 - skew, len, ZX_OK, len));
            EXPECT(holds(rig.memory, PAGE_SIZE - 1 - skew, skew, len));
            EXPECT(vmo_peek(rig.memory, PAGE_SIZE - 2 - skew) == 0 &&
                   vmo_peek(rig.memory, PAGE_SIZE - 1 - skew + len) == 0);
        }
    }
    rig_end();
}

KTEST("transfer/what was written is read back, over more than one window") {
    const size_t len = PAGES(40) + 100;
    NEED(rig_begin() && fill_buffer(len));
    EXPECT(writes(rig.from, rig.to + 50, len, ZX_OK, len) && holds(rig.memory, 50, 0, len));
    EXPECT(vmo_decommit(rig.buffer, 0, PAGES(BUFFER_PAGES)) == ZX_OK);
    EXPECT(reads(rig.from + 3, rig.to + 50, len, ZX_OK, len) && holds(rig.memory, 50, 3, len));
    rig_end();
}

KTEST("transfer/A12, A13, T6 it ends early where memory ends, and fails where it begins") {
    NEED(rig_begin() && fill_buffer(100));
    vaddr_t last = rig.to + PAGES(TARGET_PAGES);
    EXPECT(writes(rig.from, last - 10, 100, ZX_OK, 10) && writes(rig.from, last, 100, ZX_ERR_NO_MEMORY, 0));
    EXPECT(vmo_set_size(rig.memory, PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from, rig.to + PAGE_SIZE - 5, 100, ZX_OK, 5) &&
           reads(rig.from, rig.to + PAGE_SIZE - 5, 100, ZX_OK, 5));
    EXPECT(writes(rig.from, rig.to + PAGE_SIZE, 100, ZX_ERR_NO_MEMORY, 0));
    EXPECT(writes(rig.from, 0, 1, ZX_ERR_NO_MEMORY, 0) && writes(rig.from, UINT64_MAX, 1, ZX_ERR_NO_MEMORY, 0));
    EXPECT(writes(rig.from, USER_END, 1, ZX_ERR_NO_MEMORY, 0));
    EXPECT(writes(rig.from, (uint64_t)arch_phys_to_virt((paddr_t){0}), 1, ZX_ERR_NO_MEMORY, 0));
    rig_end();
}

KTEST("transfer/T7, T9, T10 it goes on across mappings, VMOs and VMARs that adjoin") {
    struct vmar *child;
    struct vmo *other = vmo_of(4, false);
    const uint32_t can = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;
    NEED(rig_begin() && other && fill_buffer(PAGES(6)));
    NEED(map_at(rig.target->root, 100, rig.memory, 5, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    NEED(vmar_allocate(rig.target->root, can | ZX_VM_SPECIFIC, PAGES(101), PAGES(2), &child) == ZX_OK);
    NEED(map_at(child, 0, other, 3, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    NEED(map_at(child, 1, other, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    NEED(map_at(rig.target->root, 103, rig.memory, 9, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    EXPECT(writes(rig.from, USER_BASE + PAGES(100) + 1, PAGES(5), ZX_OK, PAGES(4) - 1));
    EXPECT(holds(rig.memory, PAGES(5) + 1, 0, PAGE_SIZE - 1) && holds(other, PAGES(3), PAGE_SIZE - 1, PAGE_SIZE));
    EXPECT(holds(other, 0, PAGES(2) - 1, PAGE_SIZE) && holds(rig.memory, PAGES(9), PAGES(3) - 1, PAGE_SIZE));
    object_unref(&child->object);
    vmo_unref(other);
    rig_end();
}

KTEST("transfer/T15 memory that is not cached is not touched") {
    struct vmo *device = vmo_of(2, false);
    NEED(rig_begin() && device && vmo_set_cache_policy(device, ZX_CACHE_POLICY_UNCACHED_DEVICE) == ZX_OK);
    NEED(map_at(rig.target->root, 99, rig.memory, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    NEED(map_at(rig.target->root, 100, device, 0, 2, ZX_VM_SPECIFIC | RW) == ZX_OK);
    vaddr_t va = USER_BASE + PAGES(100);
    EXPECT(writes(rig.from, va, 8, ZX_ERR_BAD_STATE, 0) && reads(rig.from, va, 8, ZX_ERR_BAD_STATE, 0));
    EXPECT(writes(rig.from, va - 4, 8, ZX_OK, 4) && vmo_committed_bytes(device, 0, PAGES(2)) == 0);
    vmo_unref(device);
    rig_end();
}

KTEST(
    "transfer/T2, T5 permissions that could be had are not asked for: the write goes through, and all sharers see it") {
    NEED(rig_begin() && fill_buffer(8));
    vaddr_t other = map_pages(rig.caller->root, rig.memory, 0, 1, RW, RW);
    EXPECT(vmar_protect(rig.target->root, 0, rig.to, PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from, rig.to, 8, ZX_OK, 8) && user_load(rig.caller, other + 1) == 8 &&
           holds(rig.memory, 0, 0, 8));
    EXPECT(user_store(rig.caller, other, 99) == ZX_OK && reads(rig.from + 100, rig.to, 8, ZX_OK, 8));
    EXPECT(vmo_peek(rig.buffer, 100) == 99);
    rig_end();
}

KTEST("transfer/S1 to S9 a bad buffer ends the call at its first bad word") {
    NEED(rig_begin() && fill_buffer(PAGES(2)));
    vaddr_t last = rig.from + PAGES(BUFFER_PAGES);
    EXPECT(vmo_poke(rig.buffer, PAGES(BUFFER_PAGES) - 1, 5));
    EXPECT(writes(0, rig.to, 8, ZX_ERR_INVALID_ARGS, 0) && reads(0, rig.to, 8, ZX_ERR_INVALID_ARGS, 0));
    EXPECT(writes(last, rig.to, 8, ZX_ERR_INVALID_ARGS, 0));
    EXPECT(writes(last - 8, rig.to, 16, ZX_ERR_INVALID_ARGS, 8) && vmo_peek(rig.memory, 7) == 5 &&
           vmo_peek(rig.memory, 8) == 0);
    EXPECT(writes(UINT64_MAX - 3, rig.to, 8, ZX_ERR_INVALID_ARGS, 0));
    EXPECT(writes((vaddr_t)1 << 47, rig.to, 8, ZX_ERR_INVALID_ARGS, 0));
    EXPECT(writes((vaddr_t)&rig, rig.to, 8, ZX_ERR_INVALID_ARGS, 0) &&
           reads((vaddr_t)&rig, rig.to, 8, ZX_ERR_INVALID_ARGS, 0));
    EXPECT(vmar_protect(rig.caller->root, PERM_READ, rig.from + PAGES(1), PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from + PAGE_SIZE - 4, rig.to, 8, ZX_OK, 8));
    EXPECT(reads(rig.from + PAGE_SIZE - 8, rig.to, 16, ZX_ERR_INVALID_ARGS, 8));
    EXPECT(vmar_protect(rig.caller->root, 0, rig.from + PAGES(1), PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from + PAGE_SIZE - 8, rig.to + 100, 16, ZX_ERR_INVALID_ARGS, 8));
    EXPECT(writes(0, 0, 8, ZX_ERR_NO_MEMORY, 0));
    rig_end();
}

KTEST("transfer/S13 what lies beyond the reached part of the buffer is never looked at") {
    NEED(rig_begin() && fill_buffer(1));
    EXPECT(vmo_set_size(rig.memory, PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from + PAGES(BUFFER_PAGES) - 8, rig.to + PAGE_SIZE - 8, 100, ZX_OK, 8));
    rig_end();
}

KTEST("transfer/the buffer may end with the last user address") {
    uint64_t last = (USER_END - USER_BASE - PAGE_SIZE) >> PAGE_SHIFT;
    NEED(rig_begin() && map_at(rig.caller->root, last, rig.buffer, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    EXPECT(vmo_poke(rig.buffer, PAGE_SIZE - 1, 3));
    EXPECT(writes(USER_END - 1, rig.to, 1, ZX_OK, 1) && vmo_peek(rig.memory, 0) == 3);
    EXPECT(writes(USER_END - 1, rig.to, 2, ZX_ERR_INVALID_ARGS, 1));
    rig_end();
}

KTEST("transfer/S7, S8 the buffer's own pages are committed and un-shared on the way") {
    struct vmo *copy;
    NEED(rig_begin() && vmo_poke(rig.memory, 5, 7) && vmo_poke(rig.buffer, 5, 1));
    NEED(vmo_snapshot(rig.buffer, 0, PAGES(1), false, &copy) == ZX_OK);
    EXPECT(reads(rig.from, rig.to, PAGES(2), ZX_OK, PAGES(2)));
    EXPECT(vmo_peek(rig.buffer, 5) == 7 && vmo_peek(copy, 5) == 1);
    EXPECT(vmo_committed_bytes(rig.memory, 0, PAGES(2)) == PAGES(1));
    vmo_unref(copy);
    rig_end();
}

KTEST("transfer/S11, S12 into oneself, from any overlap, in pages not yet there: no deadlock, ascending bytes") {
    NEED(rig_begin());
    struct aspace *idle = rig.target;
    rig.target = rig.caller;
    for (size_t shift = 0; shift <= 3 * PAGE_SIZE; shift += 1366) {
        EXPECT(vmo_decommit(rig.buffer, 0, PAGES(BUFFER_PAGES)) == ZX_OK);
        EXPECT(writes(rig.from, rig.from + shift, PAGES(2), ZX_OK, PAGES(2)));
        EXPECT(vmo_decommit(rig.buffer, 0, PAGES(BUFFER_PAGES)) == ZX_OK && fill_buffer(PAGES(6)));
        EXPECT(writes(rig.from + shift, rig.from, PAGES(2), ZX_OK, PAGES(2)));
        EXPECT(vmo_peek(rig.buffer, 0) == (uint8_t)(shift * 7 + 1));
        EXPECT(vmo_peek(rig.buffer, PAGES(2) - 1) == (uint8_t)((shift + PAGES(2) - 1) * 7 + 1));
        EXPECT(reads(rig.from + 5, rig.from + shift, PAGES(1), ZX_OK, PAGES(1)));
    }
    EXPECT(translations_true(rig.caller));
    vaddr_t alias = map_pages(rig.caller->root, rig.buffer, 0, 1, RW, RW);
    EXPECT(vmo_poke(rig.buffer, 0, 1) && writes(rig.from, alias + 8, 16, ZX_OK, 16) && vmo_peek(rig.buffer, 8) == 1);
    rig.target = idle;
    rig_end();
}

KTEST("transfer/T20 whichever allocation fails, the count is exact") {
    NEED(rig_begin() && fill_buffer(PAGES(4)));
    for (uint64_t nth = 1;; nth++) {
        struct call c = call_make(true, rig.from, rig.to + 100, PAGES(3));
        c.fail_at = nth;
        EXPECT(vmo_decommit(rig.memory, 0, PAGES(TARGET_PAGES)) == ZX_OK);
        NEED(run_in(rig.caller, call_run, &c) && nth < 100);
        EXPECT(holds(rig.memory, 100, 0, c.done) && vmo_peek(rig.memory, 100 + c.done) == 0);
        if (!c.fired) {
            EXPECT(c.status == ZX_OK && c.done == PAGES(3));
            break;
        }
        EXPECT(c.status == (c.done ? ZX_OK : ZX_ERR_NO_MEMORY));
    }
    rig_end();
}

KTEST("transfer/L4 nothing goes to or from an address space that is dying") {
    NEED(rig_begin());
    aspace_begin_death(rig.target);
    EXPECT(writes(rig.from, rig.to, 8, ZX_ERR_BAD_STATE, 0) && reads(rig.from, rig.to, 8, ZX_ERR_BAD_STATE, 0));
    EXPECT(writes(0, 0, 8, ZX_ERR_BAD_STATE, 0));
    rig_end();
}

KTEST("transfer/to and from a VMO: all of it, or out of range before anything moves") {
    NEED(rig_begin() && fill_buffer(PAGES(3)));
    struct call c = call_make(true, rig.from, 5, PAGES(3));
    c.vmo = rig.memory;
    EXPECT(ends(c, ZX_OK, PAGES(3)) && holds(rig.memory, 5, 0, PAGES(3)));
    c.addr = PAGES(TARGET_PAGES) - 5;
    EXPECT(ends(c, ZX_ERR_OUT_OF_RANGE, 0) && vmo_peek(rig.memory, c.addr) == 0);
    c.addr = UINT64_MAX - 5;
    EXPECT(ends(c, ZX_ERR_OUT_OF_RANGE, 0));
    c.len = 0, c.addr = PAGES(TARGET_PAGES);
    EXPECT(ends(c, ZX_OK, 0));
    rig_end();
}

struct small_copies {
    vaddr_t from, to;
    uint8_t bytes[16];
    zx_status_t in, out;
};

static void small_copies(void *arg) {
    struct small_copies *c = arg;
    c->in = copy_in(c->bytes, (user_in_t){c->from}, sizeof(c->bytes));
    c->out = copy_out((user_out_t){c->to}, c->bytes, sizeof(c->bytes));
}

KTEST("usercopy/small copies fault pages in, and refuse what no user address is") {
    NEED(rig_begin() && fill_buffer(16));
    struct small_copies c = {.from = rig.from, .to = rig.from + PAGES(3)};
    EXPECT(run_in(rig.caller, small_copies, &c) && c.in == ZX_OK && c.out == ZX_OK &&
           holds(rig.buffer, PAGES(3), 0, 16));
    static const vaddr_t bad[] = {0, USER_END - 1, USER_END, UINT64_MAX - 3, (vaddr_t)1 << 63, USER_BASE - 1};
    for (size_t i = 0; i < countof(bad); i++) {
        c.from = c.to = bad[i];
        EXPECT(run_in(rig.caller, small_copies, &c) && c.in == ZX_ERR_INVALID_ARGS && c.out == ZX_ERR_INVALID_ARGS);
    }
    rig_end();
}
