/*
 * Calls over a channel: a request goes out with a number of its own, and the message that comes back with this number
 * goes to the caller, past the queue; see channel.h. Calls that wait stand in their end's list.
 */
#include "kernel/base/string.h"
#include "kernel/object/channel_internal.h"
#include "kernel/object/wait.h"

/* Set in all numbers given here, so that programs can have others for themselves. */
#define TXID_KERNEL 0x80000000u

struct call {
    LIST_ENTRY(call) link;
    uint32_t txid;
    struct waiter *waiter;
    struct message *reply; /* [c] */
};

bool call_answer(struct channel *end, struct message *message) {
    uint32_t txid;
    struct call *call;
    if (message->num_bytes < sizeof(txid)) return false;
    memcpy(&txid, message->bytes, sizeof(txid));
    LIST_FOREACH (call, &end->calls, link) {
        if (call->txid == txid) break;
    }
    if (!call) return false;
    LIST_REMOVE(call, link);
    call->reply = message;
    spin_lock(&call->waiter->lock);
    waiter_end(call->waiter);
    spin_unlock(&call->waiter->lock);
    return true;
}

/* A number that no waiting call of this end has. Under the pair's mutex. */
static uint32_t fresh_txid(struct channel *end) {
    struct call *other;
    do {
        end->last_txid = (end->last_txid + 1) | TXID_KERNEL;
        LIST_FOREACH (other, &end->calls, link) {
            if (other->txid == end->last_txid) break;
        }
    } while (other);
    return end->last_txid;
}

static void call_begin(struct channel *end, struct call *call, struct message *request) {
    mutex_lock(&end->pair->lock);
    call->txid = fresh_txid(end);
    LIST_INSERT_HEAD(&end->calls, call, link);
    mutex_unlock(&end->pair->lock);
    memcpy(request->bytes, &call->txid, sizeof(call->txid));
}

/* Whether the reply came is settled here, and stays so. */
static struct message *call_end(struct channel *end, struct call *call) {
    mutex_lock(&end->pair->lock);
    if (!call->reply) LIST_REMOVE(call, link);
    mutex_unlock(&end->pair->lock);
    return call->reply;
}

zx_status_t channel_call(struct object *object, struct handle_table *table, zx_handle_t value, struct message *request,
                         zx_time_t deadline, struct message **reply) {
    struct channel *end = channel_from_object(object);
    struct waiter waiter = WAITER_INIT(waiter);
    struct call call = {.waiter = &waiter};
    struct wait wait = {.object = object, .value = value, .signals = ZX_CHANNEL_PEER_CLOSED};
    call_begin(end, &call, request);
    zx_status_t status = channel_send(end, request, true);
    if (status == ZX_OK) {
        wait_begin(&wait, table, &waiter);
        status = waiter_block(&waiter, deadline);
        wait_finish(&wait);
    }
    *reply = call_end(end, &call);
    if (*reply) return ZX_OK;
    if (wait.cancelled) return ZX_ERR_CANCELED;
    return wait.satisfied ? ZX_ERR_PEER_CLOSED : status;
}
