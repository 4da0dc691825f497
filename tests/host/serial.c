/*
 * The driver of serial lines, on the host, with a 16550 whose every report is chosen: what comes between two looks of
 * the driver's at the device is a matter of luck on a machine. The driver's thread waits for an interrupt whenever the
 * test runs, or has a call of its own under way.
 */
#include "user/lib/serial.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <zircon/syscalls.h>

#include "libc_inline/ports.h"

static unsigned tests, failures;

static void ok(bool good, const char *what) {
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failures += !good;
}

/* --- the device --- */

enum { DATA, ENABLED, PENDING, FORMAT = 3, STATUS = 5, SCRATCH = 7, REGISTERS };
enum { ENABLED_RECEIVED = 1, ENABLED_SENT = 2, FORMAT_DIVISOR = 0x80 };
enum { PENDING_NONE = 1, PENDING_SENT = 2, PENDING_LEVEL = 4, PENDING_REST = 0xc, PENDING_FIFOS = 0xc0 };
enum { STATUS_RECEIVED = 1, STATUS_SENT = 0x20 };
enum { FIFO_SIZE = 16, FIFO_LEVEL = 14 };

static struct {
    bool has_fifos;
    uint8_t registers[REGISTERS]; /* as they were written */
    size_t received;              /* bytes that wait; each is the count of those before it */
    bool paused;                  /* and no more have come for a while */
    bool empty, emptied;          /* nothing is left to be sent; and that has not been told yet */
    unsigned empties_at;          /* at that look at what is pending, from now on: 1 is the next */
    uint8_t next;
} uart;

static uint8_t pending(void) {
    const uint8_t enabled = uart.registers[ENABLED];
    if (uart.empties_at > 0 && --uart.empties_at == 0) uart.empty = uart.emptied = true;
    if ((enabled & ENABLED_RECEIVED) && uart.received >= (uart.has_fifos ? FIFO_LEVEL : 1)) return PENDING_LEVEL;
    if ((enabled & ENABLED_RECEIVED) && uart.received > 0 && uart.paused) return PENDING_REST;
    if (!(enabled & ENABLED_SENT) || !uart.emptied) return PENDING_NONE;
    uart.emptied = false;
    return PENDING_SENT;
}

uint8_t in8(uint16_t port) {
    switch (port % 8) {
    case DATA: return uart.received > 0 ? (uart.received--, uart.next++) : 0;
    case PENDING: return pending() | (uart.has_fifos ? PENDING_FIFOS : 0);
    case STATUS: return (uart.received > 0 ? STATUS_RECEIVED : 0) | (uart.empty ? STATUS_SENT : 0);
    default: return uart.registers[port % 8];
    }
}

void out8(uint16_t port, uint8_t value) {
    uart.registers[port % 8] = value;
    if (port % 8 == DATA && !(uart.registers[FORMAT] & FORMAT_DIVISOR)) uart.empty = uart.emptied = false;
}

/* --- the system --- */

static struct {
    mtx_t lock;
    cnd_t changed;
    bool raised, destroyed, awaited;
} interrupt;

zx_status_t zx_interrupt_wait(zx_handle_t handle, zx_time_t *timestamp) {
    (void)handle, (void)timestamp;
    mtx_lock(&interrupt.lock);
    interrupt.awaited = true;
    cnd_broadcast(&interrupt.changed);
    while (!interrupt.raised && !interrupt.destroyed) cnd_wait(&interrupt.changed, &interrupt.lock);
    interrupt.raised = interrupt.awaited = false;
    zx_status_t status = interrupt.destroyed ? ZX_ERR_CANCELED : ZX_OK;
    mtx_unlock(&interrupt.lock);
    return status;
}

zx_status_t zx_interrupt_destroy(zx_handle_t handle) {
    (void)handle;
    mtx_lock(&interrupt.lock);
    interrupt.destroyed = true;
    cnd_broadcast(&interrupt.changed);
    mtx_unlock(&interrupt.lock);
    return ZX_OK;
}

/* Raises it, and waits until the driver has served it and waits for the next. */
static void interrupt_served(void) {
    mtx_lock(&interrupt.lock);
    while (!interrupt.awaited) cnd_wait(&interrupt.changed, &interrupt.lock);
    interrupt.raised = true;
    interrupt.awaited = false;
    cnd_broadcast(&interrupt.changed);
    while (!interrupt.awaited) cnd_wait(&interrupt.changed, &interrupt.lock);
    mtx_unlock(&interrupt.lock);
}

static zx_signals_t signals; /* of the event */

zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear, uint32_t set) {
    (void)handle;
    signals = (signals & ~clear) | set;
    return ZX_OK;
}

zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t waitfor, zx_time_t deadline, zx_signals_t *observed) {
    (void)handle, (void)deadline, (void)observed;
    return signals & waitfor ? ZX_OK : ZX_ERR_TIMED_OUT;
}

zx_status_t zx_ioports_request(zx_handle_t resource, uint16_t first, uint32_t count) {
    (void)resource, (void)first, (void)count;
    return ZX_OK;
}

zx_status_t zx_interrupt_create(zx_handle_t resource, uint32_t source, uint32_t options, zx_handle_t *out) {
    (void)resource, (void)source, (void)options;
    interrupt.raised = interrupt.destroyed = interrupt.awaited = false;
    *out = 1;
    return ZX_OK;
}

zx_status_t zx_event_create(uint32_t options, zx_handle_t *out) {
    (void)options;
    signals = 0;
    *out = 2;
    return ZX_OK;
}

zx_status_t zx_handle_close(zx_handle_t handle) {
    (void)handle;
    return ZX_OK;
}

/* --- the tests --- */

#define BATCH 2048 /* as much as a reader is woken for while more comes */

static struct serial *line;
static uint8_t taken; /* the byte that is to be taken next */

/* A line that has much to send, of which the device has the first bytes. */
static void line_begins(bool has_fifos) {
    static const uint8_t bytes[256 * FIFO_SIZE];
    size_t len;
    memset(&uart, 0, sizeof(uart));
    uart.has_fifos = has_fifos;
    uart.empty = true;
    taken = 0;
    if (serial_open(1, SERIAL_SECOND, &line) != ZX_OK) abort();
    if (serial_write(line, bytes, sizeof(bytes), 0, &len) != ZX_OK || uart.empty) abort();
}

/* The device has something to report: it is served, and becomes empty at that look, if at any. */
static void come(size_t count, bool paused, unsigned empties_at) {
    uart.received += count;
    uart.paused = paused;
    uart.empties_at = empties_at;
    interrupt_served();
}

static bool is_shown(void) { return signals & SERIAL_READABLE; }

/* Takes what is there, and tells whether it was shown, and was so many bytes, the right ones. */
static bool take(size_t count) {
    static uint8_t bytes[2 * BATCH];
    size_t len;
    if (!is_shown() || serial_read(line, bytes, sizeof(bytes), 0, &len) != ZX_OK || len != count) return false;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != taken++) return false;
    }
    return !is_shown();
}

static void test_alone(void) {
    come(1, true, 0);
    ok(take(1), "a byte that comes alone is shown");
    come(1, true, 1);
    ok(take(1), "also if there is room to send by then");
    come(1, true, 2);
    ok(take(1), "also if room to send is reported after it");
}

static void test_many(void) {
    come(FIFO_LEVEL, false, 0);
    ok(!is_shown() && uart.received == 1, "in the middle of many nothing is shown, and one byte stays in the device");
    come(FIFO_LEVEL - 1, false, 2);
    ok(!is_shown() && uart.received == 1, "nor if room to send is reported after them");
    come(0, true, 2);
    ok(uart.received == 0 && take(2 * FIFO_LEVEL - 1), "after a pause all are shown");
    size_t count = 1;
    for (come(1, false, 0); count < BATCH && !is_shown(); count += FIFO_LEVEL - 1) come(FIFO_LEVEL - 1, false, 0);
    ok(count >= BATCH && take(count - 1), "and without one, when they are a batch");
}

static void test_without_fifos(void) {
    come(1, false, 2);
    ok(take(1), "a device without FIFOs tells of no pause: each byte is shown");
}

int main(void) {
    mtx_init(&interrupt.lock, mtx_plain);
    cnd_init(&interrupt.changed);
    line_begins(true);
    test_alone();
    test_many();
    serial_close(line);
    line_begins(false);
    test_without_fifos();
    serial_close(line);
    printf("1..%u\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
