/* The time of day; see utc.h. */
#include "kernel/base/utc.h"

#include <stdatomic.h>
#include <zircon/time.h>

#include "arch/time.h"

static _Atomic zx_duration_t utc_offset;

void utc_init(void) {
    zx_time_t wall = ZX_SEC(arch_wall_seconds());
    utc_set_offset(wall > 0 ? wall - arch_time_now() : 0);
}

zx_time_t utc_now(void) {
    return zx_time_add_duration(arch_time_now(), atomic_load_explicit(&utc_offset, memory_order_relaxed));
}

void utc_set_offset(zx_duration_t offset) { atomic_store_explicit(&utc_offset, offset, memory_order_relaxed); }
