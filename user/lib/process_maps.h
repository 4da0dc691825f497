/* What a process has in its address space, from outside: the entries of ZX_INFO_PROCESS_MAPS at one moment. */
#pragma once

#include <stddef.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

struct process_maps {
    zx_info_maps_t *entries; /* from the heap */
    size_t count;
};

/* Needs INSPECT; not of the caller's own process. An error leaves `out` empty. */
zx_status_t process_maps_get(zx_handle_t process, struct process_maps *out);
void process_maps_free(struct process_maps *maps);

/* The mapping at an address; NULL: there is none. */
const zx_info_maps_t *process_maps_find(const struct process_maps *maps, zx_vaddr_t addr);

/* The last mapping that ends at or below an address, and the first that begins above it; NULL: there is none. */
const zx_info_maps_t *process_maps_below(const struct process_maps *maps, zx_vaddr_t addr);
const zx_info_maps_t *process_maps_above(const struct process_maps *maps, zx_vaddr_t addr);
