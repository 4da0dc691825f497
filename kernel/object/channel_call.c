/*
 * Calls over a channel: a request is sent with its own number, and the reply with that number is delivered to the
 * caller, bypassing the queue; see channel.h. Waiting calls are in their end's tree.
 */
#include "kernel/base/trace.h"
#include "kernel/object/channel_internal.h"
#include "kernel/sched/thread.h"

/* Set in all numbers given here, so that programs can have others for themselves. */
#define TXID_KERNEL 0x80000000u

static zx_txid_t *txid_of(const struct message *message) { return message_data(message); }

static int call_compare(const struct channel_call *a, const struct channel_call *b) {
    return a->txid < b->txid ? -1 : a->txid > b->txid;
}

RB_GENERATE_INTERNAL(call_tree, channel_call, node, call_compare, UNUSED static)

static struct channel_call *call_find(struct channel *end, uint32_t txid) REQUIRES(&end->base.pair->lock) {
    struct channel_call *call = RB_ROOT(&end->calls);
    while (call && call->txid != txid) call = txid < call->txid ? RB_LEFT(call, node) : RB_RIGHT(call, node);
    return call;
}

static void count_waiting(struct channel *end, int change) REQUIRES(&end->base.pair->lock) {
    uint32_t waiting = atomic_load_explicit(&end->waiting, memory_order_relaxed);
    atomic_store_explicit(&end->waiting, waiting + (uint32_t)change, memory_order_relaxed);
}

/* Most ends have one call at a time. */
static void remove_call(struct channel *end, struct channel_call *call) REQUIRES(&end->base.pair->lock) {
    if (likely(RB_ROOT(&end->calls) == call && !RB_LEFT(call, node) && !RB_RIGHT(call, node)))
        RB_INIT(&end->calls);
    else
        RB_REMOVE(call_tree, &end->calls, call);
    count_waiting(end, -1);
}

bool call_answer(struct channel *end, struct message *message) {
    if (RB_EMPTY(&end->calls) || message->num_bytes < sizeof(zx_txid_t)) return false;
    struct channel_call *call = call_find(end, *txid_of(message));
    if (!call) return false;
    remove_call(end, call);
    waiter_end(&call->waiter);
    /* A thread that sees the reply may begin another call in its place. */
    atomic_store_explicit(&call->reply, message, memory_order_release);
    return true;
}

void calls_peer_closed(struct channel *end) {
    struct channel_call *call;
    RB_FOREACH (call, call_tree, &end->calls) {
        call->peer_closed = true;
        waiter_end(&call->waiter);
    }
}

static void cancel_through(struct channel *end, const struct handle_slot *slot, zx_handle_t value) {
    struct channel_call *call;
    mutex_lock(&end->base.pair->lock);
    RB_FOREACH (call, call_tree, &end->calls) {
        if (call->slot != slot || call->value != value) continue;
        call->cancelled = true;
        waiter_end(&call->waiter);
    }
    mutex_unlock(&end->base.pair->lock);
}

/* A call that it misses comes too late to find its handle open: see channel_call_begin(). */
void calls_cancel(struct object *object, const void *table, zx_handle_t value) {
    struct channel *end = channel_from_object(object);
    if (atomic_load_explicit(&end->waiting, memory_order_relaxed) > 0)
        cancel_through(end, handle_slot_of(table, value), value);
}

/* A number that no waiting call of this end has. */
static uint32_t fresh_txid(struct channel *end) REQUIRES(&end->base.pair->lock) {
    do {
        end->last_txid = (end->last_txid + 1) | TXID_KERNEL;
    } while (call_find(end, end->last_txid));
    return end->last_txid;
}

void call_enter(struct channel *end, struct channel_call *call, struct message *request) {
    call->txid = fresh_txid(end);
    RB_INSERT(call_tree, &end->calls, call);
    count_waiting(end, 1);
    *txid_of(request) = call->txid;
}

/* Ends the call: its reply, or NULL. Whether it came is settled here, and stays so, and what else ended the wait. */
static struct message *call_leave(struct channel_call *call) {
    struct channel *end = channel_from_object(call->object);
    struct message *reply = atomic_load_explicit(&call->reply, memory_order_acquire);
    if (reply) return reply;
    mutex_lock(&end->base.pair->lock);
    reply = atomic_load_explicit(&call->reply, memory_order_relaxed);
    if (!reply) remove_call(end, call);
    mutex_unlock(&end->base.pair->lock);
    return reply;
}

/* Ends the call; its reply, if any, has another owner. */
static void call_close(struct channel_call *call) {
    struct object *object = call->object;
    call->object = NULL;
    object_unref(object);
}

/* A close of the handle finds the call among those that wait, or is found here: both change the handle's word. */
zx_status_t channel_call_begin(struct channel_call *call, struct object *object, struct handle_slot *use,
                               struct message *request) {
    struct channel *end = channel_from_object(object);
    object_ref(object);
    call->object = object;
    call->slot = use;
    call->value = use ? handle_use_value(use) : ZX_HANDLE_INVALID;
    call->peer_closed = call->cancelled = false;
    call->waiter = (struct waiter)WAITER_INIT(thread_current());
    atomic_init(&call->reply, NULL);
    zx_status_t status = channel_send(end, use, request, call);
    if (status != ZX_OK)
        call_close(call);
    else if (use && !handle_use_stays_open(use))
        cancel_through(end, use, call->value);
    return status;
}

zx_status_t channel_call_wait(struct channel_call *call, zx_time_t deadline, struct message **reply) {
    zx_status_t status = waiter_block(&call->waiter, deadline, WAIT_INTERRUPTIBLE);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY && !thread_killed()) return status;
    *reply = call_leave(call);
    if (likely(*reply)) {
        trace(KTRACE_GRP_IPC, KTRACE_MESSAGE_READ, (*reply)->num_handles, (uintptr_t)*reply, (*reply)->num_bytes);
        return ZX_OK;
    }
    if (call->cancelled)
        status = ZX_ERR_CANCELED;
    else if (call->peer_closed)
        status = ZX_ERR_PEER_CLOSED;
    call_close(call);
    return status;
}

void channel_call_done(struct channel_call *call, struct message *reply) {
    channel_message_discard(call->object, reply);
    call_close(call);
}

void channel_call_end(struct channel_call *call) {
    if (!call->object) return;
    struct message *reply = call_leave(call);
    if (reply) message_discard(reply);
    call_close(call);
}
