/*
 * Exceptions: what stops a thread until a handler has dealt with it. User code did something invalid or forbidden, or
 * an event of interest to debuggers happened: a thread starts or ends.
 *
 * An exception is offered to its handlers one after the other, each time as a new object in a message to the handler's
 * channel. Meanwhile the thread is parked. When the last handle to the object is closed, the object's state decides:
 * the thread resumes, or the next handler is asked. An unhandled fault ends the process.
 */
#pragma once

#include <zircon/syscalls/exception.h>

#include "kernel/object/user_thread.h"

struct exception {
    struct object object;
    struct user_thread *thread;   /* [I] with a reference */
    zx_exception_report_t report; /* [I] */
    uint32_t channel;             /* [I] a ZX_EXCEPTION_CHANNEL_TYPE_*: where it was reported */
    zx_rights_t rights;           /* [I] that a handler gets to the thread and its process */

    /* of the thread's process */
    uint32_t state;    /* [p] a ZX_EXCEPTION_STATE_* */
    uint32_t strategy; /* [p] a ZX_EXCEPTION_STRATEGY_* */
};

static inline struct exception *exception_from_object(struct object *object) {
    return container_of(object, struct exception, object);
}

/*
 * ZX_PROP_EXCEPTION_STATE and _STRATEGY. INVALID_ARGS: no such value; BAD_STATE: a strategy, and it was not reported to
 * the process's debugger.
 */
MUST_CHECK zx_status_t exception_get_property(struct exception *e, uint32_t property, uint32_t *value);
MUST_CHECK zx_status_t exception_set_property(struct exception *e, uint32_t property, uint32_t value);

/* What the thread is parked for. BAD_STATE: it is in no exception. */
MUST_CHECK zx_status_t exception_get_report(struct user_thread *thread, zx_exception_report_t *report);

/* Where the thread's exception was reported: a ZX_EXCEPTION_CHANNEL_TYPE_*; NONE: it is in none. */
uint32_t exception_channel_type(const struct user_thread *thread) REQUIRES(&thread->process->lock);

/*
 * Has a thread, the running one or one that does not run yet, raise a POLICY_ERROR at the boundary to user mode: for a
 * system call that its job's policy forbids. The call completes, and the exception's handler finds its result in the
 * registers.
 */
void exception_raise_policy_error(struct user_thread *thread);

/* For process.c and user_thread.c: this thread is about to run, as its process's first; as any. */
void exception_process_starts(struct user_thread *thread);
void exception_thread_starts(struct user_thread *thread);

/* For the boundary to user mode: raises what was put off until then. */
void exception_raise_pending(void);

/* The running thread is on its way out. Its debugger may hold it, if it was not killed. */
void exception_thread_exits(void);
