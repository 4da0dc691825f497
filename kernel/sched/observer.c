/*
 * Signals and those who watch them; see object.h.
 *
 * Observers are guarded by the object's own lock, which nests inside all other mutexes, and told under it. It is no
 * spinlock, for there may be as many observers as programs care to make. While there are any, signals change under it
 * too: so each observer is told of every change that it wants, in order, and one that has been unobserved can never be
 * told afterwards.
 *
 * The signals of an object that nobody watches change without a lock, by compare-and-swap of a word that says, too,
 * whether it is watched. The first observer sets that mark under the lock, and learns in the same step what the signals
 * are: it misses no change after that, for who makes one finds the mark. Only the last takes it off, under the lock.
 *
 * A close that finds an object unwatched takes no lock. An observer that it missed came after the handle had left its
 * table: the close changed the handle's word before it looked here, and who observes changes that word afterwards, to
 * look whether the handle is still there (handle_names(), handle_use_stays_open()).
 *
 * The tree is ordered by handle, so that closing one finds what was begun through it. Each node has the signals that
 * anybody below it wants, so that a change finds those that want it. As in vm/region.c, RB_AUGMENT serves the nodes
 * that the tree rotates, and the ancestors of one that came, went or changed are brought up to date here.
 */
#include "kernel/base/log.h"
#include "kernel/sched/object.h"

/* Observers cancelled in one hold of the lock. */
#define CANCEL_MAX 64

static void observer_augment(struct observer *observer);
#undef RB_AUGMENT
#define RB_AUGMENT(observer) observer_augment(observer)

static int compare_handle(const struct observer *observer, const void *table, zx_handle_t value) {
    if (observer->value != value) return observer->value < value ? -1 : 1;
    if (observer->table != table) return (uintptr_t)observer->table < (uintptr_t)table ? -1 : 1;
    return 0;
}

/* What comes through a handle is put behind all that came through it before. */
static int observer_compare(const struct observer *a, const struct observer *b) {
    return compare_handle(a, b->table, b->value) < 0 ? -1 : 1;
}

RB_GENERATE_INTERNAL(observer_tree, observer, node, observer_compare, UNUSED static)

static void observer_augment(struct observer *observer) {
    struct observer *left = RB_LEFT(observer, node), *right = RB_RIGHT(observer, node);
    observer->wanted_below = observer->wanted | (left ? left->wanted_below : 0) | (right ? right->wanted_below : 0);
}

static void augment_up(struct observer *observer) {
    for (; observer; observer = RB_PARENT(observer, node)) observer_augment(observer);
}

void observer_want(struct observer *observer, zx_signals_t wanted) {
    if (observer->wanted == wanted) return;
    observer->wanted = wanted;
    augment_up(observer);
}

void observer_remove_one(struct object *object, struct observer *observer) {
    struct observer *parent = RB_PARENT(observer, node);
    RB_REMOVE(observer_tree, &object->observers, observer);
    augment_up(parent);
}

static bool wanted_below(const struct observer *observer, zx_signals_t signals) {
    return observer && (observer->wanted_below & signals);
}

/* The first at or below it that wants one of the signals. */
static struct observer *first_wanting(struct observer *observer, zx_signals_t signals) {
    while (wanted_below(observer, signals)) {
        if (wanted_below(RB_LEFT(observer, node), signals))
            observer = RB_LEFT(observer, node);
        else if (observer->wanted & signals)
            return observer;
        else
            observer = RB_RIGHT(observer, node);
    }
    return NULL;
}

static struct observer *next_wanting(struct observer *observer, zx_signals_t signals) {
    struct observer *next = first_wanting(RB_RIGHT(observer, node), signals), *parent;
    while (!next) {
        while ((parent = RB_PARENT(observer, node)) && RB_RIGHT(parent, node) == observer) observer = parent;
        if (!parent) return NULL;
        observer = parent;
        next = observer->wanted & signals ? observer : first_wanting(RB_RIGHT(observer, node), signals);
    }
    return next;
}

/* The first that was begun through the handle. */
static struct observer *first_through(struct object *object, const void *table, zx_handle_t value)
    REQUIRES(&object->lock) {
    struct observer *first = NULL, *at = RB_ROOT(&object->observers);
    while (at) {
        int order = compare_handle(at, table, value);
        if (order == 0) first = at;
        at = order < 0 ? RB_RIGHT(at, node) : RB_LEFT(at, node);
    }
    return first;
}

struct change {
    uint64_t before, after;
};

/* False: the state has a mark of `unless`, and nothing has changed. */
static inline bool change(struct object *object, zx_signals_t clear, zx_signals_t set, uint64_t unless,
                          struct change *c) {
    c->before = atomic_load_explicit(&object->state, memory_order_relaxed);
    do {
        if (c->before & unless) return false;
        c->after = (c->before & ~(uint64_t)clear) | set;
    } while (!atomic_compare_exchange_weak_explicit(&object->state, &c->before, c->after, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return true;
}

static NOINLINE void tell_many(struct object *object, zx_signals_t signals) REQUIRES(&object->lock) {
    struct observer *observer = first_wanting(RB_ROOT(&object->observers), signals);
    while (observer) {
        struct observer *next = next_wanting(observer, signals);
        observer->ops->notify(observer, signals);
        observer = next;
    }
}

static void tell(struct object *object, zx_signals_t signals) REQUIRES(&object->lock) {
    struct observer *first = RB_ROOT(&object->observers);
    if (unlikely(!first)) return;
    if (unlikely(!observer_is_only(object, first))) return tell_many(object, signals);
    if (first->wanted & signals) first->ops->notify(first, signals);
}

static NOINLINE void signal_watched(struct object *object, zx_signals_t clear, zx_signals_t set) {
    struct change c;
    mutex_lock(&object->lock);
    (void)change(object, clear, set, 0, &c);
    if (c.before != c.after) tell(object, (zx_signals_t)c.after);
    mutex_unlock(&object->lock);
}

void object_signal(struct object *object, zx_signals_t clear, zx_signals_t set) {
    struct change c;
    switch_point();
    if (!change(object, clear, set, OBJECT_WATCHED, &c)) signal_watched(object, clear, set);
}

/* Puts it into the tree, and marks the object as watched. Returns the signals of that moment. */
static zx_signals_t insert(struct object *object, struct observer *observer) REQUIRES(&object->lock) {
    observer->watching = true;
    observer->wanted_below = observer->wanted;
    bool first = RB_EMPTY(&object->observers);
    RB_INSERT(observer_tree, &object->observers, observer);
    if (!first) {
        augment_up(observer);
        return object_signals(object);
    }
    return (zx_signals_t)atomic_fetch_add_explicit(&object->state, OBJECT_WATCHED, memory_order_acq_rel);
}

zx_signals_t object_observe(struct object *object, struct observer *observer) {
    mutex_lock(&object->lock);
    zx_signals_t signals = insert(object, observer);
    observer->ops->notify(observer, signals);
    mutex_unlock(&object->lock);
    return signals;
}

void object_observe_changes(struct object *object, struct observer *observer) {
    mutex_lock(&object->lock);
    zx_signals_t signals = insert(object, observer);
    if (signals & observer->wanted) observer->ops->notify(observer, signals);
    mutex_unlock(&object->lock);
}

zx_signals_t object_unobserve(struct object *object, struct observer *observer) {
    mutex_lock(&object->lock);
    if (observer->watching) observer_remove(object, observer);
    zx_signals_t signals = object_signals(object);
    mutex_unlock(&object->lock);
    return signals;
}

/* Takes some of those that were begun through the handle out, and releases them. True: there may be more. */
static bool cancel_some(struct object *object, const void *table, zx_handle_t value) {
    SLIST_HEAD(, observer) gone = SLIST_HEAD_INITIALIZER(gone);
    struct observer *observer = NULL;
    unsigned room = CANCEL_MAX;
    mutex_lock(&object->lock);
    while (room > 0 && (observer = first_through(object, table, value))) {
        room--;
        observer_remove(object, observer);
        if (observer->ops->cancelled(observer, object_signals(object))) SLIST_INSERT_HEAD(&gone, observer, gone);
    }
    mutex_unlock_part(&object->lock, room > 0);
    while ((observer = SLIST_FIRST(&gone))) {
        SLIST_REMOVE_HEAD(&gone, gone);
        observer->ops->released(observer);
    }
    return room == 0;
}

/* The handle has left its table, so no more are begun through it. */
void object_cancel_watches(struct object *object, const void *table, zx_handle_t value) {
    while (cancel_some(object, table, value)) continue;
}
