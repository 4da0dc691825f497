/* System calls on events and event pairs. Manual: event.md. */
#include "kernel/object/event.h"

#include "syscalls/event.h"

static zx_status_t sys_event_create(uint32_t options, user_out_t out) {
    struct object *event;
    zx_status_t status = options == 0 ? caller_may(ZX_POL_NEW_EVENT) : ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK) status = event_create(&event);
    return status == ZX_OK ? give_new(event, out) : status;
}

static zx_status_t sys_eventpair_create(uint32_t options, user_out_t out0, user_out_t out1) {
    struct object *a, *b;
    zx_status_t status = options == 0 ? caller_may(ZX_POL_NEW_EVENTPAIR) : ZX_ERR_NOT_SUPPORTED;
    if (status == ZX_OK) status = eventpair_create(&a, &b);
    return status == ZX_OK ? give_new_pair(a, b, out0, out1) : status;
}
