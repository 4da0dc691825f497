/*
 * Event pairs.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/handle.h>

namespace zx {

class eventpair final : public object<eventpair> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EVENTPAIR;

    constexpr eventpair() = default;
    explicit eventpair(zx_handle_t value) : object(value) {}
    explicit eventpair(handle &&other) : object(other.release()) {}
    eventpair(eventpair &&other) : object(other.release()) {}
    eventpair &operator=(eventpair &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(uint32_t options, eventpair *endpoint0, eventpair *endpoint1) {
        return zx_eventpair_create(options, endpoint0->reset_and_get_address(), endpoint1->reset_and_get_address());
    }
};

using unowned_eventpair = unowned<eventpair>;

} // namespace zx
