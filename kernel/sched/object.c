/* Reference counts and koids; see object.h for the life of an object. Signals are in observer.c. */
#include "kernel/sched/object.h"

#include "kernel/base/log.h"
#include "kernel/base/tally.h"

/* Koids below this are reserved, as in Zircon. */
#define FIRST_KOID 1024

/* All processors write it. So it has a cache line to itself. */
static struct { _Alignas(CACHE_LINE) atomic_ullong next; } koids = {FIRST_KOID};
static struct tally live_objects;

zx_koid_t koid_new(void) { return atomic_fetch_add_explicit(&koids.next, 1, memory_order_relaxed); }

zx_koid_t koid_last(void) { return atomic_load(&koids.next) - 1; }

size_t object_count(void) { return tally_sum(&live_objects); }

void object_init(struct object *object, const struct object_ops *ops, zx_signals_t signals) {
    object->ops = ops;
    object->koid = koid_new();
    atomic_init(&object->refs, 1);
    atomic_init(&object->handles, 0);
    mutex_init(&object->lock, RANK_SIGNALS, "object");
    atomic_init(&object->state, signals);
    RB_INIT(&object->observers);
    object->last_number = 0;
    STAILQ_INIT(&object->tellings);
    tally_add(&live_objects, 1);
}

#ifdef DEBUG
/* The thread that notified the last observer may still be finishing that, under the lock. */
static void wait_for_tellers(struct object *object) {
    if (RB_EMPTY(&object->observers) && STAILQ_EMPTY(&object->tellings)) return;
    mutex_lock(&object->lock);
    mutex_unlock(&object->lock);
}
#else
static void wait_for_tellers(struct object *object UNUSED) {}
#endif

static void count_out(struct object *object) {
    wait_for_tellers(object);
    ASSERT(RB_EMPTY(&object->observers) && STAILQ_EMPTY(&object->tellings));
    tally_sub(&live_objects, 1);
}

void object_free(struct object *object) {
    lock_rank_assert_none();
    object_abandon(object);
}

bool object_unref_last(struct object *object) {
    if (!refcount_unref(&object->refs)) return false;
    lock_rank_assert_none();
    count_out(object);
    return true;
}

void object_abandon(struct object *object) {
    count_out(object);
    object->ops->free(object);
}

void object_lose_handles(struct object *object) {
    if (object->ops->on_zero_handles) object->ops->on_zero_handles(object);
}
