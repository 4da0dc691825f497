/* Calls that the kernel does not know, or answers in parts: what they are made of. */
#include <zircon/syscalls.h>

#include "libc_inline/machine.h"
#include "user/libc/port.h"

void _zx_cprng_draw(void *buffer, size_t buffer_size) {
    char *at = buffer;
    while (buffer_size > 0) {
        size_t part = buffer_size < ZX_CPRNG_DRAW_MAX_LEN ? buffer_size : ZX_CPRNG_DRAW_MAX_LEN;
        if (zx_cprng_draw_once(at, part) != ZX_OK) __builtin_trap();
        at += part;
        buffer_size -= part;
    }
}

uint32_t _zx_system_get_dcache_line_size(void) { return machine_cache_line(); }

#define FLUSH_ALL (ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE)

zx_status_t _zx_cache_flush(const void *addr, size_t size, uint32_t options) {
    bool data = options & ZX_CACHE_FLUSH_DATA, invalidate = options & ZX_CACHE_FLUSH_INVALIDATE;
    if (options == 0 || (options & ~FLUSH_ALL) || (invalidate && !data)) return ZX_ERR_INVALID_ARGS;
    if ((uintptr_t)addr + size < size) return ZX_ERR_INVALID_ARGS;
    if (data) machine_cache_flush(addr, size, invalidate);
    if (options & ZX_CACHE_FLUSH_INSN) machine_cache_sync();
    return ZX_OK;
}

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

PORT_ALIAS(zx_cprng_draw, _zx_cprng_draw);
PORT_ALIAS(zx_system_get_dcache_line_size, _zx_system_get_dcache_line_size);
PORT_ALIAS(zx_cache_flush, _zx_cache_flush);
PORT_ALIAS(zx_task_suspend, _zx_task_suspend);
PORT_ALIAS(zx_channel_call, _zx_channel_call);
PORT_ALIAS(zx_channel_call_etc, _zx_channel_call_etc);
