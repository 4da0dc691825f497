/* Interrupts to try things on; see interrupt.h. */
#include "tests/user/interrupt.h"

struct interrupt_waiter waiter;

zx_handle_t interrupt_make(void) {
    zx_handle_t interrupt;
    MUST(zx_interrupt_create(ZX_HANDLE_INVALID, 0, ZX_INTERRUPT_VIRTUAL, &interrupt));
    return interrupt;
}

zx_handle_t interrupt_port_make(void) {
    zx_handle_t port;
    MUST(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT, &port));
    return port;
}

zx_handle_t interrupt_bound_make(zx_handle_t port, uint64_t key) {
    zx_handle_t interrupt = interrupt_make();
    MUST(zx_interrupt_bind(interrupt, port, key, 0));
    return interrupt;
}

void fire(zx_handle_t interrupt, zx_time_t time) { EXPECT_OK(zx_interrupt_trigger(interrupt, 0, time)); }

void expect_interrupt(zx_handle_t port, uint64_t key, zx_time_t time) {
    zx_port_packet_t packet;
    const zx_port_packet_t want = {.key = key, .type = ZX_PKT_TYPE_INTERRUPT, .interrupt = {.timestamp = time}};
    EXPECT_OK(zx_port_wait(port, 0, &packet));
    EXPECT_BYTES(&packet, &want, sizeof(want));
}

void expect_empty(zx_handle_t port) {
    zx_port_packet_t packet;
    EXPECT_STATUS(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
}

static void wait_once(void *arg) {
    (void)arg;
    waiter.status = zx_interrupt_wait(waiter.interrupt, &waiter.time);
}

bool waiter_begin(zx_handle_t interrupt) {
    waiter.interrupt = interrupt;
    waiter.time = 0;
    return worker_start(&waiter.worker, wait_once, NULL) && thread_waits(waiter.worker.thread);
}

void waiter_end(zx_status_t status, zx_time_t time) {
    NEED(worker_join(&waiter.worker));
    EXPECT_STATUS(waiter.status, status);
    EXPECT_EQ(waiter.time, time);
}
