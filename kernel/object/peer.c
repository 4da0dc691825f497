/* Peers; see peer.h. */
#include "kernel/object/peer.h"

#include "vm/heap.h"

static struct peer *end_init(void *memory, const struct object_ops *ops, zx_signals_t signals, struct peer_pair *pair) {
    struct peer *end = memory;
    object_init(&end->object, ops, signals);
    end->pair = pair;
    return end;
}

zx_status_t peers_create(const struct object_ops *ops, size_t size, zx_signals_t signals, struct object **out0,
                         struct object **out1) {
    struct peer_pair *pair = heap_new(struct peer_pair);
    void *first = heap_alloc_zeroed(size), *second = heap_alloc_zeroed(size);
    if (!pair || !first || !second) {
        heap_free(pair);
        heap_free(first);
        heap_free(second);
        return ZX_ERR_NO_MEMORY;
    }
    atomic_init(&pair->refs, 2);
    atomic_init(&pair->spare, NULL);
    mutex_init(&pair->lock, RANK_CHANNEL, "peers");
    struct peer *a = end_init(first, ops, signals, pair), *b = end_init(second, ops, signals, pair);
    a->other = b;
    b->other = a;
    a->other_koid = b->object.koid;
    b->other_koid = a->object.koid;
    *out0 = &a->object;
    *out1 = &b->object;
    return ZX_OK;
}

void peer_part(struct peer *end, zx_signals_t clear) {
    struct peer *other = end->other;
    if (!other) return;
    other->other = NULL;
    end->other = NULL;
    object_signal(&other->object, clear, ZX_CHANNEL_PEER_CLOSED); /* ZX_EVENTPAIR_PEER_CLOSED is the same */
}

zx_status_t peer_signal(struct object *object, zx_signals_t clear, zx_signals_t set) {
    struct peer *end = peer_from_object(object);
    mutex_lock(&end->pair->lock);
    struct peer *other = end->other;
    if (other) object_signal(&other->object, clear, set);
    mutex_unlock(&end->pair->lock);
    return other ? ZX_OK : ZX_ERR_PEER_CLOSED;
}

void peer_free(struct object *object) {
    struct peer *end = peer_from_object(object);
    if (refcount_unref(&end->pair->refs)) {
        heap_free(end->pair->spare);
        heap_free(end->pair);
    }
    heap_free(end);
}

zx_koid_t peer_related_koid(struct object *object) { return peer_from_object(object)->other_koid; }
