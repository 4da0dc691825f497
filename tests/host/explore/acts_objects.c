/*
 * Calls on handles, channels, ports, timers, events and futexes. See stage.h.
 */
#include <zircon/syscalls/port.h>

#include "tests/host/explore/acts.h"

#define SOON ZX_USEC(10)

/* --- handles --- */

zx_status_t act_close(struct actor *a) { return CALL(handle_close, a->props[PROP_EVENT]); }
zx_status_t act_duplicate(struct actor *a) {
    return CALL(handle_duplicate, a->props[PROP_EVENT], ZX_RIGHT_SAME_RIGHTS, OUT(a, 0));
}
zx_status_t act_replace(struct actor *a) {
    return CALL(handle_replace, a->props[PROP_EVENT], ZX_RIGHT_SAME_RIGHTS, OUT(a, 0));
}
zx_status_t act_transfer(struct actor *a) {
    zx_handle_t sent = a->props[PROP_EVENT];
    if (host_user_store(OUT(a, 0), &sent, sizeof(sent)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(channel_write, a->props[PROP_CHANNEL], 0, DATA(a), 4, OUT(a, 0), 1);
}
zx_status_t act_wait(struct actor *a) {
    return CALL(object_wait_one, a->props[PROP_EVENT], ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, OUT(a, 0));
}
zx_status_t act_wait_briefly(struct actor *a) {
    return CALL(object_wait_one, a->props[PROP_EVENT], ZX_USER_SIGNAL_0, host_time() + SOON, OUT(a, 0));
}
zx_status_t act_signal(struct actor *a) { return CALL(object_signal, a->props[PROP_EVENT], 0, ZX_USER_SIGNAL_0); }
zx_status_t act_signal_peer(struct actor *a) {
    return CALL(object_signal_peer, a->props[PROP_PAIR], 0, ZX_USER_SIGNAL_1);
}
zx_status_t act_close_pair(struct actor *a) { return CALL(handle_close, a->props[PROP_PAIR]); }
zx_status_t act_wait_pair(struct actor *a) {
    return CALL(object_wait_one, a->props[PROP_PAIR], ZX_USER_SIGNAL_1 | ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE,
                OUT(a, 0));
}

/* --- channels --- */

zx_status_t act_channel_write(struct actor *a) {
    return CALL(channel_write, a->props[PROP_CHANNEL], 0, DATA(a), 8, 0, 0);
}
zx_status_t act_channel_read(struct actor *a) {
    return CALL(channel_read, a->props[PROP_CHANNEL], 0, READ_INTO(a), READ_INTO(a) + 128, 64, 2, OUT(a, 0), OUT(a, 1));
}
zx_status_t act_channel_wait(struct actor *a) {
    return CALL(object_wait_one, a->props[PROP_CHANNEL], ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                OUT(a, 0));
}
zx_status_t act_close_channel(struct actor *a) { return CALL(handle_close, a->props[PROP_CHANNEL]); }
/*
 * Sends the next actor's end through its own: into the very queue of that end, if both are in one process. It is closed
 * there, after the call has looked up its own end: of two at once, which no order would explain, one does nothing.
 */
zx_status_t act_channel_swallow(struct actor *a) {
    const struct actor *next = &stage.actors[(a->index + 1) % stage.count];
    zx_handle_t sent = next->props[PROP_CHANNEL];
    if (next->act == a->act && next->index == 0) return ZX_OK;
    if (host_user_store(OUT(a, 0), &sent, sizeof(sent)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(channel_write, a->props[PROP_CHANNEL], 0, DATA(a), 4, OUT(a, 0), 1);
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
        CALL(channel_call_noretry, a->props[PROP_CHANNEL], 0, ZX_TIME_INFINITE, DATA(a) + 128, OUT(a, 0), OUT(a, 1));
    return status == ZX_ERR_INTERNAL_INTR_RETRY ? CALL(channel_call_finish, ZX_TIME_INFINITE, OUT(a, 0), OUT(a, 1))
                                                : status;
}
/* What it reads it sends back: the answer of a call, if it was one. */
zx_status_t act_channel_answer(struct actor *a) {
    zx_status_t status = act_channel_wait(a);
    if (status == ZX_OK) status = act_channel_read(a);
    return status == ZX_OK ? CALL(channel_write, a->props[PROP_CHANNEL], 0, READ_INTO(a), 8, 0, 0) : status;
}

/* --- ports --- */

zx_status_t act_port_queue(struct actor *a) {
    const zx_port_packet_t packet = {.key = 5, .type = ZX_PKT_TYPE_USER};
    if (host_user_store(DATA(a) + 128, &packet, sizeof(packet)) != ZX_OK) return ZX_ERR_INTERNAL;
    return CALL(port_queue, a->props[PROP_PORT], DATA(a) + 128);
}
zx_status_t act_port_wait(struct actor *a) {
    return CALL(port_wait, a->props[PROP_PORT], ZX_TIME_INFINITE, READ_INTO(a));
}
zx_status_t act_port_watch(struct actor *a) {
    return CALL(object_wait_async, a->props[PROP_EVENT], a->props[PROP_PORT], 9, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE);
}
zx_status_t act_port_cancel(struct actor *a) { return CALL(port_cancel, a->props[PROP_PORT], a->props[PROP_EVENT], 9); }
zx_status_t act_port_watch_and_cancel(struct actor *a) {
    zx_status_t status = act_port_watch(a);
    return status == ZX_OK ? act_port_cancel(a) : status;
}
zx_status_t act_close_port(struct actor *a) { return CALL(handle_close, a->props[PROP_PORT]); }

/* --- timers --- */

zx_status_t act_timer_set(struct actor *a) { return CALL(timer_set, a->props[PROP_TIMER], host_time() + SOON, 0); }
zx_status_t act_timer_cancel(struct actor *a) { return CALL(timer_cancel, a->props[PROP_TIMER]); }
zx_status_t act_timer_set_and_cancel(struct actor *a) {
    zx_status_t status = act_timer_set(a);
    return status == ZX_OK ? act_timer_cancel(a) : status;
}
zx_status_t act_timer_wait(struct actor *a) {
    return CALL(object_wait_one, a->props[PROP_TIMER], ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, OUT(a, 0));
}
zx_status_t act_close_timer(struct actor *a) { return CALL(handle_close, a->props[PROP_TIMER]); }

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
