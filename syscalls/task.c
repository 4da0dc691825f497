/* System calls on processes, threads and jobs: create, start, exit, kill. Manual: task.md. */
#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "kernel/object/job.h"
#include "kernel/object/process.h"
#include "kernel/object/suspend.h"
#include "kernel/object/user_thread.h"
#include "syscalls/task.h"
#include "vm/usercopy.h"
#include "vm/vmar.h"

static zx_status_t refuse_options(uint32_t options) { return options == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS; }

static zx_status_t sys_job_create(struct job *parent, uint32_t options UNUSED, user_out_t out) {
    struct job *job;
    zx_status_t status = job_create(parent, &job);
    if (status != ZX_OK) return status;
    return handle_give(caller_handles(), out, handle_adopt(&job->object, ZX_DEFAULT_JOB_RIGHTS));
}

static zx_status_t check_policy(uint32_t options, uint32_t topic, vaddr_t policy, uint32_t count) {
    bool known = options <= ZX_JOB_POL_ABSOLUTE && topic == ZX_JOB_POL_BASIC;
    return known && policy && count ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* More entries than there are conditions are refused, but not before the job is looked at: they are not read. */
static zx_status_t sys_job_set_policy(zx_handle_t job_value, uint32_t options, uint32_t topic UNUSED, user_in_t policy,
                                      uint32_t count) {
    zx_policy_basic_t entries[POLICY_CONDITIONS];
    struct job *job;
    zx_status_t status = copy_in(entries, policy, min_u64(count, POLICY_CONDITIONS) * sizeof(entries[0]));
    if (status == ZX_OK) status = job_set_policy_get_handle(job_value, &job);
    if (status != ZX_OK) return status;
    status = job_add_policy(job, entries, count, options == ZX_JOB_POL_ABSOLUTE);
    object_unref(&job->object);
    return status;
}

static zx_status_t sys_process_create(zx_handle_t job_value, user_in_t name, size_t name_size, uint32_t options UNUSED,
                                      user_out_t process_out, user_out_t vmar_out) {
    char kname[ZX_MAX_NAME_LEN];
    struct job *job;
    struct process *process;
    zx_status_t status = caller_may(ZX_POL_NEW_PROCESS);
    if (status == ZX_OK) status = copy_in_name(kname, name, name_size);
    if (status == ZX_OK) status = process_create_get_job(job_value, &job);
    if (status != ZX_OK) return status;
    status = process_create(job, kname, &process);
    object_unref(&job->object);
    if (status != ZX_OK) return status;
    struct handle root = handle_make(&process->root->object, PROCESS_ROOT_RIGHTS);
    struct handle handle = handle_adopt(&process->object, ZX_DEFAULT_PROCESS_RIGHTS);
    return handle_give_two(caller_handles(), process_out, handle, vmar_out, root);
}

/* The process and thread that process_start names, each with a reference. */
static zx_status_t get_pair(zx_handle_t process_value, zx_handle_t thread_value, struct process **process,
                            struct user_thread **thread) {
    zx_status_t status = process_start_get_process(process_value, process);
    if (status != ZX_OK) return status;
    status = process_start_get_thread(thread_value, thread);
    if (status != ZX_OK) object_unref(&(*process)->object);
    return status;
}

/* The handle for the first thread: out of the caller's table whatever becomes of it. */
static zx_status_t take_arg(zx_handle_t value, struct handle *out) {
    *out = (struct handle){0};
    if (value == ZX_HANDLE_INVALID) return ZX_OK;
    zx_status_t status = handle_remove(caller_handles(), value, out);
    return status == ZX_OK && !(out->rights & ZX_RIGHT_TRANSFER) ? ZX_ERR_ACCESS_DENIED : status;
}

static zx_status_t sys_process_start(zx_handle_t process_value, zx_handle_t thread_value, zx_vaddr_t entry,
                                     zx_vaddr_t sp, zx_handle_t arg1, uintptr_t arg2) {
    struct process *process = NULL;
    struct user_thread *thread = NULL;
    struct handle arg;
    zx_status_t pair = get_pair(process_value, thread_value, &process, &thread), taken = take_arg(arg1, &arg);
    zx_status_t status = pair == ZX_OK ? taken : pair;
    if (pair == ZX_OK && thread->process != process) status = ZX_ERR_ACCESS_DENIED;
    if (status == ZX_OK)
        status = process_start(process, thread, entry, sp, arg, arg2);
    else if (arg.object)
        handle_discard(arg);
    if (pair != ZX_OK) return status;
    object_unref(&thread->object);
    object_unref(&process->object);
    return status;
}

_Noreturn static void sys_process_exit(int64_t return_code) {
    process_kill(process_current(), return_code);
    user_thread_exit();
}

static zx_status_t sys_thread_create(zx_handle_t process_value, user_in_t name, size_t name_size,
                                     uint32_t options UNUSED, user_out_t out) {
    char kname[ZX_MAX_NAME_LEN];
    struct process *process;
    struct user_thread *thread;
    zx_status_t status = copy_in_name(kname, name, name_size);
    if (status == ZX_OK) status = thread_create_get_process(process_value, &process);
    if (status != ZX_OK) return status;
    status = user_thread_create(process, kname, &thread);
    object_unref(&process->object);
    return status == ZX_OK ? give_new(&thread->object, out) : status;
}

static zx_status_t sys_thread_start(struct user_thread *thread, zx_vaddr_t entry, zx_vaddr_t sp, uintptr_t arg1,
                                    uintptr_t arg2) {
    return user_thread_start(thread, entry, sp, arg1, arg2);
}

_Noreturn static void sys_thread_exit(void) { user_thread_exit(); }

static zx_status_t sys_task_kill(struct object *task) {
    switch (task->ops->type) {
    case ZX_OBJ_TYPE_PROCESS: process_kill(process_from_object(task), ZX_TASK_RETCODE_SYSCALL_KILL); return ZX_OK;
    case ZX_OBJ_TYPE_JOB: job_kill(job_from_object(task), ZX_TASK_RETCODE_SYSCALL_KILL); return ZX_OK;
    default: return wrong_object(ZX_ERR_WRONG_TYPE);
    }
}

static zx_status_t sys_task_suspend_token(struct object *task, user_out_t out) {
    struct object *token;
    zx_status_t status = task_suspend(task, &token);
    if (status == ZX_ERR_WRONG_TYPE) return wrong_object(status);
    return status == ZX_OK ? give_new(token, out) : status;
}
