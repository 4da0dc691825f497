/*
 * Signals and their observers; see object.h.
 *
 * Observers are guarded by the object's own lock, which nests inside all other mutexes, and are notified under it.
 * While there are any, signals change under it too: so each observer is notified of every change that it wants, in
 * order, and never after it has been removed.
 *
 * Programs may make any number of observers, so they are notified in parts (`struct telling`), and the lock is released
 * after each part. Changes not yet delivered to all observers wait in a queue, and only the first is being delivered: a
 * thread that delivers a later one first helps with those before it. A telling keeps its place as a key of the tree,
 * not as a pointer, since any observer may be removed meanwhile; one added meanwhile has a number above `newest` and is
 * skipped. An observer is notified of its pending changes before it is removed. So that a change is delivered in parts
 * shows only in which observers are notified first.
 *
 * A thread delivers what is left after the first part before it runs user code or ends: object_tell_rest(). It holds no
 * outer lock by then. Until then it has attention, which keeps it from waiting for an answer.
 *
 * The signals of an unobserved object change without a lock, by compare-and-swap of a word that also says whether the
 * object is observed. The first observer sets that mark under the lock and reads the signals in the same step: it
 * misses no change after that, since every later change finds the mark. Only the last observer clears it, under the
 * lock.
 *
 * A close that finds an object unobserved takes no lock. An observer that it missed was added after the handle had left
 * its table: the close changed the handle's word before it looked here, and an observing thread changes that word after
 * adding the observer, to check that the handle is still open (handle_names(), handle_use_stays_open()).
 *
 * The tree is ordered by handle, so that closing one finds the observers begun through it. Each node has the union of
 * the signals wanted at and below it, so that a change finds the observers that want it.
 */
#include "kernel/base/augmented.h"
#include "kernel/base/log.h"
#include "kernel/base/trace.h"
#include "kernel/sched/object.h"
#include "kernel/sched/thread.h"

unsigned observers_in_part = 64;

static bool observer_augment(struct observer *observer);
#undef RB_AUGMENT
#define RB_AUGMENT(observer) ((void)observer_augment(observer))

static int compare_handle(const struct observer *observer, const void *table, zx_handle_t value) {
    if (observer->value != value) return observer->value < value ? -1 : 1;
    if (observer->table != table) return (uintptr_t)observer->table < (uintptr_t)table ? -1 : 1;
    return 0;
}

/* What comes through a handle is put behind all that came through it before. */
static int observer_compare(const struct observer *a, const struct observer *b) {
    return compare_handle(a, b->table, b->value) < 0 ? -1 : 1;
}

static bool observer_augment(struct observer *observer) {
    struct observer *left = RB_LEFT(observer, node), *right = RB_RIGHT(observer, node);
    const zx_signals_t before = observer->wanted_below;
    observer->wanted_below = observer->wanted | (left ? left->wanted_below : 0) | (right ? right->wanted_below : 0);
    return observer->wanted_below != before;
}

AUGMENTED_GENERATE(observer_tree, observer, node, observer_compare, observer_augment)

void observer_want(struct observer *observer, zx_signals_t wanted) {
    if (observer->wanted == wanted) return;
    observer->wanted = wanted;
    observer_tree_update(observer);
}

void observer_remove_one(struct object *object, struct observer *observer) {
    observer_tree_take(&object->observers, observer);
}

static bool wanted_below(const struct observer *observer, zx_signals_t signals) {
    return observer && (observer->wanted_below & signals);
}

/* The first observer at or below the node that wants one of the signals. */
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
    uint64_t before = atomic_load_explicit(&object->state, memory_order_relaxed), after;
    do {
        if (before & unless) return false;
        after = (before & ~(uint64_t)clear) | set;
    } while (!atomic_compare_exchange_weak_explicit(&object->state, &before, after, memory_order_acq_rel,
                                                    memory_order_relaxed));
    *c = (struct change){before, after};
    return true;
}

/* Is the observer before the place that a telling has come to? */
static bool is_before(const struct observer *observer, const struct telling *telling) {
    int order = compare_handle(observer, telling->table, telling->value);
    return order ? order < 0 : observer->number < telling->number;
}

/* The first observer at or after a telling's place that wants the change. */
static struct observer *next_to_tell(struct object *object, const struct telling *telling) REQUIRES(&object->lock) {
    struct observer *next = NULL, *at = RB_ROOT(&object->observers);
    while (at) {
        bool before = is_before(at, telling);
        if (!before) next = at;
        at = before ? RB_RIGHT(at, node) : RB_LEFT(at, node);
    }
    return !next || (next->wanted & telling->signals) ? next : next_wanting(next, telling->signals);
}

/* Continues with the first change that is not yet delivered to all. */
static void tell_part(struct object *object) REQUIRES(&object->lock) {
    struct telling *telling = STAILQ_FIRST(&object->tellings);
    struct observer *observer = next_to_tell(object, telling);
    for (unsigned i = 0; i < observers_in_part && observer; i++) {
        struct observer *next = next_wanting(observer, telling->signals);
        if (observer->number <= telling->newest) observer->ops->notify(observer, telling->signals);
        observer = next;
    }
    if (observer) {
        telling->table = observer->table;
        telling->value = observer->value;
        telling->number = observer->number;
    } else {
        STAILQ_REMOVE_HEAD(&object->tellings, link);
        telling->over = true;
    }
}

/* Notifies an observer of its pending changes, all made since it began. That may remove it. */
static void catch_up(struct object *object, struct observer *observer) REQUIRES(&object->lock) {
    const struct telling *telling;
    STAILQ_FOREACH (telling, &object->tellings, link) {
        if (!observer->watching) return;
        if (observer->number > telling->newest || is_before(observer, telling)) continue;
        if (observer->wanted & telling->signals) observer->ops->notify(observer, telling->signals);
    }
}

/* A place for a telling of the running thread's; NULL: it has none left. */
static struct telling *free_place(void) {
    struct telling *places = thread_current()->tellings;
    for (unsigned i = 0; i < TELLINGS_MAX; i++) {
        if (!places[i].object) return &places[i];
    }
    return NULL;
}

/* True: some are left for object_tell_more(). */
static bool begin_to_tell(struct object *object, zx_signals_t signals, struct telling *telling)
    REQUIRES(&object->lock) {
    *telling = (struct telling){.signals = signals, .newest = object->last_number};
    STAILQ_INSERT_TAIL(&object->tellings, telling, link);
    tell_part(object);
    if (telling->over) return false;
    telling->object = object;
    object_ref(object);
    return true;
}

/* A thread without a free place notifies all at once. Under a lock it makes no more changes than it has places. */
static NOINLINE void tell_many(struct object *object, zx_signals_t signals) REQUIRES(&object->lock) {
    struct telling *place = free_place(), at_once;
    if (place && begin_to_tell(object, signals, place)) arch_attention_raise(&thread_current()->arch, ATTENTION_TELL);
    if (place) return;
    at_once = (struct telling){.signals = signals, .newest = object->last_number};
    STAILQ_INSERT_TAIL(&object->tellings, &at_once, link);
    while (!at_once.over) tell_part(object);
}

static void tell(struct object *object, zx_signals_t signals) REQUIRES(&object->lock) {
    struct observer *first = RB_ROOT(&object->observers);
    if (unlikely(!wanted_below(first, signals))) return;
    trace(KTRACE_GRP_IPC, KTRACE_SIGNAL, 0, object->koid, signals);
    if (unlikely(!observer_is_only(object, first) || !STAILQ_EMPTY(&object->tellings)))
        return tell_many(object, signals);
    first->ops->notify(first, signals);
}

bool object_tell_more(struct telling *telling) {
    struct object *object = telling->object;
    lock_rank_assert_none();
    mutex_lock(&object->lock);
    if (!telling->over) tell_part(object);
    bool over = telling->over;
    mutex_unlock_part(&object->lock, over);
    if (!over) return true;
    telling->object = NULL;
    object_unref(object);
    return false;
}

void object_tell_left(void) {
    struct thread *self = thread_current();
    arch_attention_lower(&self->arch, ATTENTION_TELL);
    for (unsigned i = 0; i < TELLINGS_MAX; i++) {
        while (self->tellings[i].object && object_tell_more(&self->tellings[i])) continue;
    }
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

bool object_signal_begin(struct object *object, zx_signals_t clear, zx_signals_t set, struct telling *telling) {
    struct change c;
    if (change(object, clear, set, OBJECT_WATCHED, &c)) return false;
    mutex_lock(&object->lock);
    (void)change(object, clear, set, 0, &c);
    bool left = c.before != c.after && begin_to_tell(object, (zx_signals_t)c.after, telling);
    mutex_unlock(&object->lock);
    return left;
}

/* Puts it into the tree, and marks the object as watched. Returns the signals of that moment. */
static zx_signals_t insert(struct object *object, struct observer *observer) REQUIRES(&object->lock) {
    observer->watching = true;
    observer->wanted_below = observer->wanted;
    observer->number = ++object->last_number;
    const bool first = RB_EMPTY(&object->observers);
    observer_tree_add(&object->observers, observer);
    if (!first) return object_signals(object);
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
    if (unlikely(!STAILQ_EMPTY(&object->tellings))) catch_up(object, observer);
    if (observer->watching) observer_remove(object, observer);
    zx_signals_t signals = object_signals(object);
    mutex_unlock(&object->lock);
    return signals;
}

/* Removes and releases some of the observers begun through the handle. True: there may be more. */
static bool cancel_some(struct object *object, const void *table, zx_handle_t value) {
    SLIST_HEAD(, observer) gone = SLIST_HEAD_INITIALIZER(gone);
    struct observer *observer = NULL;
    unsigned room = observers_in_part;
    mutex_lock(&object->lock);
    while (room > 0 && (observer = first_through(object, table, value))) {
        room--;
        catch_up(object, observer);
        if (!observer->watching) continue;
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
