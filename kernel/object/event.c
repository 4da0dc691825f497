/* Events; see event.h. The two of a pair are peers and nothing else. */
#include "kernel/object/event.h"

#include "kernel/object/peer.h"
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

static void eventpair_on_zero_handles(struct object *object) {
    struct peer *end = peer_from_object(object);
    mutex_lock(&end->pair->lock);
    peer_part(end, 0);
    mutex_unlock(&end->pair->lock);
}

static const struct object_ops eventpair_ops = {
    .type = ZX_OBJ_TYPE_EVENTPAIR,
    .default_rights = ZX_DEFAULT_EVENTPAIR_RIGHTS,
    .free = peer_free,
    .on_zero_handles = eventpair_on_zero_handles,
    .related_koid = peer_related_koid,
};

zx_status_t eventpair_create(struct object **out0, struct object **out1) {
    return peers_create(&eventpair_ops, sizeof(struct peer), 0, out0, out1);
}
