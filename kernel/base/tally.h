/*
 * Tallies: counts that every processor changes all the time and that are rarely read. Each processor adds to a part of
 * its own, or of a few, so the parts may be below zero; their sum is right while nobody counts.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "kernel/base/cpu.h"

#define TALLY_PARTS 8u

struct tally {
    struct {
        _Alignas(CACHE_LINE) atomic_size_t count; /* [a] */
    } parts[TALLY_PARTS];
};

static inline void tally_add(struct tally *tally, size_t amount) {
    atomic_fetch_add_explicit(&tally->parts[arch_this_cpu()->id % TALLY_PARTS].count, amount, memory_order_relaxed);
}

static inline void tally_sub(struct tally *tally, size_t amount) { tally_add(tally, -amount); }

/* Not below zero: what is subtracted meanwhile may have been added to a part that was read before. */
static inline size_t tally_sum(const struct tally *tally) {
    size_t sum = 0;
    for (unsigned i = 0; i < TALLY_PARTS; i++)
        sum += atomic_load_explicit(&tally->parts[i].count, memory_order_relaxed);
    return (ptrdiff_t)sum < 0 ? 0 : sum;
}
