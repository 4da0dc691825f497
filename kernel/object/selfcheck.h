/* What the kernel can check about itself while it runs, for tests. */
#pragma once

#include "arch/types.h"
#include "kernel/base/compiler.h"

/* The whole of a test is measured against one baseline, a part of it against the other. */
enum baseline { BASELINE_OUTER, BASELINE_INNER, BASELINE_COUNT };

/* Remembers free pages, heap bytes, and live objects and handles … */
void selfcheck_baseline(enum baseline which);
/* … and checks that they are back, and that budgets count them: ZX_OK, or BAD_STATE with what differs in the log. */
MUST_CHECK zx_status_t selfcheck_leaks(enum baseline which);

/* Page tables sound, no lock held, processor state as it must be: ZX_OK, or INTERNAL with the reason in the log. */
MUST_CHECK zx_status_t selfcheck_invariants(void);
