/*
 * Who may map what: every combination of READ, WRITE and EXECUTE on the handles of VMO and region against every set of
 * permissions, in zx_vmar_map, zx_vmar_protect and zx_vmar_allocate; and what execution itself needs.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define ALL_PERMS 8u /* sets of PERM_READ, PERM_WRITE and PERM_EXECUTE, which are the numbers 0 to 7 */

/* The rights that go with a set of permissions. */
static zx_rights_t rights_for(uint32_t perms) { return perms << 2; }

_Static_assert(ZX_RIGHT_READ == ZX_VM_PERM_READ << 2 && ZX_RIGHT_EXECUTE == ZX_VM_PERM_EXECUTE << 2, "one distance");

/* The processor cannot write or execute what it cannot read. */
static bool possible(uint32_t perms) { return perms & PERM_R || perms == 0; }

/* A handle for each set of rights. */
struct handles {
    zx_handle_t with[ALL_PERMS];
};
static struct handles handles_make(zx_handle_t handle, zx_rights_t others) {
    struct handles all;
    for (uint32_t perms = 0; perms < ALL_PERMS; perms++)
        all.with[perms] = handle_with(handle, rights_for(perms) | others);
    return all;
}

static bool same_status(zx_status_t status, zx_status_t want, const char *call, uint32_t vmar, uint32_t vmo,
                        uint32_t perms) {
    if (status == want) return true;
    test_note("%s: rights %#x on the region, %#x on the VMO, permissions %#x", call, vmar, vmo, perms);
    return TEST_STATUS(status, want);
}

static zx_status_t want_for(uint32_t perms, uint32_t allowed) {
    if (!possible(perms)) return ZX_ERR_INVALID_ARGS;
    return perms & ~allowed ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

TEST("vmar_map/H6 H7 every set of rights on both handles against every set of permissions") {
    struct handles vmars = handles_make(zx_vmar_root_self(), 0);
    struct handles vmos = handles_make(vmo_make(PAGE), ZX_RIGHT_MAP);
    for (uint32_t i = 0; i < ALL_PERMS * ALL_PERMS * ALL_PERMS; i++) {
        uint32_t vmar = i % 8;
        uint32_t vmo = i / 8 % 8;
        uint32_t perms = i / 64;
        zx_vaddr_t addr = UNTOUCHED;
        zx_status_t status = zx_vmar_map(vmars.with[vmar], perms, 0, vmos.with[vmo], 0, PAGE, &addr);
        NEED(same_status(status, want_for(perms, vmar & vmo), "map", vmar, vmo, perms));
        if (status != ZX_OK) {
            NEED_EQ(addr, UNTOUCHED);
            continue;
        }
        EXPECT_EQ(can_read(addr), (perms & PERM_R) != 0);
        EXPECT_EQ(can_write(addr), (perms & ZX_VM_PERM_WRITE) != 0);
        unmap_here((void *)addr, PAGE);
    }
}

/* What was allowed when the mapping was made stays the ceiling, whatever handles are there later. */
static void expect_ceiling(zx_handle_t vmar, zx_vaddr_t addr, uint32_t ceiling) {
    for (uint32_t perms = 0; perms < ALL_PERMS; perms++) {
        zx_status_t status = zx_vmar_protect(vmar, perms, addr, PAGE);
        EXPECT(same_status(status, want_for(perms, ceiling), "protect", 7, ceiling, perms));
        if (status != ZX_OK) continue;
        EXPECT_EQ(can_read(addr), (perms & PERM_R) != 0);
        EXPECT_EQ(can_write(addr), (perms & ZX_VM_PERM_WRITE) != 0);
    }
}

TEST("vmar_protect/the ceiling is what both handles allowed at the time, though they are closed and stronger ones "
     "come") {
    zx_handle_t vmo = vmo_make(PAGE);
    struct handles vmars = handles_make(zx_vmar_root_self(), 0);
    struct handles vmos = handles_make(vmo, ZX_RIGHT_MAP);
    zx_vaddr_t addrs[ALL_PERMS][ALL_PERMS];
    for (uint32_t vmar = 0; vmar < ALL_PERMS; vmar++) {
        for (uint32_t i = 0; i < ALL_PERMS; i++)
            NEED_OK(zx_vmar_map(vmars.with[vmar], 0, 0, vmos.with[i], 0, PAGE, &addrs[vmar][i]));
    }
    for (uint32_t i = 0; i < ALL_PERMS; i++) {
        MUST(zx_handle_close(vmars.with[i]));
        MUST(zx_handle_close(vmos.with[i]));
    }
    for (uint32_t vmar = 0; vmar < ALL_PERMS; vmar++) {
        for (uint32_t i = 0; i < ALL_PERMS; i++) expect_ceiling(zx_vmar_root_self(), addrs[vmar][i], vmar & i);
    }
}

TEST("vmar_protect/H6 H7 every set of rights on the region against every set of permissions") {
    struct handles vmars = handles_make(zx_vmar_root_self(), 0);
    zx_vaddr_t addr = (zx_vaddr_t)map_here(vmo_make(PAGE), 0, PAGE, PERM_R);
    for (uint32_t rights = 0; rights < ALL_PERMS; rights++) {
        for (uint32_t perms = 0; perms < ALL_PERMS; perms++) {
            zx_status_t want = perms & ~rights ? ZX_ERR_ACCESS_DENIED : possible(perms) ? ZX_OK : ZX_ERR_INVALID_ARGS;
            NEED(
                same_status(zx_vmar_protect(vmars.with[rights], perms, addr, PAGE), want, "protect", rights, 7, perms));
        }
    }
}

TEST("vmar_allocate/H6 H7 every set of rights against every set of CAN_MAP; the child's handle has just these") {
    struct handles vmars = handles_make(zx_vmar_root_self(), 0);
    for (uint32_t rights = 0; rights < ALL_PERMS; rights++) {
        for (uint32_t can = 0; can < ALL_PERMS; can++) {
            zx_handle_t child = UNTOUCHED;
            zx_vaddr_t addr;
            zx_status_t want = can & ~rights ? ZX_ERR_ACCESS_DENIED : ZX_OK;
            zx_status_t status = zx_vmar_allocate(vmars.with[rights], can << 7, 0, PAGE, &child, &addr);
            NEED(same_status(status, want, "allocate", rights, 7, can));
            if (status != ZX_OK) continue;
            EXPECT_EQ(handle_rights(child), ZX_DEFAULT_VMAR_RIGHTS | rights_for(can));
            MUST(zx_vmar_destroy(child));
            MUST(zx_handle_close(child));
        }
    }
}

/* The region's handle has no more than its CAN_MAP: map, protect and allocate beyond it fail by rights already. */
TEST("vmar_map/a region without a CAN_MAP permission refuses it, and all that needs it") {
    zx_handle_t vmo = vmo_make(PAGE);
    for (uint32_t can = 0; can < ALL_PERMS; can++) {
        zx_handle_t vmar;
        zx_handle_t inner;
        zx_vaddr_t base;
        zx_vaddr_t addr;
        NEED_OK(zx_vmar_allocate(zx_vmar_root_self(), can << 7, 0, 16 * PAGE, &vmar, &base));
        for (uint32_t perms = 0; perms < ALL_PERMS; perms++) {
            zx_status_t want = want_for(perms, can);
            NEED(same_status(zx_vmar_map(vmar, perms, 0, vmo, 0, PAGE, &addr), want, "map", can, 7, perms));
            want = perms & ~can ? ZX_ERR_ACCESS_DENIED : ZX_OK;
            zx_status_t status = zx_vmar_allocate(vmar, perms << 7, 0, PAGE, &inner, &addr);
            NEED(same_status(status, want, "allocate", can, 7, perms));
            if (status == ZX_OK) MUST(zx_vmar_destroy(inner));
        }
        MUST(zx_vmar_destroy(vmar));
    }
}

/* A write right on the VMO handle gained later, by a snapshot say, is no right of the old mapping. */
TEST("vmar_protect/a snapshot's mapping has the ceiling of the snapshot's handle") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_handle_t snapshot;
    NEED_OK(zx_vmo_create_child(handle_with(vmo, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ | ZX_RIGHT_MAP),
                                ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &snapshot));
    zx_vaddr_t of_vmo = (zx_vaddr_t)map_here(handle_without(vmo, ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
    zx_vaddr_t of_snapshot = (zx_vaddr_t)map_here(snapshot, 0, PAGE, PERM_R);
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, of_vmo, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, of_snapshot, PAGE));
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), PERM_RX, of_snapshot, PAGE), ZX_ERR_ACCESS_DENIED);
}

/* Execution: a child jumps to code at the address on its board, which exits with 9. */

static const unsigned char exit_code[] = {0xbf, 9, 0, 0, 0, 0xff, 0xe6}; /* mov $9, %edi; jmp *%rsi */

static void jump(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    (void)handle;
    __asm__ volatile("jmp *%0" ::"r"((uintptr_t)board->words[0]), "S"(zx_process_exit));
}

static int64_t run_code(zx_vm_option_t perms, zx_vm_option_t later) {
    struct child child;
    zx_handle_t vmo = vmo_make(PAGE);
    zx_vaddr_t addr = 0;
    MUST(zx_vmo_write(vmo, exit_code, 0, sizeof(exit_code)));
    if (!child_make(&child)) return INT64_MIN;
    MUST(zx_vmar_map(child.vmar, perms, 0, vmo, 0, PAGE, &addr));
    MUST(zx_vmar_protect(child.vmar, later, addr, PAGE));
    child.board->words[0] = addr;
    if (!TEST_STATUS(child_start(&child, jump, ZX_HANDLE_INVALID), ZX_OK)) return INT64_MIN;
    int64_t code = child_wait(&child);
    child_close(&child);
    return code;
}

TEST("memory/executes only with EXECUTE, given by map or by protect") {
    EXPECT_EQ(run_code(PERM_RX, PERM_RX), 9);
    EXPECT_EQ(run_code(PERM_R, PERM_RX), 9);
    EXPECT_EQ(run_code(PERM_RW, PERM_RX), 9);
    EXPECT_EQ(run_code(PERM_RX, PERM_R), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(run_code(PERM_R, PERM_R), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(run_code(PERM_RW, PERM_RW), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(run_code(PERM_NONE, PERM_NONE), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(run_code(PERM_RX, PERM_NONE), ZX_TASK_RETCODE_EXCEPTION_KILL);
}

/* Real loads and stores, not the kernel's: the first word of the board is the address, the second what to do. */

enum { LOAD, STORE };

static void touch(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    volatile uint64_t *at = (volatile uint64_t *)board->words[0];
    (void)handle;
    if (board->words[1] == STORE)
        *at = 4;
    else
        board->words[2] = *at;
    zx_process_exit(0);
}

static int64_t touch_memory(zx_vm_option_t perms, uint64_t how) {
    struct child child;
    zx_vaddr_t addr = 0;
    if (!child_make(&child)) return INT64_MIN;
    zx_handle_t vmo = vmo_make(PAGE);
    MUST(zx_vmar_map(child.vmar, perms, 0, vmo, 0, PAGE, &addr));
    child.board->words[0] = addr;
    child.board->words[1] = how;
    if (!TEST_STATUS(child_start(&child, touch, ZX_HANDLE_INVALID), ZX_OK)) return INT64_MIN;
    int64_t code = child_wait(&child);
    EXPECT_EQ(peek(vmo, 0), how == STORE && code == 0 ? 4 : 0);
    child_close(&child);
    return code;
}

TEST("memory/loads need READ, stores need WRITE") {
    EXPECT_EQ(touch_memory(PERM_R, LOAD), 0);
    EXPECT_EQ(touch_memory(PERM_RW, LOAD), 0);
    EXPECT_EQ(touch_memory(PERM_RX, LOAD), 0);
    EXPECT_EQ(touch_memory(PERM_RW, STORE), 0);
    EXPECT_EQ(touch_memory(PERM_R, STORE), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(touch_memory(PERM_RX, STORE), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(touch_memory(PERM_NONE, LOAD), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(touch_memory(PERM_NONE, STORE), ZX_TASK_RETCODE_EXCEPTION_KILL);
}
