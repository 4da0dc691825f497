/*
 * Counts of the references to something that goes with the last of them. Whoever adds one holds one. Whoever gives one
 * back touches the thing again only if it was the last: otherwise another may have freed it by then.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/base/log.h"
#include "kernel/base/switch_point.h"

static inline void refcount_ref(atomic_uint *refs) { atomic_fetch_add_explicit(refs, 1, memory_order_relaxed); }

/* True: that was the last, and what all others did to the thing is seen here. */
MUST_CHECK static inline bool refcount_unref(atomic_uint *refs) {
    unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
    ASSERT(before != 0);
    switch_point();
    return before == 1;
}
