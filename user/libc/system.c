/* Calls about the machine that need no kernel, or that the kernel answers in parts. */
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

PORT_ALIAS(zx_cprng_draw, _zx_cprng_draw);
PORT_ALIAS(zx_system_get_dcache_line_size, _zx_system_get_dcache_line_size);
PORT_ALIAS(zx_cache_flush, _zx_cache_flush);
