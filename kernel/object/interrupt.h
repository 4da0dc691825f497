/*
 * Interrupts as objects: of a device, or virtual, raised by a program.
 *
 * One that fires is pending, with the time at which it first did, until a thread takes it by waiting; one at a time may
 * wait. Or it is bound to a port, for good: then it puts its packet in, and no other until that has been delivered and
 * acked. However often it fires meanwhile, it is pending once. A level-triggered source is masked as it fires, and
 * unmasked by the next wait or ack.
 *
 * It is destroyed by a call or with its last handle: masked, detached from its source, and without a waiter.
 */
#pragma once

#include "kernel/sched/object.h"

/*
 * INVALID_ARGS: no such source, or other options than a mode and REMAP_IRQ; for a virtual one, `num` counts for
 * nothing, and any other option is one too many. ALREADY_BOUND: another object has the source. NO_MEMORY. Returns a
 * reference.
 */
MUST_CHECK zx_status_t interrupt_create(uint32_t num, uint32_t options, struct object **out);

/*
 * Takes the pending trigger, or waits for one: BAD_STATE (bound, or another waits), CANCELED (destroyed, perhaps
 * meanwhile), INTR_RETRY.
 */
MUST_CHECK zx_status_t interrupt_wait(struct object *interrupt, zx_time_t *time);

/*
 * Binds it to a port; what is pending is sent at once. WRONG_TYPE: the port is not for interrupts. CANCELED, BAD_STATE
 * (a thread waits), ALREADY_BOUND.
 */
MUST_CHECK zx_status_t interrupt_bind(struct object *interrupt, struct object *port, uint64_t key);

/* Lets a bound one send again. BAD_STATE: not bound, or its packet has not been delivered yet. CANCELED. */
MUST_CHECK zx_status_t interrupt_ack(struct object *interrupt);

/* Has a virtual one fire at that time. BAD_STATE: it is not. CANCELED. */
MUST_CHECK zx_status_t interrupt_trigger(struct object *interrupt, zx_time_t time);

/* NOT_FOUND, but destroyed all the same: it is bound, and its packet was delivered and not acked. */
zx_status_t interrupt_destroy(struct object *interrupt);

/* How often a source without an owner fired. For tests. */
unsigned interrupt_unclaimed(unsigned num);
