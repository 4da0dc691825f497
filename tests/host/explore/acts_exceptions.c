/*
 * Calls on exceptions. See stage.h.
 */
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "arch/upcall.h"
#include "tests/host/explore/acts.h"

/* The actor itself does what it cannot do. */
zx_status_t act_fault(struct actor *a) {
    const struct arch_exception fault = {.type = ZX_EXCP_FATAL_PAGE_FAULT, .detail = "an act"};
    (void)a;
    switch_window_reached();
    upcall_exception(&fault);
    (void)CALL(ticks_get, 0);
    return ZX_OK;
}

/* Says what becomes of it, and closes it. */
static zx_status_t release(struct actor *a, zx_handle_t exception, uint32_t state) {
    zx_status_t status = host_user_store(DATA(a), &state, sizeof(state));
    if (status == ZX_OK) status = CALL(object_set_property, exception, ZX_PROP_EXCEPTION_STATE, DATA(a), sizeof(state));
    return status == ZX_OK ? CALL(handle_close, exception) : status;
}

/* Handles the first actor's fault, when it comes. */
zx_status_t act_catch(struct actor *a) {
    zx_handle_t exception;
    zx_status_t status = CALL(object_wait_one, prop(a, PROP_CATCH), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                              ZX_TIME_INFINITE, OUT(a, 0));
    if (status == ZX_OK)
        status =
            CALL(channel_read, prop(a, PROP_CATCH), 0, READ_INTO(a), OUT(a, 1), sizeof(zx_exception_info_t), 1, 0, 0);
    if (status == ZX_OK) status = host_user_load(&exception, OUT(a, 1), sizeof(exception));
    return status == ZX_OK ? release(a, exception, ZX_EXCEPTION_STATE_HANDLED) : status;
}
zx_status_t act_close_catch(struct actor *a) { return CALL(handle_close, prop(a, PROP_CATCH)); }
zx_status_t act_bind(struct actor *a) { return CALL(task_create_exception_channel, prop(a, PROP_PEER), 0, OUT(a, 0)); }

/* A thread that is in an exception already. */
zx_status_t act_exception_exit(struct actor *a) {
    return release(a, prop(a, PROP_EXCEPTION), ZX_EXCEPTION_STATE_THREAD_EXIT);
}
zx_status_t act_exception_close(struct actor *a) { return CALL(handle_close, prop(a, PROP_EXCEPTION)); }
zx_status_t act_exception_thread(struct actor *a) {
    zx_handle_t thread;
    zx_status_t status = CALL(exception_get_thread, prop(a, PROP_EXCEPTION), OUT(a, 0));
    if (status == ZX_OK) status = host_user_load(&thread, OUT(a, 0), sizeof(thread));
    return status == ZX_OK ? CALL(handle_close, thread) : status;
}
zx_status_t act_kill_victim(struct actor *a) { return CALL(task_kill, prop(a, PROP_VICTIM)); }
zx_status_t act_suspend_victim(struct actor *a) { return CALL(task_suspend_token, prop(a, PROP_VICTIM), OUT(a, 0)); }
zx_status_t act_read_victim(struct actor *a) {
    return CALL(thread_read_state, prop(a, PROP_VICTIM_THREAD), 0, READ_INTO(a), READ_MAX);
}
