/*
 * System calls on events and event pairs. Manual: event.md.
 */
#include "kernel/object/event.h"

#include "kernel/object/handle.h"
#include "syscalls/event.h"

static zx_status_t sys_event_create(uint32_t options, user_out_t out) {
    struct object *event;
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = event_create(&event);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(event, ZX_DEFAULT_EVENT_RIGHTS));
    object_unref(event);
    return status;
}

static zx_status_t sys_eventpair_create(uint32_t options, user_out_t out0, user_out_t out1) {
    struct object *a, *b;
    if (options != 0) return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = eventpair_create(&a, &b);
    if (status != ZX_OK) return status;
    status = handle_give_two(caller_handles(), out0, handle_make(a, ZX_DEFAULT_EVENTPAIR_RIGHTS), out1,
                             handle_make(b, ZX_DEFAULT_EVENTPAIR_RIGHTS));
    object_unref(a);
    object_unref(b);
    return status;
}
