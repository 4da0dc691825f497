/*
 * Channels; see channel.h. The two ends are peers; signals change under the lock that they share, which keeps them
 * consistent with the queues.
 *
 * A channel end has one handle at a time, since it cannot be duplicated; so an end in a message is in one queue, its
 * container's. One system-wide mutex, ordered before the channels' own, guards which end contains which. It is taken
 * only to move messages that carry channel ends, and to close.
 */
#include "kernel/object/channel.h"

#include "kernel/base/log.h"
#include "kernel/base/trace.h"
#include "kernel/object/channel_internal.h"
#include "kernel/object/exception_channel.h"

static struct mutex transit_lock = MUTEX_INIT(transit_lock, RANK_TRANSIT, "channels in transit");

static struct channel *channel_in(const struct handle *handle) {
    return handle->object->ops->type == ZX_OBJ_TYPE_CHANNEL ? channel_from_object(handle->object) : NULL;
}

/* The ends in a message now lie in that end's queue, or with NULL in none. */
static void message_set_container(struct message *message, struct channel *container) REQUIRES(&transit_lock) {
    for (uint32_t i = 0; i < message->num_handles; i++) {
        struct channel *end = channel_in(&message->handles[i]);
        if (end) end->container = container;
    }
}

/* Marks the ends in a message as moving, or not. True: one of them has such messages itself. */
static bool message_set_moving(struct message *message, bool moving) REQUIRES(&transit_lock) {
    bool deep = false;
    for (uint32_t i = 0; i < message->num_handles; i++) {
        struct channel *end = channel_in(&message->handles[i]);
        if (!end) continue;
        end->moving = moving;
        deep = deep || end->carriers > 0;
    }
    return deep;
}

/*
 * Would the message, in that end's queue, hold an end that holds that queue? An end that holds none needs no search:
 * it could only be that very one.
 */
static bool closes_cycle(struct message *message, const struct channel *container) REQUIRES(&transit_lock) {
    const bool deep = message_set_moving(message, true);
    bool closes = container->moving;
    while (deep && !closes && (container = container->container)) closes = container->moving;
    message_set_moving(message, false);
    return closes;
}

/*
 * Would closes_cycle() hold the lock for too long? Only if the message holds an end that holds others in turn, and the
 * queue is nested deep in others.
 */
static bool lies_too_deep(const struct message *message, const struct channel *container) REQUIRES(&transit_lock) {
    unsigned depth = 0;
    bool holds = false;
    for (uint32_t i = 0; i < message->num_handles; i++) {
        const struct channel *end = channel_in(&message->handles[i]);
        holds = holds || (end && end->carriers > 0);
    }
    while (holds && depth <= CHANNEL_DEPTH_MAX && (container = container->container)) depth++;
    return depth > CHANNEL_DEPTH_MAX;
}

static bool has_channels(const struct message *message) {
    for (uint32_t i = 0; i < message->num_handles; i++) {
        if (channel_in(&message->handles[i])) return true;
    }
    return false;
}

/*
 * Puts the message into an end's queue, unless it could never be read there. One with channel ends needs the transit
 * lock.
 */
static ALWAYS_INLINE bool enqueue(struct channel *end, struct message *message) REQUIRES(&end->base.pair->lock) {
    if (message->carries_channels) {
        mutex_assert_held(&transit_lock);
        if (closes_cycle(message, end)) return false;
        message_set_container(message, end);
        end->carriers++;
    }
    STAILQ_INSERT_TAIL(&end->queue, message, link);
    if (end->queued++ == 0) object_signal(&end->base.object, 0, ZX_CHANNEL_READABLE);
    return true;
}

/* Does the caller still have the end? Its next owner has done nothing to it yet, since that takes the lock. */
static bool still_has(const struct handle_slot *use) { return !use || handle_use_is_open(use); }

static bool is_refused(const struct message *message, struct peer *to) {
    if (!message->carries_channels) return false;
    mutex_assert_held(&transit_lock);
    return lies_too_deep(message, channel_from_object(&to->object));
}

/*
 * Has the peer's call answered by the message, or puts it into the queue. What the kernel itself sends, at most one
 * message for each thread, is never too much.
 */
static ALWAYS_INLINE zx_status_t hand_over(struct channel *end, struct channel *peer, struct message **message,
                                           struct channel_call *call, bool may_answer)
    REQUIRES(&end->base.pair->lock, &peer->base.pair->lock) {
    const bool answers = may_answer && call_answer(peer, *message);
    if (!answers && unlikely(peer->queued >= CHANNEL_QUEUE_MAX) && (call || may_answer)) return ZX_ERR_SHOULD_WAIT;
    if (call) call_enter(end, call, *message);
    if (answers || enqueue(peer, *message)) *message = NULL;
    if (unlikely(peer->queued == CHANNEL_QUEUE_MAX)) object_signal(&end->base.object, ZX_CHANNEL_WRITABLE, 0);
    return ZX_OK;
}

/* Gives the message to the peer. It is still `*message` if that is not possible: then it must be discarded. */
static ALWAYS_INLINE zx_status_t deliver(struct channel *end, const struct handle_slot *use, struct message **message,
                                         struct channel_call *call, bool may_answer) {
    zx_status_t status = ZX_ERR_PEER_CLOSED;
    mutex_lock(&end->base.pair->lock);
    if (!still_has(use)) {
        status = ZX_ERR_BAD_HANDLE;
    } else if (end->base.other && is_refused(*message, end->base.other)) {
        status = ZX_ERR_NO_MEMORY;
    } else if (end->base.other) {
        struct channel *peer = channel_from_object(&end->base.other->object);
        mutex_assert_held(&peer->base.pair->lock); /* it is the same */
        status = hand_over(end, peer, message, call, may_answer);
    }
    mutex_unlock(&end->base.pair->lock);
    return status;
}

/* The same for a message with channel ends. */
static NOINLINE zx_status_t deliver_carrier(struct channel *end, const struct handle_slot *use,
                                            struct message **message, struct channel_call *call) {
    mutex_lock(&transit_lock);
    zx_status_t status = deliver(end, use, message, call, !call);
    mutex_unlock(&transit_lock);
    return status;
}

zx_status_t channel_send(struct channel *end, const struct handle_slot *use, struct message *message,
                         struct channel_call *call) {
    zx_status_t status;
    /* First, since the reader may be faster. */
    trace(KTRACE_GRP_IPC, KTRACE_MESSAGE_WRITE, message->num_handles, (uintptr_t)message, message->num_bytes);
    message->carries_channels = has_channels(message);
    if (unlikely(message->carries_channels))
        status = deliver_carrier(end, use, &message, call);
    else
        status = deliver(end, use, &message, call, !call);
    if (unlikely(message)) message_discard(message);
    return status;
}

zx_status_t channel_write(struct object *object, const struct handle_slot *use, struct message *message) {
    return channel_send(channel_from_object(object), use, message, NULL);
}

zx_status_t channel_post(struct object *object, struct message *message) {
    message->carries_channels = false;
    return deliver(channel_from_object(object), NULL, &message, NULL, false);
}

/* Its queue was full, and the other end not writable. */
static NOINLINE void has_room_again(struct channel *end) REQUIRES(&end->base.pair->lock) {
    if (end->base.other) object_signal(&end->base.other->object, 0, ZX_CHANNEL_WRITABLE);
}

/*
 * As channel_read(), but a message that is to be discarded comes out too. One with channel ends needs the transit
 * lock.
 */
static ALWAYS_INLINE zx_status_t dequeue(struct channel *end, const struct handle_slot *use, bool discard,
                                         uint32_t *num_bytes, uint32_t *num_handles, struct message **out)
    REQUIRES(&end->base.pair->lock) {
    if (!still_has(use)) return ZX_ERR_BAD_HANDLE;
    struct message *first = STAILQ_FIRST(&end->queue);
    if (!first) return end->base.other ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    bool fits = first->num_bytes <= *num_bytes && first->num_handles <= *num_handles;
    *num_bytes = first->num_bytes;
    *num_handles = first->num_handles;
    if (!fits && !discard) return ZX_ERR_BUFFER_TOO_SMALL;
    STAILQ_REMOVE_HEAD(&end->queue, link);
    if (unlikely(end->queued-- == CHANNEL_QUEUE_MAX)) has_room_again(end);
    if (first->carries_channels) {
        mutex_assert_held(&transit_lock);
        message_set_container(first, NULL);
        end->carriers--;
    }
    if (STAILQ_EMPTY(&end->queue)) object_signal(&end->base.object, ZX_CHANNEL_READABLE, 0);
    *out = first;
    return fits ? ZX_OK : ZX_ERR_BUFFER_TOO_SMALL;
}

/* The same, whatever the first is by then. */
static NOINLINE zx_status_t dequeue_carrier(struct channel *end, const struct handle_slot *use, bool discard,
                                            uint32_t *num_bytes, uint32_t *num_handles, struct message **out) {
    mutex_lock(&transit_lock);
    mutex_lock(&end->base.pair->lock);
    zx_status_t status = dequeue(end, use, discard, num_bytes, num_handles, out);
    mutex_unlock(&end->base.pair->lock);
    mutex_unlock(&transit_lock);
    return status;
}

zx_status_t channel_read(struct object *object, const struct handle_slot *use, bool discard, uint32_t *num_bytes,
                         uint32_t *num_handles, struct message **out) {
    struct channel *end = channel_from_object(object);
    struct message *message = NULL;
    zx_status_t status;
    mutex_lock(&end->base.pair->lock);
    const struct message *first = STAILQ_FIRST(&end->queue);
    if (unlikely(first && first->carries_channels)) {
        mutex_unlock(&end->base.pair->lock);
        status = dequeue_carrier(end, use, discard, num_bytes, num_handles, &message);
    } else {
        status = dequeue(end, use, discard, num_bytes, num_handles, &message);
        mutex_unlock(&end->base.pair->lock);
    }
    if (status == ZX_OK) {
        trace(KTRACE_GRP_IPC, KTRACE_MESSAGE_READ, message->num_handles, (uintptr_t)message, message->num_bytes);
        *out = message;
    } else if (message) {
        message_discard(message);
    }
    return status;
}

uint64_t channel_pending(struct object *object) {
    struct channel *end = channel_from_object(object);
    mutex_lock(&end->base.pair->lock);
    uint64_t pending = end->queued;
    mutex_unlock(&end->base.pair->lock);
    return pending;
}

/* Its first message, whatever it is, or NULL. */
static struct message *read_any(struct object *end) {
    uint32_t bytes = ZX_CHANNEL_MAX_MSG_BYTES, handles = ZX_CHANNEL_MAX_MSG_HANDLES;
    struct message *message;
    return channel_read(end, NULL, false, &bytes, &handles, &message) == ZX_OK ? message : NULL;
}

void channel_set_place(struct object *end, struct exception_channel *place) { channel_from_object(end)->place = place; }

/* The other end, if that is the kernel's: it is no longer needed. The caller takes over the task's hold on it. */
static struct object *take_kernels_end(const struct channel *end) REQUIRES(&end->base.pair->lock) {
    if (!end->base.other) return NULL;
    struct object *other = &end->base.other->object;
    struct exception_channel *place = channel_from_object(other)->place;
    return place && exception_channel_leave(place, other) ? other : NULL;
}

static void close_peers_calls(const struct channel *end) REQUIRES(&end->base.pair->lock) {
    struct channel *peer = channel_from_object(&end->base.other->object);
    mutex_assert_held(&peer->base.pair->lock); /* it is the same */
    calls_peer_closed(peer);
}

/* Discards the queue one message at a time, so that no lock is held for many. No message can be added any more. */
static void channel_on_zero_handles(struct object *object) {
    struct channel *end = channel_from_object(object);
    struct message *message;
    mutex_lock(&end->base.pair->lock);
    struct object *kernels_end = take_kernels_end(end);
    if (end->base.other) close_peers_calls(end);
    peer_part(&end->base, ZX_CHANNEL_WRITABLE);
    mutex_unlock(&end->base.pair->lock);
    while ((message = read_any(object))) message_discard(message);
    if (kernels_end) {
        object_handle_unref(kernels_end);
        object_unref(kernels_end);
    }
}

static void channel_free(struct object *object) {
    const struct channel *end = channel_from_object(object);
    ASSERT(STAILQ_EMPTY(&end->queue) && RB_EMPTY(&end->calls));
    peer_free(object);
}

static const struct object_ops channel_ops = {
    .type = ZX_OBJ_TYPE_CHANNEL,
    .default_rights = ZX_DEFAULT_CHANNEL_RIGHTS,
    .free = channel_free,
    .on_zero_handles = channel_on_zero_handles,
    .cancel = calls_cancel,
    .related_koid = peer_related_koid,
};

zx_status_t channel_create(struct object **out0, struct object **out1) {
    struct object *ends[2];
    zx_status_t status = peers_create(&channel_ops, sizeof(struct channel), ZX_CHANNEL_WRITABLE, &ends[0], &ends[1]);
    if (status != ZX_OK) return status;
    for (size_t i = 0; i < countof(ends); i++) {
        struct channel *end = channel_from_object(ends[i]);
        STAILQ_INIT(&end->queue);
        RB_INIT(&end->calls);
    }
    *out0 = ends[0];
    *out1 = ends[1];
    return ZX_OK;
}
