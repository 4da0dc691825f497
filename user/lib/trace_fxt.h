/*
 * What the kernel recorded (<zircon/ktrace.h>), in Fuchsia's trace format. Calls, faults, waits for locks and
 * shootdowns are durations of their threads; what had not ended when the recording did only begins. A message is a flow
 * from the call that wrote it to the one that read it.
 */
#pragma once

#include <stddef.h>
#include <zircon/ktrace.h>

#include "user/lib/fxt.h"

/*
 * `records` is all that zx_ktrace_read() gave; it is put into the order of time. Tasks that still live have their names
 * if they are of the program's job or below it. NO_MEMORY; INVALID_ARGS: these are no such records. To be freed:
 * out->words.
 */
zx_status_t trace_fxt(zx_ktrace_record_t *records, size_t count, struct fxt *out);
