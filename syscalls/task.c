/*
 * System calls on processes, threads and jobs: create, start, exit, kill. Manual: task.md.
 */
#include <zircon/syscalls/object.h>

#include "kernel/object/handle.h"
#include "kernel/object/job.h"
#include "kernel/object/process.h"
#include "kernel/object/suspend.h"
#include "kernel/object/user_thread.h"
#include "syscalls/syscalls.h"
#include "vm/vmar.h"

#define ROOT_VMAR_RIGHTS (ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)

zx_status_t sys_job_create(zx_handle_t parent_value, uint32_t options, user_out_t out) {
    struct object *parent;
    struct job *job;
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = caller_get(parent_value, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_JOB, &parent);
    if (status != ZX_OK) return status;
    status = job_create(job_from_object(parent), &job);
    object_unref(parent);
    if (status != ZX_OK) return status;
    return handle_give(caller_handles(), out, handle_adopt(&job->object, ZX_DEFAULT_JOB_RIGHTS));
}

static zx_status_t create_in_job(zx_handle_t job_value, const char *name, struct process **out) {
    struct object *job;
    zx_status_t status = caller_get(job_value, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_PROCESS, &job);
    if (status != ZX_OK) return status;
    status = process_create(job_from_object(job), name, out);
    object_unref(job);
    return status;
}

zx_status_t sys_process_create(zx_handle_t job, user_in_t name, size_t name_size, uint32_t options,
                               user_out_t process_out, user_out_t vmar_out) {
    char kname[ZX_MAX_NAME_LEN];
    struct process *process;
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = copy_in_name(kname, name, name_size);
    if (status != ZX_OK) return status;
    status = create_in_job(job, kname, &process);
    if (status != ZX_OK) return status;
    struct handle root = handle_make(&process->root->object, ROOT_VMAR_RIGHTS);
    struct handle handle = handle_adopt(&process->object, ZX_DEFAULT_PROCESS_RIGHTS);
    return handle_give_two(caller_handles(), process_out, handle, vmar_out, root);
}

/* The process and thread that process_start names, each with a reference. */
static zx_status_t get_pair(zx_handle_t process_value, zx_handle_t thread_value, struct object **process,
                            struct object **thread) {
    zx_status_t status = caller_get(process_value, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_WRITE, process);
    if (status != ZX_OK) return status;
    status = caller_get(thread_value, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_WRITE, thread);
    if (status != ZX_OK) object_unref(*process);
    return status;
}

/* The handle for the first thread: out of the caller's table whatever becomes of it. */
static zx_status_t take_arg(zx_handle_t value, struct handle *out, zx_status_t *taken) {
    *out = (struct handle){0};
    *taken = value == ZX_HANDLE_INVALID ? ZX_OK : handle_remove(caller_handles(), value, out);
    return *taken == ZX_OK && out->object && !(out->rights & ZX_RIGHT_TRANSFER) ? ZX_ERR_ACCESS_DENIED : *taken;
}

zx_status_t sys_process_start(zx_handle_t process_value, zx_handle_t thread_value, zx_vaddr_t entry, zx_vaddr_t sp,
                              zx_handle_t arg1, uintptr_t arg2) {
    struct object *process, *thread;
    struct handle arg;
    zx_status_t taken, pair = get_pair(process_value, thread_value, &process, &thread);
    zx_status_t status = take_arg(arg1, &arg, &taken);
    if (pair == ZX_OK && user_thread_from_object(thread)->process != process_from_object(process))
        status = ZX_ERR_ACCESS_DENIED;
    if (pair == ZX_OK && status == ZX_OK) {
        status = process_start(process_from_object(process), user_thread_from_object(thread), entry, sp, arg, arg2);
    } else if (arg.object) {
        handle_discard(arg);
    }
    if (pair != ZX_OK) return pair;
    object_unref(thread);
    object_unref(process);
    return status;
}

_Noreturn void sys_process_exit(int64_t return_code) {
    process_kill(process_current(), return_code);
    user_thread_exit();
}

zx_status_t sys_thread_create(zx_handle_t process_value, user_in_t name, size_t name_size, uint32_t options,
                              user_out_t out) {
    char kname[ZX_MAX_NAME_LEN];
    struct object *process;
    struct user_thread *thread;
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = copy_in_name(kname, name, name_size);
    if (status != ZX_OK) return status;
    status = caller_get(process_value, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_MANAGE_THREAD, &process);
    if (status != ZX_OK) return status;
    status = user_thread_create(process_from_object(process), kname, &thread);
    object_unref(process);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(&thread->object, ZX_DEFAULT_THREAD_RIGHTS));
    object_unref(&thread->object);
    return status;
}

zx_status_t sys_thread_start(zx_handle_t value, zx_vaddr_t entry, zx_vaddr_t sp, uintptr_t arg1, uintptr_t arg2) {
    struct object *thread;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_MANAGE_THREAD, &thread);
    if (status != ZX_OK) return status;
    status = user_thread_start(user_thread_from_object(thread), entry, sp, arg1, arg2);
    object_unref(thread);
    return status;
}

_Noreturn void sys_thread_exit(void) { user_thread_exit(); }

zx_status_t sys_task_kill(zx_handle_t value) {
    struct object *task;
    zx_status_t status = handle_get_any(caller_handles(), value, ZX_RIGHT_DESTROY, &task);
    if (status != ZX_OK) return status;
    switch (task->ops->type) {
    case ZX_OBJ_TYPE_PROCESS:
        process_kill(process_from_object(task), ZX_TASK_RETCODE_SYSCALL_KILL);
        break;
    case ZX_OBJ_TYPE_JOB:
        job_kill(job_from_object(task), ZX_TASK_RETCODE_SYSCALL_KILL);
        break;
    default:
        status = ZX_ERR_WRONG_TYPE;
    }
    object_unref(task);
    return status;
}

zx_status_t sys_task_suspend_token(zx_handle_t value, user_out_t out) {
    struct object *task, *token;
    zx_status_t status = handle_get_any(caller_handles(), value, ZX_RIGHT_WRITE, &task);
    if (status != ZX_OK) return status;
    status = task_suspend(task, &token);
    object_unref(task);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(token, ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS));
    object_unref(token);
    return status;
}
