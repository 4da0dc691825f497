/* Files of the program's that the host wants (OUTFILES= of make run), given to it through the report of the run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/types.h>

/* What a program asks with TERMINAL_FILE: `text`, and a handle, which is taken. False: it may not ask that. */
bool outfiles_report(const void *text, size_t len, zx_handle_t vmo);
