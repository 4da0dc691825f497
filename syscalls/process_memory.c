/*
 * System calls that read and write another process's memory. Manual: process_memory.md.
 *
 * The whole of the act is the transfer engine's; here are the checks that come before it, in the documented order.
 */
#include "syscalls/process_memory.h"
#include "kernel/base/options.h"
#include "kernel/object/process.h"
#include "vm/transfer.h"
#include "vm/usercopy.h"

static zx_status_t check_buffer(vaddr_t buffer, size_t size) {
    return buffer == 0 || size == 0 || size > TRANSFER_MAX ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static zx_status_t check_write(vaddr_t buffer, size_t size) {
    static struct option_flag allowed = OPTION_FLAG("kernel.enable-debugging-syscalls", true);
    return option_flag(&allowed) ? check_buffer(buffer, size) : ZX_ERR_NOT_SUPPORTED;
}

static zx_status_t sys_process_write_memory(struct process *process, zx_vaddr_t vaddr, user_in_t buffer, size_t size,
                                            user_out_t actual) {
    struct transferred moved = transfer_to_aspace(process->aspace, vaddr, buffer, size);
    return likely(moved.status == ZX_OK) ? user_put(actual, moved.done) : moved.status;
}

static zx_status_t sys_process_read_memory(struct process *process, zx_vaddr_t vaddr, user_out_t buffer, size_t size,
                                           user_out_t actual) {
    struct transferred moved = transfer_from_aspace(process->aspace, vaddr, buffer, size);
    return likely(moved.status == ZX_OK) ? user_put(actual, moved.done) : moved.status;
}
