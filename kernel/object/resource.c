/* Resources; see resource.h. */
#include "kernel/object/resource.h"

#include "kernel/base/string.h"
#include "vm/heap.h"

static void resource_free(struct object *object) { heap_free(resource_from_object(object)); }

static const struct object_ops resource_ops = {
    .type = ZX_OBJ_TYPE_RESOURCE,
    .default_rights = ZX_DEFAULT_RESOURCE_RIGHTS,
    .name_offset = OBJECT_NAME(struct resource),
    .free = resource_free,
};

zx_status_t resource_create_root(struct object **out) {
    struct resource *resource = heap_new(struct resource);
    if (!resource) return ZX_ERR_NO_MEMORY;
    object_init(&resource->object, &resource_ops, 0);
    string_copy(resource->name, "root", sizeof(resource->name));
    *out = &resource->object;
    return ZX_OK;
}

zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value) {
    struct handle_use resource;
    zx_status_t status = handle_use(table, value, ZX_OBJ_TYPE_RESOURCE, 0, &resource);
    if (status == ZX_OK) handle_done(table, &resource);
    return status;
}
