/*
 * Events: objects with nothing but signals, which programs set and clear. The two of a pair can also signal each other
 * (peer.h), and each shows when the last handle to the other is closed.
 */
#pragma once

#include "kernel/sched/object.h"

/* NO_MEMORY. Return references. */
MUST_CHECK zx_status_t event_create(struct object **out);
MUST_CHECK zx_status_t eventpair_create(struct object **out0, struct object **out1);
