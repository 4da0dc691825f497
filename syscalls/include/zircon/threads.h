/* Between C11's threads and the kernel's. Supplied by the C runtime. */
#pragma once

#include <threads.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* The handle to a thread that was not joined or detached yet. Borrowed: not to be closed. */
zx_handle_t thrd_get_zx_handle(thrd_t thread);

/* A result of <threads.h> as a zx_status_t. */
int thrd_status_to_zx_status(int thrd_status);

__END_CDECLS
