/*
 * The hostile programs; see hostile.h. None of them looks at what a call says but to go on, so that each goes on asking
 * when there is no more.
 */
#include "tests/user/hostile.h"

#include <zircon/syscalls/port.h>

#include "tests/user/memory.h"

static zx_handle_t self_of(zx_handle_t job) {
    zx_koid_t koid = ZX_KOID_INVALID;
    zx_handle_t self = ZX_HANDLE_INVALID;
    CHILD_NEED(zx_object_get_info(job, ZX_INFO_JOB_PROCESSES, &koid, sizeof(koid), NULL, NULL) == ZX_OK, 1);
    CHILD_NEED(zx_object_get_child(job, koid, ZX_RIGHT_SAME_RIGHTS, &self) == ZX_OK, 2);
    return self;
}

/* --- memory --- */

static void take_pages(zx_handle_t job, uintptr_t board) {
    zx_handle_t vmo;
    (void)job, (void)board;
    CHILD_NEED(zx_vmo_create((uint64_t)1 << 40, 0, &vmo) == ZX_OK, 3);
    for (uint64_t i = 0;; i += zx_vmo_write(vmo, "x", i * PAGE, 1) == ZX_OK)
        ;
}

static void take_objects(zx_handle_t job, uintptr_t board) {
    (void)job, (void)board;
    for (zx_handle_t one;;) (void)zx_event_create(0, &one);
}

static void take_messages(zx_handle_t job, uintptr_t board) {
    static char text[ZX_CHANNEL_MAX_MSG_BYTES];
    zx_handle_t end, other;
    (void)job, (void)board;
    CHILD_NEED(zx_channel_create(0, &end, &other) == ZX_OK, 4);
    for (uint32_t len = sizeof(text);; len = len ? len / 2 : sizeof(text)) {
        zx_status_t status;
        while ((status = zx_channel_write(end, 0, text, len, NULL, 0)) == ZX_OK) {}
        if (status == ZX_ERR_SHOULD_WAIT) (void)zx_channel_create(0, &end, &other);
    }
}

static void take_packets(zx_handle_t job, uintptr_t board) {
    const zx_port_packet_t packet = {.type = ZX_PKT_TYPE_USER};
    zx_handle_t port;
    (void)job, (void)board;
    CHILD_NEED(zx_port_create(0, &port) == ZX_OK, 5);
    for (;;) {
        if (zx_port_queue(port, &packet) == ZX_ERR_SHOULD_WAIT) (void)zx_port_create(0, &port);
    }
}

static void take_waits(zx_handle_t job, uintptr_t board) {
    zx_handle_t port;
    (void)board;
    CHILD_NEED(zx_port_create(0, &port) == ZX_OK, 6);
    for (uint64_t key = 0;; key++)
        (void)zx_object_wait_async(job, port, key, ZX_JOB_NO_JOBS | ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE);
}

/* They all go off soon, and the last again and again. */
static void take_timers(zx_handle_t job, uintptr_t board) {
    zx_handle_t last = ZX_HANDLE_INVALID;
    (void)job, (void)board;
    for (;;) {
        (void)zx_timer_create(0, ZX_CLOCK_MONOTONIC, &last);
        (void)zx_timer_set(last, zx_deadline_after(ZX_MSEC(1)), 0);
    }
}

static void take_mappings(zx_handle_t job, uintptr_t board) {
    zx_handle_t process, vmar, vmo;
    (void)board;
    CHILD_NEED(zx_process_create(job, "p", 1, 0, &process, &vmar) == ZX_OK, 7);
    CHILD_NEED(zx_vmo_create(PAGE, 0, &vmo) == ZX_OK, 8);
    for (zx_vaddr_t at;;) (void)zx_vmar_map(vmar, PERM_RW, 0, vmo, 0, PAGE, &at);
}

/* At the limit each takes the place of others. */
static void take_tables(zx_handle_t job, uintptr_t board) {
    const volatile char *at = (const volatile char *)((struct board *)board)->words[0];
    (void)job;
    for (uint64_t i = 0;; i++) (void)at[i * APART % FAR_PIECE];
}

/* For ever asleep: they come to need their stacks no more. */
static void take_stacks(zx_handle_t job, uintptr_t board) {
    static uint64_t stack[64];
    const zx_handle_t self = self_of(job);
    (void)board;
    ((volatile uint64_t *)stack)[63] = 0; /* while there is memory for it */
    for (zx_handle_t thread;;) {
        if (zx_thread_create(self, "t", 1, 0, &thread) != ZX_OK) continue;
        (void)zx_thread_start(thread, (uintptr_t)zx_nanosleep, (uintptr_t)&stack[63], INT64_MAX, 0);
    }
}

/* --- what else is counted --- */

static void take_handles(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t copy;;) (void)zx_handle_duplicate(job, ZX_RIGHT_SAME_RIGHTS, &copy);
}

static void take_threads(zx_handle_t job, uintptr_t board) {
    const zx_handle_t self = self_of(job);
    (void)board;
    for (zx_handle_t thread;;) (void)zx_thread_create(self, "t", 1, 0, &thread);
}

static void take_processes(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t process, vmar;;) (void)zx_process_create(job, "p", 1, 0, &process, &vmar);
}

static void take_jobs(zx_handle_t job, uintptr_t board) {
    (void)board;
    for (zx_handle_t one;;) (void)zx_job_create(job, 0, &one);
}

const struct hostile_way hostile_ways[] = {
    {"pages", MEMORY, take_pages},
    {"objects", MEMORY, take_objects},
    {"messages", MEMORY, take_messages},
    {"packets", MEMORY, take_packets},
    {"waits", MEMORY, take_waits},
    {"timers", MEMORY, take_timers},
    {"mappings", MEMORY, take_mappings},
    {"tables", MEMORY, take_tables},
    {"stacks", MEMORY, take_stacks},
    {"handles", 1, take_handles},
    {"threads", 2, take_threads},
    {"processes", 3, take_processes},
    {"jobs", 4, take_jobs},
};
const size_t hostile_way_count = sizeof(hostile_ways) / sizeof(*hostile_ways);
