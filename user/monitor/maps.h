/* A process's address space: fetching its description, and drawing it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/syscalls.h>

#include "user/lib/process_maps.h"
#include "user/monitor/target.h"

/* False, and told why, if it cannot be had. Ends with process_maps_free(). */
bool maps_get(const struct target *target, struct process_maps *out);

void maps_show(const struct target *target, const struct process_maps *maps);

/* The name of a mapping's memory object, as it may be shown, or words in its place. */
struct printable_name maps_name(const zx_info_maps_t *map);
