/* Status codes in words. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* The name of a status code, as "ZX_ERR_BAD_HANDLE"; "(UNKNOWN)" if it has none. Supplied by the C runtime. */
const char *zx_status_get_string(zx_status_t status);

__END_CDECLS
