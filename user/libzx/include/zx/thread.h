/*
 * Threads.
 */
#pragma once

#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zx/process.h>
#include <zx/task.h>

namespace zx {

class thread final : public task<thread> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_THREAD;

    constexpr thread() = default;
    explicit thread(zx_handle_t value) : task(value) {}
    explicit thread(handle &&other) : task(other.release()) {}
    thread(thread &&other) : task(other.release()) {}
    thread &operator=(thread &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(const process &process, const char *name, uint32_t name_len, uint32_t flags,
                              thread *result) {
        return zx_thread_create(process.get(), name, name_len, flags, result->reset_and_get_address());
    }

    /* The thread that calls. */
    static unowned<thread> self() { return unowned<thread>(zx_thread_self()); }

    zx_status_t start(uintptr_t entry, uintptr_t stack, uintptr_t arg1, uintptr_t arg2) const {
        return zx_thread_start(get(), entry, stack, arg1, arg2);
    }

    zx_status_t read_state(uint32_t kind, void *buffer, size_t len) const {
        return zx_thread_read_state(get(), kind, buffer, len);
    }

    zx_status_t write_state(uint32_t kind, const void *buffer, size_t len) const {
        return zx_thread_write_state(get(), kind, buffer, len);
    }
};

using unowned_thread = unowned<thread>;

} // namespace zx
