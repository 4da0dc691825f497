/*
 * Events: objects with nothing but signals, which whoever has the right may set and clear. The two of a pair can also
 * signal each other, and each learns when the last handle to the other is closed.
 */
#pragma once

#include "kernel/sched/object.h"

/* NO_MEMORY. Return references. */
MUST_CHECK zx_status_t event_create(struct object **out);
MUST_CHECK zx_status_t eventpair_create(struct object **out0, struct object **out1);

/* Changes the signals of the other one: PEER_CLOSED when it is gone. */
MUST_CHECK zx_status_t eventpair_signal_peer(struct object *end, zx_signals_t clear, zx_signals_t set);
