/* A process's address space: fetching its description, and drawing it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/syscalls.h>

#include "user/monitor/target.h"

struct maps {
    zx_info_maps_t *entries;
    size_t count;
};

/* False, and told why, if it cannot be had. */
bool maps_get(const struct target *target, struct maps *out);
void maps_free(struct maps *maps);

void maps_show(const struct target *target, const struct maps *maps);

/* The name of a mapping's memory object, as it may be shown, or words in its place. */
struct printable_name maps_name(const zx_info_maps_t *map);
