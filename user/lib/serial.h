/*
 * The PC's serial lines, driven from here: by I/O ports and an interrupt, which the root resource allows. The second
 * belongs to programs. The first is the console: the kernel writes to it, and a program can have what is typed.
 *
 * A thread of the driver's waits for the interrupt and moves bytes between the line and two rings in memory; callers
 * take from the one and put into the other. Nobody polls: on an idle line nothing runs. What is not taken stops the
 * line when its ring is full, and is not lost. Any thread may call; what two write at once may come out mixed.
 *
 * A program that waits for other things too watches the line's event through its port, with a key of its choice:
 *
 *     zx_object_wait_async(serial_event(line), port, KEY, SERIAL_READABLE, ZX_WAIT_ASYNC_ONCE);
 *
 * and, when that packet comes, takes what is there with serial_read(…, 0, …) until ZX_ERR_TIMED_OUT, then watches anew.
 */
#pragma once

#include <stddef.h>
#include <zircon/types.h>

struct serial;

enum serial_line {
    SERIAL_CONSOLE, /* to be read only */
    SERIAL_SECOND,
};

/* Signals of the event: a byte can be taken; more can be sent, and once the ring was full, half of it. */
#define SERIAL_READABLE ZX_USER_SIGNAL_0
#define SERIAL_WRITABLE ZX_USER_SIGNAL_1

/*
 * Takes the line over. `resource` is the root resource, borrowed. ZX_ERR_NOT_FOUND: there is no such device.
 * ZX_ERR_ALREADY_BOUND: another driver has it. ZX_ERR_NO_MEMORY, and what the resource is refused with.
 */
zx_status_t serial_open(zx_handle_t resource, enum serial_line line, struct serial **out);

/* Ends the driver's thread and gives the line back; what was not sent yet is lost. No other call is under way. */
void serial_close(struct serial *serial);

/* Borrowed; for waits. */
zx_handle_t serial_event(const struct serial *serial);

/* Takes from 1 to `size` bytes; waits for the first until the deadline: ZX_ERR_TIMED_OUT. `size` 0 takes none. */
zx_status_t serial_read(struct serial *serial, void *buffer, size_t size, zx_time_t deadline, size_t *actual);

/*
 * Puts all of it into the ring of what is to be sent, waiting for room until the deadline: ZX_ERR_TIMED_OUT. `actual`,
 * always written, is how many bytes went in. ZX_ERR_NOT_SUPPORTED: the console's.
 */
zx_status_t serial_write(struct serial *serial, const void *buffer, size_t len, zx_time_t deadline, size_t *actual);
