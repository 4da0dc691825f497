/*
 * The time of day, UTC: nanoseconds since the beginning of 1970. It is the clock that counts from boot and an offset,
 * which is found out from the machine at boot, and can be set. Readers take no lock.
 */
#pragma once

#include <zircon/types.h>

/* Asks the machine; once, at boot. */
void utc_init(void);

zx_time_t utc_now(void);

/* From now on the time of day is so many nanoseconds more than the time since boot. */
void utc_set_offset(zx_duration_t offset);
