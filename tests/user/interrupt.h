/*
 * Interrupts to try things on, and a thread that waits for one.
 */
#pragma once

#include <zircon/syscalls/port.h>

#include "tests/user/catch.h"

#define KEY 0x1234567812345678u
#define SOON (zx_deadline_after(ZX_SEC(10)))

/* A virtual one, a port for them, and one that is bound. */
zx_handle_t interrupt_make(void);
zx_handle_t interrupt_port_make(void);
zx_handle_t interrupt_bound_make(zx_handle_t port, uint64_t key);

/* Has a virtual one fire. */
void fire(zx_handle_t interrupt, zx_time_t time);

/* The next packet of the port is an interrupt's, with that key and time; or there is none. */
void expect_interrupt(zx_handle_t port, uint64_t key, zx_time_t time);
void expect_empty(zx_handle_t port);

/* A thread that waits once. */
struct interrupt_waiter {
    struct worker worker;
    zx_handle_t interrupt;
    zx_status_t status;
    zx_time_t time;
};
extern struct interrupt_waiter waiter;

/* True when it sleeps in the wait. */
bool waiter_begin(zx_handle_t interrupt);
/* It must have ended with that. */
void waiter_end(zx_status_t status, zx_time_t time);
