/*
 * Resources: the right to ask for privileged things.
 */
#pragma once

#include <zx/handle.h>

namespace zx {

class resource final : public object<resource> {
  public:
    constexpr resource() = default;
    explicit resource(zx_handle_t value) : object(value) {}
    explicit resource(handle &&other) : object(other.release()) {}
    resource(resource &&other) : object(other.release()) {}
    resource &operator=(resource &&other) {
        reset(other.release());
        return *this;
    }
};

using unowned_resource = unowned<resource>;

} // namespace zx
