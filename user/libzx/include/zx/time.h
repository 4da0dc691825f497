/*
 * Times and durations that cannot be mixed up: arithmetic stops at the ends of time. `basic_time` is by one clock. The
 * clocks themselves.
 */
#pragma once

#include <zircon/syscalls.h>
#include <zircon/time.h>

namespace zx {

class duration final {
  public:
    constexpr duration() = default;
    explicit constexpr duration(zx_duration_t value) : value_(value) {}

    static constexpr duration infinite() { return duration(ZX_TIME_INFINITE); }
    static constexpr duration infinite_past() { return duration(ZX_TIME_INFINITE_PAST); }

    constexpr zx_duration_t get() const { return value_; }

    constexpr duration operator+(duration other) const {
        return duration(zx_duration_add_duration(value_, other.value_));
    }
    constexpr duration operator-(duration other) const {
        return duration(zx_duration_sub_duration(value_, other.value_));
    }
    constexpr duration operator*(int64_t factor) const { return duration(zx_duration_mul_int64(value_, factor)); }
    constexpr duration operator/(int64_t divisor) const { return duration(value_ / divisor); }
    constexpr duration operator%(duration other) const { return duration(value_ % other.value_); }
    constexpr int64_t operator/(duration other) const { return value_ / other.value_; }

    constexpr duration &operator+=(duration other) { return *this = *this + other; }
    constexpr duration &operator-=(duration other) { return *this = *this - other; }
    constexpr duration &operator*=(int64_t factor) { return *this = *this * factor; }
    constexpr duration &operator/=(int64_t divisor) { return *this = *this / divisor; }

    constexpr bool operator==(duration other) const { return value_ == other.value_; }
    constexpr bool operator!=(duration other) const { return value_ != other.value_; }
    constexpr bool operator<(duration other) const { return value_ < other.value_; }
    constexpr bool operator<=(duration other) const { return value_ <= other.value_; }
    constexpr bool operator>(duration other) const { return value_ > other.value_; }
    constexpr bool operator>=(duration other) const { return value_ >= other.value_; }

    constexpr int64_t to_nsecs() const { return value_; }
    constexpr int64_t to_usecs() const { return value_ / ZX_USEC(1); }
    constexpr int64_t to_msecs() const { return value_ / ZX_MSEC(1); }
    constexpr int64_t to_secs() const { return value_ / ZX_SEC(1); }
    constexpr int64_t to_mins() const { return value_ / ZX_MIN(1); }
    constexpr int64_t to_hours() const { return value_ / ZX_HOUR(1); }

  private:
    zx_duration_t value_ = 0;
};

constexpr duration nsec(int64_t n) { return duration(n); }
constexpr duration usec(int64_t n) { return duration(ZX_USEC(1)) * n; }
constexpr duration msec(int64_t n) { return duration(ZX_MSEC(1)) * n; }
constexpr duration sec(int64_t n) { return duration(ZX_SEC(1)) * n; }
constexpr duration min(int64_t n) { return duration(ZX_MIN(1)) * n; }
constexpr duration hour(int64_t n) { return duration(ZX_HOUR(1)) * n; }

template <zx_clock_t Clock> class basic_time final {
  public:
    static constexpr zx_clock_t clock_id = Clock;

    constexpr basic_time() = default;
    explicit constexpr basic_time(zx_time_t value) : value_(value) {}

    static constexpr basic_time infinite() { return basic_time(ZX_TIME_INFINITE); }
    static constexpr basic_time infinite_past() { return basic_time(ZX_TIME_INFINITE_PAST); }

    constexpr zx_time_t get() const { return value_; }
    zx_time_t *get_address() { return &value_; }

    constexpr duration operator-(basic_time other) const { return duration(zx_time_sub_time(value_, other.value_)); }
    constexpr basic_time operator+(duration delta) const {
        return basic_time(zx_time_add_duration(value_, delta.get()));
    }
    constexpr basic_time operator-(duration delta) const {
        return basic_time(zx_time_sub_duration(value_, delta.get()));
    }
    constexpr basic_time &operator+=(duration delta) { return *this = *this + delta; }
    constexpr basic_time &operator-=(duration delta) { return *this = *this - delta; }

    constexpr bool operator==(basic_time other) const { return value_ == other.value_; }
    constexpr bool operator!=(basic_time other) const { return value_ != other.value_; }
    constexpr bool operator<(basic_time other) const { return value_ < other.value_; }
    constexpr bool operator<=(basic_time other) const { return value_ <= other.value_; }
    constexpr bool operator>(basic_time other) const { return value_ > other.value_; }
    constexpr bool operator>=(basic_time other) const { return value_ >= other.value_; }

  private:
    zx_time_t value_ = 0;
};

template <zx_clock_t Clock> constexpr basic_time<Clock> operator+(duration delta, basic_time<Clock> time) {
    return time + delta;
}

using time = basic_time<ZX_CLOCK_MONOTONIC>;
using time_utc = basic_time<ZX_CLOCK_UTC>;
using time_thread = basic_time<ZX_CLOCK_THREAD>;

/* What the machine's own counter shows. */
class ticks final {
  public:
    constexpr ticks() = default;
    explicit constexpr ticks(zx_ticks_t value) : value_(value) {}

    static ticks now() { return ticks(zx_ticks_get()); }
    static ticks per_second() { return ticks(zx_ticks_per_second()); }

    constexpr zx_ticks_t get() const { return value_; }

    constexpr ticks operator+(ticks other) const { return ticks(value_ + other.value_); }
    constexpr ticks operator-(ticks other) const { return ticks(value_ - other.value_); }
    constexpr ticks operator*(uint64_t factor) const { return ticks(value_ * factor); }
    constexpr ticks operator/(uint64_t divisor) const { return ticks(value_ / divisor); }
    constexpr uint64_t operator/(ticks other) const { return value_ / other.value_; }

    constexpr ticks &operator+=(ticks other) { return *this = *this + other; }
    constexpr ticks &operator-=(ticks other) { return *this = *this - other; }
    constexpr ticks &operator*=(uint64_t factor) { return *this = *this * factor; }
    constexpr ticks &operator/=(uint64_t divisor) { return *this = *this / divisor; }

    constexpr bool operator==(ticks other) const { return value_ == other.value_; }
    constexpr bool operator!=(ticks other) const { return value_ != other.value_; }
    constexpr bool operator<(ticks other) const { return value_ < other.value_; }
    constexpr bool operator<=(ticks other) const { return value_ <= other.value_; }
    constexpr bool operator>(ticks other) const { return value_ > other.value_; }
    constexpr bool operator>=(ticks other) const { return value_ >= other.value_; }

  private:
    zx_ticks_t value_ = 0;
};

class clock final {
  public:
    clock() = delete;

    static time get_monotonic() { return time(zx_clock_get_monotonic()); }

    template <zx_clock_t Clock> static zx_status_t get(basic_time<Clock> *result) {
        return zx_clock_get_new(Clock, result->get_address());
    }

    template <zx_clock_t Clock> static basic_time<Clock> get() {
        basic_time<Clock> now;
        (void)get(&now);
        return now;
    }

    /* A template, for resources are built on this. */
    template <typename Resource>
    static zx_status_t adjust(const Resource &resource, zx_clock_t clock_id, int64_t offset) {
        return zx_clock_adjust(resource.get(), clock_id, offset);
    }
};

inline zx_status_t nanosleep(time deadline) { return zx_nanosleep(deadline.get()); }

inline time deadline_after(duration delta) { return time(zx_deadline_after(delta.get())); }

} // namespace zx
