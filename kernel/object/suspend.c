/* Suspension; see suspend.h. The process's lock guards the counts. ATTENTION_SUSPEND is up while one is above 0. */
#include "kernel/object/suspend.h"

#include "kernel/object/park.h"
#include "vm/heap.h"

struct suspend_token {
    struct object object;
    struct object *task;        /* [I] with a reference */
    struct process *process;    /* [I] the task, or the thread's */
    struct user_thread *thread; /* [I] the task; NULL: all of the process's */
};

static struct suspend_token *token_from_object(struct object *object) {
    return container_of(object, struct suspend_token, object);
}

static bool is_suspended(const struct user_thread *thread) REQUIRES(&thread->process->lock) {
    return thread->suspensions > 0 || thread->process->suspensions > 0;
}

static void resume(struct user_thread *thread) REQUIRES(&thread->process->lock) {
    if (is_suspended(thread)) return;
    arch_attention_lower(&thread->thread.arch, ATTENTION_SUSPEND);
    if (!thread->parked || thread->exception) return;
    object_signal(&thread->object, ZX_THREAD_SUSPENDED, ZX_THREAD_RUNNING);
    park_end(thread);
}

/* After a count has changed: whether it is above 0 now is what counts. */
static void follow_count(struct user_thread *thread) {
    mutex_assert_held(&thread->process->lock);
    if (is_suspended(thread))
        thread_interrupt(&thread->thread, ATTENTION_SUSPEND);
    else
        resume(thread);
}

static void token_on_zero_handles(struct object *object) {
    const struct suspend_token *token = token_from_object(object);
    struct process *process = token->process;
    struct user_thread *thread = token->thread;
    mutex_lock(&process->lock);
    if (thread) {
        mutex_assert_held(&thread->process->lock);
        thread->suspensions--;
        resume(thread);
    } else {
        process->suspensions--;
    }
    mutex_unlock(&process->lock);
    if (!thread) process_each_thread(process, follow_count);
}

static void token_free(struct object *object) {
    object_unref(token_from_object(object)->task);
    heap_free(token_from_object(object));
}

static const struct object_ops token_ops = {
    .type = ZX_OBJ_TYPE_SUSPEND_TOKEN,
    .default_rights = ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS,
    .free = token_free,
    .on_zero_handles = token_on_zero_handles,
};

/* Counts one more, and interrupts the threads it concerns. BAD_STATE: dying or dead. */
static zx_status_t suspend(struct process *process, struct user_thread *thread) {
    zx_status_t status = ZX_ERR_BAD_STATE;
    mutex_lock(&process->lock);
    if (thread) {
        mutex_assert_held(&thread->process->lock);
        if (!user_thread_is_dying(thread)) {
            thread->suspensions++;
            if (thread->started) thread_interrupt(&thread->thread, ATTENTION_SUSPEND);
            status = ZX_OK;
        }
    } else if (!process_is_dying(process)) {
        process->suspensions++;
        status = ZX_OK;
    }
    mutex_unlock(&process->lock);
    if (!thread && status == ZX_OK) process_each_thread(process, follow_count);
    return status;
}

zx_status_t task_suspend(struct object *task, struct object **out) {
    const zx_obj_type_t type = task->ops->type;
    if (type != ZX_OBJ_TYPE_PROCESS && type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
    struct user_thread *thread = type == ZX_OBJ_TYPE_THREAD ? user_thread_from_object(task) : NULL;
    struct process *process = thread ? thread->process : process_from_object(task);
    if (thread ? thread == user_thread_current() : process == process_current()) return ZX_ERR_NOT_SUPPORTED;
    struct suspend_token *token = heap_new(struct suspend_token);
    if (!token) return ZX_ERR_NO_MEMORY;
    zx_status_t status = suspend(process, thread);
    if (status != ZX_OK) {
        heap_free(token);
        return status;
    }
    object_init(&token->object, &token_ops, 0);
    object_ref(task);
    token->task = task;
    token->process = process;
    token->thread = thread;
    *out = &token->object;
    return ZX_OK;
}

/* The running thread says that it is parked, unless it need not park any more. */
static bool begin_to_park(struct user_thread *self) {
    mutex_lock(&self->process->lock);
    bool parks = arch_attention(&self->thread.arch) == ATTENTION_SUSPEND;
    if (parks) {
        park_begin(self, NULL);
        object_signal(&self->object, ZX_THREAD_RUNNING, ZX_THREAD_SUSPENDED);
    }
    mutex_unlock(&self->process->lock);
    return parks;
}

void suspend_park(void) {
    if (begin_to_park(user_thread_current())) park_sleep();
}

void suspend_new_thread(struct user_thread *thread) {
    if (is_suspended(thread)) arch_attention_raise(&thread->thread.arch, ATTENTION_SUSPEND);
}
