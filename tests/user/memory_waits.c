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
        *(volatile unsigned char *)(view + LARGE);
        MUST(zx_vmar_protect(zx_vmar_root_self(), PERM_R, view + LARGE, PAGE));
        zx_duration_t took = zx_clock_get_monotonic() - begun;
        if (took > longest) longest = took;
    }
    return longest;
}

static void expect_short_waits(void (*act)(void *)) {
    vmo = vmo_make(LARGE + PAGE);
    view = (zx_vaddr_t)map_here(vmo, 0, LARGE + PAGE, PERM_RW);
    op_here(ZX_VMAR_OP_COMMIT);
    zx_handle_t thread = thread_run(act, NULL);
    zx_duration_t wait = longest_wait();
    atomic_store(&over, true);
    thread_join(thread);
    test_note("%lld us", (long long)wait / 1000);
    EXPECT(!times_are_exact() || wait <= ZX_MSEC(22));
}

TEST("vmar_op_range/S7 who wants the same memory does not wait until all is committed or zeroed") {
    expect_short_waits(commit_and_zero);
}
TEST("vmar_op_range/S7 who wants the same memory does not wait until all translations are loaded") {
    expect_short_waits(load_and_protect);
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
