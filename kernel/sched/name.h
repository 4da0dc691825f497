/*
 * Names of objects: 31 bytes that say what something is for. Jobs, processes, threads, VMOs and resources have one: a
 * field `name`, which their operations point to.
 */
#pragma once

#include "kernel/base/printable.h"
#include "kernel/sched/object.h"

/* Always all of `name`, zeros at its end; "" for what has none. */
void object_get_name(struct object *object, char name[ZX_MAX_NAME_LEN]);

/* The same for a log or a terminal. */
struct printable_name object_printable_name(struct object *object);

/* Cut to 31 bytes. NOT_SUPPORTED for what has none. */
MUST_CHECK zx_status_t object_set_name(struct object *object, const char *name);
