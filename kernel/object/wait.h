/*
 * Waiting for signals of one object.
 */
#pragma once

#include "kernel/base/object.h"

struct handle_table;

/*
 * Waits until one of `signals` is up, or was for a moment, or the deadline. (table, value) is the handle that the wait
 * goes through; table NULL: none, the kernel waits for itself. ZX_OK, TIMED_OUT, CANCELED (the handle was closed):
 * `*observed` has every signal seen up. INTR_RETRY: call again.
 */
MUST_CHECK zx_status_t object_wait_one(struct object *object, struct handle_table *table, zx_handle_t value,
                                       zx_signals_t signals, zx_time_t deadline, zx_signals_t *observed);
