/*
 * Three ways out, and one in: the first serial port, the third, and QEMU's debug console, a port that takes a byte at
 * any time. No lock: callers keep their lines apart.
 */
#include "arch/console.h"

#include "arch/cpu.h"
#include "arch/time.h"
#include "arch/x86_64/serial.h"
#include "arch/x86_64/x86.h"

#define COM1 0x3f8
#define COM3 0x3e8
#define DEBUG_CONSOLE 0xe9

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPTS = 1,
    UART_FIFOS = 2,
    UART_LINE = 3,
    UART_MODEM = 4,
    UART_STATUS = 5,
    UART_SCRATCH = 7,
};

#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define MODEM_READY 0x03 /* DTR and RTS */
#define STATUS_HAS_BYTE 0x01
#define STATUS_TAKES_BYTE 0x20
#define STATUS_ALL_SENT 0x40
#define DIVISOR_115200 1
#define FIFOS_ON 0x01     /* written; they are emptied too */
#define FIFOS_ARE_ON 0xc0 /* read */

static uint16_t console_port, log_port; /* 0: none */

/* A port nobody answers at reads as all ones, whatever was written. */
static bool uart_exists(uint16_t port) {
    out8(port + UART_SCRATCH, 0x5a);
    bool kept = in8(port + UART_SCRATCH) == 0x5a;
    out8(port + UART_SCRATCH, 0xa5);
    return kept && in8(port + UART_SCRATCH) == 0xa5;
}

/* To switch FIFOs empties them. Firmware's stay as they are; without firmware they are off, and hold a byte at most. */
static void uart_fifos_on(uint16_t port) {
    bool on = in8(port + UART_FIFOS) & FIFOS_ARE_ON;
    if (!on && !(in8(port + UART_STATUS) & STATUS_HAS_BYTE)) out8(port + UART_FIFOS, FIFOS_ON);
}

static uint16_t uart_init(uint16_t port) {
    if (!uart_exists(port)) return 0;
    out8(port + UART_INTERRUPTS, 0);
    out8(port + UART_LINE, LINE_DIVISOR);
    out8(port + UART_DATA, DIVISOR_115200);
    out8(port + UART_INTERRUPTS, 0);
    out8(port + UART_LINE, LINE_8N1);
    uart_fifos_on(port);
    out8(port + UART_MODEM, MODEM_READY);
    return port;
}

/* What a call may take in all: 256 bytes, the most there are, take 22 ms to send. */
#define CALL_LIMIT ZX_MSEC(25)

static bool uart_is(uint16_t port, uint8_t status) { return in8(port + UART_STATUS) & status; }

static bool uart_takes_byte(uint16_t port, zx_time_t deadline) {
    while (!uart_is(port, STATUS_TAKES_BYTE)) {
        if (arch_time_now() >= deadline) return false;
        arch_pause();
    }
    return true;
}

static size_t uart_write(uint16_t port, const char *text, size_t len) {
    const zx_time_t deadline = arch_time_now() + CALL_LIMIT;
    size_t done = 0;
    if (port == 0) return len;
    for (; done < len && uart_takes_byte(port, deadline); done++) out8(port + UART_DATA, (uint8_t)text[done]);
    return done;
}

/* For as long as it takes. */
static void uart_drain(uint16_t port) {
    while (port != 0 && !uart_is(port, STATUS_ALL_SENT)) arch_pause();
}

void serial_init(void) {
    console_port = uart_init(COM1);
    log_port = uart_init(COM3);
    if (log_port == 0) log_port = console_port;
}

void serial_drain(void) {
    uart_drain(console_port);
    uart_drain(log_port);
}

size_t arch_console_read(char *text, size_t size) {
    size_t len = 0;
    while (console_port != 0 && len < size && uart_is(console_port, STATUS_HAS_BYTE))
        text[len++] = (char)in8(console_port + UART_DATA);
    return len;
}

size_t arch_console_write(const char *text, size_t len) { return uart_write(console_port, text, len); }

size_t arch_log_write(const char *text, size_t len) { return uart_write(log_port, text, len); }

void arch_report_write(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) out8(DEBUG_CONSOLE, (uint8_t)text[i]);
}
