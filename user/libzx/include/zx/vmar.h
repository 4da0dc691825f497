/*
 * Regions of an address space.
 */
#pragma once

#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zx/handle.h>
#include <zx/vmo.h>

namespace zx {

class vmar final : public object<vmar> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_VMAR;

    constexpr vmar() = default;
    explicit vmar(zx_handle_t value) : object(value) {}
    explicit vmar(handle &&other) : object(other.release()) {}
    vmar(vmar &&other) : object(other.release()) {}
    vmar &operator=(vmar &&other) {
        reset(other.release());
        return *this;
    }

    /* The whole address space of this process. */
    static unowned<vmar> root_self() { return unowned<vmar>(zx_vmar_root_self()); }

    zx_status_t map(size_t vmar_offset, const vmo &memory, uint64_t vmo_offset, size_t len, zx_vm_option_t options,
                    uintptr_t *address) const {
        return zx_vmar_map(get(), options, vmar_offset, memory.get(), vmo_offset, len, address);
    }

    zx_status_t unmap(uintptr_t address, size_t len) const { return zx_vmar_unmap(get(), address, len); }

    zx_status_t protect(uintptr_t address, size_t len, zx_vm_option_t options) const {
        return zx_vmar_protect(get(), options, address, len);
    }

    zx_status_t op_range(uint32_t op, uint64_t address, size_t len, void *buffer, size_t buffer_size) const {
        return zx_vmar_op_range(get(), op, address, len, buffer, buffer_size);
    }

    zx_status_t allocate(size_t offset, size_t size, zx_vm_option_t options, vmar *child, uintptr_t *address) const {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_vmar_allocate(get(), options, offset, size, &made, address);
        child->reset(made);
        return status;
    }

    /* The region is destroyed; the handle stays. */
    zx_status_t destroy() const { return zx_vmar_destroy(get()); }
};

using unowned_vmar = unowned<vmar>;

} // namespace zx
