/*
 * Parking; see park.h.
 *
 * `parked` is set by the thread itself, and cleared by what resumes it: the end of the suspension, the handler of the
 * exception, a kill. In between the thread needs no lock but its own spinlock, on which it sleeps, so that the
 * process's lock may be held until it does.
 */
#include "kernel/object/park.h"

void park_begin(struct user_thread *self, struct exception *exception) {
    self->parked = true;
    self->exception = exception;
}

void park_sleep(void) {
    struct user_thread *self = user_thread_current();
    object_tell_rest();
    spin_lock(&self->park_lock);
    if (self->parked)
        (void)!waitq_block(&self->park, &self->park_lock, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
    else
        spin_unlock(&self->park_lock);
}

void park_end(struct user_thread *thread) {
    if (!thread->parked) return;
    spin_lock(&thread->park_lock);
    thread->parked = false;
    waitq_wake_all(&thread->park, ZX_OK);
    spin_unlock(&thread->park_lock);
}

/* Not only for a lock, on its way there: then its registers are not all in memory any more once it has that. */
static bool sleeps(struct user_thread *thread) {
    struct thread_info info;
    thread_get_info(&thread->thread, &info);
    return info.blocked && info.blocked_on == &thread->park;
}

zx_status_t park_check(struct user_thread *thread) {
    while (thread->parked) {
        if (atomic_load(&thread->exiting)) return ZX_ERR_NOT_SUPPORTED;
        if (sleeps(thread)) return ZX_OK;
        /* It is about to fall asleep; others may want the lock until it has the processor. */
        mutex_unlock(&thread->process->lock);
        thread_yield();
        mutex_lock(&thread->process->lock);
    }
    return ZX_ERR_BAD_STATE;
}
