/* Threads and processes of a recording; see trace_tasks.h. */
#include "user/lib/trace_tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

#include "user/lib/process_find.h"

#define FIRST_ROOM 64

void trace_tasks_add(struct trace_tasks *tasks, uint64_t koid, uint64_t process, const char *name) {
    if (tasks->count == tasks->room) {
        size_t room = tasks->room ? tasks->room * 2 : FIRST_ROOM;
        struct trace_task *more = realloc(tasks->tasks, room * sizeof(*more));
        tasks->failed = tasks->failed || !more;
        if (!more) return;
        tasks->tasks = more;
        tasks->room = room;
    }
    struct trace_task *task = &tasks->tasks[tasks->count++];
    *task = (struct trace_task){.koid = koid, .process = process};
    snprintf(task->name, sizeof(task->name), "%s", name);
}

static void add_kernels_own(struct trace_tasks *tasks) {
    static const char *const names[] = {KTRACE_KERNEL_THREADS};
    char name[ZX_MAX_NAME_LEN];
    trace_tasks_add(tasks, 0, 0, "kernel");
    for (unsigned i = 1; i <= KTRACE_IDLE_THREADS; i++) {
        snprintf(name, sizeof(name), "idle %u", i - 1);
        trace_tasks_add(tasks, i, 0, name);
    }
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        trace_tasks_add(tasks, KTRACE_IDLE_THREADS + 1 + i, 0, names[i]);
}

static void add_object(struct trace_tasks *tasks, zx_handle_t object, uint64_t koid, uint64_t process) {
    char name[ZX_MAX_NAME_LEN];
    if (zx_object_get_property(object, ZX_PROP_NAME, name, sizeof(name)) == ZX_OK)
        trace_tasks_add(tasks, koid, process, name);
}

static void add_process(struct trace_tasks *tasks, zx_koid_t koid, zx_handle_t process) {
    zx_handle_t thread;
    size_t count;
    add_object(tasks, process, koid, koid);
    zx_koid_t *koids = members_of(process, ZX_INFO_PROCESS_THREADS, &count);
    for (size_t i = 0; i < count; i++) {
        if (zx_object_get_child(process, koids[i], ZX_RIGHT_SAME_RIGHTS, &thread) != ZX_OK) continue;
        add_object(tasks, thread, koids[i], koid);
        zx_handle_close(thread);
    }
    free(koids);
}

void trace_tasks_live(struct trace_tasks *tasks) {
    struct processes all;
    add_kernels_own(tasks);
    processes_open(&all);
    for (size_t i = 0; i < all.count; i++) add_process(tasks, all.list[i].koid, all.list[i].process);
    processes_close(&all);
}

static int compare(const void *a, const void *b) {
    const struct trace_task *left = a, *right = b;
    return (left->koid > right->koid) - (left->koid < right->koid);
}

void trace_tasks_sort(struct trace_tasks *tasks) {
    if (tasks->count > 0) qsort(tasks->tasks, tasks->count, sizeof(*tasks->tasks), compare);
}

const struct trace_task *trace_task_find(const struct trace_tasks *tasks, uint32_t koid) {
    size_t low = 0, high = tasks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint32_t)tasks->tasks[middle].koid < koid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tasks->count && (uint32_t)tasks->tasks[low].koid == koid ? &tasks->tasks[low] : NULL;
}
