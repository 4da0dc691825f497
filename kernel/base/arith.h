/*
 * Arithmetic on values that user mode chose: sums are checked here and nowhere else. A range is (base, len) with
 * an exclusive end; it is well-formed when base + len does not wrap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/types.h"

/* How many bits are set: sums of two, four and eight neighbours, and then of all bytes. */
static inline unsigned count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(bits * 0x0101010101010101u >> 56);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline uint64_t add_up_to_max(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

static inline bool page_aligned(uint64_t value) { return (value & PAGE_MASK) == 0; }
static inline uint64_t page_round_down(uint64_t value) { return value & ~(uint64_t)PAGE_MASK; }

/* Rounds up to whole pages; false if that wraps past 2^64. Zero stays zero. */
static inline bool page_round_up(uint64_t value, uint64_t *out) {
    uint64_t sum;
    if (__builtin_add_overflow(value, (uint64_t)PAGE_MASK, &sum)) return false;
    *out = page_round_down(sum);
    return true;
}

/* Does [base, base + len) lie within [outer, outer + outer_len)? The outer range is well-formed. */
static inline bool range_within(uint64_t base, uint64_t len, uint64_t outer, uint64_t outer_len) {
    return base >= outer && base - outer <= outer_len && len <= outer_len - (base - outer);
}
