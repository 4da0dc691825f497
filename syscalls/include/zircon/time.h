/*
 * Arithmetic on times that stops at ZX_TIME_INFINITE and ZX_TIME_INFINITE_PAST instead of wrapping. C++ can use it in
 * constant expressions.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

static inline __CONSTEXPR zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
    zx_time_t sum = 0;
    if (!__builtin_add_overflow(time, duration, &sum)) return sum;
    return duration > 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
}

static inline __CONSTEXPR zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
    zx_time_t difference = 0;
    if (!__builtin_sub_overflow(time, duration, &difference)) return difference;
    return duration < 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
}

static inline __CONSTEXPR zx_duration_t zx_time_sub_time(zx_time_t time1, zx_time_t time2) {
    return zx_time_sub_duration(time1, time2);
}

static inline __CONSTEXPR zx_duration_t zx_duration_add_duration(zx_duration_t duration1, zx_duration_t duration2) {
    return zx_time_add_duration(duration1, duration2);
}

static inline __CONSTEXPR zx_duration_t zx_duration_sub_duration(zx_duration_t duration1, zx_duration_t duration2) {
    return zx_time_sub_duration(duration1, duration2);
}

static inline __CONSTEXPR zx_duration_t zx_duration_mul_int64(zx_duration_t duration, int64_t multiplier) {
    zx_duration_t product = 0;
    if (!__builtin_mul_overflow(duration, multiplier, &product)) return product;
    return (duration > 0) == (multiplier > 0) ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
}

__END_CDECLS
