/*
 * Every system call. The stubs behind these prototypes belong to the C runtime; each also answers to _zx_NAME.
 *
 * The manual page that stands above a group has each call's rights, errors and fine points; syscalls/handle.md has what
 * holds for all: a handle that is none is ZX_ERR_BAD_HANDLE, one to an object of another type ZX_ERR_WRONG_TYPE, one
 * that lacks a right ZX_ERR_ACCESS_DENIED, in this order; a pointer that cannot be read or written is
 * ZX_ERR_INVALID_ARGS; results are written on ZX_OK only. Sizes are in bytes, deadlines in nanoseconds of
 * zx_clock_get_monotonic(): one that has passed polls, ZX_TIME_INFINITE waits for ever.
 */
#pragma once

#include <zircon/syscalls/object.h>
#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Made from syscalls/syscalls.def, each under its manual section's first sentence. */
#include <zircon/syscalls/prototypes.h>

__END_CDECLS
