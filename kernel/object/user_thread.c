/*
 * The life of threads; see user_thread.h. A thread leaves in this order: off the user address space, out of the process
 * (which may end the process), off the processor; the reaper then frees the stack and drops the thread's reference to
 * itself.
 */
#include "kernel/object/user_thread.h"

#include "kernel/base/string.h"
#include "kernel/object/exception.h"
#include "kernel/object/ktrace.h"
#include "kernel/object/suspend.h"
#include "vm/budget.h"
#include "vm/kstack.h"

static struct budget *budget_of(const struct user_thread *thread) { return thread->process->job->budget; }

static void user_thread_free(struct object *object) {
    struct user_thread *thread = user_thread_from_object(object);
    exception_channel_destroy(&thread->exceptions);
    budget_refund(budget_of(thread), BUDGET_THREADS, 1);
    object_unref(&thread->process->object);
    heap_free(thread);
}

static zx_koid_t user_thread_related_koid(struct object *object) {
    return user_thread_from_object(object)->process->object.koid;
}

static const struct object_ops user_thread_ops = {
    .type = ZX_OBJ_TYPE_THREAD,
    .default_rights = ZX_DEFAULT_THREAD_RIGHTS,
    .name_offset = OBJECT_NAME(struct user_thread),
    .free = user_thread_free,
    .related_koid = user_thread_related_koid,
};

/*
 * The reaper runs before all other threads. Its time is charged to the process, or ending threads would cost it
 * nothing; but not while the process dies, since then its threads would end later the more of them there are.
 *
 * Freeing the thread may free the process, so that is held meanwhile. If others hold references the thread is not freed
 * here, and the reaper's reference is the last thing dropped: once it is seen to be dropped, nothing else is held.
 */
static void user_thread_reap(struct thread *t) {
    struct user_thread *thread = container_of(t, struct user_thread, thread);
    struct process *process = thread->process;
    const bool frees = atomic_load_explicit(&thread->object.refs, memory_order_relaxed) == 1;
    if (frees) object_ref(&process->object);
    thread_works_for(process_is_dying(process) ? NULL : process->shares);
    kstack_free(thread->stack, budget_of(thread));
    if (frees) object_unref(&thread->object);
    thread_charge_to(NULL);
    object_unref(frees ? &process->object : &thread->object);
}

/* The first code a thread runs, in the kernel. */
static void user_thread_main(void *arg) {
    struct user_thread *thread = arg;
    arch_enter_user(thread->entry, thread->sp, thread->arg1, thread->arg2);
}

zx_status_t user_thread_create(struct process *process, const char *name, struct user_thread **out) {
    struct budget *budget = process->job->budget;
    if (!budget_charge(budget, BUDGET_THREADS, 1)) return ZX_ERR_NO_MEMORY;
    struct user_thread *thread = heap_new(struct user_thread);
    if (!thread) {
        budget_refund(budget, BUDGET_THREADS, 1);
        return ZX_ERR_NO_MEMORY;
    }
    object_init(&thread->object, &user_thread_ops, 0);
    object_ref(&process->object);
    thread->process = process;
    spinlock_init(&thread->park_lock, RANK_WAIT, "parked thread");
    waitq_init(&thread->park);
    exception_channel_init(&thread->exceptions);
    string_copy(thread->name, name, sizeof(thread->name));
    thread_init(&thread->thread, user_thread_main, thread, user_thread_reap);
    thread->thread.koid = thread->object.koid;
    thread->thread.budget = budget;
    thread->thread.shares = process->shares;
    thread->thread.aspace = process->aspace;
    thread->thread.arch_aspace = &process->aspace->arch;
    *out = thread;
    return ZX_OK;
}

zx_status_t user_thread_get_stack(struct user_thread *thread) {
    thread->stack = kstack_alloc(budget_of(thread));
    if (!thread->stack) return ZX_ERR_NO_MEMORY;
    thread_give_stack(&thread->thread, thread->stack, KSTACK_SIZE);
    return ZX_OK;
}

void user_thread_run(struct user_thread *thread, vaddr_t entry, vaddr_t sp, uintptr_t arg1, uintptr_t arg2) {
    thread->entry = entry;
    thread->sp = sp;
    thread->arg1 = arg1;
    thread->arg2 = arg2;
    exception_thread_starts(thread);
    object_ref(&thread->object);
    object_signal(&thread->object, 0, ZX_THREAD_RUNNING);
    thread_start(&thread->thread);
}

zx_status_t user_thread_start(struct user_thread *thread, vaddr_t entry, vaddr_t sp, uintptr_t arg1, uintptr_t arg2) {
    zx_status_t status = process_join(thread->process, thread);
    if (status == ZX_OK) user_thread_run(thread, entry, sp, arg1, arg2);
    return status;
}

bool user_thread_is_dying(struct user_thread *thread) {
    return thread->started && (atomic_load(&thread->exiting) || process_is_dying(thread->process));
}

static zx_thread_state_t state_locked(struct user_thread *thread) REQUIRES(&thread->process->lock) {
    struct thread_info info;
    if (!thread->started) return ZX_THREAD_STATE_NEW;
    if (object_signals(&thread->object) & ZX_THREAD_TERMINATED) return ZX_THREAD_STATE_DEAD;
    if (user_thread_is_dying(thread)) return ZX_THREAD_STATE_DYING;
    if (thread->parked) return thread->exception ? ZX_THREAD_STATE_BLOCKED_EXCEPTION : ZX_THREAD_STATE_SUSPENDED;
    thread_get_info(&thread->thread, &info);
    return info.interruptible ? atomic_load(&thread->waits_in) : ZX_THREAD_STATE_RUNNING;
}

void user_thread_get_info(struct user_thread *thread, struct user_thread_info *out) {
    mutex_lock(&thread->process->lock);
    out->state = state_locked(thread);
    out->exception_channel = exception_channel_type(thread);
    mutex_unlock(&thread->process->lock);
}

void user_thread_exit(void) {
    struct user_thread *thread = user_thread_current();
    atomic_store(&thread->exiting, true);
    ktrace_task_ends(KTRACE_THREAD_END, thread->process, &thread->object);
    exception_thread_exits();
    exception_channel_shut(&thread->exceptions);
    channel_call_end(&thread->call);
    thread->thread.aspace = NULL;
    thread->thread.arch_aspace = NULL; /* first: a switch back to this thread must not load it again */
    arch_leave_aspace();
    process_leave(thread->process, thread);
    object_tell_rest();
    thread_exit();
}

void upcall_attention(void) {
    object_tell_rest();
    if (thread_killed()) user_thread_exit();
    if (arch_attention(&thread_current()->arch) & ATTENTION_EXCEPTION)
        exception_raise_pending();
    else
        suspend_park();
}
