/*
 * From the processor's registers to the bodies of the system calls: one wrapper for each call of the list, which gives the
 * registers their types (and so cuts what is wider than its argument), and the table that the machine's entry code indexes.
 */
#include "arch/upcall.h"
#include "kernel/base/lockrank.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

#define ARGS_0(...)
#define ARGS_1(A) \
    (A) { a1 }
#define ARGS_2(A, B) \
    ARGS_1(A), (B) { a2 }
#define ARGS_3(A, B, C) \
    ARGS_2(A, B), (C) { a3 }
#define ARGS_4(A, B, C, D) \
    ARGS_3(A, B, C), (D) { a4 }
#define ARGS_5(A, B, C, D, E) \
    ARGS_4(A, B, C, D), (E) { a5 }
#define ARGS_6(A, B, C, D, E, F) \
    ARGS_5(A, B, C, D, E), (F) { a6 }
#define ARGS_7(A, B, C, D, E, F, G) \
    ARGS_6(A, B, C, D, E, F), (G) { a7 }
#define ARGS_8(A, B, C, D, E, F, G, H) \
    ARGS_7(A, B, C, D, E, F, G), (H) { a8 }
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define ARGS(...) PASTE(ARGS_, SYSCALL_ARITY(__VA_ARGS__))(__VA_ARGS__)

#define RETURN_PLAIN(call) return (uint64_t)(int64_t)(call)
#define RETURN_BLOCKING(call) return (uint64_t)(int64_t)(call)
#define RETURN_VALUE(call) return (uint64_t)(call)
#define RETURN_NORETURN(call) (call)

#define SYSCALL(name, kind, ...)                                                                                  \
    static uint64_t wrap_##name(uint64_t a1 UNUSED, uint64_t a2 UNUSED, uint64_t a3 UNUSED, uint64_t a4 UNUSED,   \
                                uint64_t a5 UNUSED, uint64_t a6 UNUSED, uint64_t a7 UNUSED, uint64_t a8 UNUSED) { \
        RETURN_##kind(sys_##name(ARGS(__VA_ARGS__)));                                                             \
    }
#include "syscalls/syscalls.def"
#undef SYSCALL

syscall_fn *const upcall_syscall_table[] = {
#define SYSCALL(name, kind, ...) wrap_##name,
#include "syscalls/syscalls.def"
#undef SYSCALL
};

const uint64_t upcall_syscall_count = countof(upcall_syscall_table);

uint64_t upcall_bad_syscall(void) { return (uint64_t)(int64_t)ZX_ERR_BAD_SYSCALL; }

zx_status_t copy_in_name(char name[ZX_MAX_NAME_LEN], user_in_t src, size_t len) {
    if (len > ZX_MAX_NAME_LEN) len = ZX_MAX_NAME_LEN;
    zx_status_t status = copy_in(name, src, len);
    name[len < ZX_MAX_NAME_LEN ? len : ZX_MAX_NAME_LEN - 1] = '\0';
    return status;
}
