/*
 * Memory.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/handle.h>
#include <zx/resource.h>

namespace zx {

class vmo final : public object<vmo> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_VMO;

    constexpr vmo() = default;
    explicit vmo(zx_handle_t value) : object(value) {}
    explicit vmo(handle &&other) : object(other.release()) {}
    vmo(vmo &&other) : object(other.release()) {}
    vmo &operator=(vmo &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(uint64_t size, uint32_t options, vmo *result) {
        return zx_vmo_create(size, options, result->reset_and_get_address());
    }

    static zx_status_t create_contiguous(const resource &resource, size_t size, uint32_t alignment_log2, vmo *result) {
        return zx_vmo_create_contiguous(resource.get(), size, alignment_log2, result->reset_and_get_address());
    }

    static zx_status_t create_physical(const resource &resource, zx_paddr_t paddr, size_t size, vmo *result) {
        return zx_vmo_create_physical(resource.get(), paddr, size, result->reset_and_get_address());
    }

    /* `result` may be the VMO itself. */
    zx_status_t create_child(uint32_t options, uint64_t offset, uint64_t size, vmo *result) const {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_vmo_create_child(get(), options, offset, size, &made);
        result->reset(made);
        return status;
    }

    zx_status_t clone(uint32_t options, uint64_t offset, uint64_t size, vmo *result) const {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_vmo_clone(get(), options, offset, size, &made);
        result->reset(made);
        return status;
    }

    /* From a resource, or a handle that is none. */
    template <typename Vmex> zx_status_t replace_as_executable(const object<Vmex> &vmex, vmo *result) {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_vmo_replace_as_executable(release(), vmex.get(), &made);
        result->reset(made);
        return status;
    }

    zx_status_t read(void *data, uint64_t offset, size_t size) const { return zx_vmo_read(get(), data, offset, size); }

    zx_status_t write(const void *data, uint64_t offset, size_t size) const {
        return zx_vmo_write(get(), data, offset, size);
    }

    zx_status_t get_size(uint64_t *size) const { return zx_vmo_get_size(get(), size); }
    zx_status_t set_size(uint64_t size) const { return zx_vmo_set_size(get(), size); }

    zx_status_t op_range(uint32_t op, uint64_t offset, uint64_t size, void *buffer, size_t buffer_size) const {
        return zx_vmo_op_range(get(), op, offset, size, buffer, buffer_size);
    }

    zx_status_t set_cache_policy(uint32_t cache_policy) const { return zx_vmo_set_cache_policy(get(), cache_policy); }
};

using unowned_vmo = unowned<vmo>;

} // namespace zx
