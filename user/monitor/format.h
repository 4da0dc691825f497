/*
 * How sizes and rights are shown. The results live until the next call.
 */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

/* "12K", "8.0M": four characters at most, and one for the unit. */
const char *format_size(uint64_t bytes);

/* "read write map": the names of the rights, in the order of their bits. */
const char *format_rights(zx_rights_t rights);
