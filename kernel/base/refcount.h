/*
 * Reference counts of objects that are freed when the last reference is dropped. Only a holder of a reference adds
 * another. After dropping a reference that was not the last, do not touch the object again: another thread may have
 * freed it by then.
 *
 * A count has 64 bits and cannot wrap. A page's has 32, for there are many pages: each of its references is in a node
 * of a page tree, of some 500 bytes, so that it takes two terabytes of nodes to wrap.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/base/log.h"
#include "kernel/base/switch_point.h"

typedef _Atomic uint64_t refcount;

static inline void refcount_ref(refcount *refs) { atomic_fetch_add_explicit(refs, 1, memory_order_relaxed); }

/* For an object that is known but not held: false if the last reference has been dropped already. */
MUST_CHECK static inline bool refcount_try_ref(refcount *refs) {
    uint64_t count = atomic_load_explicit(refs, memory_order_relaxed);
    while (count != 0) {
        if (atomic_compare_exchange_weak(refs, &count, count + 1)) return true;
    }
    return false;
}

/* True: that was the last, and what all others did to the thing is visible here. */
MUST_CHECK static inline bool refcount_unref(refcount *refs) {
    uint64_t before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
    ASSERT(before != 0);
    switch_point();
    return before == 1;
}

/* The two in 32 bits. */
static inline void refcount32_ref(atomic_uint *refs) { atomic_fetch_add_explicit(refs, 1, memory_order_relaxed); }
MUST_CHECK static inline bool refcount32_unref(atomic_uint *refs) {
    unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
    ASSERT(before != 0);
    switch_point();
    return before == 1;
}
