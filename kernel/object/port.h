/*
 * Ports: queues of packets, which programs put in themselves, or let be put in when signals of an object come up.
 *
 * Interrupts put in a packet too, each its own, into a port that was made for them. Those are served before all others.
 *
 * A watch is such an order: an observer of the object, with room for its one packet, so that nothing can be lost for
 * want of memory. It is over when its packet has been taken, unless it repeats; when the handle it was made through is
 * closed, but for a packet that is in the queue by then; when it is cancelled; and when the port's last handle is
 * closed.
 */
#pragma once

#include <zircon/syscalls/port.h>

#include "kernel/object/handle.h"

/* Room for a packet in a queue. */
struct packet {
    TAILQ_ENTRY(packet) link; /* [w] */
    struct watch *watch;      /* [I] that it belongs to, or NULL */
    bool is_interrupt;        /* [I] it belongs to an interrupt, which outlives its being queued */
    bool queued;              /* [w] */
    zx_port_packet_t data;    /* [w] */
};

/* `for_interrupts`: its packets may be interrupts'. NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t port_create(bool for_interrupts, struct object **out);

/* Puts in a packet of a program's own. SHOULD_WAIT (full), NO_MEMORY, BAD_HANDLE (the port's last handle is closed). */
MUST_CHECK zx_status_t port_queue(struct object *port, const zx_port_packet_t *packet);

/* Takes the first packet, or waits for one: TIMED_OUT, INTR_RETRY. */
MUST_CHECK zx_status_t port_wait(struct object *port, zx_time_t deadline, zx_port_packet_t *out);

/* For an interrupt, whose packet it is; the caller holds its lock. */
bool port_is_for_interrupts(struct object *port);
/* Puts it in. False: it is still queued, or the port's last handle is closed. */
MUST_CHECK bool port_put_interrupt(struct object *port, struct packet *packet);
bool port_has_interrupt(struct object *port, struct packet *packet);
/* Takes it back. False: it was not in there. */
bool port_recall_interrupt(struct object *port, struct packet *packet);

/* What a watch is for. (table, value) is the handle it is made through. */
struct watch_order {
    struct object *object;
    struct handle_table *table;
    zx_handle_t value;
    uint64_t key;
    zx_signals_t signals;
    uint64_t count; /* messages there are to read, reported if it fires at once; at least 1 */
    bool repeating;
};

/* Begins a watch; it fires at once if a signal is up. NO_MEMORY, BAD_HANDLE (the port's last handle is closed). */
MUST_CHECK zx_status_t port_watch(struct object *port, const struct watch_order *order);

/* Ends every watch with this object, handle and key, and takes back its packet. NOT_FOUND: there was none. */
MUST_CHECK zx_status_t port_cancel(struct object *port, struct object *object, const struct handle_table *table,
                                   zx_handle_t value, uint64_t key);
