/*
 * Resources: the right to ask for privileged things.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zircon/syscalls/resource.h>
#include <zx/handle.h>

namespace zx {

class resource final : public object<resource> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_RESOURCE;

    constexpr resource() = default;
    explicit resource(zx_handle_t value) : object(value) {}
    explicit resource(handle &&other) : object(other.release()) {}
    resource(resource &&other) : object(other.release()) {}
    resource &operator=(resource &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(const resource &parent, uint32_t options, uint64_t base, size_t len, const char *name,
                              size_t name_len, resource *result) {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_resource_create(parent.get(), options, base, len, name, name_len, &made);
        result->reset(made);
        return status;
    }
};

using unowned_resource = unowned<resource>;

} // namespace zx
