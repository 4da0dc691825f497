/*
 * Ports.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>
#include <zx/handle.h>

namespace zx {

class port final : public object<port> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_PORT;

    constexpr port() = default;
    explicit port(zx_handle_t value) : object(value) {}
    explicit port(handle &&other) : object(other.release()) {}
    port(port &&other) : object(other.release()) {}
    port &operator=(port &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(uint32_t options, port *result) {
        return zx_port_create(options, result->reset_and_get_address());
    }

    zx_status_t queue(const zx_port_packet_t *packet) const { return zx_port_queue(get(), packet); }

    zx_status_t wait(time deadline, zx_port_packet_t *packet) const {
        return zx_port_wait(get(), deadline.get(), packet);
    }

    template <typename T> zx_status_t cancel(const object<T> &source, uint64_t key) const {
        return zx_port_cancel(get(), source.get(), key);
    }
};

using unowned_port = unowned<port>;

} // namespace zx
