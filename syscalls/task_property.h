/* Properties of processes and jobs, for object_get_property and object_set_property: numbers of eight bytes. */
#pragma once

#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"
#include "kernel/sched/object.h"

bool task_has_property(uint32_t property);

/* INVALID_ARGS (it cannot be got), BUFFER_TOO_SMALL, WRONG_TYPE, INVALID_ARGS (the pointer is bad), in this order. */
MUST_CHECK zx_status_t task_get_property(struct object *object, uint32_t property, user_out_t value, size_t size);

/*
 * INVALID_ARGS (it cannot be set), BUFFER_TOO_SMALL, WRONG_TYPE, INVALID_ARGS (the pointer is bad, or no such value),
 * ACCESS_DENIED (it is set already).
 */
MUST_CHECK zx_status_t task_set_property(struct object *object, uint32_t property, user_in_t value, size_t size);
