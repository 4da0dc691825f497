/*
 * Suspension from the inside: parking, being held with all registers in memory, and death while parked.
 */
#include "kernel/object/suspend.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/handle.h"
#include "kernel/object/park.h"
#include "tests/kernel/task_rig.h"

static bool suspend(struct handle *token) {
    struct object *made;
    if (task_suspend(&thread->object, &made) != ZX_OK) return false;
    *token = handle_make(made, ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS);
    object_unref(made);
    return true;
}

static bool start_parked(struct handle *token) {
    return suspend(token) && task_start(thread) == ZX_OK && comes_up(&thread->object, ZX_THREAD_SUSPENDED);
}

static bool is_blocked(void) {
    struct thread_info info;
    thread_get_info(&thread->thread, &info);
    return info.blocked && !info.interruptible;
}

static zx_thread_state_t state_of(void) {
    struct user_thread_info info;
    user_thread_get_info(thread, &info);
    return info.state;
}

static zx_status_t check_parked(void) {
    mutex_lock(&thread->process->lock);
    zx_status_t status = park_check(thread);
    mutex_unlock(&thread->process->lock);
    return status;
}

KTEST("suspend/a thread that shows SUSPENDED can be held, and sleeps while it is; without a token it runs on") {
    struct handle token;
    NEED(task_begin() && start_parked(&token));
    mutex_lock(&thread->process->lock);
    EXPECT(park_check(thread) == ZX_OK && is_blocked());
    mutex_unlock(&thread->process->lock);
    EXPECT(state_of() == ZX_THREAD_STATE_SUSPENDED);
    handle_discard(token);
    EXPECT(return_code() == ZX_TASK_RETCODE_EXCEPTION_KILL);
    task_end();
}

KTEST("suspend/what is not parked cannot be held") {
    struct handle token;
    NEED(task_begin());
    EXPECT(check_parked() == ZX_ERR_BAD_STATE);
    NEED(suspend(&token));
    EXPECT(check_parked() == ZX_ERR_BAD_STATE && state_of() == ZX_THREAD_STATE_NEW);
    handle_discard(token);
    task_end();
}

KTEST("suspend/killed while parked it dies, and the token can go before or after") {
    for (int i = 0; i < 2; i++) {
        struct handle token;
        NEED(task_begin() && start_parked(&token));
        process_kill(process, 5);
        EXPECT(check_parked() == ZX_ERR_BAD_STATE);
        if (i == 0) handle_discard(token);
        EXPECT(return_code() == 5);
        EXPECT(state_of() == ZX_THREAD_STATE_DEAD);
        EXPECT(object_signals(&thread->object) == ZX_THREAD_TERMINATED);
        if (i == 1) handle_discard(token);
        task_end();
    }
}

static zx_status_t make_token(void *arg UNUSED) {
    struct handle token;
    struct object *made;
    zx_status_t status = task_suspend(&thread->object, &made);
    if (status != ZX_OK) return status;
    token = handle_make(made, 0);
    object_unref(made);
    handle_discard(token);
    return ZX_OK;
}

static bool nothing_held(void *arg UNUSED) { return thread->suspensions == 0; }

KTEST("suspend/if there is no memory for the token nothing is suspended") {
    NEED(task_begin());
    EXPECT(fail_each_allocation(make_token, nothing_held, NULL) >= 1 && nothing_held(NULL));
    task_end();
}
