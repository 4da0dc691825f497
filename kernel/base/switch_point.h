/*
 * Switch points: places where another thread may come in between, and where a mistake would show if it did: before a
 * lock is taken, while a mutex is held, after a lock is released, after a reference is given back, between two windows
 * of a transfer. In debug builds the option kernel.sched.force makes the running thread give way at some of them
 * (kernel/sched/force.c). Where interrupts are off, nothing happens: no switch would be possible there anyway.
 */
#pragma once

#include <stdbool.h>

#include "kernel/base/compiler.h"

#ifdef DEBUG
extern bool switch_points_on;
void switch_point_reached(void);

static inline void switch_point(void) {
    if (unlikely(switch_points_on)) switch_point_reached();
}

/* Between two windows of a transfer, where the call itself promises no more than each window does. */
void switch_window_reached(void);
static inline void switch_point_between_windows(void) {
    if (unlikely(switch_points_on)) switch_window_reached();
}
#else
static inline void switch_point_between_windows(void) {}
static inline void switch_point(void) {}
#endif
