/*
 * Resources; see resource.h.
 */
#include "kernel/object/resource.h"

#include "vm/heap.h"

static void resource_destroy(struct object *object) { heap_free(object); }

static const struct object_ops resource_ops = {
    .type = ZX_OBJ_TYPE_RESOURCE,
    .default_rights = ZX_DEFAULT_RESOURCE_RIGHTS,
    .destroy = resource_destroy,
};

zx_status_t resource_create_root(struct object **out) {
    struct object *resource = heap_new(struct object);
    if (!resource) return ZX_ERR_NO_MEMORY;
    object_init(resource, &resource_ops, 0);
    *out = resource;
    return ZX_OK;
}

zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value) {
    struct object *resource;
    zx_status_t status = handle_get(table, value, ZX_OBJ_TYPE_RESOURCE, 0, &resource);
    if (status == ZX_OK) object_unref(resource);
    return status;
}
