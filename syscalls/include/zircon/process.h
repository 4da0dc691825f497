/*
 * What a program finds at hand when it starts: handles to itself, and those that its launcher passed.
 * Supplied by the C runtime from the bootstrap message (<zircon/processargs.h>), not by the kernel.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* Gives out the startup handle PA_HND(type, arg), once; ZX_HANDLE_INVALID: none. The four below are not among them. */
zx_handle_t zx_take_startup_handle(uint32_t hnd_info);

/* Borrowed: this thread (the first, or one of the C library's), this process, its address space, the job to use. */
zx_handle_t zx_thread_self(void);
zx_handle_t zx_process_self(void);
zx_handle_t zx_vmar_root_self(void);
zx_handle_t zx_job_default(void);

zx_handle_t _zx_thread_self(void);
zx_handle_t _zx_process_self(void);
zx_handle_t _zx_vmar_root_self(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS
