/*
 * Ports: packets of programs, threads that wait for them, and who may do what.
 */
#include <zircon/syscalls/port.h>

#include "tests/user/child.h"
#include "tests/user/probe.h"

#define PACKETS 2049

static zx_handle_t port_make(void) {
    zx_handle_t port;
    MUST(zx_port_create(0, &port));
    return port;
}

static zx_port_packet_t packet_of(uint64_t key) {
    return (zx_port_packet_t){
        .key = key, .type = 77, .status = -5, .user = {.u64 = {key + 1, key + 2, key + 3, key + 4}}};
}

static zx_status_t put(zx_handle_t port, uint64_t key) {
    zx_port_packet_t packet = packet_of(key);
    return zx_port_queue(port, &packet);
}

/* The next packet is the program's own with that key. */
static void expect_packet(zx_handle_t port, uint64_t key) {
    zx_port_packet_t packet = {0}, want = packet_of(key);
    want.type = ZX_PKT_TYPE_USER;
    EXPECT_OK(zx_port_wait(port, 0, &packet));
    EXPECT_BYTES(&packet, &want, sizeof(want));
}

static void expect_empty(zx_handle_t port) {
    zx_port_packet_t packet = packet_of(9), before = packet;
    EXPECT_STATUS(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
    EXPECT_BYTES(&packet, &before, sizeof(before));
}

TEST("port_create/options are 0 or BIND_TO_INTERRUPT, others INVALID_ARGS") {
    zx_handle_t port = UNTOUCHED;
    for (uint32_t options = 2; options != 0; options <<= 1)
        EXPECT_STATUS(zx_port_create(options, &port), ZX_ERR_INVALID_ARGS);
    EXPECT_EQ(port, UNTOUCHED);
    NEED_OK(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT, &port));
    EXPECT_EQ(basic_info(port).rights, ZX_DEFAULT_PORT_RIGHTS);
    EXPECT_OK(put(port, 1));
    expect_packet(port, 1);
}

TEST("port_create/a new port: its type and rights; it has no signals") {
    zx_handle_t port = port_make();
    zx_info_handle_basic_t info = basic_info(port);
    EXPECT(info.type == ZX_OBJ_TYPE_PORT && info.related_koid == 0 && info.props == 0);
    EXPECT_EQ(info.rights, ZX_DEFAULT_PORT_RIGHTS);
    EXPECT_EQ(info.rights, 0x800f);
    EXPECT_STATUS(zx_object_wait_one(port, 1, 0, NULL), ZX_ERR_ACCESS_DENIED);
    expect_empty(port);
}

static void create_badly(void) {
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_port_create(0, (zx_handle_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}
TEST("port_create/a bad pointer is INVALID_ARGS and leaves nothing") { check_gives_back(create_badly); }

static zx_status_t create_one(void) {
    zx_handle_t port;
    zx_status_t status = zx_port_create(0, &port);
    if (status == ZX_OK) MUST(zx_handle_close(port));
    return status;
}
TEST("port_create/out of memory") { check_out_of_memory(create_one); }

static zx_status_t put_one(zx_handle_t port) { return put(port, 1); }
static zx_status_t poll_one(zx_handle_t port) {
    zx_port_packet_t packet;
    zx_status_t status = zx_port_wait(port, 0, &packet);
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}
static zx_status_t cancel_none(zx_handle_t port) {
    zx_status_t status = zx_port_cancel(port, handle_of(KIND_EVENT), 0);
    return status == ZX_ERR_NOT_FOUND ? ZX_OK : status;
}

TEST("port_queue, port_wait, port_cancel/bad handles, and handles of other types") {
    check_handles(KIND_PORT, put_one);
    check_handles(KIND_PORT, poll_one);
    check_handles(KIND_PORT, cancel_none);
}

TEST("port_queue and port_cancel need WRITE, port_wait READ") {
    check_rights(port_make(), ZX_RIGHT_WRITE, put_one);
    check_rights(port_make(), ZX_RIGHT_READ, poll_one);
    check_rights(port_make(), ZX_RIGHT_WRITE, cancel_none);
}

TEST("port_queue/packets come out in the order they went in, as they were but for the type, which is USER") {
    zx_handle_t port = port_make();
    for (uint64_t key = 100; key < 120; key++) NEED_OK(put(port, key));
    for (uint64_t key = 100; key < 120; key++) expect_packet(port, key);
    expect_empty(port);
}

TEST("port_queue/a packet that cannot be read is INVALID_ARGS, and nothing goes in") {
    zx_handle_t port = port_make();
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_port_queue(port, (const zx_port_packet_t *)bad_sources[i]), ZX_ERR_INVALID_ARGS);
    expect_empty(port);
}

TEST("port_wait/a packet that cannot be written is INVALID_ARGS and lost") {
    zx_handle_t port = port_make();
    for (size_t i = 0; i < bad_target_count; i++) NEED_OK(put(port, i));
    NEED_OK(put(port, 99));
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_port_wait(port, 0, (zx_port_packet_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
    expect_packet(port, 99);
    expect_empty(port);
}

static void fill_and_close(void) {
    zx_handle_t port = port_make();
    for (uint64_t key = 0; key < PACKETS; key++) NEED_OK(put(port, key));
    EXPECT_STATUS(put(port, 0), ZX_ERR_SHOULD_WAIT);
    EXPECT_STATUS(put(port, 0), ZX_ERR_SHOULD_WAIT);
    expect_packet(port, 0);
    EXPECT_OK(put(port, 7));
    EXPECT_STATUS(put(port, 0), ZX_ERR_SHOULD_WAIT);
    MUST(zx_handle_close(port));
}
TEST("port_queue/2049 packets fit, the next is SHOULD_WAIT; closing the port frees them") {
    check_gives_back(fill_and_close);
}

static zx_status_t put_and_take(void) {
    static zx_handle_t port;
    if (!port) port = port_make();
    zx_status_t status = put(port, 5);
    if (status == ZX_OK) expect_packet(port, 5);
    expect_empty(port);
    return status;
}
TEST("port_queue/out of memory: nothing goes in") { check_out_of_memory(put_and_take); }

TEST("port_wait/waits until the deadline, not less") {
    zx_handle_t port = port_make();
    zx_port_packet_t packet;
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_port_wait(port, deadline, &packet), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    NEED_OK(put(port, 3));
    expect_packet(port, 3);
}

/* Threads that wait. */

struct taker {
    struct worker worker;
    zx_handle_t port;
    zx_time_t deadline;
    zx_port_packet_t packet;
    zx_status_t status;
    uint64_t taken, sum;
};

static void take_one(void *arg) {
    struct taker *taker = arg;
    taker->status = zx_port_wait(taker->port, taker->deadline, &taker->packet);
}

TEST("port_wait/threads that wait: each packet wakes one of them") {
    static struct taker takers[3];
    zx_handle_t port = port_make();
    uint64_t keys = 0;
    for (size_t i = 0; i < 3; i++) {
        takers[i].port = port;
        takers[i].deadline = ZX_TIME_INFINITE;
        NEED(worker_start(&takers[i].worker, take_one, &takers[i]));
        NEED(thread_waits(takers[i].worker.thread));
    }
    for (uint64_t key = 1; key <= 4; key <<= 1) NEED_OK(put(port, key));
    for (size_t i = 0; i < 3; i++) {
        NEED(worker_join(&takers[i].worker));
        EXPECT_OK(takers[i].status);
        keys |= takers[i].packet.key;
    }
    EXPECT_EQ(keys, 7);
    expect_empty(port);
}

TEST("port_wait/closing the port does not wake who waits: that lasts until the deadline") {
    static struct taker taker;
    taker.port = port_make();
    taker.deadline = zx_deadline_after(ZX_SEC(1));
    NEED(worker_start(&taker.worker, take_one, &taker));
    NEED(thread_waits(taker.worker.thread));
    MUST(zx_handle_close(taker.port));
    NEED(worker_join(&taker.worker));
    EXPECT_STATUS(taker.status, ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= taker.deadline);
}

static void wait_forever(zx_handle_t port, uintptr_t board_there) {
    struct board *board = (struct board *)board_there;
    zx_port_packet_t packet;
    zx_port_wait(port, ZX_TIME_INFINITE, &packet);
    board->words[1] = 1;
    zx_process_exit(0);
}

TEST("port_wait/a thread that waits can be killed, and takes no packet with it") {
    static struct child child;
    zx_handle_t port = port_make();
    NEED(child_make(&child));
    NEED_OK(child_start(&child, wait_forever, handle_with(port, ZX_RIGHT_SAME_RIGHTS)));
    NEED(thread_waits(child.thread));
    EXPECT_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), -1024);
    EXPECT_EQ(child.board->words[1], 0);
    NEED_OK(put(port, 1));
    expect_packet(port, 1);
}

#define MANY 2000
static void take_many(void *arg) {
    struct taker *taker = arg;
    while (zx_port_wait(taker->port, taker->deadline, &taker->packet) == ZX_OK && taker->packet.key != 0) {
        taker->taken++;
        taker->sum += taker->packet.key;
    }
}

TEST("port_wait/several threads take what several put in: every packet once") {
    static struct taker takers[3];
    zx_handle_t port = port_make();
    uint64_t taken = 0, sum = 0;
    for (size_t i = 0; i < 3; i++) {
        takers[i].port = port;
        takers[i].deadline = zx_deadline_after(ZX_SEC(20));
        NEED(worker_start(&takers[i].worker, take_many, &takers[i]));
    }
    for (uint64_t key = 1; key <= MANY; key++) {
        while (put(port, key) == ZX_ERR_SHOULD_WAIT) zx_nanosleep(0);
    }
    for (size_t i = 0; i < 3; i++) NEED_OK(put(port, 0));
    for (size_t i = 0; i < 3; i++) {
        NEED(worker_join(&takers[i].worker));
        taken += takers[i].taken;
        sum += takers[i].sum;
    }
    EXPECT_EQ(taken, MANY);
    EXPECT_EQ(sum, (uint64_t)MANY * (MANY + 1) / 2);
}
