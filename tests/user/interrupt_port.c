/*
 * Interrupts that are bound to a port: their packets, and the acks that let the next one come.
 */
#include "tests/user/interrupt.h"

/* --- ports --- */

TEST("interrupt_bind/packets with key, type, status OK and time, before all others, one until it is acked") {
    zx_handle_t port = interrupt_port_make(), a = interrupt_bound_make(port, KEY), b = interrupt_bound_make(port, 2);
    const zx_port_packet_t own = {.key = 3};
    MUST(zx_port_queue(port, &own));
    fire(a, 10);
    fire(b, 11);
    fire(a, 12);
    fire(a, 13);
    expect_interrupt(port, KEY, 10);
    expect_interrupt(port, 2, 11);
    zx_port_packet_t packet;
    EXPECT_OK(zx_port_wait(port, 0, &packet));
    EXPECT(packet.key == 3 && packet.type == ZX_PKT_TYPE_USER);
    expect_empty(port);
    EXPECT_OK(zx_interrupt_ack(a));
    expect_interrupt(port, KEY, 12);
    expect_empty(port);
    EXPECT_OK(zx_interrupt_ack(a));
    expect_empty(port);
    fire(a, 14);
    expect_interrupt(port, KEY, 14);
}

TEST("interrupt_bind/no limit holds for them, and they count for none") {
    zx_handle_t port = interrupt_port_make(), interrupt = interrupt_bound_make(port, KEY);
    const zx_port_packet_t own = {.key = 3};
    fire(interrupt, 1);
    for (int i = 0; i < 2049; i++) NEED_OK(zx_port_queue(port, &own));
    EXPECT_STATUS(zx_port_queue(port, &own), ZX_ERR_SHOULD_WAIT);
    expect_interrupt(port, KEY, 1);
    EXPECT_OK(zx_interrupt_ack(interrupt));
    fire(interrupt, 2);
    expect_interrupt(port, KEY, 2);
}

TEST("interrupt_bind/what is pending when it is bound is sent at once") {
    zx_handle_t port = interrupt_port_make(), interrupt = interrupt_make();
    fire(interrupt, 4);
    fire(interrupt, 5);
    EXPECT_OK(zx_interrupt_bind(interrupt, port, KEY, 0));
    expect_interrupt(port, KEY, 4);
    expect_empty(port);
}

static zx_handle_t other_side;
static zx_status_t bind_it(zx_handle_t interrupt) { return zx_interrupt_bind(interrupt, other_side, KEY, 0); }
static zx_status_t bind_to(zx_handle_t port) { return zx_interrupt_bind(other_side, port, KEY, 0); }

TEST("interrupt_bind/H1 H2 H3 H4 H5 H6 H11 bad handles, other types, READ and WRITE") {
    other_side = interrupt_port_make();
    check_handles(KIND_INTERRUPT, bind_it);
    check_rights(handle_of(KIND_INTERRUPT), ZX_RIGHT_READ, bind_it);
    zx_handle_t port = other_side;
    other_side = interrupt_make();
    check_handles(KIND_PORT, bind_to);
    check_rights(port, ZX_RIGHT_WRITE, bind_to);
}

TEST("interrupt_bind/H13 options, handles, the port's kind, then CANCELED, BAD_STATE, ALREADY_BOUND") {
    zx_handle_t port = interrupt_port_make(), plain = handle_of(KIND_PORT), interrupt = interrupt_make();
    for (uint32_t options = 1; options != 0; options <<= 1)
        EXPECT_STATUS(zx_interrupt_bind(ZX_HANDLE_INVALID, plain, KEY, options), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_interrupt_bind(interrupt, plain, KEY, 0), ZX_ERR_WRONG_TYPE);
    NEED(waiter_begin(interrupt));
    EXPECT_STATUS(zx_interrupt_bind(interrupt, port, KEY, 0), ZX_ERR_BAD_STATE);
    fire(interrupt, 1);
    waiter_end(ZX_OK, 1);
    EXPECT_OK(zx_interrupt_bind(interrupt, port, KEY, 0));
    EXPECT_STATUS(zx_interrupt_bind(interrupt, port, KEY, 0), ZX_ERR_ALREADY_BOUND);
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_interrupt_destroy(interrupt));
    EXPECT_STATUS(zx_interrupt_bind(interrupt, plain, KEY, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_interrupt_bind(interrupt, port, KEY, 0), ZX_ERR_CANCELED);
    EXPECT_STATUS(zx_interrupt_wait(interrupt, NULL), ZX_ERR_BAD_STATE);
}

TEST("interrupt_bind/the port's last handle takes its packets along; the interrupt lives on") {
    for (int taken = 0; taken < 2; taken++) {
        zx_handle_t port = interrupt_port_make(), interrupt = interrupt_bound_make(port, KEY);
        fire(interrupt, 1);
        if (taken) expect_interrupt(port, KEY, 1);
        MUST(zx_handle_close(port));
        EXPECT_OK(zx_interrupt_ack(interrupt));
        fire(interrupt, 2);
        fire(interrupt, 3);
        EXPECT_OK(zx_interrupt_ack(interrupt));
        EXPECT_OK(zx_interrupt_destroy(interrupt));
    }
}

static zx_handle_t waited_port;
static zx_port_packet_t waited_packet;
static void wait_packet(void *arg) {
    (void)arg;
    waiter.status = zx_port_wait(waited_port, ZX_TIME_INFINITE, &waited_packet);
}

TEST("port_wait/an interrupt's packet wakes a thread that waits") {
    waited_port = interrupt_port_make();
    zx_handle_t interrupt = interrupt_bound_make(waited_port, KEY);
    NEED(worker_start(&waiter.worker, wait_packet, NULL) && thread_waits(waiter.worker.thread));
    fire(interrupt, 6);
    NEED(worker_join(&waiter.worker));
    EXPECT_STATUS(waiter.status, ZX_OK);
    EXPECT(waited_packet.key == KEY && waited_packet.interrupt.timestamp == 6);
}

/* --- acks --- */

static zx_status_t ack(zx_handle_t interrupt) { return zx_interrupt_ack(interrupt); }

TEST("interrupt_ack/H1 H2 H3 H4 H5 H6 H11 bad handles, other types, WRITE") {
    check_handles(KIND_INTERRUPT, ack);
    check_rights(handle_of(KIND_INTERRUPT), ZX_RIGHT_WRITE, ack);
}

TEST("interrupt_ack/BAD_STATE if it is not bound; one that has sent nothing may be acked; CANCELED once destroyed") {
    zx_handle_t interrupt = interrupt_make(), port = interrupt_port_make();
    EXPECT_STATUS(ack(interrupt), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_interrupt_bind(interrupt, port, KEY, 0));
    EXPECT_OK(ack(interrupt));
    EXPECT_OK(ack(interrupt));
    fire(interrupt, 1);
    expect_interrupt(port, KEY, 1);
    EXPECT_STATUS(zx_interrupt_destroy(interrupt), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(ack(interrupt), ZX_ERR_CANCELED);
    zx_handle_t unbound = interrupt_make();
    EXPECT_OK(zx_interrupt_destroy(unbound));
    EXPECT_STATUS(ack(unbound), ZX_ERR_BAD_STATE);
}

TEST("interrupt_ack/BAD_STATE while its packet is in the port, and nothing changes") {
    zx_handle_t port = interrupt_port_make(), interrupt = interrupt_bound_make(port, KEY);
    fire(interrupt, 1);
    EXPECT_STATUS(ack(interrupt), ZX_ERR_BAD_STATE);
    fire(interrupt, 2);
    EXPECT_STATUS(ack(interrupt), ZX_ERR_BAD_STATE);
    expect_interrupt(port, KEY, 1);
    expect_empty(port);
    EXPECT_OK(ack(interrupt));
    EXPECT_STATUS(ack(interrupt), ZX_ERR_BAD_STATE);
    expect_interrupt(port, KEY, 2);
}
