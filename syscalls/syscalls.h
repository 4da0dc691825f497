/*
 * What all system calls share: their prototypes, made from the one list, and how their bodies are written.
 *
 * A body reads: plain arguments; handles, with type and rights; the act; outputs. It runs on the caller's thread with
 * interrupts on and no lock held, and leaves it the same way.
 */
#pragma once

#include <zircon/types.h>

#include "kernel/base/compiler.h"
#include "kernel/base/userptr.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"

#define SYSCALL_RETURN_PLAIN zx_status_t
#define SYSCALL_RETURN_BLOCKING zx_status_t
#define SYSCALL_RETURN_VALUE int64_t
#define SYSCALL_RETURN_NORETURN _Noreturn void

#define SYSCALL_PICK(a, b, c, d, e, f, g, h, n, ...) n
#define SYSCALL_ARITY(...) SYSCALL_PICK(__VA_ARGS__ __VA_OPT__(, ) 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define SYSCALL_IF_EMPTY(...) SYSCALL_PICK(__VA_ARGS__ __VA_OPT__(, ), , , , , , , , void)

#define SYSCALL(name, kind, ...) SYSCALL_RETURN_##kind sys_##name(__VA_ARGS__ SYSCALL_IF_EMPTY(__VA_ARGS__));
#include "syscalls/syscalls.def"
#undef SYSCALL

/* The calling process's handles. */
static inline struct handle_table *caller_handles(void) { return &process_current()->handles; }

/*
 * The object that a caller's handle names, with a reference: BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED.
 */
MUST_CHECK static inline zx_status_t caller_get(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                                                struct object **out) {
    return handle_get(caller_handles(), value, type, rights, out);
}

/* One that has signals, for a wait: BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED. */
MUST_CHECK zx_status_t caller_get_waitable(zx_handle_t value, struct object **out);

/* A name for a new object: cut to 31 bytes. INVALID_ARGS for a bad pointer. */
MUST_CHECK zx_status_t copy_in_name(char name[ZX_MAX_NAME_LEN], user_in_t src, size_t len);
