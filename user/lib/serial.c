/*
 * Serial lines; see serial.h. Each has a 16550 with FIFOs of 16 bytes each way.
 *
 * One lock guards the device's registers and both rings. What the device is to interrupt for is in its register of
 * enabled interrupts: received bytes, unless their ring is full; room to send, while there is something to send. Who
 * puts bytes into the ring begins to send them.
 *
 * A reader that was woken for each 14 bytes would do little else. While bytes come without a pause it is woken for
 * BATCH of them; if fewer are in the ring and it does not know, a byte is left in the device, whose next interrupt
 * says that there was a pause.
 */
#include "user/lib/serial.h"

#include <stdlib.h>
#include <threads.h>
#include <zircon/syscalls.h>

#include "libc_inline/ports.h"

#define PORT_COUNT 8

struct device {
    uint16_t ports;
    uint32_t source;
    bool is_console; /* the kernel has set it up, and writes to it */
};

static const struct device devices[] = {
    [SERIAL_CONSOLE] = {0x3f8, 4, true},
    [SERIAL_SECOND] = {0x2f8, 3, false},
};

enum uart_register { DATA, ENABLED, PENDING, FIFOS = PENDING, FORMAT, MODEM, STATUS, SCRATCH = 7 };

#define ENABLED_RECEIVED 0x01
#define ENABLED_SENT 0x02
#define PENDING_NONE 0x01
#define PENDING_WHICH 0x0f
#define PENDING_LEVEL 0x04 /* FIFO_LEVEL bytes have come, or more */
#define PENDING_REST 0x0c  /* fewer, and none for the time of four */
#define FIFOS_ON 0xc1      /* with an interrupt at 14 bytes, or fewer that wait for a while */
#define FIFOS_CLEAR 0x06
#define FIFOS_ARE_ON 0xc0 /* in PENDING */
#define FORMAT_8N1 0x03
#define FORMAT_DIVISOR 0x80
#define MODEM_READY 0x0b /* DTR, RTS, and the line that lets interrupts out */
#define MODEM_STOP 0x09  /* no RTS: the other side is to wait */
#define STATUS_RECEIVED 0x01
#define STATUS_SENT 0x20
#define FIFO_SIZE 16
#define FIFO_LEVEL 14

#define RING_SIZE 16384u
#define BATCH 2048u /* as much as a reader is woken for while more comes */

/* Bytes [begin, end) of an endless row, of which the last RING_SIZE have a place. */
struct ring {
    size_t begin, end;
    uint8_t bytes[RING_SIZE];
};

struct serial {
    const struct device *device;
    zx_handle_t interrupt, event;
    thrd_t thread;
    mtx_t lock;
    bool has_fifos;
    uint8_t enabled;    /* as the register has it */
    zx_signals_t shown; /* as the event has them */
    struct ring received, sending;
};

static size_t ring_len(const struct ring *ring) { return ring->end - ring->begin; }

static size_t ring_put(struct ring *ring, const uint8_t *bytes, size_t len) {
    size_t done = 0;
    while (done < len && ring_len(ring) < RING_SIZE) ring->bytes[ring->end++ % RING_SIZE] = bytes[done++];
    return done;
}

static size_t ring_take(struct ring *ring, uint8_t *bytes, size_t len) {
    size_t done = 0;
    while (done < len && ring_len(ring) > 0) bytes[done++] = ring->bytes[ring->begin++ % RING_SIZE];
    return done;
}

static uint8_t get(const struct serial *serial, enum uart_register r) { return in8(serial->device->ports + r); }
static void set(const struct serial *serial, enum uart_register r, uint8_t value) {
    out8(serial->device->ports + r, value);
}

static void enable(struct serial *serial, uint8_t clear, uint8_t more) {
    uint8_t enabled = (uint8_t)((serial->enabled & ~clear) | more);
    if (enabled != serial->enabled) set(serial, ENABLED, enabled);
    serial->enabled = enabled;
}

/* One that was full counts as full until it is half empty, lest each byte stop and start it. */
static bool ring_has_room(const struct ring *ring, bool had) {
    return ring_len(ring) < (had ? RING_SIZE : RING_SIZE / 2 + 1);
}

static void receive_one(struct serial *serial) {
    uint8_t byte = get(serial, DATA);
    ring_put(&serial->received, &byte, 1);
}

/* Stops the line when the ring is full, and lets it go on later. */
static void receive_pace(struct serial *serial) {
    const bool had = serial->enabled & ENABLED_RECEIVED, has = ring_has_room(&serial->received, had);
    if (had == has) return;
    set(serial, MODEM, has ? MODEM_READY : MODEM_STOP);
    enable(serial, ENABLED_RECEIVED, has ? ENABLED_RECEIVED : 0);
}

/* In the middle of much: one byte stays, for which the device will interrupt if no more come. */
static void receive_level(struct serial *serial) {
    for (int i = 0; i < FIFO_LEVEL - 1 && ring_len(&serial->received) < RING_SIZE; i++) receive_one(serial);
}

static void receive_all(struct serial *serial) {
    while (ring_len(&serial->received) < RING_SIZE && (get(serial, STATUS) & STATUS_RECEIVED)) receive_one(serial);
}

/* As long as the device takes them at once. */
static void send(struct serial *serial) {
    uint8_t bytes[FIFO_SIZE];
    while (ring_len(&serial->sending) > 0 && (get(serial, STATUS) & STATUS_SENT)) {
        size_t len = ring_take(&serial->sending, bytes, sizeof(bytes));
        for (size_t i = 0; i < len; i++) set(serial, DATA, bytes[i]);
    }
    enable(serial, ENABLED_SENT, ring_len(&serial->sending) > 0 ? ENABLED_SENT : 0);
}

/* `all`: nothing is to come soon, for which a reader should rather wait. */
static void show(struct serial *serial, bool all) {
    zx_signals_t now = 0;
    if (ring_len(&serial->received) >= (all ? 1 : BATCH)) now |= SERIAL_READABLE;
    if (ring_has_room(&serial->sending, serial->shown & SERIAL_WRITABLE)) now |= SERIAL_WRITABLE;
    if (!all) now |= serial->shown & SERIAL_READABLE;
    if (now != serial->shown) zx_object_signal(serial->event, serial->shown & ~now, now & ~serial->shown);
    serial->shown = now;
}

/*
 * Until the device has nothing more to report: its interrupt is an edge. To look again a few times in the middle of
 * much would spare no interrupt: in the emulator each look keeps its own thread from filling the device.
 */
static void serve(struct serial *serial) {
    bool paused = !serial->has_fifos;
    for (uint8_t pending; !((pending = get(serial, PENDING) & PENDING_WHICH) & PENDING_NONE);) {
        if (pending == PENDING_LEVEL && serial->has_fifos)
            receive_level(serial);
        else if (pending == PENDING_LEVEL || pending == PENDING_REST)
            receive_all(serial);
        /* Room to send, reported after a pause, is no end of the pause. */
        if (serial->has_fifos && (pending == PENDING_LEVEL || pending == PENDING_REST))
            paused = pending == PENDING_REST;
        receive_pace(serial);
        send(serial);
    }
    show(serial, paused);
}

/* The driver's thread, until the interrupt is destroyed. */
static int drive(void *arg) {
    struct serial *serial = arg;
    while (zx_interrupt_wait(serial->interrupt, NULL) == ZX_OK) {
        mtx_lock(&serial->lock);
        serve(serial);
        mtx_unlock(&serial->lock);
    }
    return 0;
}

/* A port that nothing answers at reads as all ones, whatever was written. */
static bool exists(const struct serial *serial) {
    set(serial, SCRATCH, 0x5a);
    bool kept = get(serial, SCRATCH) == 0x5a;
    set(serial, SCRATCH, 0xa5);
    return kept && get(serial, SCRATCH) == 0xa5;
}

static void device_stop(const struct serial *serial) {
    set(serial, ENABLED, 0);
    if (!serial->device->is_console) set(serial, MODEM, 0);
}

/* As fast as it can be, 115,200 baud. Nobody sends meanwhile. */
static void device_reset(const struct serial *serial) {
    device_stop(serial);
    set(serial, FORMAT, FORMAT_DIVISOR);
    set(serial, DATA, 1);
    set(serial, ENABLED, 0);
    set(serial, FORMAT, FORMAT_8N1);
    set(serial, FIFOS, FIFOS_ON | FIFOS_CLEAR);
}

/* To switch FIFOs empties them: if a byte waits on the console they stay as they are. */
static void fifos_start(struct serial *serial) {
    if ((get(serial, PENDING) & FIFOS_ARE_ON) || !(get(serial, STATUS) & STATUS_RECEIVED)) set(serial, FIFOS, FIFOS_ON);
    serial->has_fifos = get(serial, PENDING) & FIFOS_ARE_ON;
}

static void device_start(struct serial *serial) {
    if (!serial->device->is_console) device_reset(serial);
    fifos_start(serial);
    set(serial, MODEM, MODEM_READY);
    enable(serial, 0, ENABLED_RECEIVED);
    receive_all(serial);
}

static void handles_close(const struct serial *serial) {
    zx_handle_close(serial->interrupt);
    zx_handle_close(serial->event);
}

/* What makes the line this driver's. */
static zx_status_t claim(struct serial *serial, zx_handle_t resource) {
    const struct device *device = serial->device;
    zx_status_t status = zx_ioports_request(resource, device->ports, PORT_COUNT);
    if (status == ZX_OK)
        status = zx_interrupt_create(resource, device->source, ZX_INTERRUPT_REMAP_IRQ, &serial->interrupt);
    if (status == ZX_OK && !exists(serial)) status = ZX_ERR_NOT_FOUND;
    if (status == ZX_OK) status = zx_event_create(0, &serial->event);
    return status;
}

zx_status_t serial_open(zx_handle_t resource, enum serial_line line, struct serial **out) {
    struct serial *serial = calloc(1, sizeof(*serial));
    if (!serial) return ZX_ERR_NO_MEMORY;
    serial->device = &devices[line];
    mtx_init(&serial->lock, mtx_plain);
    zx_status_t status = claim(serial, resource);
    if (status == ZX_OK && thrd_create(&serial->thread, drive, serial) != thrd_success) status = ZX_ERR_NO_MEMORY;
    if (status != ZX_OK) {
        handles_close(serial);
        free(serial);
        return status;
    }
    mtx_lock(&serial->lock);
    device_start(serial);
    show(serial, true);
    mtx_unlock(&serial->lock);
    *out = serial;
    return ZX_OK;
}

void serial_close(struct serial *serial) {
    zx_interrupt_destroy(serial->interrupt);
    thrd_join(serial->thread, NULL);
    device_stop(serial);
    handles_close(serial);
    free(serial);
}

zx_handle_t serial_event(const struct serial *serial) { return serial->event; }

static size_t take_now(struct serial *serial, uint8_t *buffer, size_t size) {
    mtx_lock(&serial->lock);
    size_t len = ring_take(&serial->received, buffer, size);
    receive_pace(serial);
    show(serial, true);
    mtx_unlock(&serial->lock);
    return len;
}

static size_t put_now(struct serial *serial, const uint8_t *buffer, size_t len) {
    mtx_lock(&serial->lock);
    size_t done = ring_put(&serial->sending, buffer, len);
    send(serial);
    show(serial, false);
    mtx_unlock(&serial->lock);
    return done;
}

zx_status_t serial_read(struct serial *serial, void *buffer, size_t size, zx_time_t deadline, size_t *actual) {
    zx_status_t status = ZX_OK;
    while ((*actual = take_now(serial, buffer, size)) == 0 && size > 0 && status == ZX_OK)
        status = zx_object_wait_one(serial->event, SERIAL_READABLE, deadline, NULL);
    return status;
}

zx_status_t serial_write(struct serial *serial, const void *buffer, size_t len, zx_time_t deadline, size_t *actual) {
    zx_status_t status = serial->device->is_console ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
    *actual = 0;
    while (status == ZX_OK && *actual < len) {
        size_t done = put_now(serial, (const uint8_t *)buffer + *actual, len - *actual);
        *actual += done;
        if (done == 0) status = zx_object_wait_one(serial->event, SERIAL_WRITABLE, deadline, NULL);
    }
    return status;
}
