/*
 * What a program finds at hand when it starts: handles to itself, and those that whoever launched it gave it.
 * Supplied by the C runtime from the bootstrap message (<zircon/processargs.h>), not by the kernel.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * The startup handle with this id, PA_HND(type, arg) of <zircon/processargs.h>; from then on it is the caller's. Each
 * is given out once; ZX_HANDLE_INVALID if there is none. The four below are not among them.
 */
zx_handle_t zx_take_startup_handle(uint32_t hnd_info);

/*
 * Borrowed handles, not to be closed: this thread, if it is the first or one that the C library made; this process; the
 * region that is its whole address space; and the job to make new processes in.
 */
zx_handle_t zx_thread_self(void);
zx_handle_t zx_process_self(void);
zx_handle_t zx_vmar_root_self(void);
zx_handle_t zx_job_default(void);

zx_handle_t _zx_thread_self(void);
zx_handle_t _zx_process_self(void);
zx_handle_t _zx_vmar_root_self(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS
