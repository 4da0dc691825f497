/*
 * What the kernel can check about itself while it runs, for tests.
 */
#pragma once

#include "kernel/base/compiler.h"
#include "arch/types.h"

/* Remembers free pages, heap bytes, and live objects and handles … */
void selfcheck_baseline(void);
/* … and tells whether they are back: ZX_OK, or BAD_STATE with the differences in the log. */
MUST_CHECK zx_status_t selfcheck_leaks(void);

/* Page tables sound, no lock held, processor state as it must be: ZX_OK, or INTERNAL with the reason in the log. */
MUST_CHECK zx_status_t selfcheck_invariants(void);
