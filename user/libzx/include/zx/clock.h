/*
 * The clocks.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zx/resource.h>
#include <zx/time.h>

namespace zx {

class clock final {
  public:
    clock() = delete;

    static time get_monotonic() { return time(zx_clock_get_monotonic()); }

    template <zx_clock_t Clock> static zx_status_t get(basic_time<Clock> *result) {
        return zx_clock_get_new(Clock, result->get_address());
    }

    static zx_status_t adjust(const resource &resource, zx_clock_t clock_id, int64_t offset) {
        return zx_clock_adjust(resource.get(), clock_id, offset);
    }
};

} // namespace zx
