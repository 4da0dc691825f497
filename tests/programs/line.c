/*
 * The second serial line, as its driver offers it. The tests have the other end, and are told over the line what to do:
 * a capital letter is answered by itself; `send N` by so many bytes of a row that both know; `take N` comes before so
 * many, and is answered by `!` if they are right. Tells on standard output how fast that was. Ends with 0, or with the
 * number of the line that went wrong, and leaves the line open.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#include "user/lib/launch.h"
#include "user/lib/serial.h"

#define NEED(condition)                    \
    do {                                   \
        if (!(condition)) _Exit(__LINE__); \
    } while (0)
#define SOON zx_deadline_after(ZX_SEC(60))
#define MANY (48u * 1024)
#define KEY 77
#define TRIES 3
#define FAST 100 /* KiB a second */

static struct serial *line;
static uint8_t bytes[MANY];

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 7 + i / 256 * 13); }

static void put(const void *what, size_t len) {
    size_t n;
    NEED(serial_write(line, what, len, SOON, &n) == ZX_OK && n == len);
}

static void command(const char *what, size_t count) {
    char text[32];
    put(text, (size_t)snprintf(text, sizeof(text), "%s %zu\n", what, count));
}

static void take(size_t len) {
    for (size_t done = 0, n; done < len; done += n)
        NEED(serial_read(line, bytes + done, len - done, SOON, &n) == ZX_OK);
}

static void take_answer(void) {
    take(1);
    NEED(bytes[0] == '!');
}

static void one_program_has_it(void) {
    struct serial *other;
    NEED(serial_open(ZX_HANDLE_INVALID, SERIAL_SECOND, &other) == ZX_ERR_BAD_HANDLE);
    NEED(serial_open(launch_resource(), SERIAL_SECOND, &line) == ZX_OK);
    NEED(serial_open(launch_resource(), SERIAL_SECOND, &other) == ZX_ERR_ALREADY_BOUND);
    serial_close(line);
    NEED(serial_open(launch_resource(), SERIAL_SECOND, &line) == ZX_OK);
}

/* The other end may still be empty: what is sent there is lost. Once a letter is answered, all that follow it are. */
static void find_partner(void) {
    size_t n;
    unsigned count = 0;
    uint8_t letter;
    do {
        letter = (uint8_t)('A' + count++ % 26);
        put(&letter, 1);
    } while (serial_read(line, bytes, 1, zx_deadline_after(ZX_MSEC(100)), &n) == ZX_ERR_TIMED_OUT);
    while (bytes[0] != letter) take(1);
}

static void nothing_comes(void) {
    size_t n = 1;
    NEED(serial_read(line, bytes, 1, 0, &n) == ZX_ERR_TIMED_OUT && n == 0);
    NEED(serial_read(line, bytes, 1, zx_deadline_after(ZX_MSEC(5)), &n) == ZX_ERR_TIMED_OUT && n == 0);
    NEED(serial_read(line, bytes, 0, 0, &n) == ZX_OK && n == 0);
    NEED(zx_object_wait_one(serial_event(line), SERIAL_WRITABLE, 0, NULL) == ZX_OK);
}

/* Does a thread of this process wait for the interrupt, and no other but this one run? */
static bool is_idle(void) {
    zx_koid_t koids[4];
    size_t count, waiting = 0;
    NEED(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_THREADS, koids, sizeof(koids), &count, NULL) == ZX_OK);
    for (size_t i = 0; i < count; i++) {
        zx_handle_t thread;
        zx_info_thread_t info;
        NEED(zx_object_get_child(zx_process_self(), koids[i], ZX_RIGHT_INSPECT, &thread) == ZX_OK);
        NEED(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL) == ZX_OK);
        waiting += info.state == ZX_THREAD_STATE_BLOCKED_INTERRUPT;
        zx_handle_close(thread);
    }
    return count == 2 && waiting == 1;
}

static void nothing_runs_meanwhile(void) {
    for (int i = 0; i < 20; i++) {
        zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
        NEED(is_idle());
    }
}

/* By a port, beside other things that it waits for. */
static void wait_by_port(void) {
    zx_handle_t port;
    zx_port_packet_t packet;
    NEED(zx_port_create(0, &port) == ZX_OK);
    NEED(zx_object_wait_async(serial_event(line), port, KEY, SERIAL_READABLE, ZX_WAIT_ASYNC_ONCE) == ZX_OK);
    NEED(zx_port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
    command("send", 3);
    NEED(zx_port_wait(port, SOON, &packet) == ZX_OK && packet.key == KEY);
    NEED(packet.signal.observed & SERIAL_READABLE);
    take(3);
    NEED(bytes[0] == byte_at(0) && bytes[2] == byte_at(2));
}

static void take_row(size_t count) {
    take(count);
    for (size_t i = 0; i < count; i++) NEED(bytes[i] == byte_at(i));
}

/* More than all buffers on the way hold comes while nobody takes it. */
static void overflow(void) {
    command("send", MANY);
    zx_nanosleep(zx_deadline_after(ZX_MSEC(50)));
    take_row(MANY);
}

static void receive(void) {
    command("send", MANY);
    take_row(MANY);
}

static void send(void) {
    for (size_t i = 0; i < MANY; i++) bytes[i] = byte_at(i);
    command("take", MANY);
    put(bytes, MANY);
    take_answer();
}

/* The best of some tries, for others may need the host too. */
static void measure(const char *name, void (*act)(void)) {
    zx_duration_t best = ZX_TIME_INFINITE;
    for (int i = 0; i < TRIES && best > MANY / 1024 * ZX_SEC(1) / FAST; i++) {
        zx_time_t begun = zx_clock_get_monotonic();
        act();
        zx_duration_t took = zx_clock_get_monotonic() - begun;
        if (took < best) best = took;
    }
    printf("%s: %ld KiB/s\n", name, MANY / 1024 * ZX_SEC(1) / best);
}

int main(void) {
    one_program_has_it();
    find_partner();
    nothing_comes();
    nothing_runs_meanwhile();
    wait_by_port();
    overflow();
    measure("received", receive);
    measure("sent", send);
    return 0;
}
