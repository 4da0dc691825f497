/*
 * Processes.
 */
#pragma once

#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zx/job.h>
#include <zx/task.h>
#include <zx/vmar.h>

namespace zx {

class process final : public task<process> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_PROCESS;

    constexpr process() = default;
    explicit process(zx_handle_t value) : task(value) {}
    explicit process(handle &&other) : task(other.release()) {}
    process(process &&other) : task(other.release()) {}
    process &operator=(process &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(const job &job, const char *name, uint32_t name_len, uint32_t flags, process *result,
                              vmar *root) {
        return zx_process_create(job.get(), name, name_len, flags, result->reset_and_get_address(),
                                 root->reset_and_get_address());
    }

    /* The process that calls. */
    static unowned<process> self() { return unowned<process>(zx_process_self()); }

    /* Its first thread; a template, for <zx/thread.h> is built on this. */
    template <typename Thread>
    zx_status_t start(const Thread &thread, uintptr_t entry, uintptr_t stack, handle arg1, uintptr_t arg2) const {
        return zx_process_start(get(), thread.get(), entry, stack, arg1.release(), arg2);
    }

    zx_status_t read_memory(uintptr_t vaddr, void *buffer, size_t len, size_t *actual) const {
        return zx_process_read_memory(get(), vaddr, buffer, len, actual);
    }

    zx_status_t write_memory(uintptr_t vaddr, const void *buffer, size_t len, size_t *actual) const {
        return zx_process_write_memory(get(), vaddr, buffer, len, actual);
    }
};

using unowned_process = unowned<process>;

} // namespace zx
