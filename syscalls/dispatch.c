/* The table of system calls that the machine's entry code indexes, and what bodies of several files share. */
#include "arch/upcall.h"
#include "kernel/base/trace.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

/* What the places behind the calls hold. Only a processor that guesses comes there. */
static uint64_t no_call(uint64_t a1 UNUSED, uint64_t a2 UNUSED, uint64_t a3 UNUSED, uint64_t a4 UNUSED,
                        uint64_t a5 UNUSED, uint64_t a6 UNUSED, uint64_t a7 UNUSED, uint64_t a8 UNUSED) {
    return 0;
}

enum {
#define SYSCALL(name, ...) NUMBER_##name,
#include "syscalls/list.h"
#undef SYSCALL
    NUMBERS
};

syscall_fn *const upcall_syscall_table[UPCALL_SYSCALLS_MAX] = {
#define SYSCALL(name, ...) syscall_##name,
#include "syscalls/list.h"
#undef SYSCALL
    [NUMBERS... UPCALL_SYSCALLS_MAX - 1] = no_call,
};

const uint64_t upcall_syscall_count = NUMBERS;
uint64_t upcall_syscall_direct = NUMBERS;

void upcall_trace_syscalls(bool on) { upcall_syscall_direct = on ? 0 : NUMBERS; }

uint64_t upcall_syscall_traced(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                               uint64_t a7, uint64_t a8, uint64_t number) {
    trace(KTRACE_GRP_SYSCALL, KTRACE_SYSCALL, (unsigned)number, a1, a2);
    const uint64_t result = upcall_syscall_table[number](a1, a2, a3, a4, a5, a6, a7, a8);
    trace(KTRACE_GRP_SYSCALL, KTRACE_SYSCALL_END, (unsigned)number, result, 0);
    return result;
}

/* A number that names no call is to a policy what a handle is that names no object. */
uint64_t upcall_bad_syscall(void) {
    (void)!caller_may(ZX_POL_BAD_HANDLE);
    return (uint64_t)(int64_t)ZX_ERR_BAD_SYSCALL;
}

zx_status_t wrong_object(zx_status_t status) {
    (void)!caller_may(ZX_POL_WRONG_OBJECT);
    return status;
}

static struct handle first_handle(struct object *object) { return handle_make(object, object->ops->default_rights); }

zx_status_t give_new(struct object *object, user_out_t out) {
    zx_status_t status = handle_give(caller_handles(), out, first_handle(object));
    object_unref(object);
    return status;
}

zx_status_t give_new_pair(struct object *a, struct object *b, user_out_t out_a, user_out_t out_b) {
    zx_status_t status = handle_give_two(caller_handles(), out_a, first_handle(a), out_b, first_handle(b));
    object_unref(a);
    object_unref(b);
    return status;
}

zx_status_t copy_in_name(char name[ZX_MAX_NAME_LEN], user_in_t src, size_t len) {
    if (len > ZX_MAX_NAME_LEN) len = ZX_MAX_NAME_LEN;
    zx_status_t status = copy_in(name, src, len);
    name[len < ZX_MAX_NAME_LEN ? len : ZX_MAX_NAME_LEN - 1] = '\0';
    return status;
}
