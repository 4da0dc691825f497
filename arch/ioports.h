/*
 * I/O ports of user code: the devices' registers that a machine has apart from memory. User code may use none but those
 * that its address space was given. A machine without ports gives none: ZX_ERR_NOT_SUPPORTED.
 */
#pragma once

#include "arch/types.h"

struct arch_aspace;

/*
 * Gives user code on `as` the ports [first, first + count) until `as` is destroyed; on return, on every processor. The
 * ports exist. Calls on one address space are serialised by the caller. NO_MEMORY: nothing is given then.
 */
[[gnu::warn_unused_result]] zx_status_t arch_ioports_allow(struct arch_aspace *as, uint32_t first, uint32_t count);
