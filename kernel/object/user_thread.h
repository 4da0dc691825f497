/*
 * Threads as user mode knows them: an object around a kernel thread.
 *
 * NEW until started, by thread_start or as its process's first; then it runs until it exits or is killed, which takes
 * effect only at the boundary to user mode, where it holds nothing. A started thread keeps itself alive until the
 * reaper is done.
 */
#pragma once

#include <zircon/syscalls/object.h>

#include "arch/upcall.h"
#include "kernel/object/channel.h"
#include "kernel/object/exception_channel.h"
#include "kernel/object/process.h"
#include "kernel/sched/object.h"
#include "kernel/sched/thread.h"

struct user_thread {
    struct object object;
    struct thread thread;
    struct process *process;    /* [I] with a reference */
    void *stack;                /* [p] the kernel stack, from its start until it is reaped */
    char name[ZX_MAX_NAME_LEN]; /* [o] */

    /* [p] */
    bool started;
    bool parked;                 /* about to sleep; asleep, its registers are in memory. Cleared under [w] too */
    struct exception *exception; /* in which it is parked; NULL: it is suspended. Borrowed */
    unsigned suspensions;        /* tokens that hold this thread */
    struct member member;        /* of the process while it runs */

    /* [T] set when it is started, for its first instruction */
    vaddr_t entry, sp;
    uintptr_t arg1, arg2;

    unsigned pending; /* [T] synthetic exceptions to raise; set before it runs, or by itself */
    struct exception_channel exceptions;

    atomic_bool exiting;                /* [a] it has begun to leave */
    _Atomic zx_thread_state_t waits_in; /* [a] the call in which it waits, if it waits: a ZX_THREAD_STATE_BLOCKED_* */

    struct spinlock park_lock; /* guards [w] */
    struct waitq park;         /* where it sleeps while it is parked */

    /* [T] the call over a channel that it left unfinished when it was suspended */
    struct channel_call call;
    zx_channel_call_args_t call_args;
    bool call_is_etc; /* `rd_handles` takes zx_handle_info_t */
};

static inline struct user_thread *user_thread_from_object(struct object *object) {
    return container_of(object, struct user_thread, object);
}

/* The running thread; it is one that user mode started. */
static inline struct user_thread *user_thread_current(void) {
    return container_of(thread_current(), struct user_thread, thread);
}

/* And its process. */
static inline struct process *process_current(void) { return user_thread_current()->process; }

/* The running thread is in a call that may wait. */
static inline void user_thread_waits_in(zx_thread_state_t call) {
    atomic_store_explicit(&user_thread_current()->waits_in, call, memory_order_relaxed);
}

/* What it is doing now, and where its exception was reported: a ZX_EXCEPTION_CHANNEL_TYPE_*. */
struct user_thread_info {
    zx_thread_state_t state;
    uint32_t exception_channel;
};
void user_thread_get_info(struct user_thread *thread, struct user_thread_info *out);

/* DYING or DEAD. */
bool user_thread_is_dying(struct user_thread *thread) REQUIRES(&thread->process->lock);

/* In NEW. NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t user_thread_create(struct process *process, const char *name, struct user_thread **out);

/* BAD_STATE: started before, or the process is not RUNNING. NO_MEMORY. */
MUST_CHECK zx_status_t user_thread_start(struct user_thread *thread, vaddr_t entry, vaddr_t sp, uintptr_t arg1,
                                         uintptr_t arg2);

/* For process.c: gives a thread that is about to join the kernel stack that it runs on. NO_MEMORY. */
MUST_CHECK zx_status_t user_thread_get_stack(struct user_thread *thread) REQUIRES(&thread->process->lock);

/* For process.c: lets a thread that has joined its process run. */
void user_thread_run(struct user_thread *thread, vaddr_t entry, vaddr_t sp, uintptr_t arg1, uintptr_t arg2);

/* Ends the running thread; no lock or reference is held. */
NORETURN void user_thread_exit(void);
