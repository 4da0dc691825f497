/*
 * Calls that do much with memory: nobody waits long for the same memory, and who makes such a call can be killed.
 */
#include <stdatomic.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

#define LARGE ((size_t)64 << 20)

static zx_handle_t vmo;
static zx_vaddr_t view;
static _Atomic bool over;

/* What longest_wait() uses: an address space, and a page in it. */
static zx_handle_t used_vmar;
static zx_vaddr_t used_page;

static void op_here(uint32_t op) { MUST(zx_vmar_op_range(zx_vmar_root_self(), op, view, LARGE, NULL, 0)); }

static void commit_and_zero(void *arg) {
    (void)arg;
    while (!atomic_load(&over)) {
        op_here(ZX_VMAR_OP_COMMIT);
        op_here(ZX_VMAR_OP_ZERO);
    }
}
static void load_and_protect(void *arg) {
    (void)arg;
    while (!atomic_load(&over)) {
        op_here(ZX_VMAR_OP_MAP_RANGE);
        MUST(zx_vmar_protect(zx_vmar_root_self(), PERM_R, view, LARGE));
    }
}

/* Uses the address space and the VMO, now and then: how long does it take at most? */
static zx_duration_t longest_wait(void) {
    zx_duration_t longest = 0;
    for (int i = 0; i < 60; i++) {
        uint64_t size;
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        zx_time_t begun = zx_clock_get_monotonic();
        MUST(zx_vmo_get_size(vmo, &size));
        if (used_vmar == zx_vmar_root_self()) *(volatile unsigned char *)used_page;
        MUST(zx_vmar_protect(used_vmar, PERM_R, used_page, PAGE));
        zx_duration_t took = zx_clock_get_monotonic() - begun;
        if (took > longest) longest = took;
    }
    return longest;
}

static void expect_short_waits(void (*act)(void *)) {
    zx_handle_t thread = thread_run(act, NULL);
    zx_duration_t wait = longest_wait();
    atomic_store(&over, true);
    thread_join(thread);
    test_note("%lld us", (long long)wait / 1000);
    EXPECT(!times_are_exact() || wait <= ZX_MSEC(22));
}

static void use_large_vmo(void) {
    vmo = vmo_make(LARGE + PAGE);
    view = (zx_vaddr_t)map_here(vmo, 0, LARGE + PAGE, PERM_RW);
    op_here(ZX_VMAR_OP_COMMIT);
    used_vmar = zx_vmar_root_self();
    used_page = view + LARGE;
}

TEST("vmar_op_range/S7 who wants the same memory does not wait until all is committed or zeroed") {
    use_large_vmo();
    expect_short_waits(commit_and_zero);
}
TEST("vmar_op_range/S7 who wants the same memory does not wait until all translations are loaded") {
    use_large_vmo();
    expect_short_waits(load_and_protect);
}

/* So many mappings of a page each, one behind the other, in a VMAR of an address space; and one beside. */
#define MANY ((size_t)10000)
static zx_handle_t crowd;
static zx_vaddr_t crowd_base;

static void crowd_make(zx_handle_t parent) {
    const zx_vm_option_t can =
        ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;
    zx_vaddr_t at;
    vmo = vmo_make(PAGE);
    MUST(zx_vmar_allocate(parent, can, 0, MANY * PAGE, &crowd, &crowd_base));
    for (size_t i = 0; i < MANY; i++) MUST(zx_vmar_map(crowd, PERM_RW | ZX_VM_SPECIFIC, i * PAGE, vmo, 0, PAGE, &at));
    used_vmar = parent;
    MUST(zx_vmar_map(parent, PERM_RW, 0, vmo, 0, PAGE, &used_page));
}

static void protect_crowd(void *arg) {
    (void)arg;
    while (!atomic_load(&over)) {
        MUST(zx_vmar_protect(crowd, PERM_R, crowd_base, MANY * PAGE));
        MUST(zx_vmar_protect(crowd, PERM_RW, crowd_base, MANY * PAGE));
    }
}

TEST("vmar_protect/who uses the same address space does not wait until ten thousand mappings are protected") {
    crowd_make(zx_vmar_root_self());
    expect_short_waits(protect_crowd);
}

static zx_status_t replace_crowd(zx_handle_t by) {
    zx_vaddr_t at;
    return zx_vmar_map(crowd, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE, 0, by, 0, MANY * PAGE, &at);
}
static void replace_once(void *arg) { MUST(replace_crowd(*(zx_handle_t *)arg)); }

TEST("vmar_map/who uses the same address space does not wait until ten thousand mappings are replaced") {
    zx_handle_t by = vmo_make(MANY * PAGE), thread;
    crowd_make(zx_vmar_root_self());
    thread = thread_run(replace_once, &by);
    zx_duration_t wait = longest_wait();
    thread_join(thread);
    test_note("%lld us", (long long)wait / 1000);
    EXPECT(!times_are_exact() || wait <= ZX_MSEC(22));
}

static zx_handle_t egg, egg_thread;
static void start_once(void *arg) {
    (void)arg;
    MUST(zx_process_start(egg, egg_thread, PLACE, PLACE, ZX_HANDLE_INVALID, 0));
}

TEST("process_start/who uses the same address space does not wait until ten thousand mappings are looked at") {
    struct target t = target_make();
    zx_handle_t thread, token;
    crowd_make(t.vmar);
    egg = t.process;
    MUST(zx_thread_create(egg, "egg", 3, 0, &egg_thread));
    MUST(zx_task_suspend(egg, &token));
    thread = thread_run(start_once, NULL);
    zx_duration_t wait = longest_wait();
    thread_join(thread);
    test_note("%lld us", (long long)wait / 1000);
    EXPECT(!times_are_exact() || wait <= ZX_MSEC(10));
    MUST(zx_task_kill(egg));
}

static void zero_and_copy(void *arg) {
    (void)arg;
    zx_handle_t copy;
    while (!atomic_load(&over)) {
        MUST(zx_vmo_op_range(vmo, ZX_VMO_OP_ZERO, 0, LARGE / 2, NULL, 0));
        MUST(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, LARGE / 2, &copy));
        MUST(zx_handle_close(copy));
    }
}

TEST("vmo_op_range/who uses contiguous memory does not wait until all of it is zeroed, or copied for a snapshot") {
    MUST(zx_vmo_create_contiguous(test_resource(), LARGE / 2, 0, &vmo));
    used_vmar = zx_vmar_root_self();
    used_page = (zx_vaddr_t)map_here(vmo, 0, PAGE, PERM_RW);
    expect_short_waits(zero_and_copy);
}

/* Kills a child a while after it has begun, and waits until it is gone. */
static void expect_soon_dead(child_entry *act, zx_handle_t handle) {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, act, handle));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    zx_time_t begun = zx_clock_get_monotonic();
    NEED_OK(zx_task_kill(child.process));
    NEED_OK(zx_object_wait_one(child.process, ZX_PROCESS_TERMINATED, zx_deadline_after(ZX_SEC(20)), NULL));
    EXPECT(!times_are_exact() || zx_clock_get_monotonic() - begun <= ZX_MSEC(22));
    child_close(&child);
}

static void replace_there(zx_handle_t handle, uintptr_t there) {
    (void)there;
    zx_handle_t by;
    zx_vaddr_t at;
    zx_vmo_create(MANY * PAGE, 0, &by);
    zx_vmar_map(handle, PERM_RW | ZX_VM_SPECIFIC_OVERWRITE, 0, by, 0, MANY * PAGE, &at);
    for (;;) zx_nanosleep(ZX_TIME_INFINITE);
}

TEST("vmar_map/killed while it replaces ten thousand mappings: soon gone, and no address is without a mapping") {
    struct target t = target_make();
    static unsigned char all[MANY * PAGE];
    crowd_make(t.vmar);
    expect_soon_dead(replace_there, handle_with(crowd, ZX_RIGHT_SAME_RIGHTS));
    EXPECT_MOVED(read_from(t.process, crowd_base, all, sizeof(all)), sizeof(all));
}

static void protect_there(zx_handle_t handle, uintptr_t base) {
    (void)base;
    zx_info_vmar_t info;
    zx_object_get_info(handle, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL);
    for (;;) zx_vmar_protect(handle, PERM_R, info.base, info.len);
}

TEST("vmar_protect/killed while it protects ten thousand mappings: soon gone") {
    struct target t = target_make();
    crowd_make(t.vmar);
    expect_soon_dead(protect_there, handle_with(crowd, ZX_RIGHT_SAME_RIGHTS));
}

#define SHOWN ((size_t)8 << 20)

static void commit_for_ever(zx_handle_t shown, uintptr_t there) {
    (void)there;
    for (;;) {
        zx_vmo_op_range(shown, ZX_VMO_OP_COMMIT, 0, SHOWN, NULL, 0);
        zx_vmo_op_range(shown, ZX_VMO_OP_DECOMMIT, 0, SHOWN, NULL, 0);
    }
}

/* Each of the pages shows to all mappings already, as a hole. */
TEST("task_kill/L2 soon gone: committing pages that a thousand mappings show") {
    struct target other = target_make();
    struct child child;
    vmo = vmo_make(SHOWN);
    for (size_t i = 0; i < 1000; i++) target_map(&other, PLACE + i * SHOWN, vmo, 0, SHOWN, PERM_RW);
    const volatile unsigned char *pages = map_here(vmo, 0, SHOWN, PERM_RW);
    (void)(pages[0] + pages[SHOWN - 1]);
    NEED(child_make(&child));
    NEED_OK(child_start(&child, commit_for_ever, handle_with(vmo, ZX_RIGHT_SAME_RIGHTS)));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(100)));
    zx_time_t begun = zx_clock_get_monotonic();
    NEED_OK(zx_task_kill(child.process));
    NEED_OK(zx_object_wait_one(child.process, ZX_PROCESS_TERMINATED, zx_deadline_after(ZX_SEC(20)), NULL));
    EXPECT(!times_are_exact() || zx_clock_get_monotonic() - begun <= ZX_MSEC(100));
    child_close(&child);
}
