/* Properties of processes and jobs, for object_get_property and object_set_property: numbers of eight bytes. */
#pragma once

#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"
#include "kernel/object/handle.h"
#include "vm/budget.h"

bool task_has_property(uint32_t property);

/* A count of that kind as programs know it: memory in bytes. */
static inline uint64_t job_limit_told(enum budget_kind kind, uint64_t count) {
    return kind == BUDGET_MEMORY && count != BUDGET_UNLIMITED ? count << PAGE_SHIFT : count;
}

/* INVALID_ARGS (it cannot be got), BUFFER_TOO_SMALL, WRONG_TYPE, INVALID_ARGS (the pointer is bad), in this order. */
MUST_CHECK zx_status_t task_get_property(struct object *object, uint32_t property, user_out_t value, size_t size);

/*
 * INVALID_ARGS (it cannot be set), BUFFER_TOO_SMALL, WRONG_TYPE, ACCESS_DENIED (it needs another right as well),
 * INVALID_ARGS (the pointer is bad, or no such value), ACCESS_DENIED (it is set already), NOT_SUPPORTED (a limit of
 * the root job), OUT_OF_RANGE (one above the parent's).
 */
MUST_CHECK zx_status_t task_set_property(const struct handle *handle, uint32_t property, user_in_t value, size_t size);
