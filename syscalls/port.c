/*
 * System calls on ports, and waiting through them. Manual: port.md.
 */
#include "kernel/object/port.h"

#include "kernel/base/arith.h"
#include "kernel/object/channel.h"
#include "kernel/object/user_thread.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

zx_status_t sys_port_create(uint32_t options, user_out_t out) {
    struct object *port;
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = port_create(&port);
    if (status != ZX_OK) return status;
    status = handle_give(caller_handles(), out, handle_make(port, ZX_DEFAULT_PORT_RIGHTS));
    object_unref(port);
    return status;
}

zx_status_t sys_port_queue(zx_handle_t value, user_in_t src) {
    struct object *port;
    zx_port_packet_t packet;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port);
    if (status != ZX_OK) return status;
    status = user_get(&packet, src);
    packet.type = ZX_PKT_TYPE_USER;
    if (status == ZX_OK) status = port_queue(port, &packet);
    object_unref(port);
    return status;
}

zx_status_t sys_port_wait(zx_handle_t value, zx_time_t deadline, user_out_t out) {
    struct object *port;
    zx_port_packet_t packet;
    zx_status_t status = caller_get(value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_READ, &port);
    if (status != ZX_OK) return status;
    user_thread_waits_in(ZX_THREAD_STATE_BLOCKED_PORT);
    status = port_wait(port, deadline, &packet);
    object_unref(port);
    return status == ZX_OK ? user_put(out, packet) : status;
}

zx_status_t sys_port_cancel(zx_handle_t port_value, zx_handle_t source_value, uint64_t key) {
    struct object *port, *source;
    zx_status_t status = caller_get(port_value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port);
    if (status != ZX_OK) return status;
    status = caller_get_waitable(source_value, &source);
    if (status == ZX_OK) {
        status = port_cancel(port, source, caller_handles(), source_value, key);
        object_unref(source);
    }
    object_unref(port);
    return status;
}

/* What the packet of a watch that fires at once tells as its count. */
static uint64_t count_now(struct object *object, zx_signals_t signals) {
    bool messages = object->ops->type == ZX_OBJ_TYPE_CHANNEL && (signals & ZX_CHANNEL_READABLE);
    return messages ? max_u64(channel_pending(object), 1) : 1;
}

static zx_status_t wait_async(struct object *port, struct watch_order *order, uint32_t options) {
    zx_status_t status = caller_get_waitable(order->value, &order->object);
    if (status != ZX_OK) return status;
    order->table = caller_handles();
    order->count = count_now(order->object, order->signals);
    order->repeating = options == ZX_WAIT_ASYNC_REPEATING;
    status = options > ZX_WAIT_ASYNC_REPEATING ? ZX_ERR_INVALID_ARGS : port_watch(port, order);
    object_unref(order->object);
    return status;
}

zx_status_t sys_object_wait_async(zx_handle_t value, zx_handle_t port_value, uint64_t key, zx_signals_t signals,
                                  uint32_t options) {
    struct object *port;
    struct watch_order order = {.value = value, .key = key, .signals = signals};
    zx_status_t status = caller_get(port_value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port);
    if (status != ZX_OK) return status;
    status = wait_async(port, &order, options);
    object_unref(port);
    return status;
}
