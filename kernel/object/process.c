/*
 * The life of processes; see process.h. `lock` guards state and the list of running threads, and is not held over
 * anything that may take long: what a state change entails is done after it, by the thread that made the change.
 */
#include "kernel/object/process.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/object/exception.h"
#include "kernel/object/ktrace.h"
#include "kernel/object/park.h"
#include "kernel/object/suspend.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/name.h"
#include "kernel/sched/sched.h"
#include "vm/budget.h"
#include "vm/vmar.h"

/* Interrupted in one hold of the lock, for which others wait. */
#define THREADS_AT_ONCE 32

static void process_free(struct object *object) {
    struct process *process = process_from_object(object);
    ASSERT(process->state == PROCESS_DEAD && members_empty(&process->threads));
    exception_channel_destroy(&process->exceptions);
    exception_channel_destroy(&process->debugger);
    object_unref(&process->root->object);
    aspace_unref(process->aspace);
    budget_refund(process->job->budget, BUDGET_PROCESSES, 1);
    object_unref(&process->job->object);
    heap_free(process);
}

static zx_koid_t process_related_koid(struct object *object) { return process_from_object(object)->job->object.koid; }

/* Closes and destroys all that the process had. No thread of it runs on its address space any more. */
static void process_finish(struct process *process) {
    object_tell_rest(); /* that its last thread has ended */
    unsigned crashes = atomic_load(&process->crashes);
    if (crashes > 1)
        log_line("crash: %u more threads of process %lu '%s'", crashes - 1, process->object.koid,
                 object_printable_name(&process->object).text);
    exception_channel_shut(&process->exceptions);
    exception_channel_shut(&process->debugger);
    handle_table_destroy(&process->handles);
    aspace_destroy(process->aspace);
    mutex_lock(&process->lock);
    atomic_store(&process->state, PROCESS_DEAD);
    mutex_unlock(&process->lock);
    object_signal(&process->object, 0, ZX_PROCESS_TERMINATED);
    object_tell_rest();
    job_remove(process->job, process);
}

/* Fixes the return code. Returns the state before. */
static enum process_state begin_dying(struct process *process, int64_t return_code) REQUIRES(&process->lock) {
    enum process_state before = atomic_load(&process->state);
    if (before >= PROCESS_DYING) return before;
    atomic_store(&process->state, PROCESS_DYING);
    process->return_code = return_code;
    return before;
}

void process_each_thread(struct process *process, void (*act)(struct user_thread *thread)) {
    zx_koid_t koid = 0;
    struct member *member;
    do {
        mutex_lock(&process->lock);
        member = members_above(&process->threads, koid);
        for (int i = 0; member && i < THREADS_AT_ONCE; i++, member = members_after(member)) {
            koid = member->koid;
            act(user_thread_from_object(member->object));
        }
        mutex_unlock(&process->lock);
    } while (member);
}

static void kill_thread(struct user_thread *thread) {
    mutex_assert_held(&thread->process->lock);
    thread_interrupt(&thread->thread, ATTENTION_KILL);
    park_end(thread);
}

/* It can no longer be started. */
static void process_on_zero_handles(struct object *object) {
    struct process *process = process_from_object(object);
    mutex_lock(&process->lock);
    bool unstarted = atomic_load(&process->state) == PROCESS_INITIAL;
    if (unstarted) begin_dying(process, 0);
    mutex_unlock(&process->lock);
    if (unstarted) process_finish(process);
}

static const struct object_ops process_ops = {
    .type = ZX_OBJ_TYPE_PROCESS,
    .default_rights = ZX_DEFAULT_PROCESS_RIGHTS,
    .name_offset = OBJECT_NAME(struct process),
    .free = process_free,
    .on_zero_handles = process_on_zero_handles,
    .related_koid = process_related_koid,
};

/* Charged to the job. NULL: NO_MEMORY. */
static struct process *process_new(struct job *job) {
    const size_t size = sizeof(struct process) + sched_cpu_count() * sizeof(struct share);
    if (!budget_charge(job->budget, BUDGET_PROCESSES, 1)) return NULL;
    struct process *process = heap_alloc_zeroed(size);
    if (process && aspace_create(job->budget, &process->aspace) == ZX_OK) return process;
    heap_free(process);
    budget_refund(job->budget, BUDGET_PROCESSES, 1);
    return NULL;
}

zx_status_t process_create(struct job *job, const char *name, struct process **out) {
    struct process *process = process_new(job);
    if (!process) return ZX_ERR_NO_MEMORY;
    object_init(&process->object, &process_ops, 0);
    object_handle_ref(&process->object);
    object_ref(&job->object);
    process->job = job;
    process->root = process->aspace->root;
    object_ref(&process->root->object);
    handle_table_init(&process->handles, job->budget);
    mutex_init(&process->lock, RANK_PROCESS, "process");
    members_init(&process->threads, &process->lock);
    output_turn_init(&process->output);
    exception_channel_init(&process->exceptions);
    exception_channel_init(&process->debugger);
    string_copy(process->name, name, sizeof(process->name));
    zx_status_t status = job_add(job, process);
    if (status == ZX_OK) {
        *out = process;
    } else {
        aspace_destroy(process->aspace);
        atomic_store(&process->state, PROCESS_DEAD);
        object_unref(&process->object);
    }
    return status;
}

void process_kill(struct process *process, int64_t return_code) {
    mutex_lock(&process->lock);
    enum process_state before = begin_dying(process, return_code);
    mutex_unlock(&process->lock);
    /* A thread of the process itself does not wait for another killer's mark: it may be here because of a fault. */
    if (thread_current()->aspace == process->aspace) thread_interrupt(thread_current(), ATTENTION_KILL);
    if (before >= PROCESS_DYING) return;
    process_each_thread(process, kill_thread);
    aspace_begin_death(process->aspace);
    if (before == PROCESS_INITIAL) process_finish(process);
}

static zx_status_t check_join(struct process *process, struct user_thread *thread, enum process_state state)
    REQUIRES(&process->lock) {
    return atomic_load(&process->state) == state && !thread->started ? ZX_OK : ZX_ERR_BAD_STATE;
}

static void join(struct process *process, struct user_thread *thread) REQUIRES(&process->lock) {
    mutex_assert_held(&thread->process->lock);
    atomic_store(&process->state, PROCESS_RUNNING);
    thread->started = true;
    suspend_new_thread(thread);
    members_add(&process->threads, &thread->member, &thread->object);
}

zx_status_t process_join(struct process *process, struct user_thread *thread) {
    mutex_lock(&process->lock);
    zx_status_t status = check_join(process, thread, PROCESS_RUNNING);
    mutex_assert_held(&thread->process->lock);
    if (status == ZX_OK) status = user_thread_get_stack(thread);
    if (status == ZX_OK) join(process, thread);
    mutex_unlock(&process->lock);
    return status;
}

void process_leave(struct process *process, struct user_thread *thread) {
    mutex_lock(&process->lock);
    members_remove(&process->threads, &thread->member);
    bool last = members_empty(&process->threads);
    if (last) begin_dying(process, 0);
    /* Still under the lock, so that no other thread can finish the process before this one shows its end. */
    object_signal(&thread->object, ZX_THREAD_RUNNING | ZX_THREAD_SUSPENDED, ZX_THREAD_TERMINATED);
    mutex_unlock(&process->lock);
    if (!last) return;
    ktrace_task_ends(KTRACE_PROCESS_END, process, &process->object);
    process_finish(process);
}

/* What the first thread needs: a place for its handle, if it gets one, and a kernel stack. Both, or NO_MEMORY. */
static zx_status_t equip_first(struct process *process, struct user_thread *thread, bool has_arg, zx_handle_t *value)
    REQUIRES(&process->lock) {
    zx_status_t status = has_arg ? handle_reserve(&process->handles, value) : ZX_OK;
    if (status != ZX_OK) return status;
    mutex_assert_held(&thread->process->lock);
    status = user_thread_get_stack(thread);
    if (status != ZX_OK && has_arg) handle_unreserve(&process->handles, *value);
    return status;
}

/* A dead process's table is freed: only the lock keeps the process alive while the argument is put into it. */
zx_status_t process_start(struct process *process, struct user_thread *thread, vaddr_t entry, vaddr_t sp,
                          struct handle arg, uintptr_t arg2) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    /* Before it joins: then others can be started too, and run at once. It may take long, so it is done unlocked. */
    zx_status_t status = atomic_load(&process->state) == PROCESS_INITIAL ? aspace_start(process->aspace) : ZX_OK;
    mutex_lock(&process->lock);
    if (status == ZX_OK) status = check_join(process, thread, PROCESS_INITIAL);
    if (status == ZX_OK) status = equip_first(process, thread, arg.object, &value);
    if (status == ZX_OK) join(process, thread);
    mutex_unlock(&process->lock);
    if (status == ZX_OK) {
        if (arg.object) handle_publish(&process->handles, value, arg);
        exception_process_starts(thread);
        user_thread_run(thread, entry, sp, value, arg2);
    } else if (arg.object) {
        handle_discard(arg);
    }
    return status;
}

void process_get_info(struct process *process, struct process_info *out) {
    mutex_lock(&process->lock);
    enum process_state state = atomic_load(&process->state);
    *out = (struct process_info){process->return_code, state != PROCESS_INITIAL, state >= PROCESS_DYING,
                                 exception_channel_is_live(&process->debugger)};
    mutex_unlock(&process->lock);
}
