/*
 * Interrupts of a device: the second serial line, which hears itself in its loopback mode.
 */
#include "libc_inline/ports.h"
#include "tests/user/interrupt.h"

#define LINE 0x2f8
enum { DATA, ENABLE, IDENTIFY, FORMAT, MODEM, STATUS };
#define ENABLE_RECEIVED 1
#define MODEM_LOOPBACK 0x1b /* with all outputs on, for one of them lets interrupts out */

static bool line_begin(uint32_t options, zx_handle_t *interrupt) {
    MUST(zx_ioports_request(test_resource(), LINE, 8));
    MUST(zx_interrupt_create(test_resource(), 3, options, interrupt));
    out8(LINE + FORMAT, 3);
    out8(LINE + IDENTIFY, 0); /* without FIFOs */
    out8(LINE + MODEM, MODEM_LOOPBACK);
    for (int i = 0; i < 32; i++) (void)in8(LINE + DATA);
    out8(LINE + ENABLE, ENABLE_RECEIVED);
    return TEST_EQ(in8(LINE + MODEM), MODEM_LOOPBACK);
}

static void line_end(void) {
    out8(LINE + ENABLE, 0);
    out8(LINE + MODEM, 0);
}

/* Sends a byte, and waits until it has come back. */
static void send(uint8_t byte) {
    out8(LINE + DATA, byte);
    for (int i = 0; i < 1000 && !(in8(LINE + STATUS) & 1); i++) zx_nanosleep(zx_deadline_after(ZX_USEC(100)));
}

TEST("interrupt_wait/a device's: before the wait and during it; at the time at which it fired") {
    zx_handle_t interrupt;
    zx_time_t time;
    NEED(line_begin(0, &interrupt));
    zx_time_t before = zx_clock_get_monotonic();
    send('a');
    EXPECT_OK(zx_interrupt_wait(interrupt, &time));
    EXPECT(time >= before && time < zx_clock_get_monotonic());
    EXPECT_EQ(in8(LINE + DATA), 'a');
    NEED(waiter_begin(interrupt));
    send('b');
    NEED(worker_join(&waiter.worker));
    EXPECT_STATUS(waiter.status, ZX_OK);
    EXPECT(waiter.time > time && waiter.time < zx_clock_get_monotonic());
    EXPECT_EQ(in8(LINE + DATA), 'b');
    line_end();
}

TEST("interrupt_ack/a device's packets: each byte one, in order") {
    zx_handle_t interrupt, port = interrupt_port_make();
    zx_port_packet_t packet;
    NEED(line_begin(0, &interrupt));
    NEED_OK(zx_interrupt_bind(interrupt, port, KEY, 0));
    for (uint8_t byte = 0; byte < 100; byte++) {
        send(byte);
        NEED_OK(zx_port_wait(port, SOON, &packet));
        EXPECT(packet.key == KEY && packet.type == ZX_PKT_TYPE_INTERRUPT);
        EXPECT_EQ(in8(LINE + DATA), byte);
        EXPECT_OK(zx_interrupt_ack(interrupt));
        expect_empty(port);
    }
    line_end();
}

TEST("interrupt_create/a level is masked when it fires, and fires again after the next wait, or ack, if it still is") {
    zx_handle_t interrupt, port = interrupt_port_make();
    zx_port_packet_t packet;
    NEED(line_begin(ZX_INTERRUPT_MODE_LEVEL_HIGH, &interrupt));
    send('x');
    for (int i = 0; i < 5; i++) NEED_OK(zx_interrupt_wait(interrupt, NULL)); /* nobody has read the byte */
    EXPECT_OK(zx_interrupt_bind(interrupt, port, KEY, 0));
    expect_empty(port);
    for (int i = 0; i < 5; i++) {
        EXPECT_OK(zx_interrupt_ack(interrupt));
        NEED_OK(zx_port_wait(port, SOON, &packet));
    }
    EXPECT_EQ(in8(LINE + DATA), 'x');
    EXPECT_OK(zx_interrupt_ack(interrupt));
    settle();
    expect_empty(port);
    line_end();
}

TEST("interrupt_destroy/a device's source is masked, and free for the next") {
    zx_handle_t interrupt;
    NEED(line_begin(0, &interrupt));
    EXPECT_OK(zx_interrupt_destroy(interrupt));
    send('y');
    EXPECT_EQ(in8(LINE + DATA), 'y');
    MUST(zx_interrupt_create(test_resource(), 3, 0, &interrupt));
    send('z');
    EXPECT_OK(zx_interrupt_wait(interrupt, NULL));
    line_end();
}
