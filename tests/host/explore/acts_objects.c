/*
 * Calls on handles, channels, ports, timers, events and futexes. See stage.h.
 */
#include <zircon/syscalls/port.h>
#include <zircon/syscalls/resource.h>

#include "tests/host/explore/acts.h"

#define SOON ZX_USEC(10)

/* --- handles --- */

zx_status_t act_close(struct actor *a) { return CALL(handle_close, prop(a, PROP_EVENT)); }
zx_status_t act_duplicate(struct actor *a) {
    return CALL(handle_duplicate, prop(a, PROP_EVENT), ZX_RIGHT_SAME_RIGHTS, OUT(a, 0));
}
zx_status_t act_replace(struct actor *a) {
    return CALL(handle_replace, prop(a, PROP_EVENT), ZX_RIGHT_SAME_RIGHTS, OUT(a, 0));
}
zx_status_t act_transfer(struct actor *a) {
    zx_handle_t sent = prop(a, PROP_EVENT);
    if (host_user_store(OUT(a, 0), &sent, sizeof(sent)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(channel_write, prop(a, PROP_CHANNEL), 0, DATA(a), 4, OUT(a, 0), 1);
}
zx_status_t act_wait(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_EVENT), ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, OUT(a, 0));
}
zx_status_t act_wait_briefly(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_EVENT), ZX_USER_SIGNAL_0, host_time() + SOON, OUT(a, 0));
}
zx_status_t act_signal(struct actor *a) { return CALL(object_signal, prop(a, PROP_EVENT), 0, ZX_USER_SIGNAL_0); }
/* Up and down. */
zx_status_t act_pulse(struct actor *a) {
    zx_status_t status = act_signal(a);
    return status == ZX_OK ? CALL(object_signal, prop(a, PROP_EVENT), ZX_USER_SIGNAL_0, 0) : status;
}
zx_status_t act_signal_peer(struct actor *a) {
    return CALL(object_signal_peer, prop(a, PROP_PAIR), 0, ZX_USER_SIGNAL_1);
}
zx_status_t act_close_pair(struct actor *a) { return CALL(handle_close, prop(a, PROP_PAIR)); }
zx_status_t act_wait_pair(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_PAIR), ZX_USER_SIGNAL_1 | ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE,
                OUT(a, 0));
}

/* --- channels --- */

zx_status_t act_channel_write(struct actor *a) {
    return CALL(channel_write, prop(a, PROP_CHANNEL), 0, DATA(a), 8, 0, 0);
}
zx_status_t act_channel_read(struct actor *a) {
    return CALL(channel_read, prop(a, PROP_CHANNEL), 0, READ_INTO(a), READ_INTO(a) + 128, 64, 2, OUT(a, 0), OUT(a, 1));
}
zx_status_t act_channel_wait(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_CHANNEL), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                OUT(a, 0));
}
/* The event, with one right less, or another handle to it. */
static zx_status_t store_disposition(struct actor *a, zx_handle_op_t operation) {
    const zx_handle_disposition_t d = {.operation = operation,
                                       .handle = prop(a, PROP_EVENT),
                                       .type = ZX_OBJ_TYPE_EVENT,
                                       .rights = ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_SIGNAL};
    return host_user_store(DATA(a) + 256, &d, sizeof(d)) == ZX_OK ? ZX_OK : ZX_ERR_INTERNAL;
}
static zx_status_t write_etc(struct actor *a, zx_handle_op_t operation) {
    zx_status_t status = store_disposition(a, operation);
    return status == ZX_OK ? CALL(channel_write_etc, prop(a, PROP_CHANNEL), 0, DATA(a), 4, DATA(a) + 256, 1) : status;
}
zx_status_t act_transfer_etc(struct actor *a) { return write_etc(a, ZX_HANDLE_OP_MOVE); }
zx_status_t act_duplicate_etc(struct actor *a) { return write_etc(a, ZX_HANDLE_OP_DUPLICATE); }
zx_status_t act_channel_read_etc(struct actor *a) {
    return CALL(channel_read_etc, prop(a, PROP_CHANNEL), 0, READ_INTO(a), DATA(a) + 128, 64, 2, OUT(a, 0), OUT(a, 1));
}
zx_status_t act_close_channel(struct actor *a) { return CALL(handle_close, prop(a, PROP_CHANNEL)); }
/*
 * Sends the next actor's end through its own: into the very queue of that end, if both are in one process. It is closed
 * there, after the call has looked up its own end: of two at once, which no order would explain, one does nothing.
 */
zx_status_t act_channel_swallow(struct actor *a) {
    const struct actor *next = &stage.actors[(a->index + 1) % stage.count];
    zx_handle_t sent = next->props[PROP_CHANNEL];
    if (next->act == a->act && next->index == 0) return ZX_OK;
    if (host_user_store(OUT(a, 0), &sent, sizeof(sent)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(channel_write, prop(a, PROP_CHANNEL), 0, DATA(a), 4, OUT(a, 0), 1);
}
zx_status_t act_channel_call(struct actor *a) {
    const zx_channel_call_args_t args = {
        .wr_bytes = (const void *)DATA(a),
        .rd_bytes = (void *)READ_INTO(a),
        .rd_handles = (zx_handle_t *)(READ_INTO(a) + 128),
        .wr_num_bytes = 8,
        .rd_num_bytes = 64,
        .rd_num_handles = 2,
    };
    if (host_user_store(DATA(a) + 128, &args, sizeof(args)) != ZX_OK) return ZX_ERR_INTERNAL;
    zx_status_t status =
        CALL(channel_call_noretry, prop(a, PROP_CHANNEL), 0, ZX_TIME_INFINITE, DATA(a) + 128, OUT(a, 0), OUT(a, 1));
    return status == ZX_ERR_INTERNAL_INTR_RETRY ? CALL(channel_call_finish, ZX_TIME_INFINITE, OUT(a, 0), OUT(a, 1))
                                                : status;
}
zx_status_t act_channel_call_etc(struct actor *a) {
    const zx_channel_call_etc_args_t args = {
        .wr_bytes = (const void *)DATA(a),
        .wr_handles = (zx_handle_disposition_t *)(DATA(a) + 256),
        .rd_bytes = (void *)READ_INTO(a),
        .rd_handles = (zx_handle_info_t *)(DATA(a) + 320),
        .wr_num_bytes = 8,
        .wr_num_handles = 1,
        .rd_num_bytes = 64,
        .rd_num_handles = 2,
    };
    zx_status_t status = store_disposition(a, ZX_HANDLE_OP_DUPLICATE);
    if (status == ZX_OK) status = host_user_store(DATA(a) + 128, &args, sizeof(args));
    if (status != ZX_OK) return ZX_ERR_INTERNAL;
    status =
        CALL(channel_call_etc_noretry, prop(a, PROP_CHANNEL), 0, ZX_TIME_INFINITE, DATA(a) + 128, OUT(a, 0), OUT(a, 1));
    return status == ZX_ERR_INTERNAL_INTR_RETRY ? CALL(channel_call_finish, ZX_TIME_INFINITE, OUT(a, 0), OUT(a, 1))
                                                : status;
}
/* What it reads it sends back: the answer of a call, if it was one. */
zx_status_t act_channel_answer(struct actor *a) {
    zx_status_t status = act_channel_wait(a);
    if (status == ZX_OK) status = act_channel_read(a);
    return status == ZX_OK ? CALL(channel_write, prop(a, PROP_CHANNEL), 0, READ_INTO(a), 8, 0, 0) : status;
}

/* --- ports --- */

zx_status_t act_port_queue(struct actor *a) {
    const zx_port_packet_t packet = {.key = 5, .type = ZX_PKT_TYPE_USER};
    if (host_user_store(DATA(a) + 128, &packet, sizeof(packet)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(port_queue, prop(a, PROP_PORT), DATA(a) + 128);
}
zx_status_t act_port_wait(struct actor *a) {
    return CALL(port_wait, prop(a, PROP_PORT), ZX_TIME_INFINITE, READ_INTO(a));
}
static zx_status_t watch(struct actor *a, uint64_t key) {
    return CALL(object_wait_async, prop(a, PROP_EVENT), prop(a, PROP_PORT), key, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE);
}
zx_status_t act_port_watch(struct actor *a) { return watch(a, 9); }
/* Two observers, of which the one is told before the other. */
zx_status_t act_port_watch_twice(struct actor *a) {
    zx_status_t status = act_port_watch(a);
    return status == ZX_OK ? watch(a, 8) : status;
}
zx_status_t act_port_cancel(struct actor *a) { return CALL(port_cancel, prop(a, PROP_PORT), prop(a, PROP_EVENT), 9); }
zx_status_t act_port_watch_and_cancel(struct actor *a) {
    zx_status_t status = act_port_watch(a);
    return status == ZX_OK ? act_port_cancel(a) : status;
}
zx_status_t act_close_port(struct actor *a) { return CALL(handle_close, prop(a, PROP_PORT)); }

/* --- timers --- */

zx_status_t act_timer_set(struct actor *a) { return CALL(timer_set, prop(a, PROP_TIMER), host_time() + SOON, 0); }
zx_status_t act_timer_cancel(struct actor *a) { return CALL(timer_cancel, prop(a, PROP_TIMER)); }
zx_status_t act_timer_set_and_cancel(struct actor *a) {
    zx_status_t status = act_timer_set(a);
    return status == ZX_OK ? act_timer_cancel(a) : status;
}
zx_status_t act_timer_wait(struct actor *a) {
    return CALL(object_wait_one, prop(a, PROP_TIMER), ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, OUT(a, 0));
}
zx_status_t act_close_timer(struct actor *a) { return CALL(handle_close, prop(a, PROP_TIMER)); }

/* --- futexes: words of shared memory, for threads of one process --- */

#define FUTEX_VALUE 0x61616161 /* what the page is filled with */

zx_status_t act_futex_wait(struct actor *a) {
    (void)a;
    return CALL(futex_wait, FUTEX, FUTEX_VALUE, 0, ZX_TIME_INFINITE);
}
zx_status_t act_futex_wait_briefly(struct actor *a) {
    (void)a;
    return CALL(futex_wait, FUTEX, FUTEX_VALUE, 0, host_time() + SOON);
}
zx_status_t act_futex_change_and_wake(struct actor *a) {
    uint32_t value = a->index;
    zx_status_t status = host_user_store(FUTEX, &value, sizeof(value));
    return status == ZX_OK ? CALL(futex_wake, FUTEX, 1) : status;
}
zx_status_t act_futex_wake(struct actor *a) {
    (void)a;
    return CALL(futex_wake, FUTEX, 1);
}
zx_status_t act_futex_requeue(struct actor *a) {
    (void)a;
    return CALL(futex_requeue, FUTEX, 0, FUTEX_VALUE, FUTEX + 64, 1, 0);
}
zx_status_t act_futex_wake_other(struct actor *a) {
    (void)a;
    return CALL(futex_wake, FUTEX + 64, 1);
}

/* --- resources --- */

static zx_status_t create_range(struct actor *a, uint32_t flags, uint64_t base) {
    return CALL(resource_create, prop(a, PROP_ROOT), ZX_RSRC_KIND_IRQ | flags, base, RANGE_SIZE, DATA(a), 4, OUT(a, 0));
}
zx_status_t act_resource_create(struct actor *a) { return create_range(a, ZX_RSRC_FLAG_EXCLUSIVE, RANGE); }
zx_status_t act_resource_create_over(struct actor *a) { return create_range(a, 0, RANGE + RANGE_SIZE - 1); }
zx_status_t act_resource_create_beside(struct actor *a) {
    return create_range(a, ZX_RSRC_FLAG_EXCLUSIVE, RANGE + RANGE_SIZE);
}
zx_status_t act_close_resource(struct actor *a) { return CALL(handle_close, prop(a, PROP_RESOURCE)); }

/* --- interrupts: a virtual one --- */

zx_status_t act_interrupt_wait(struct actor *a) { return CALL(interrupt_wait, prop(a, PROP_INTERRUPT), OUT(a, 0)); }
zx_status_t act_interrupt_trigger(struct actor *a) {
    return CALL(interrupt_trigger, prop(a, PROP_INTERRUPT), 0, 1 + a->index);
}
zx_status_t act_interrupt_bind(struct actor *a) {
    return CALL(interrupt_bind, prop(a, PROP_INTERRUPT), prop(a, PROP_INTERRUPT_PORT), 3, 0);
}
zx_status_t act_interrupt_ack(struct actor *a) { return CALL(interrupt_ack, prop(a, PROP_INTERRUPT)); }
zx_status_t act_interrupt_destroy(struct actor *a) { return CALL(interrupt_destroy, prop(a, PROP_INTERRUPT)); }
zx_status_t act_interrupt_packet(struct actor *a) {
    return CALL(port_wait, prop(a, PROP_INTERRUPT_PORT), ZX_TIME_INFINITE, READ_INTO(a));
}
zx_status_t act_close_interrupt(struct actor *a) { return CALL(handle_close, prop(a, PROP_INTERRUPT)); }
zx_status_t act_close_interrupt_port(struct actor *a) { return CALL(handle_close, prop(a, PROP_INTERRUPT_PORT)); }
