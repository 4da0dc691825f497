/* System calls on interrupts. Manual: interrupt.md. */
#include "kernel/object/interrupt.h"

#include "kernel/object/resource.h"
#include "kernel/object/user_thread.h"
#include "syscalls/interrupt.h"
#include "vm/usercopy.h"

static zx_status_t refuse_options(uint32_t options) { return options == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS; }

static zx_status_t sys_interrupt_create(zx_handle_t resource, uint32_t num, uint32_t options, user_out_t out) {
    struct object *interrupt;
    zx_status_t status = ZX_OK;
    if (!(options & ZX_INTERRUPT_VIRTUAL))
        status = resource_check(caller_handles(), resource, ZX_RSRC_KIND_IRQ, num, 1);
    if (status == ZX_OK) status = interrupt_create(num, options, &interrupt);
    return status == ZX_OK ? give_new(interrupt, out) : status;
}

static zx_status_t sys_interrupt_bind(struct object *interrupt, struct object *port, uint64_t key,
                                      uint32_t options UNUSED) {
    return interrupt_bind(interrupt, port, key);
}

static zx_status_t sys_interrupt_wait(struct object *interrupt, user_out_t out) {
    zx_time_t time;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_INTERRUPT);
    zx_status_t status = interrupt_wait(interrupt, &time);
    return status == ZX_OK ? user_put_optional(out, time) : status;
}

static zx_status_t sys_interrupt_destroy(struct object *interrupt) { return interrupt_destroy(interrupt); }

static zx_status_t sys_interrupt_ack(struct object *interrupt) { return interrupt_ack(interrupt); }

static zx_status_t sys_interrupt_trigger(struct object *interrupt, uint32_t options UNUSED, zx_time_t time) {
    return interrupt_trigger(interrupt, time);
}
