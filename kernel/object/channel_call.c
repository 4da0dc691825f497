/*
 * Calls over a channel: a request goes out with a number of its own, and the message that comes back with this number
 * is delivered to the caller, past the queue; see channel.h. Waiting calls are in their end's tree.
 */
#include "kernel/base/string.h"
#include "kernel/object/channel_internal.h"
#include "kernel/sched/thread.h"

/* Set in all numbers given here, so that programs can have others for themselves. */
#define TXID_KERNEL 0x80000000u

static int call_compare(const struct channel_call *a, const struct channel_call *b) {
    return a->txid < b->txid ? -1 : a->txid > b->txid;
}

RB_GENERATE_INTERNAL(call_tree, channel_call, node, call_compare, UNUSED static)

static struct channel_call *call_find(struct channel *end, uint32_t txid) REQUIRES(&end->base.pair->lock) {
    struct channel_call *call = RB_ROOT(&end->calls);
    while (call && call->txid != txid) call = txid < call->txid ? RB_LEFT(call, node) : RB_RIGHT(call, node);
    return call;
}

bool call_answer(struct channel *end, struct message *message) {
    uint32_t txid;
    if (RB_EMPTY(&end->calls) || message->num_bytes < sizeof(txid)) return false;
    memcpy(&txid, message_data(message), sizeof(txid));
    struct channel_call *call = call_find(end, txid);
    if (!call) return false;
    RB_REMOVE(call_tree, &end->calls, call);
    call->reply = message;
    spin_lock(&call->waiter.lock);
    waiter_end(&call->waiter);
    spin_unlock(&call->waiter.lock);
    return true;
}

/* A number that no waiting call of this end has. */
static uint32_t fresh_txid(struct channel *end) REQUIRES(&end->base.pair->lock) {
    do {
        end->last_txid = (end->last_txid + 1) | TXID_KERNEL;
    } while (call_find(end, end->last_txid));
    return end->last_txid;
}

/* Whether the reply came is settled here, and stays so. */
static struct message *call_leave(struct channel *end, struct channel_call *call) {
    mutex_lock(&end->base.pair->lock);
    if (!call->reply) RB_REMOVE(call_tree, &end->calls, call);
    mutex_unlock(&end->base.pair->lock);
    return call->reply;
}

/* No call any more; what its reply was is somebody else's. */
static void call_close(struct channel_call *call) {
    struct object *object = call->wait.object;
    call->wait.object = NULL;
    object_unref(object);
}

zx_status_t channel_call_begin(struct channel_call *call, struct object *object, struct handle_table *table,
                               zx_handle_t value, struct message *request) {
    struct channel *end = channel_from_object(object);
    *call = (struct channel_call){
        .waiter = WAITER_INIT(call->waiter),
        .wait = {.object = object, .value = value, .signals = ZX_CHANNEL_PEER_CLOSED},
    };
    object_ref(object);
    mutex_lock(&end->base.pair->lock);
    call->txid = fresh_txid(end);
    RB_INSERT(call_tree, &end->calls, call);
    mutex_unlock(&end->base.pair->lock);
    memcpy(message_data(request), &call->txid, sizeof(call->txid));
    zx_status_t status = channel_send(end, request, true);
    if (status == ZX_OK) {
        wait_begin(&call->wait, table, &call->waiter);
    } else {
        struct message *reply = call_leave(end, call);
        if (reply) message_discard(reply);
        call_close(call);
    }
    return status;
}

zx_status_t channel_call_wait(struct channel_call *call, zx_time_t deadline, struct message **reply) {
    zx_status_t status = waiter_block(&call->waiter, deadline);
    if (status == ZX_ERR_INTERNAL_INTR_RETRY && !thread_killed()) return status;
    wait_finish(&call->wait);
    *reply = call_leave(channel_from_object(call->wait.object), call);
    if (*reply)
        status = ZX_OK;
    else if (call->wait.cancelled)
        status = ZX_ERR_CANCELED;
    else if (call->wait.satisfied)
        status = ZX_ERR_PEER_CLOSED;
    call_close(call);
    return status;
}

void channel_call_end(struct channel_call *call) {
    if (!call->wait.object) return;
    wait_finish(&call->wait);
    struct message *reply = call_leave(channel_from_object(call->wait.object), call);
    if (reply) message_discard(reply);
    call_close(call);
}
