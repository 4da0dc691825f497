/*
 * Tracing: who may switch it on, and what the kernel then records of what this program does.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/ktrace.h>
#include <zircon/syscalls.h>
#include <zircon/zx-syscall-numbers.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define FIRST_NUMBER 0x10000

static zx_status_t control(uint32_t action, uint32_t options) {
    return zx_ktrace_control(test_resource(), action, options, NULL);
}

/* Records those groups from here on, and nothing from before. */
static void record(uint32_t groups) {
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
    EXPECT_OK(control(KTRACE_ACTION_REWIND, 0));
    EXPECT_OK(control(KTRACE_ACTION_START, groups));
}

struct recording {
    zx_ktrace_record_t *records;
    size_t count;
};

/* Ends what record() began. */
static struct recording recorded(void) {
    struct recording r = {NULL, 0};
    size_t size = 0;
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
    EXPECT_OK(zx_ktrace_read(test_resource(), NULL, 0, 0, &size));
    r.records = malloc(size);
    EXPECT_OK(zx_ktrace_read(test_resource(), r.records, 0, size, &size));
    r.count = size / sizeof(*r.records);
    return r;
}

static bool is(const zx_ktrace_record_t *record, uint16_t event, uint64_t a) {
    return record->event == event && record->a == a;
}

/* What is found if there is none. */
static const zx_ktrace_record_t none = {.event = UINT16_MAX};

/* The first from `at` on with that event and first word. */
static const zx_ktrace_record_t *find(const struct recording *r, size_t at, uint16_t event, uint64_t a) {
    for (; at < r->count; at++) {
        if (is(&r->records[at], event, a)) return &r->records[at];
    }
    return &none;
}

static zx_koid_t koid_of(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    EXPECT_OK(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    return info.koid;
}

static zx_status_t stop_with(zx_handle_t resource) { return zx_ktrace_control(resource, KTRACE_ACTION_STOP, 0, NULL); }
static zx_status_t write_with(zx_handle_t resource) { return zx_ktrace_write(resource, 1, 2, 3); }
static zx_status_t read_with(zx_handle_t resource) {
    size_t actual;
    return zx_ktrace_read(resource, NULL, 0, 0, &actual);
}

TEST("ktrace_control/only for the root resource") { check_handles(KIND_RESOURCE, stop_with); }
TEST("ktrace_read/only for the root resource") { check_handles(KIND_RESOURCE, read_with); }
TEST("ktrace_write/only for the root resource") { check_handles(KIND_RESOURCE, write_with); }

TEST("ktrace_control/other actions and groups are INVALID_ARGS, and change nothing") {
    EXPECT_STATUS(control(0, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(control(4, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(control(UINT32_MAX, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(control(KTRACE_ACTION_START, KTRACE_GRP_ALL + 1), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(control(KTRACE_ACTION_REWIND, 0));
}

TEST("ktrace_control/BAD_STATE for REWIND while events are recorded; STOP and START may come twice") {
    EXPECT_OK(control(KTRACE_ACTION_START, KTRACE_GRP_PROBE));
    EXPECT_OK(control(KTRACE_ACTION_START, KTRACE_GRP_PROBE));
    EXPECT_STATUS(control(KTRACE_ACTION_REWIND, 0), ZX_ERR_BAD_STATE);
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
    EXPECT_OK(control(KTRACE_ACTION_REWIND, 0));
}

TEST("ktrace_read/BAD_STATE while events are recorded") {
    size_t actual = UNTOUCHED;
    char byte;
    EXPECT_OK(control(KTRACE_ACTION_START, KTRACE_GRP_PROBE));
    EXPECT_STATUS(zx_ktrace_read(test_resource(), NULL, 0, 0, &actual), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_ktrace_read(test_resource(), &byte, 0, 1, &actual), ZX_ERR_BAD_STATE);
    EXPECT_EQ(actual, UNTOUCHED);
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
}

TEST("ktrace_read/a header, and a record for each processor; any part of it, to the byte") {
    static unsigned char whole[4096], part[4096];
    size_t size = 0, got = 0;
    record(KTRACE_GRP_PROBE);
    for (uint32_t i = 0; i < 20; i++) EXPECT_OK(zx_ktrace_write(test_resource(), i, i + 1, i + 2));
    EXPECT_OK(control(KTRACE_ACTION_STOP, 0));
    EXPECT_OK(zx_ktrace_read(test_resource(), NULL, 0, 0, &size));
    NEED_EQ(size, (1 + zx_system_get_num_cpus() + 20) * sizeof(zx_ktrace_record_t));
    NEED_OK(zx_ktrace_read(test_resource(), whole, 0, sizeof(whole), &got));
    EXPECT_EQ(got, size);
    const zx_ktrace_record_t *header = (zx_ktrace_record_t *)whole;
    EXPECT(header->event == KTRACE_HEADER && header->info == KTRACE_VERSION);
    EXPECT(header->a == (uint64_t)zx_ticks_per_second() && header->b == zx_system_get_num_cpus());
    EXPECT(header[1].event == KTRACE_CPU && header[1].info == 0);
    const size_t places[][2] = {{0, 1}, {1, 31}, {31, 2}, {33, 600}, {511, 130}, {size - 5, 5}};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const size_t at = places[i][0], len = places[i][1];
        memset(part, 0x5a, sizeof(part));
        EXPECT_OK(zx_ktrace_read(test_resource(), part, (uint32_t)at, len, &got));
        EXPECT_EQ(got, len);
        /* The header has the time of the call. */
        if (at >= sizeof(*header)) EXPECT_BYTES(part, whole + at, len);
        EXPECT_EQ(part[len], 0x5a);
    }
}

TEST("ktrace_read/less where the records end, and nothing behind that") {
    static unsigned char part[256];
    size_t size = 0, got = UNTOUCHED;
    EXPECT_OK(zx_ktrace_read(test_resource(), NULL, 0, 0, &size));
    EXPECT_OK(zx_ktrace_read(test_resource(), part, (uint32_t)size - 7, sizeof(part), &got));
    EXPECT_EQ(got, 7);
    EXPECT_OK(zx_ktrace_read(test_resource(), part, (uint32_t)size, sizeof(part), &got));
    EXPECT_EQ(got, 0);
    EXPECT_OK(zx_ktrace_read(test_resource(), part, UINT32_MAX, sizeof(part), &got));
    EXPECT_EQ(got, 0);
}

TEST("ktrace_read/bad pointers are INVALID_ARGS") {
    zx_ktrace_record_t one;
    size_t got;
    for (size_t i = 0; i < bad_target_count; i++) {
        EXPECT_STATUS(zx_ktrace_read(test_resource(), &one, 0, sizeof(one), (size_t *)bad_targets[i]),
                      ZX_ERR_INVALID_ARGS);
        if (!bad_targets[i]) continue;
        EXPECT_STATUS(zx_ktrace_read(test_resource(), (void *)bad_targets[i], 0, sizeof(one), &got),
                      ZX_ERR_INVALID_ARGS);
    }
}

TEST("ktrace_write/an event with its arguments, while its group is recorded") {
    record(KTRACE_GRP_PROBE);
    EXPECT_OK(zx_ktrace_write(test_resource(), 7, 0x11111111, 0x22222222));
    struct recording r = recorded();
    EXPECT_OK(zx_ktrace_write(test_resource(), 8, 0, 0));
    const zx_ktrace_record_t *probe = find(&r, 0, KTRACE_PROBE, 7);
    NEED(probe != &none);
    EXPECT_EQ(probe->b, 0x2222222211111111);
    EXPECT_EQ(probe->thread, (uint32_t)koid_of(zx_thread_self()));
    EXPECT_EQ(r.count, 2 + zx_system_get_num_cpus());
    free(r.records);
    r = recorded();
    EXPECT(find(&r, 0, KTRACE_PROBE, 8) == &none);
    free(r.records);
}

TEST("ktrace/a call with its arguments and its result, one that fails too") {
    zx_handle_t event;
    record(KTRACE_GRP_SYSCALL);
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_handle_close(0x7ffffff3), ZX_ERR_BAD_HANDLE);
    struct recording r = recorded();
    const zx_ktrace_record_t *create = find(&r, 0, KTRACE_SYSCALL, 0);
    while (create != &none && create->info != ZX_SYS_event_create - FIRST_NUMBER)
        create = find(&r, (size_t)(create - r.records) + 1, KTRACE_SYSCALL, 0);
    NEED(create != &none);
    EXPECT_EQ(create->b, (uintptr_t)&event);
    const zx_ktrace_record_t *end = find(&r, (size_t)(create - r.records), KTRACE_SYSCALL_END, ZX_OK);
    NEED(end != &none);
    EXPECT(end->info == create->info && end->thread == create->thread && end->time >= create->time);
    const zx_ktrace_record_t *close = find(&r, 0, KTRACE_SYSCALL, 0x7ffffff3);
    NEED(close != &none);
    EXPECT_EQ(close->info, ZX_SYS_handle_close - FIRST_NUMBER);
    EXPECT(find(&r, (size_t)(close - r.records), KTRACE_SYSCALL_END, (uint64_t)(int64_t)ZX_ERR_BAD_HANDLE) != &none);
    EXPECT(find(&r, 0, KTRACE_WINDOW, 0) == &none);
    free(r.records);
    zx_handle_close(event);
}

TEST("ktrace/calls that are recorded do what they do, all eight arguments of them") {
    zx_handle_t ends[2], sent, got = ZX_HANDLE_INVALID;
    char bytes[4] = "";
    uint32_t byte_count = 0, handle_count = 0;
    record(0);
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    EXPECT_OK(zx_event_create(0, &sent));
    EXPECT_OK(zx_channel_write(ends[0], 0, "abc", 4, &sent, 1));
    EXPECT_OK(zx_channel_read(ends[1], 0, bytes, &got, 4, 1, &byte_count, &handle_count));
    struct recording r = recorded();
    EXPECT_BYTES(bytes, "abc", 4);
    EXPECT(byte_count == 4 && handle_count == 1 && got != ZX_HANDLE_INVALID);
    EXPECT_OK(zx_handle_close(got));
    free(r.records);
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

TEST("ktrace/a page that is touched: fault, page, and the write of a window") {
    zx_handle_t vmo;
    zx_vaddr_t at;
    NEED_OK(zx_vmo_create(8192, 0, &vmo));
    NEED_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, 8192, &at));
    record(KTRACE_GRP_MEMORY);
    *(volatile char *)(at + 5) = 1;
    EXPECT_OK(zx_vmo_write(vmo, "abc", 4096, 3));
    struct recording r = recorded();
    const zx_ktrace_record_t *fault = find(&r, 0, KTRACE_FAULT, at + 5);
    NEED(fault != &none);
    EXPECT_EQ(fault->info, KTRACE_FAULT_WRITE | KTRACE_FAULT_USER);
    EXPECT(find(&r, (size_t)(fault - r.records), KTRACE_FAULT_END, ZX_OK) != &none);
    const zx_ktrace_record_t *page = find(&r, (size_t)(fault - r.records), KTRACE_COMMIT, koid_of(vmo));
    NEED(page != &none);
    EXPECT_EQ(page->b, 0);
    const zx_ktrace_record_t *window = find(&r, 0, KTRACE_WINDOW, koid_of(vmo));
    NEED(window != &none);
    EXPECT(window->info == 1 && window->b == 3);
    free(r.records);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), at, 8192));
    zx_handle_close(vmo);
}

TEST("ktrace/a message has one number where it is written and where it is read, and no other has it") {
    zx_handle_t ends[2];
    char bytes[8];
    uint32_t got;
    NEED_OK(zx_channel_create(0, &ends[0], &ends[1]));
    record(KTRACE_GRP_IPC);
    EXPECT_OK(zx_channel_write(ends[0], 0, "one", 3, NULL, 0));
    EXPECT_OK(zx_channel_write(ends[0], 0, "three", 5, NULL, 0));
    EXPECT_OK(zx_channel_read(ends[1], 0, bytes, NULL, 8, 0, &got, NULL));
    EXPECT_OK(zx_channel_read(ends[1], 0, bytes, NULL, 8, 0, &got, NULL));
    struct recording r = recorded();
    const zx_ktrace_record_t *sent[2] = {&none, &none};
    size_t count = 0, read = 0;
    for (size_t i = 0; i < r.count; i++) {
        const zx_ktrace_record_t *record = &r.records[i];
        if (record->event == KTRACE_MESSAGE_WRITE && count < 2) sent[count++] = record;
        if (record->event != KTRACE_MESSAGE_READ || read >= count) continue;
        EXPECT(record->a == sent[read]->a && record->b == sent[read]->b);
        read++;
    }
    NEED(count == 2 && read == 2);
    EXPECT(sent[0]->b == 3 && sent[1]->b == 5 && sent[0]->a != sent[1]->a);
    free(r.records);
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

static zx_handle_t gate;

static void pass_gate(void *arg) {
    zx_signals_t seen;
    *(zx_status_t *)arg = zx_object_wait_one(gate, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, &seen);
}

/* What is recorded of a thread that waits at the gate, passes it, and ends. Returns whether its last switch is. */
static bool gate_passed(void) {
    static struct worker worker;
    zx_status_t status = UNTOUCHED;
    MUST(zx_event_create(0, &gate));
    record(KTRACE_GRP_SCHEDULER | KTRACE_GRP_IPC | KTRACE_GRP_TASKS);
    MUST_BE(worker_start(&worker, pass_gate, &status));
    const uint64_t koid = koid_of(worker.thread);
    EXPECT(thread_waits(worker.thread));
    EXPECT_OK(zx_object_signal(gate, 0, ZX_USER_SIGNAL_0));
    EXPECT(worker_join(&worker));
    struct recording r = recorded();
    EXPECT_OK(status);
    const zx_ktrace_record_t *signal = find(&r, 0, KTRACE_SIGNAL, koid_of(gate));
    EXPECT(signal != &none && signal->b & ZX_USER_SIGNAL_0);
    EXPECT(find(&r, 0, KTRACE_WAKE, koid) != &none && find(&r, 0, KTRACE_SWITCH, koid) != &none);
    bool blocked = false, dead = false, ended = false;
    for (size_t i = 0; i < r.count; i++) {
        const zx_ktrace_record_t *record = &r.records[i];
        if (record->thread != (uint32_t)koid) continue;
        blocked = blocked || (record->event == KTRACE_SWITCH && record->info == KTRACE_LEAVES_BLOCKED);
        dead = dead || (record->event == KTRACE_SWITCH && record->info == KTRACE_LEAVES_DEAD);
        ended = ended || (record->event == KTRACE_THREAD_END && record->a == koid_of(zx_process_self()));
    }
    EXPECT(blocked && ended);
    free(r.records);
    zx_handle_close(gate);
    return dead;
}

/* That a thread has ended is seen before it leaves its processor: recording may be over by then. */
TEST("ktrace/a signal that is waited for, the wake-up, and the switches of both threads") {
    bool dead = gate_passed();
    for (int tries = 1; !dead && tries < 20; tries++) dead = gate_passed();
    EXPECT(dead);
}

TEST("ktrace/records of a processor are in the order of time") {
    record(0);
    for (int i = 0; i < 100; i++) zx_nanosleep(0);
    struct recording r = recorded();
    for (size_t i = 1; i < r.count; i++) {
        if (r.records[i].event != KTRACE_CPU && r.records[i - 1].event > KTRACE_CPU)
            EXPECT(r.records[i].time >= r.records[i - 1].time);
    }
    EXPECT(r.count > 200);
    free(r.records);
}
