/*
 * System calls on VMARs. Manual: vmar.md.
 */
#include "vm/vmar.h"

#include "kernel/object/handle.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

#define CAN_MAP_SHIFT 7 /* from ZX_VM_PERM_x to ZX_VM_CAN_MAP_x */
#define CAN_MAP_PERMS (PERM_ALL << CAN_MAP_SHIFT)

/* The rights that stand for permissions, and back. */
static zx_rights_t rights_for(uint32_t perms) {
    return (perms & PERM_READ ? ZX_RIGHT_READ : 0) | (perms & PERM_WRITE ? ZX_RIGHT_WRITE : 0) |
           (perms & PERM_EXECUTE ? ZX_RIGHT_EXECUTE : 0);
}

static uint32_t perms_for(zx_rights_t rights) {
    return (rights & ZX_RIGHT_READ ? PERM_READ : 0) | (rights & ZX_RIGHT_WRITE ? PERM_WRITE : 0) |
           (rights & ZX_RIGHT_EXECUTE ? PERM_EXECUTE : 0);
}

static zx_status_t get_vmar(zx_handle_t value, zx_rights_t rights, struct vmar **out) {
    struct object *object;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_VMAR, rights, &object);
    if (status == ZX_OK) *out = vmar_from_object(object);
    return status;
}

zx_status_t sys_vmar_allocate(zx_handle_t value, zx_vm_option_t options, uint64_t offset, uint64_t size,
                              user_out_t child_out, user_out_t addr_out) {
    struct vmar *parent, *child;
    uint32_t perms = (options & CAN_MAP_PERMS) >> CAN_MAP_SHIFT;
    zx_status_t status = get_vmar(value, rights_for(perms), &parent);
    if (status != ZX_OK) return status;
    status = vmar_allocate(parent, options, offset, size, &child);
    object_unref(&parent->object);
    if (status != ZX_OK) return status;
    zx_vaddr_t base = child->region.base;
    status = user_put(addr_out, base);
    if (status == ZX_OK) {
        struct handle handle = handle_make(&child->object, ZX_DEFAULT_VMAR_RIGHTS | rights_for(perms));
        status = handle_give(caller_handles(), child_out, handle);
    }
    if (status != ZX_OK) (void)!vmar_destroy(child);
    object_unref(&child->object);
    return status;
}

/* What the two handles together allow, and whether it is enough for what is asked. */
static zx_status_t map_ceiling(zx_vm_option_t options, zx_rights_t vmar_rights, zx_rights_t vmo_rights,
                               uint32_t *ceiling) {
    if (!(vmo_rights & ZX_RIGHT_MAP)) return ZX_ERR_ACCESS_DENIED;
    if ((options & (PERM_WRITE | PERM_EXECUTE)) && !(options & PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if ((options & ZX_VM_MAP_RANGE) && (options & ZX_VM_SPECIFIC_OVERWRITE)) return ZX_ERR_INVALID_ARGS;
    if (options & CAN_MAP_PERMS) return ZX_ERR_INVALID_ARGS;
    *ceiling = perms_for(vmar_rights & vmo_rights);
    return options & PERM_ALL & ~*ceiling ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

static zx_status_t map_and_tell(struct vmar *vmar, const struct vmar_map *args, user_out_t out) {
    vaddr_t base;
    zx_status_t status = vmar_map(vmar, args, &base);
    if (status != ZX_OK) return status;
    status = user_put(out, base);
    if (status != ZX_OK) vmar_map_undo(vmar, args, base);
    return status;
}

zx_status_t sys_vmar_map(zx_handle_t vmar_value, zx_vm_option_t options, uint64_t vmar_offset, zx_handle_t vmo_value,
                         uint64_t vmo_offset, uint64_t len, user_out_t out) {
    struct handle vmar, vmo;
    zx_status_t status = handle_get_typed(caller_handles(), vmar_value, ZX_OBJ_TYPE_VMAR, 0, &vmar);
    if (status != ZX_OK) return status;
    status = handle_get_typed(caller_handles(), vmo_value, ZX_OBJ_TYPE_VMO, 0, &vmo);
    if (status == ZX_OK) {
        struct vmar_map args = {.options = options,
                                .offset = vmar_offset,
                                .vmo = vmo_from_object(vmo.object),
                                .vmo_offset = vmo_offset,
                                .len = len,
                                .id = koid_new()};
        status = map_ceiling(options, vmar.rights, vmo.rights, &args.ceiling);
        if (status == ZX_OK) status = map_and_tell(vmar_from_object(vmar.object), &args, out);
        object_unref(vmo.object);
    }
    object_unref(vmar.object);
    return status;
}

zx_status_t sys_vmar_unmap(zx_handle_t value, zx_vaddr_t addr, uint64_t len) {
    struct vmar *vmar;
    zx_status_t status = get_vmar(value, 0, &vmar);
    if (status != ZX_OK) return status;
    status = vmar_unmap(vmar, addr, len);
    object_unref(&vmar->object);
    return status;
}

zx_status_t sys_vmar_protect(zx_handle_t value, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len) {
    struct vmar *vmar;
    zx_status_t status = get_vmar(value, rights_for(options), &vmar);
    if (status != ZX_OK) return status;
    status = vmar_protect(vmar, options, addr, len);
    object_unref(&vmar->object);
    return status;
}

zx_status_t sys_vmar_destroy(zx_handle_t value) {
    struct vmar *vmar;
    zx_status_t status = get_vmar(value, 0, &vmar);
    if (status != ZX_OK) return status;
    status = vmar_destroy(vmar);
    object_unref(&vmar->object);
    return status;
}

zx_status_t sys_vmar_op_range(zx_handle_t value, uint32_t op, zx_vaddr_t addr, size_t len, user_in_t buffer,
                              size_t buffer_size) {
    struct vmar *vmar;
    if (buffer.addr || buffer_size) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = get_vmar(value, 0, &vmar);
    if (status != ZX_OK) return status;
    status = vmar_op_range(vmar, op, addr, len);
    object_unref(&vmar->object);
    return status;
}
