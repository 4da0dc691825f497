/* How sizes and rights are shown. */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

/* "12K", "8.0M": four characters at most, and one for the unit. Lives until the fourth call after this one. */
const char *format_size(uint64_t bytes);

/* Says the names of the rights in the order of their bits, on a line of its own. */
void show_rights(zx_rights_t rights);
