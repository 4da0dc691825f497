/*
 * Reference counts, koids and signals; see object.h for the life of an object.
 *
 * Signals and observers are guarded by the object's own lock, which nests inside all other mutexes. Observers are told
 * under it: so each is told of every change, in order, and one that has been unobserved can never be told afterwards.
 * It is no spinlock, for there may be as many observers as programs care to make.
 */
#include "kernel/sched/object.h"

#include "kernel/base/log.h"

/* Koids below this are reserved, as in Zircon. */
#define FIRST_KOID 1024

static atomic_ullong next_koid = FIRST_KOID;
static atomic_size_t live_objects;

zx_koid_t koid_new(void) { return atomic_fetch_add_explicit(&next_koid, 1, memory_order_relaxed); }

size_t object_count(void) { return atomic_load(&live_objects); }

void object_init(struct object *object, const struct object_ops *ops, zx_signals_t signals) {
    object->ops = ops;
    object->koid = koid_new();
    atomic_init(&object->refs, 1);
    atomic_init(&object->handles, 0);
    mutex_init(&object->lock, RANK_SIGNALS, "object");
    object->signals = signals;
    LIST_INIT(&object->observers);
    atomic_fetch_add(&live_objects, 1);
}

static void count_out(struct object *object) {
    ASSERT(LIST_EMPTY(&object->observers));
    atomic_fetch_sub(&live_objects, 1);
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

void object_handle_ref(struct object *object) { refcount_ref(&object->handles); }

void object_handle_unref(struct object *object) {
    if (refcount_unref(&object->handles) && object->ops->on_zero_handles) object->ops->on_zero_handles(object);
}

zx_signals_t object_signals(struct object *object) {
    mutex_lock(&object->lock);
    zx_signals_t signals = object->signals;
    mutex_unlock(&object->lock);
    return signals;
}

void object_signal(struct object *object, zx_signals_t clear, zx_signals_t set) {
    mutex_lock(&object->lock);
    zx_signals_t before = object->signals;
    object->signals = (before & ~clear) | set;
    if (object->signals != before) {
        struct observer *observer, *next;
        for (observer = LIST_FIRST(&object->observers); observer; observer = next) {
            next = LIST_NEXT(observer, link);
            observer->notify(observer, object->signals);
        }
    }
    mutex_unlock(&object->lock);
}

zx_signals_t object_observe(struct object *object, struct observer *observer) {
    mutex_lock(&object->lock);
    zx_signals_t signals = object->signals;
    LIST_INSERT_HEAD(&object->observers, observer, link);
    observer->notify(observer, signals);
    mutex_unlock(&object->lock);
    return signals;
}

/* A removed observer is marked by a NULL back link. */
void observer_remove(struct object *object UNUSED, struct observer *observer) {
    LIST_REMOVE(observer, link);
    observer->link.le_prev = NULL;
}

zx_signals_t object_unobserve(struct object *object, struct observer *observer) {
    mutex_lock(&object->lock);
    if (observer->link.le_prev) observer_remove(object, observer);
    zx_signals_t signals = object->signals;
    mutex_unlock(&object->lock);
    return signals;
}

void object_cancel(struct object *object, const void *table, zx_handle_t value) {
    SLIST_HEAD(, observer) gone = SLIST_HEAD_INITIALIZER(gone);
    struct observer *observer, *next;
    mutex_lock(&object->lock);
    for (observer = LIST_FIRST(&object->observers); observer; observer = next) {
        next = LIST_NEXT(observer, link);
        if (observer->table != table || observer->value != value) continue;
        observer_remove(object, observer);
        if (observer->cancelled(observer, object->signals)) SLIST_INSERT_HEAD(&gone, observer, gone);
    }
    mutex_unlock(&object->lock);
    while ((observer = SLIST_FIRST(&gone))) {
        SLIST_REMOVE_HEAD(&gone, gone);
        observer->released(observer);
    }
}
