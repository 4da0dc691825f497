/* Resources: the right to ask the kernel for privileged things. There is one, the root resource. */
#pragma once

#include "kernel/object/handle.h"
#include "kernel/sched/object.h"

struct resource {
    struct object object;
    char name[ZX_MAX_NAME_LEN]; /* [o] */
};

static inline struct resource *resource_from_object(struct object *object) {
    return container_of(object, struct resource, object);
}

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t resource_create_root(struct object **out);

/* Does `value` name the root resource? BAD_HANDLE, WRONG_TYPE. No right is needed. */
MUST_CHECK zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value);
