/*
 * Exceptions: each holds a thread until its last handle is closed.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>
#include <zx/handle.h>
#include <zx/process.h>
#include <zx/thread.h>

namespace zx {

class exception final : public object<exception> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EXCEPTION;

    constexpr exception() = default;
    explicit exception(zx_handle_t value) : object(value) {}
    explicit exception(handle &&other) : object(other.release()) {}
    exception(exception &&other) : object(other.release()) {}
    exception &operator=(exception &&other) {
        reset(other.release());
        return *this;
    }

    zx_status_t get_thread(thread *result) const {
        return zx_exception_get_thread(get(), result->reset_and_get_address());
    }

    zx_status_t get_process(process *result) const {
        return zx_exception_get_process(get(), result->reset_and_get_address());
    }
};

using unowned_exception = unowned<exception>;

} // namespace zx
