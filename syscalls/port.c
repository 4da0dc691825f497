/* System calls on ports, and waiting through them. Manual: port.md. */
#include "kernel/object/port.h"

#include "kernel/base/arith.h"
#include "kernel/object/channel.h"
#include "kernel/object/user_thread.h"
#include "syscalls/port.h"
#include "vm/usercopy.h"

static zx_status_t sys_port_create(uint32_t options, user_out_t out) {
    struct object *port;
    zx_status_t status = caller_may(ZX_POL_NEW_PORT);
    if (status == ZX_OK && (options & ~ZX_PORT_BIND_TO_INTERRUPT)) status = ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK) status = port_create(options & ZX_PORT_BIND_TO_INTERRUPT, &port);
    return status == ZX_OK ? give_new(port, out) : status;
}

static zx_status_t sys_port_queue(struct object *port, user_in_t src) {
    zx_port_packet_t packet;
    zx_status_t status = user_get(&packet, src);
    packet.type = ZX_PKT_TYPE_USER;
    return status == ZX_OK ? port_queue(port, &packet) : status;
}

static zx_status_t sys_port_wait(struct object *port, zx_time_t deadline, user_out_t out) {
    zx_port_packet_t packet;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_PORT);
    zx_status_t status = port_wait(port, deadline, &packet);
    return status == ZX_OK ? user_put(out, packet) : status;
}

static zx_status_t sys_port_cancel(struct object *port, struct handle_slot *source, uint64_t key) {
    return port_cancel(port, source->handle.object, caller_handles(), handle_use_value(source), key);
}

/* The count in the packet of a wait that is satisfied at once. */
static uint64_t count_now(struct object *object, zx_signals_t signals) {
    bool messages = object->ops->type == ZX_OBJ_TYPE_CHANNEL && (signals & ZX_CHANNEL_READABLE);
    return messages ? max_u64(channel_pending(object), 1) : 1;
}

/* The port is looked at before the object. */
static zx_status_t sys_object_wait_async(zx_handle_t value, struct object *port, uint64_t key, zx_signals_t signals,
                                         uint32_t options) {
    struct watch_order order = {.table = caller_handles(), .value = value, .key = key, .signals = signals};
    struct handle_slot *source;
    zx_status_t status = caller_use_waitable(value, &source);
    if (status != ZX_OK) return status;
    order.object = source->handle.object;
    order.count = count_now(order.object, signals);
    order.repeating = options == ZX_WAIT_ASYNC_REPEATING;
    status = options > ZX_WAIT_ASYNC_REPEATING ? ZX_ERR_INVALID_ARGS : port_watch(port, &order);
    caller_use_end(source);
    return status;
}
