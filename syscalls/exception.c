/* System calls on exceptions: the channels that deliver them, and the threads in them. Manual: exception.md. */
#include "syscalls/exception.h"

#include "kernel/object/handle.h"
#include "kernel/object/job.h"

/* The handler's end is only ever read. */
#define CHANNEL_RIGHTS (ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT | ZX_RIGHT_READ)

static zx_status_t check_options(uint32_t options) {
    return options & ~ZX_EXCEPTION_CHANNEL_DEBUGGER ? ZX_ERR_INVALID_ARGS : caller_may(ZX_POL_NEW_CHANNEL);
}

static zx_status_t thread_place(struct user_thread *thread, bool debugger, struct exception_channel **out) {
    if (debugger) return ZX_ERR_INVALID_ARGS;
    mutex_lock(&thread->process->lock);
    bool dying = user_thread_is_dying(thread);
    mutex_unlock(&thread->process->lock);
    *out = &thread->exceptions;
    return dying ? ZX_ERR_BAD_STATE : ZX_OK;
}

static zx_status_t process_place(struct process *process, bool debugger, struct exception_channel **out) {
    *out = debugger ? &process->debugger : &process->exceptions;
    return process_is_dying(process) ? ZX_ERR_BAD_STATE : ZX_OK;
}

static zx_status_t job_place(struct job *job, bool debugger, struct exception_channel **out) {
    *out = debugger ? &job->debugger : &job->exceptions;
    return job_is_ending(job) ? ZX_ERR_BAD_STATE : ZX_OK;
}

/* Of a process or a job, whose channel leads to each of its members, ENUMERATE is needed too. */
static zx_status_t find_place(const struct handle *task, bool debugger, struct exception_channel **out) {
    zx_obj_type_t type = task->object->ops->type;
    if (type == ZX_OBJ_TYPE_THREAD) return thread_place(user_thread_from_object(task->object), debugger, out);
    if (type != ZX_OBJ_TYPE_PROCESS && type != ZX_OBJ_TYPE_JOB) return wrong_object(ZX_ERR_WRONG_TYPE);
    if (!(task->rights & ZX_RIGHT_ENUMERATE)) return ZX_ERR_ACCESS_DENIED;
    return type == ZX_OBJ_TYPE_PROCESS ? process_place(process_from_object(task->object), debugger, out)
                                       : job_place(job_from_object(task->object), debugger, out);
}

static zx_status_t sys_task_create_exception_channel(const struct handle *task, uint32_t options, user_out_t out) {
    struct exception_channel *place = NULL;
    struct object *end;
    zx_status_t status = find_place(task, options & ZX_EXCEPTION_CHANNEL_DEBUGGER, &place);
    if (status == ZX_OK) status = exception_channel_create(place, task->rights, &end);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(end, CHANNEL_RIGHTS));
    object_unref(end);
    return status;
}

static zx_status_t sys_exception_get_thread(struct exception *e, user_out_t out) {
    return handle_give(caller_handles(), out, handle_make(&e->thread->object, e->rights));
}

/* A handler of one thread's exceptions has no claim to its process. */
static zx_status_t sys_exception_get_process(struct exception *e, user_out_t out) {
    if (e->channel == ZX_EXCEPTION_CHANNEL_TYPE_THREAD) return ZX_ERR_ACCESS_DENIED;
    return handle_give(caller_handles(), out, handle_make(&e->thread->process->object, e->rights));
}
