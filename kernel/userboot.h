/*
 * Starting the first program, `bin/init` of the boot archive, with everything there is: the root job, the root
 * resource, the archive. All other programs are started by programs.
 */
#pragma once

#include "arch/boot.h"
#include "kernel/object/process.h"

/* NOT_FOUND, IO_DATA_INTEGRITY (not a program this kernel can start), NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t userboot(const struct boot_info *info, struct process **out);
