/*
 * Small user copies; see usercopy.h.
 */
#include "vm/usercopy.h"

#include "arch/usercopy.h"
#include "kernel/base/arith.h"

static bool in_user_space(vaddr_t addr, size_t len) { return range_within(addr, len, USER_BASE, USER_END - USER_BASE); }

bool user_readable(user_in_t src, size_t len) { return in_user_space(src.addr, len); }

zx_status_t copy_in(void *dst, user_in_t src, size_t len) {
    if (!in_user_space(src.addr, len)) return ZX_ERR_INVALID_ARGS;
    return arch_copy_from_user(dst, src.addr, len) == len ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t copy_out(user_out_t dst, const void *src, size_t len) {
    if (!in_user_space(dst.addr, len)) return ZX_ERR_INVALID_ARGS;
    return arch_copy_to_user(dst.addr, src, len) == len ? ZX_OK : ZX_ERR_INVALID_ARGS;
}
