/*
 * A handle to an object of any type.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/object.h>

namespace zx {

class handle final : public object<handle> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_NONE;

    constexpr handle() = default;
    explicit handle(zx_handle_t value) : object(value) {}
    handle(handle &&other) : object(other.release()) {}

    /* From a class of its own type. */
    template <typename T> handle(object<T> &&other) : object(other.release()) {}

    handle &operator=(handle &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t close_many(const zx_handle_t *handles, size_t count) {
        return zx_handle_close_many(handles, count);
    }
};

using unowned_handle = unowned<handle>;

} // namespace zx
