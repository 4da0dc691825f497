/*
 * System calls that read and write another process's memory. Manual: process_memory.md.
 *
 * The whole of the act is the transfer engine's; here are the checks that come before it, in the documented order.
 */
#include "kernel/base/options.h"
#include "kernel/object/process.h"
#include "syscalls/syscalls.h"
#include "vm/transfer.h"
#include "vm/usercopy.h"

static zx_status_t check_buffer(const struct transfer *x) {
    return x->buffer == 0 || x->len == 0 || x->len > TRANSFER_MAX ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

static inline zx_status_t process_transfer(struct transfer *x, zx_handle_t handle, zx_rights_t rights, zx_vaddr_t vaddr,
                                           user_out_t actual) {
    struct object *object;
    zx_status_t status = check_buffer(x);
    if (status != ZX_OK) return status;
    status = caller_get(handle, ZX_OBJ_TYPE_PROCESS, rights, &object);
    if (status != ZX_OK) return status;
    status = transfer_aspace(x, process_from_object(object)->aspace, vaddr);
    object_unref(object);
    return status == ZX_OK ? user_put(actual, x->done) : status;
}

zx_status_t sys_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, user_in_t buffer, size_t buffer_size,
                                     user_out_t actual) {
    static struct option_flag allowed = OPTION_FLAG("kernel.enable-debugging-syscalls", true);
    struct transfer x = transfer_write(buffer, buffer_size);
    if (!option_flag(&allowed)) return ZX_ERR_NOT_SUPPORTED;
    return process_transfer(&x, handle, ZX_RIGHT_WRITE, vaddr, actual);
}

zx_status_t sys_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, user_out_t buffer, size_t buffer_size,
                                    user_out_t actual) {
    struct transfer x = transfer_read(buffer, buffer_size);
    return process_transfer(&x, handle, ZX_RIGHT_READ | ZX_RIGHT_WRITE, vaddr, actual);
}
