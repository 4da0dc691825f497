/* Files of the program's that the host wants (OUTFILES= of make run), given to it through the report of the run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/types.h>

/* What a program asks with TERMINAL_FILE: `text`, and a handle, which is taken. False: it may not ask that. */
bool outfiles_report(const void *text, size_t len, zx_handle_t vmo);

/* A file of init's own, which the host knows by name. */
void outfiles_report_own(const char *name, const void *bytes, size_t len);
