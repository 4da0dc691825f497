/*
 * Small copies between the kernel and the calling program, for arguments and results. No lock is held; faults are
 * resolved on the way. Every failure is ZX_ERR_INVALID_ARGS; bytes before the bad place may have moved.
 */
#pragma once

#include "arch/usercopy.h"
#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"

/* Does the range lie in user space? Only a copy shows whether anything is there. */
static inline bool user_range(vaddr_t addr, size_t len) {
    const size_t all = USER_END - USER_BASE;
    return len <= all && addr - USER_BASE <= all - len;
}
static inline bool user_readable(user_in_t src, size_t len) { return user_range(src.addr, len); }

MUST_CHECK static inline zx_status_t copy_in(void *dst, user_in_t src, size_t len) {
    if (!user_readable(src, len)) return ZX_ERR_INVALID_ARGS;
    return arch_copy_from_user(dst, src.addr, len) == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

MUST_CHECK static inline zx_status_t copy_out(user_out_t dst, const void *src, size_t len) {
    if (!user_range(dst.addr, len)) return ZX_ERR_INVALID_ARGS;
    uint64_t word;
    uint32_t half;
    size_t left;
    if (__builtin_constant_p(len) && len == sizeof(word)) {
        __builtin_memcpy(&word, src, sizeof(word));
        left = arch_store_to_user(dst.addr, word);
    } else if (__builtin_constant_p(len) && len == sizeof(half)) {
        __builtin_memcpy(&half, src, sizeof(half));
        left = arch_store4_to_user(dst.addr, half);
    } else {
        left = arch_copy_to_user(dst.addr, src, len);
    }
    return left == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static inline user_in_t user_in_at(user_in_t p, size_t offset) { return (user_in_t){p.addr + offset}; }
static inline user_out_t user_out_at(user_out_t p, size_t offset) { return (user_out_t){p.addr + offset}; }

/* One value, whose type gives the size. */
#define user_put(ptr, value) copy_out((ptr), &(value), sizeof(value))
#define user_get(dst, ptr) copy_in((dst), (ptr), sizeof(*(dst)))

/* As user_put(), but a NULL pointer asks for nothing. */
#define user_put_optional(ptr, value) ((ptr).addr ? user_put((ptr), (value)) : ZX_OK)
