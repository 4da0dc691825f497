/*
 * Events and event pairs: what the two know of each other, and of each other's end.
 */
#include "kernel/object/event.h"

#include "kernel/object/handle.h"
#include "kernel/object/peer.h"
#include "tests/kernel/support.h"

#define S0 ZX_USER_SIGNAL_0
#define S1 ZX_USER_SIGNAL_1

static struct handle end[2];

static zx_status_t pair_make(void *arg UNUSED) {
    struct object *a, *b;
    zx_status_t status = eventpair_create(&a, &b);
    if (status != ZX_OK) return status;
    end[0] = handle_make(a, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    end[1] = handle_make(b, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    object_unref(a);
    object_unref(b);
    return ZX_OK;
}

static zx_status_t event_make(void *arg) { return event_create(arg); }
static bool always(void *arg UNUSED) { return true; }

KTEST("event/it begins with no signal up, and those that are raised stay") {
    struct object *event;
    NEED(event_create(&event) == ZX_OK);
    EXPECT(object_signals(event) == 0 && event->ops->type == ZX_OBJ_TYPE_EVENT);
    object_signal(event, 0, S0 | ZX_EVENT_SIGNALED);
    object_signal(event, S0, S1);
    EXPECT(object_signals(event) == (S1 | ZX_EVENT_SIGNALED));
    object_unref(event);
}

KTEST("eventpair/each signals the other, and not itself") {
    NEED(pair_make(NULL) == ZX_OK);
    EXPECT(peer_signal(end[0].object, 0, S0) == ZX_OK);
    EXPECT(object_signals(end[0].object) == 0 && object_signals(end[1].object) == S0);
    EXPECT(peer_signal(end[1].object, 0, S1) == ZX_OK);
    EXPECT(peer_signal(end[0].object, S0, 0) == ZX_OK);
    EXPECT(object_signals(end[0].object) == S1 && object_signals(end[1].object) == 0);
    handle_discard(end[0]);
    handle_discard(end[1]);
}

KTEST("eventpair/each knows the other's koid, also when it is gone") {
    NEED(pair_make(NULL) == ZX_OK);
    const struct object *a = end[0].object;
    struct object *b = end[1].object;
    const zx_koid_t koid = a->koid;
    EXPECT(b->ops->related_koid(b) == koid && a->ops->related_koid(end[0].object) == b->koid);
    handle_discard(end[0]);
    EXPECT(b->ops->related_koid(b) == koid);
    handle_discard(end[1]);
}

KTEST("eventpair/when the last handle to one is closed, the other learns it, and keeps its other signals") {
    NEED(pair_make(NULL) == ZX_OK);
    const struct handle more = handle_make(end[0].object, 0);
    object_signal(end[1].object, 0, S0);
    handle_discard(end[0]);
    EXPECT(object_signals(end[1].object) == S0);
    handle_discard(more);
    EXPECT(object_signals(end[1].object) == (S0 | ZX_EVENTPAIR_PEER_CLOSED));
    EXPECT(peer_signal(end[1].object, 0, S1) == ZX_ERR_PEER_CLOSED);
    object_signal(end[1].object, S0, S1);
    EXPECT(object_signals(end[1].object) == (S1 | ZX_EVENTPAIR_PEER_CLOSED));
    handle_discard(end[1]);
}

KTEST("event/whichever allocation fails, there is no event, and no half of a pair") {
    struct object *event = NULL;
    EXPECT(fail_each_allocation(event_make, always, &event) >= 1);
    object_unref(event);
    EXPECT(fail_each_allocation(pair_make, always, NULL) >= 3);
    handle_discard(end[0]);
    handle_discard(end[1]);
}
