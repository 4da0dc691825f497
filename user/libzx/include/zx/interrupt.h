/*
 * Interrupts.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/handle.h>
#include <zx/port.h>
#include <zx/resource.h>

namespace zx {

class interrupt final : public object<interrupt> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_INTERRUPT;

    constexpr interrupt() = default;
    explicit interrupt(zx_handle_t value) : object(value) {}
    explicit interrupt(handle &&other) : object(other.release()) {}
    interrupt(interrupt &&other) : object(other.release()) {}
    interrupt &operator=(interrupt &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(const resource &from, uint32_t num, uint32_t options, interrupt *result) {
        return zx_interrupt_create(from.get(), num, options, result->reset_and_get_address());
    }

    /* As in 2018, and as later. */
    zx_status_t bind(zx_handle_t to, uint64_t key, uint32_t options) const {
        return zx_interrupt_bind(get(), to, key, options);
    }
    zx_status_t bind(const port &to, uint64_t key, uint32_t options) const { return bind(to.get(), key, options); }

    zx_status_t wait(time *timestamp) const {
        return zx_interrupt_wait(get(), timestamp ? timestamp->get_address() : nullptr);
    }

    zx_status_t ack() const { return zx_interrupt_ack(get()); }

    zx_status_t trigger(uint32_t options, time timestamp) const {
        return zx_interrupt_trigger(get(), options, timestamp.get());
    }

    zx_status_t destroy() const { return zx_interrupt_destroy(get()); }
};

using unowned_interrupt = unowned<interrupt>;

} // namespace zx
