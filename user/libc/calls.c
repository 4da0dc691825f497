/* Calls that are made of others: names that came later, and those that go on after an interruption in another way. */
#include <zircon/syscalls.h>

#include "user/libc/port.h"

zx_status_t _zx_task_suspend(zx_handle_t task, zx_handle_t *token) { return zx_task_suspend_token(task, token); }

/* A request must not be sent twice. */
zx_status_t _zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             const zx_channel_call_args_t *args, uint32_t *actual_bytes, uint32_t *actual_handles) {
    zx_status_t status = zx_channel_call_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
    if (status != ZX_ERR_INTERNAL_INTR_RETRY) return status;
    return zx_channel_call_finish(deadline, actual_bytes, actual_handles);
}

zx_status_t _zx_channel_call_etc(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                 const zx_channel_call_etc_args_t *args, uint32_t *actual_bytes,
                                 uint32_t *actual_handles) {
    zx_status_t status = zx_channel_call_etc_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
    if (status != ZX_ERR_INTERNAL_INTR_RETRY) return status;
    return zx_channel_call_finish(deadline, actual_bytes, actual_handles);
}

PORT_ALIAS(zx_task_suspend, _zx_task_suspend);
PORT_ALIAS(zx_channel_call, _zx_channel_call);
PORT_ALIAS(zx_channel_call_etc, _zx_channel_call_etc);
