/*
 * Resources: the right to ask the kernel for privileged things. There is one, the root resource.
 */
#pragma once

#include "kernel/base/object.h"
#include "kernel/object/handle.h"

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t resource_create_root(struct object **out);

/* Does `value` name the root resource? BAD_HANDLE, WRONG_TYPE. No right is needed. */
MUST_CHECK zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value);
