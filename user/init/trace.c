/* A recording for the host; see trace.h. It takes the way of the programs' files. */
#include "user/init/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/ktrace.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/init/outfiles.h"
#include "user/lib/launch.h"
#include "user/lib/trace_fxt.h"

static bool is_wanted(void) { return getenv("init.trace") != NULL; }

void trace_begin(void) {
    if (is_wanted()) zx_ktrace_control(launch_resource(), KTRACE_ACTION_START, 0, NULL);
}

/* All records, allocated. */
static zx_status_t records_read(zx_ktrace_record_t **out, size_t *count) {
    size_t size = 0;
    zx_status_t status = zx_ktrace_read(launch_resource(), NULL, 0, 0, &size);
    if (status != ZX_OK) return status;
    *out = malloc(size);
    if (!*out) return ZX_ERR_NO_MEMORY;
    status = zx_ktrace_read(launch_resource(), *out, 0, size, &size);
    *count = size / sizeof(**out);
    return status;
}

void trace_end(void) {
    zx_ktrace_record_t *records = NULL;
    size_t count = 0;
    struct fxt fxt = {0};
    if (!is_wanted()) return;
    zx_ktrace_control(launch_resource(), KTRACE_ACTION_STOP, 0, NULL);
    zx_status_t status = records_read(&records, &count);
    if (status == ZX_OK) status = trace_fxt(records, count, &fxt);
    if (status == ZX_OK)
        outfiles_report_own("trace", fxt.words, fxt.count * sizeof(*fxt.words));
    else
        fprintf(stderr, "init: the recording cannot be had (%s)\n", zx_status_get_string(status));
    free(records);
    free(fxt.words);
}
