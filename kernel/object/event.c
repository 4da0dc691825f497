/*
 * Events; see event.h. The two of a pair share a small counted block with the lock under which either finds the other.
 */
#include "kernel/object/event.h"

#include "kernel/base/refcount.h"
#include "kernel/sched/mutex.h"
#include "vm/heap.h"

static void event_free(struct object *object) { heap_free(object); }

static const struct object_ops event_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .default_rights = ZX_DEFAULT_EVENT_RIGHTS,
    .free = event_free,
};

zx_status_t event_create(struct object **out) {
    struct object *event = heap_new(struct object);
    if (!event) return ZX_ERR_NO_MEMORY;
    object_init(event, &event_ops, 0);
    *out = event;
    return ZX_OK;
}

struct eventpair_lock {
    atomic_uint refs;
    struct mutex mutex;
};

struct eventpair {
    struct object object;
    struct eventpair_lock *lock; /* [I] with a reference; guards [c] */
    zx_koid_t peer_koid;         /* [I] */
    struct eventpair *peer;      /* [c] NULL once its last handle is closed; borrowed */
};

static struct eventpair *eventpair_from_object(struct object *object) {
    return container_of(object, struct eventpair, object);
}

static void lock_unref(struct eventpair_lock *lock) {
    if (refcount_unref(&lock->refs)) heap_free(lock);
}

static void eventpair_free(struct object *object) {
    struct eventpair *end = eventpair_from_object(object);
    lock_unref(end->lock);
    heap_free(end);
}

static void eventpair_on_zero_handles(struct object *object) {
    struct eventpair *end = eventpair_from_object(object);
    mutex_lock(&end->lock->mutex);
    if (end->peer) {
        end->peer->peer = NULL;
        object_signal(&end->peer->object, 0, ZX_EVENTPAIR_PEER_CLOSED);
        end->peer = NULL;
    }
    mutex_unlock(&end->lock->mutex);
}

static zx_koid_t eventpair_related_koid(struct object *object) { return eventpair_from_object(object)->peer_koid; }

static const struct object_ops eventpair_ops = {
    .type = ZX_OBJ_TYPE_EVENTPAIR,
    .default_rights = ZX_DEFAULT_EVENTPAIR_RIGHTS,
    .free = eventpair_free,
    .on_zero_handles = eventpair_on_zero_handles,
    .related_koid = eventpair_related_koid,
};

static struct eventpair *end_new(struct eventpair_lock *lock) {
    struct eventpair *end = heap_new(struct eventpair);
    if (!end) return NULL;
    object_init(&end->object, &eventpair_ops, 0);
    refcount_ref(&lock->refs);
    end->lock = lock;
    return end;
}

zx_status_t eventpair_create(struct object **out0, struct object **out1) {
    struct eventpair_lock *lock = heap_new(struct eventpair_lock);
    if (!lock) return ZX_ERR_NO_MEMORY;
    atomic_init(&lock->refs, 1);
    mutex_init(&lock->mutex, RANK_CHANNEL, "event pair");
    struct eventpair *a = end_new(lock), *b = a ? end_new(lock) : NULL;
    lock_unref(lock);
    if (!b) {
        if (a) object_unref(&a->object);
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

zx_status_t eventpair_signal_peer(struct object *object, zx_signals_t clear, zx_signals_t set) {
    struct eventpair *end = eventpair_from_object(object);
    mutex_lock(&end->lock->mutex);
    struct eventpair *peer = end->peer;
    if (peer) object_signal(&peer->object, clear, set);
    mutex_unlock(&end->lock->mutex);
    return peer ? ZX_OK : ZX_ERR_PEER_CLOSED;
}
