/* System calls on VMARs. Manual: vmar.md. */
#include "vm/vmar.h"

#include "kernel/object/handle.h"
#include "syscalls/vmar.h"
#include "vm/usercopy.h"

/* Translates permissions to rights, and back. */
static zx_rights_t perm_rights(uint32_t perms) {
    return (perms & PERM_READ ? ZX_RIGHT_READ : 0) | (perms & PERM_WRITE ? ZX_RIGHT_WRITE : 0) |
           (perms & PERM_EXECUTE ? ZX_RIGHT_EXECUTE : 0);
}

static uint32_t perms_for(zx_rights_t rights) {
    return (rights & ZX_RIGHT_READ ? PERM_READ : 0) | (rights & ZX_RIGHT_WRITE ? PERM_WRITE : 0) |
           (rights & ZX_RIGHT_EXECUTE ? PERM_EXECUTE : 0);
}

static zx_rights_t can_map_rights(zx_vm_option_t options) {
    return perm_rights((options & CAN_MAP_PERMS) >> CAN_MAP_SHIFT);
}

static zx_status_t sys_vmar_allocate(struct vmar *parent, zx_vm_option_t options, uint64_t offset, uint64_t size,
                                     user_out_t child_out, user_out_t addr_out) {
    struct vmar *child;
    zx_status_t status = vmar_allocate(parent, options, offset, size, &child);
    if (status != ZX_OK) return status;
    zx_vaddr_t base = child->region.base;
    status = user_put(addr_out, base);
    if (status == ZX_OK) {
        struct handle handle = handle_make(&child->object, ZX_DEFAULT_VMAR_RIGHTS | can_map_rights(options));
        status = handle_give(caller_handles(), child_out, handle);
    }
    if (status != ZX_OK) (void)!vmar_destroy(child);
    object_unref(&child->object);
    return status;
}

/* What the two handles together allow, and whether it is enough for what is asked. */
static zx_status_t map_ceiling(zx_vm_option_t options, zx_rights_t vmar_rights, zx_rights_t vmo_rights,
                               uint32_t *ceiling) {
    if ((options & (PERM_WRITE | PERM_EXECUTE)) && !(options & PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if ((options & ZX_VM_MAP_RANGE) && (options & ZX_VM_SPECIFIC_OVERWRITE)) return ZX_ERR_INVALID_ARGS;
    if (options & CAN_MAP_PERMS) return ZX_ERR_INVALID_ARGS;
    *ceiling = perms_for(vmar_rights & vmo_rights);
    return options & PERM_ALL & ~*ceiling ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

/* Memory that is written to and executed through one mapping. */
static zx_status_t may_have(zx_vm_option_t options) {
    const zx_vm_option_t both = PERM_WRITE | PERM_EXECUTE;
    return (options & both) == both ? caller_may(ZX_POL_VMAR_WX) : ZX_OK;
}

static zx_status_t map_and_tell(struct vmar *vmar, struct vmar_map *args, user_out_t out) {
    vaddr_t base;
    zx_status_t status = vmar_map(vmar, args, &base);
    if (status != ZX_OK) return status;
    status = user_put(out, base);
    if (status != ZX_OK) vmar_map_undo(vmar, args, base);
    return status;
}

static zx_status_t sys_vmar_map(const struct handle *vmar, zx_vm_option_t options, uint64_t vmar_offset,
                                const struct handle *vmo, uint64_t vmo_offset, uint64_t len, user_out_t out) {
    struct vmar_map args = {.options = options,
                            .offset = vmar_offset,
                            .vmo = vmo_from_object(vmo->object),
                            .vmo_offset = vmo_offset,
                            .len = len};
    zx_status_t status = map_ceiling(options, vmar->rights, vmo->rights, &args.ceiling);
    if (status == ZX_OK) status = may_have(options);
    return status == ZX_OK ? map_and_tell(vmar_from_object(vmar->object), &args, out) : status;
}

static zx_status_t sys_vmar_unmap(struct vmar *vmar, zx_vaddr_t addr, uint64_t len) {
    return vmar_unmap(vmar, addr, len);
}

static zx_status_t sys_vmar_protect(struct vmar *vmar, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len) {
    zx_status_t status = may_have(options);
    return status == ZX_OK ? vmar_protect(vmar, options, addr, len) : status;
}

static zx_status_t sys_vmar_destroy(struct vmar *vmar) { return vmar_destroy(vmar); }

static zx_status_t refuse_buffer(vaddr_t buffer, size_t size) { return buffer || size ? ZX_ERR_INVALID_ARGS : ZX_OK; }

static zx_status_t sys_vmar_op_range(struct vmar *vmar, uint32_t op, zx_vaddr_t addr, size_t len,
                                     user_in_t buffer UNUSED, size_t buffer_size UNUSED) {
    return vmar_op_range(vmar, op, addr, len);
}
