/*
 * Ports: queues of packets, which programs put in themselves, or let be put in when signals of an object come up.
 *
 * A watch is such an order: an observer of the object, with room for its one packet, so that nothing can be lost for
 * want of memory. It is over when its packet has been taken, unless it repeats; when the handle it was made through is
 * closed, but for a packet that is in the queue by then; when it is cancelled; and when the port's last handle is
 * closed.
 */
#pragma once

#include <zircon/syscalls/port.h>

#include "kernel/object/handle.h"

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t port_create(struct object **out);

/* Puts in a packet of a program's own. SHOULD_WAIT (full), NO_MEMORY, BAD_HANDLE (the port's last handle is gone). */
MUST_CHECK zx_status_t port_queue(struct object *port, const zx_port_packet_t *packet);

/* Takes the first packet, or waits for one: TIMED_OUT, INTR_RETRY. */
MUST_CHECK zx_status_t port_wait(struct object *port, zx_time_t deadline, zx_port_packet_t *out);

/* What a watch is for. (table, value) is the handle it is made through. */
struct watch_order {
    struct object *object;
    struct handle_table *table;
    zx_handle_t value;
    uint64_t key;
    zx_signals_t signals;
    uint64_t count; /* messages there are to read, to be told if it fires at once; at least 1 */
    bool repeating;
};

/* Begins a watch; it fires at once if a signal is up. NO_MEMORY, BAD_HANDLE (the port's last handle is gone). */
MUST_CHECK zx_status_t port_watch(struct object *port, const struct watch_order *order);

/* Ends every watch with this object, handle and key, and takes back its packet. NOT_FOUND: there was none. */
MUST_CHECK zx_status_t port_cancel(struct object *port, struct object *object, const struct handle_table *table,
                                   zx_handle_t value, uint64_t key);
