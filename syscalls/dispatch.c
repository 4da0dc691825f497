/*
 * The table of system calls that the machine's entry code indexes, and what bodies of several files share.
 */
#include "arch/upcall.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

syscall_fn *const upcall_syscall_table[] = {
#define SYSCALL(name, ...) syscall_##name,
#include "syscalls/list.h"
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
