/* System calls that read and write the registers of suspended threads. Manual: thread_state.md. */
#include "syscalls/thread_state.h"
#include "kernel/base/string.h"
#include "kernel/object/handle.h"
#include "kernel/object/park.h"
#include "kernel/object/user_thread.h"
#include "vm/usercopy.h"

static zx_status_t check_kind(uint32_t kind, size_t size) {
    size_t needed = arch_state_size(kind);
    if (needed == 0) return ZX_ERR_INVALID_ARGS;
    return size < needed ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
}

static zx_status_t sys_thread_read_state(struct user_thread *thread, uint32_t kind, user_out_t buffer, size_t size) {
    _Alignas(16) char state[ARCH_STATE_MAX];
    zx_status_t status = check_kind(kind, size);
    if (status != ZX_OK) return status;
    memset(state, 0, sizeof(state));
    mutex_lock(&thread->process->lock);
    status = park_check(thread);
    if (status == ZX_OK) arch_state_read(&thread->thread, kind, state);
    mutex_unlock(&thread->process->lock);
    return status == ZX_OK ? copy_out(buffer, state, arch_state_size(kind)) : status;
}

static zx_status_t sys_thread_write_state(struct user_thread *thread, uint32_t kind, user_in_t buffer, size_t size) {
    _Alignas(16) char state[ARCH_STATE_MAX];
    zx_status_t status = check_kind(kind, size);
    if (status == ZX_OK) status = copy_in(state, buffer, arch_state_size(kind));
    if (status != ZX_OK) return status;
    mutex_lock(&thread->process->lock);
    status = park_check(thread);
    if (status == ZX_OK) status = arch_state_write(&thread->thread, kind, state);
    mutex_unlock(&thread->process->lock);
    return status;
}
