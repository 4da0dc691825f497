/*
 * Tools for tests of system calls; see probe.h.
 */
#include "tests/user/probe.h"

#include <stdio.h>

#define MAX_ALLOCATIONS 200

/* The last but one is the last page of the lower half, which lies outside every address space. */
#define NOWHERE \
    0, 8, USER_BASE - PAGE, 0x7f0000000000, USER_END, NON_CANONICAL, 0xffff7fffffffffff, PHYSMAP, KERNEL_TEXT
static const uint64_t constant[2] = {1, 2};

const uintptr_t bad_sources[] = {NOWHERE, UINTPTR_MAX - 7, UINTPTR_MAX};
const size_t bad_source_count = sizeof(bad_sources) / sizeof(bad_sources[0]);

const uintptr_t bad_targets[] = {NOWHERE, UINTPTR_MAX - 7, UINTPTR_MAX, (uintptr_t)constant, (uintptr_t)check_handles};
const size_t bad_target_count = sizeof(bad_targets) / sizeof(bad_targets[0]);

static zx_handle_t make_of(enum kind kind) {
    zx_vaddr_t addr;
    zx_handle_t handle = ZX_HANDLE_INVALID;
    switch (kind) {
    case KIND_VMO: return vmo_make(PAGE);
    case KIND_VMAR: MUST(zx_vmar_allocate(zx_vmar_root_self(), CAN_RW, 0, 16 * PAGE, &handle, &addr)); return handle;
    case KIND_CHANNEL: return pair_make().a;
    case KIND_EVENT: return event_make();
    case KIND_EVENTPAIR: return eventpair_make().a;
    case KIND_PROCESS: return target_make().process;
    case KIND_THREAD: MUST(zx_thread_create(zx_process_self(), "idle", 4, 0, &handle)); return handle;
    case KIND_TIMER: MUST(zx_timer_create(0, ZX_CLOCK_MONOTONIC, &handle)); return handle;
    case KIND_PORT: MUST(zx_port_create(0, &handle)); return handle;
    case KIND_INTERRUPT: MUST(zx_interrupt_create(ZX_HANDLE_INVALID, 0, ZX_INTERRUPT_VIRTUAL, &handle)); return handle;
    case KIND_JOB: return handle_without(zx_job_default(), ZX_RIGHT_DESTROY);
    default: return test_resource();
    }
}

zx_handle_t handle_of(enum kind kind) {
    static zx_handle_t handles[KIND_COUNT];
    if (handles[kind] == ZX_HANDLE_INVALID) handles[kind] = make_of(kind);
    return handles[kind];
}

/* H1, H2, H3, H4, H11. */
void check_bad_handles(zx_status_t (*call)(zx_handle_t handle)) {
    zx_handle_t good = vmo_make(PAGE);
    EXPECT_STATUS(call(ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(call(UINT32_MAX), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(call(good ^ 0x40000000), ZX_ERR_BAD_HANDLE);
    for (uint32_t bits = 1; bits <= 3; bits++) EXPECT_STATUS(call(good ^ bits), ZX_ERR_BAD_HANDLE);
    MUST(zx_handle_close(good));
    EXPECT_STATUS(call(good), ZX_ERR_BAD_HANDLE);
    struct pair later = pair_make();
    EXPECT_STATUS(call(good), ZX_ERR_BAD_HANDLE);
    zx_handle_close(later.a);
    zx_handle_close(later.b);
}

/* H5, H13. */
void check_handles(enum kind own, zx_status_t (*call)(zx_handle_t handle)) {
    check_bad_handles(call);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (kind == own) continue;
        zx_handle_t handle = handle_of(kind);
        EXPECT_STATUS(call(handle), ZX_ERR_WRONG_TYPE);
        if (!(handle_rights(handle) & ZX_RIGHT_DUPLICATE)) continue;
        zx_handle_t weak = handle_with(handle, ZX_RIGHT_NONE);
        EXPECT_STATUS(call(weak), ZX_ERR_WRONG_TYPE);
        zx_handle_close(weak);
    }
}

void check_rights(zx_handle_t handle, zx_rights_t needed, zx_status_t (*call)(zx_handle_t handle)) {
    for (zx_rights_t right = 1; right != 0; right <<= 1) {
        if (!(needed & right)) continue;
        zx_handle_t weak = handle_without(handle, right);
        EXPECT_STATUS(call(weak), ZX_ERR_ACCESS_DENIED);
        zx_handle_close(weak);
    }
    zx_handle_t none = handle_with(handle, ZX_RIGHT_NONE);
    EXPECT_STATUS(call(none), ZX_ERR_ACCESS_DENIED);
    zx_handle_close(none);
    zx_handle_t enough = handle_with(handle, needed);
    zx_status_t status = call(enough);
    EXPECT(status != ZX_ERR_ACCESS_DENIED && status != ZX_ERR_WRONG_TYPE && status != ZX_ERR_BAD_HANDLE);
    zx_handle_close(enough);
}

zx_info_handle_basic_t basic_info(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    MUST(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    return info;
}

bool is_handle(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK;
}

zx_signals_t signals_of(zx_handle_t handle) {
    zx_signals_t observed = 0;
    EXPECT_STATUS(zx_object_wait_one(handle, 0, 0, &observed), ZX_ERR_TIMED_OUT);
    return observed;
}

zx_info_vmar_t vmar_info(zx_handle_t vmar) {
    zx_info_vmar_t info;
    MUST(zx_object_get_info(vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
    return info;
}

zx_info_vmo_t vmo_info(zx_handle_t vmo) {
    zx_info_vmo_t info;
    MUST(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
    return info;
}

zx_info_process_t process_info(zx_handle_t process) {
    zx_info_process_t info;
    MUST(zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL));
    return info;
}

struct pair pair_make(void) {
    struct pair pair;
    MUST(zx_channel_create(0, &pair.a, &pair.b));
    return pair;
}

zx_handle_t event_make(void) {
    zx_handle_t event;
    MUST(zx_event_create(0, &event));
    return event;
}

struct pair eventpair_make(void) {
    struct pair pair;
    MUST(zx_eventpair_create(0, &pair.a, &pair.b));
    return pair;
}

void send_handle(zx_handle_t channel, zx_handle_t handle) { MUST(zx_channel_write(channel, 0, NULL, 0, &handle, 1)); }

/* The kernel goes to the memory as the process would, and says what it meets. */
static zx_handle_t probe_vmo(void) {
    static zx_handle_t vmo;
    if (vmo == ZX_HANDLE_INVALID) vmo = vmo_make(PAGE);
    return vmo;
}

bool can_read(zx_vaddr_t addr) {
    zx_status_t status = zx_vmo_write(probe_vmo(), (const void *)addr, 0, 1);
    EXPECT(status == ZX_OK || status == ZX_ERR_INVALID_ARGS);
    return status == ZX_OK;
}

bool can_write(zx_vaddr_t addr) {
    if (!can_read(addr)) return false;
    return zx_vmo_read(probe_vmo(), (void *)addr, 0, 1) == ZX_OK;
}

uint64_t peek(zx_handle_t vmo, uint64_t offset) {
    uint64_t value = 0;
    MUST(zx_vmo_read(vmo, &value, offset, sizeof(value)));
    return value;
}

void poke(zx_handle_t vmo, uint64_t offset, uint64_t value) { MUST(zx_vmo_write(vmo, &value, offset, sizeof(value))); }

zx_status_t kernel_command(const char *text) { return zx_debug_send_command(test_resource(), text, strlen(text)); }

void baseline_take(void) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(1));
    do {
        NEED_OK(kernel_command("baseline inner"));
        zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
    } while (kernel_command("leaks inner") != ZX_OK && zx_clock_get_monotonic() < deadline);
}

bool all_given_back(void) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    for (zx_duration_t pause = ZX_MSEC(2); kernel_command("leaks inner") != ZX_OK; pause += pause / 2) {
        if (zx_clock_get_monotonic() >= deadline) return false;
        zx_nanosleep(zx_deadline_after(pause));
    }
    return true;
}

/* Once for what is touched for good, once for what the first time left behind, then for the record. */
void check_gives_back(void (*act)(void)) {
    act();
    act();
    baseline_take();
    act();
    EXPECT(all_given_back());
}

void check_out_of_memory(zx_status_t (*act)(void)) {
    NEED_OK(act());
    NEED_OK(act());
    baseline_take();
    for (unsigned nth = 1;; nth++) {
        fail_arm(nth);
        zx_status_t status = act();
        bool failed = fail_over();
        NEED_STATUS(status, failed ? ZX_ERR_NO_MEMORY : ZX_OK);
        if (!failed) {
            NEED(nth > 1);
            break;
        }
        NEED(nth < MAX_ALLOCATIONS);
    }
    EXPECT(all_given_back());
}

#define SPINS 500

/* Nothing came between in the quickest of many short spins. */
zx_duration_t host_load(void) {
    zx_duration_t all = 0, quickest = ZX_TIME_INFINITE;
    for (unsigned i = 0; i < SPINS; i++) {
        zx_time_t begun = zx_clock_get_monotonic();
        for (volatile unsigned k = 0; k < 20000; k++) continue;
        zx_duration_t took = zx_clock_get_monotonic() - begun;
        all += took;
        if (took < quickest) quickest = took;
    }
    return all / SPINS / quickest;
}
