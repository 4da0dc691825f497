/* The process keeps running while it is examined: there is room for a few entries more than it had. */
#include "user/lib/process_maps.h"

#include <stdlib.h>

#define SPARE 16

zx_status_t process_maps_get(zx_handle_t process, struct process_maps *out) {
    size_t available = 0;
    *out = (struct process_maps){0};
    zx_status_t status = zx_object_get_info(process, ZX_INFO_PROCESS_MAPS, NULL, 0, &out->count, &available);
    if (status != ZX_OK) return status;
    size_t size = (available + SPARE) * sizeof(*out->entries);
    out->entries = malloc(size);
    if (!out->entries) return ZX_ERR_NO_MEMORY;
    status = zx_object_get_info(process, ZX_INFO_PROCESS_MAPS, out->entries, size, &out->count, &available);
    if (status != ZX_OK) process_maps_free(out);
    return status;
}

void process_maps_free(struct process_maps *maps) {
    free(maps->entries);
    *maps = (struct process_maps){0};
}

const zx_info_maps_t *process_maps_find(const struct process_maps *maps, zx_vaddr_t addr) {
    for (const zx_info_maps_t *map = maps->entries; map < maps->entries + maps->count; map++) {
        if (map->type == ZX_INFO_MAPS_TYPE_MAPPING && addr - map->base < map->size) return map;
    }
    return NULL;
}

const zx_info_maps_t *process_maps_below(const struct process_maps *maps, zx_vaddr_t addr) {
    const zx_info_maps_t *last = NULL;
    for (const zx_info_maps_t *map = maps->entries; map < maps->entries + maps->count; map++) {
        if (map->type == ZX_INFO_MAPS_TYPE_MAPPING && map->base + map->size <= addr) last = map;
    }
    return last;
}

const zx_info_maps_t *process_maps_above(const struct process_maps *maps, zx_vaddr_t addr) {
    for (const zx_info_maps_t *map = maps->entries; map < maps->entries + maps->count; map++) {
        if (map->type == ZX_INFO_MAPS_TYPE_MAPPING && map->base > addr) return map;
    }
    return NULL;
}
