/*
 * The rings of tracing (kernel/base/trace.h), one for each processor: start, stop, read.
 *
 * A ring keeps the latest events of a processor, which alone writes to it. The rings are allocated when tracing first
 * starts, and then kept: it is unknown when the last event that was begun before a stop has been recorded. So they are
 * read only while nothing is recorded, and without the oldest record of a full ring, which such an event may hit.
 */
#pragma once

#include <stddef.h>
#include <zircon/ktrace.h>

#include "kernel/base/compiler.h"
#include "kernel/object/process.h"

/* For each processor, before it runs any thread. */
void ktrace_cpu_init(void);

/* Option kernel.trace: records from the boot on. */
void ktrace_init(void);

/* INVALID_ARGS: no such group. NO_MEMORY. */
MUST_CHECK zx_status_t ktrace_start(unsigned groups);
void ktrace_stop(void);

/* BAD_STATE: events are being recorded. */
MUST_CHECK zx_status_t ktrace_rewind(void);

/* All records, those included that say what the others are. BAD_STATE: more are being recorded. */
MUST_CHECK zx_status_t ktrace_count(size_t *count);

/* Copies those from the `first` on, up to `max` of them, and stores how many. BAD_STATE. */
MUST_CHECK zx_status_t ktrace_read(size_t first, size_t max, zx_ktrace_record_t *out, size_t *count);

/* So many pages are the rings'. */
size_t ktrace_pages(void);

/* The running thread is about to end, with KTRACE_THREAD_END, or so is its process: its name and what it belongs to. */
void ktrace_task_ends(unsigned event, const struct process *process, struct object *task);
