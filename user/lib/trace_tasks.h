/*
 * The threads and processes of a recording, with their names: of those that ended in it, by its own records; of those
 * that still live, by the kernel; of the kernel's own, known here.
 */
#pragma once

#include <stdbool.h>
#include <zircon/ktrace.h>

#include "user/lib/fxt.h"

struct trace_task {
    uint64_t koid;
    uint64_t process; /* of a thread; the koid itself: it is a process */
    char name[ZX_MAX_NAME_LEN];
};

struct trace_tasks {
    struct trace_task *tasks; /* by koid, when it is complete */
    size_t count, room;
    bool failed; /* no memory for all */
};

/* Adds the kernel's own, and those of the program's job and below that have not ended. */
void trace_tasks_live(struct trace_tasks *tasks);

/* Adds one that the recording names. It is nobody that is there already. */
void trace_tasks_add(struct trace_tasks *tasks, uint64_t koid, uint64_t process, const char *name);

/* Of several that have a koid the first. Nothing is added any more. */
void trace_tasks_sort(struct trace_tasks *tasks);

/* NULL: unknown. A record has the low half of a koid. */
const struct trace_task *trace_task_find(const struct trace_tasks *tasks, uint32_t koid);
