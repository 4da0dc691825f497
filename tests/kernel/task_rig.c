/*
 * The base of tests of tasks; see task_rig.h.
 */
#include "tests/kernel/task_rig.h"

#include "kernel/object/wait.h"

struct job *job;
struct process *process;
struct user_thread *thread;

bool task_begin(void) {
    return job_create_root(&job) == ZX_OK && process_create(job, "test", &process) == ZX_OK &&
           user_thread_create(process, "test", &thread) == ZX_OK;
}

zx_status_t task_start(struct user_thread *first) {
    return process_start(process, first, NOWHERE, NOWHERE, (struct handle){0}, 0);
}

void thread_end(struct user_thread *t) {
    while (atomic_load(&t->object.refs) != 1) thread_yield();
    object_unref(&t->object);
}

void task_end(void) {
    process_kill(process, 0);
    thread_end(thread);
    object_unref(&process->object);
    object_unref(&job->object);
}

bool comes_up(struct object *object, zx_signals_t signal) {
    zx_signals_t observed;
    return object_wait_one(object, NULL, NULL, signal, ZX_SEC(3600), &observed) == ZX_OK;
}

int64_t return_code(void) {
    struct process_info info;
    if (!comes_up(&process->object, ZX_PROCESS_TERMINATED)) return 0;
    process_get_info(process, &info);
    return info.return_code;
}
