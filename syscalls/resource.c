/*
 * System calls on resources. Manual: resource.md.
 */
#include "kernel/object/resource.h"

#include "syscalls/resource.h"
#include "syscalls/syscalls.h"
#include "vm/aspace.h"

static zx_status_t sys_resource_create(struct resource *parent, uint32_t options, uint64_t base, size_t size,
                                       user_in_t name_in, size_t name_size, user_out_t out) {
    char name[ZX_MAX_NAME_LEN] = "";
    struct object *resource;
    const zx_rsrc_kind_t kind = ZX_RSRC_EXTRACT_KIND(options);
    const zx_rsrc_flags_t flags = ZX_RSRC_EXTRACT_FLAGS(options);
    if (parent->kind != ZX_RSRC_KIND_ROOT) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = name_size ? copy_in_name(name, name_in, name_size) : ZX_OK;
    if (status == ZX_OK) status = resource_create(kind, flags, base, size, name, &resource);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(resource, ZX_DEFAULT_RESOURCE_RIGHTS));
    object_unref(resource);
    return status;
}

static zx_status_t sys_ioports_request(zx_handle_t resource, uint16_t first, uint32_t count) {
    zx_status_t status = resource_check(caller_handles(), resource, ZX_RSRC_KIND_IOPORT, first, count);
    if (status != ZX_OK) return status;
    if (count > IOPORT_END - first) return ZX_ERR_INVALID_ARGS;
    return count ? aspace_allow_ports(process_current()->aspace, first, count) : ZX_OK;
}
