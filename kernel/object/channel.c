/*
 * Channels; see channel.h. The two ends share one small counted block with the mutex that guards both, so that either
 * may go first. Signals are changed under it, which keeps them true to the queues.
 *
 * A channel end has one handle at a time, for it cannot be duplicated; so an end that lies in a message lies in one
 * queue, its container's. One mutex for the system, outside the channels' own, guards who contains whom. It is taken
 * only to move messages that carry channel ends, and to close.
 */
#include "kernel/object/channel.h"

#include "kernel/base/log.h"
#include "kernel/base/refcount.h"
#include "kernel/object/channel_internal.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

static struct mutex transit_lock = MUTEX_INIT(transit_lock, RANK_TRANSIT, "channels in transit");

zx_status_t message_create(uint32_t num_bytes, struct message **out) {
    struct message *message = heap_alloc(sizeof(*message) + num_bytes);
    if (!message) return ZX_ERR_NO_MEMORY;
    message->num_bytes = num_bytes;
    message->num_handles = 0;
    message->carries_channels = false;
    *out = message;
    return ZX_OK;
}

/*
 * Closing a message's handles may close channel ends, whose queues hold messages again. The outermost call on a
 * thread's stack works them all off; inner ones only add to its list.
 */
static void queue_discard(struct message_queue *queue) {
    struct thread *self = thread_current();
    if (self->discarding) {
        STAILQ_CONCAT((struct message_queue *)self->discarding, queue);
        return;
    }
    struct message *message;
    self->discarding = queue;
    while ((message = STAILQ_FIRST(queue))) {
        STAILQ_REMOVE_HEAD(queue, link);
        for (uint32_t i = 0; i < message->num_handles; i++) handle_discard(message->handles[i]);
        heap_free(message);
    }
    self->discarding = NULL;
}

void message_discard(struct message *message) {
    struct message_queue queue = STAILQ_HEAD_INITIALIZER(queue);
    STAILQ_INSERT_TAIL(&queue, message, link);
    queue_discard(&queue);
}

static void pair_unref(struct channel_pair *pair) {
    if (refcount_unref(&pair->refs)) heap_free(pair);
}

static void channel_free(struct object *object) {
    struct channel *end = channel_from_object(object);
    ASSERT(STAILQ_EMPTY(&end->queue) && LIST_EMPTY(&end->calls));
    pair_unref(end->pair);
    heap_free(end);
}

static struct channel *channel_in(const struct handle *handle) {
    return handle->object->ops->type == ZX_OBJ_TYPE_CHANNEL ? channel_from_object(handle->object) : NULL;
}

/* Under the transit lock: the ends in a message now lie in that end's queue, or with NULL in none. */
static void message_set_container(struct message *message, struct channel *container) {
    for (uint32_t i = 0; message->carries_channels && i < message->num_handles; i++) {
        struct channel *end = channel_in(&message->handles[i]);
        if (end) end->container = container;
    }
}

/* Under the transit lock: would the message, in that end's queue, hold an end that holds that queue? */
static bool closes_cycle(const struct message *message, const struct channel *container) {
    for (; container; container = container->container) {
        for (uint32_t i = 0; i < message->num_handles; i++) {
            if (message->handles[i].object == &container->object) return true;
        }
    }
    return false;
}

static bool has_channels(const struct message *message) {
    for (uint32_t i = 0; i < message->num_handles; i++) {
        if (channel_in(&message->handles[i])) return true;
    }
    return false;
}

static void channel_on_zero_handles(struct object *object) {
    struct channel *end = channel_from_object(object);
    struct message_queue queue = STAILQ_HEAD_INITIALIZER(queue);
    struct message *message;
    mutex_lock(&transit_lock);
    mutex_lock(&end->pair->lock);
    STAILQ_SWAP(&queue, &end->queue, message);
    end->queued = 0;
    if (end->peer) {
        end->peer->peer = NULL;
        object_signal(&end->peer->object, ZX_CHANNEL_WRITABLE, ZX_CHANNEL_PEER_CLOSED);
        end->peer = NULL;
    }
    mutex_unlock(&end->pair->lock);
    STAILQ_FOREACH (message, &queue, link) message_set_container(message, NULL);
    mutex_unlock(&transit_lock);
    queue_discard(&queue);
}

static zx_koid_t channel_related_koid(struct object *object) { return channel_from_object(object)->peer_koid; }

static const struct object_ops channel_ops = {
    .type = ZX_OBJ_TYPE_CHANNEL,
    .default_rights = ZX_DEFAULT_CHANNEL_RIGHTS,
    .free = channel_free,
    .on_zero_handles = channel_on_zero_handles,
    .related_koid = channel_related_koid,
};

static struct channel *end_new(struct channel_pair *pair) {
    struct channel *end = heap_new(struct channel);
    if (!end) return NULL;
    object_init(&end->object, &channel_ops, ZX_CHANNEL_WRITABLE);
    end->pair = pair;
    STAILQ_INIT(&end->queue);
    LIST_INIT(&end->calls);
    return end;
}

zx_status_t channel_create(struct object **out0, struct object **out1) {
    struct channel_pair *pair = heap_new(struct channel_pair);
    if (!pair) return ZX_ERR_NO_MEMORY;
    atomic_init(&pair->refs, 2);
    mutex_init(&pair->lock, RANK_CHANNEL, "channel");
    struct channel *a = end_new(pair), *b = a ? end_new(pair) : NULL;
    if (!b) {
        pair_unref(pair);
        if (a)
            object_unref(&a->object);
        else
            pair_unref(pair);
        return ZX_ERR_NO_MEMORY;
    }
    a->peer = b;
    b->peer = a;
    a->peer_koid = b->object.koid;
    b->peer_koid = a->object.koid;
    *out0 = &a->object;
    *out1 = &b->object;
    return ZX_OK;
}

/* Puts the message into an end's queue, unless nobody could read it there. */
static bool enqueue(struct channel *end, struct message *message) {
    if (message->carries_channels && closes_cycle(message, end)) return false;
    STAILQ_INSERT_TAIL(&end->queue, message, link);
    end->queued++;
    object_signal(&end->object, 0, ZX_CHANNEL_READABLE);
    message_set_container(message, end);
    return true;
}

/* Gives the message to the peer, with the transit lock held if it carries channels. False: it must be discarded. */
static bool deliver(struct channel *end, struct message *message, bool is_request, zx_status_t *status) {
    mutex_lock(&end->pair->lock);
    struct channel *peer = end->peer;
    bool delivered = peer && ((!is_request && call_answer(peer, message)) || enqueue(peer, message));
    mutex_unlock(&end->pair->lock);
    *status = peer ? ZX_OK : ZX_ERR_PEER_CLOSED;
    return delivered;
}

zx_status_t channel_send(struct channel *end, struct message *message, bool is_request) {
    zx_status_t status;
    bool delivered;
    message->carries_channels = has_channels(message);
    if (message->carries_channels) {
        mutex_lock(&transit_lock);
        delivered = deliver(end, message, is_request, &status);
        mutex_unlock(&transit_lock);
    } else {
        delivered = deliver(end, message, is_request, &status);
    }
    if (!delivered) message_discard(message);
    return status;
}

zx_status_t channel_write(struct object *object, struct message *message) {
    return channel_send(channel_from_object(object), message, false);
}

/* As channel_read(), with the transit lock held if `may_carry`. Else a message with channel ends is left: INTERNAL. */
static zx_status_t dequeue(struct channel *end, bool may_carry, bool discard, uint32_t *num_bytes,
                           uint32_t *num_handles, struct message **out) {
    zx_status_t status = ZX_OK;
    struct message *first = STAILQ_FIRST(&end->queue);
    *out = NULL;
    if (!first) return end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (first->carries_channels && !may_carry) return ZX_ERR_INTERNAL;
    if (first->num_bytes > *num_bytes || first->num_handles > *num_handles) status = ZX_ERR_BUFFER_TOO_SMALL;
    *num_bytes = first->num_bytes;
    *num_handles = first->num_handles;
    if (status != ZX_OK && !discard) return status;
    STAILQ_REMOVE_HEAD(&end->queue, link);
    end->queued--;
    message_set_container(first, NULL);
    if (STAILQ_EMPTY(&end->queue)) object_signal(&end->object, ZX_CHANNEL_READABLE, 0);
    *out = first;
    return status;
}

zx_status_t channel_read(struct object *object, bool discard, uint32_t *num_bytes, uint32_t *num_handles,
                         struct message **out) {
    struct channel *end = channel_from_object(object);
    struct message *message;
    mutex_lock(&end->pair->lock);
    zx_status_t status = dequeue(end, false, discard, num_bytes, num_handles, &message);
    mutex_unlock(&end->pair->lock);
    if (status == ZX_ERR_INTERNAL) {
        mutex_lock(&transit_lock);
        mutex_lock(&end->pair->lock);
        status = dequeue(end, true, discard, num_bytes, num_handles, &message);
        mutex_unlock(&end->pair->lock);
        mutex_unlock(&transit_lock);
    }
    if (status == ZX_OK)
        *out = message;
    else if (message)
        message_discard(message);
    return status;
}

zx_status_t channel_signal_peer(struct object *object, zx_signals_t clear, zx_signals_t set) {
    struct channel *end = channel_from_object(object);
    mutex_lock(&end->pair->lock);
    struct channel *peer = end->peer;
    if (peer) object_signal(&peer->object, clear, set);
    mutex_unlock(&end->pair->lock);
    return peer ? ZX_OK : ZX_ERR_PEER_CLOSED;
}

uint64_t channel_pending(struct object *object) {
    struct channel *end = channel_from_object(object);
    mutex_lock(&end->pair->lock);
    uint64_t pending = end->queued;
    mutex_unlock(&end->pair->lock);
    return pending;
}
