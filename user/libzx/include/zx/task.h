/*
 * What threads, processes and jobs have in common.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/handle.h>
#include <zx/suspend_token.h>

namespace zx {

template <typename T> class task : public object<T> {
  public:
    constexpr task() = default;
    explicit task(zx_handle_t value) : object<T>(value) {}

    zx_status_t kill() const { return zx_task_kill(this->get()); }

    zx_status_t suspend(suspend_token *result) const {
        return zx_task_suspend_token(this->get(), result->reset_and_get_address());
    }

    /* A template, for channels are built on objects as tasks are. */
    template <typename Channel> zx_status_t create_exception_channel(uint32_t options, Channel *result) const {
        return zx_task_create_exception_channel(this->get(), options, result->reset_and_get_address());
    }
};

} // namespace zx
