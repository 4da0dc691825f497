/*
 * What every kernel object is: a type, a koid, a reference count, and signals that others can observe.
 *
 * Life: the creator of an object holds one reference. `object_ref` makes one more, `object_unref` gives one back, and
 * the last calls the object's `free`. Handles hold references too, and are counted apart: when the last handle is
 * closed, `on_zero_handles` is called, whatever other references remain. The last reference is never given back under
 * a lock.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdatomic.h>
#include <zircon/types.h>

#include "kernel/base/refcount.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/telling.h"
#include "kernel/sched/thread.h"

struct object;

struct object_ops {
    zx_obj_type_t type;
    zx_rights_t default_rights; /* the type's ZX_DEFAULT_*_RIGHTS; with WAIT among them it can be waited on */
    size_t name_offset; /* of its name[ZX_MAX_NAME_LEN] from the object, OBJECT_NAME(type); 0: it has none (name.h) */
    /* Frees the object. No lock is held, and there is no other reference. */
    void (*free)(struct object *object);
    /* The last handle was closed (optional). The caller of object_handle_unref() still holds a reference. */
    void (*on_zero_handles)(struct object *object);
    /* As object_cancel(), for what is no observer (optional). No lock is held. */
    void (*cancel)(struct object *object, const void *table, zx_handle_t value);
    zx_koid_t (*related_koid)(struct object *object); /* optional: 0 */
};

#define OBJECT_NAME(type) (offsetof(type, name) - offsetof(type, object))

/*
 * An observer's callbacks. `notify` runs under the object's lock: it may wake threads, call observer_want(), and remove
 * the observer, nothing more. `cancelled` says that the handle it was begun through was closed; it has then been
 * removed. If it returns true, `released` is called once no lock is held any more.
 */
struct observer;
struct observer_ops {
    void (*notify)(struct observer *observer, zx_signals_t signals);
    bool (*cancelled)(struct observer *observer, zx_signals_t signals);
    void (*released)(struct observer *observer);
};

/*
 * A watch on signals: notified of the state when it begins, and then, until it is removed, of every change to a state
 * in which a signal is up that it wants.
 */
struct observer {
    /* [I] */
    const struct observer_ops *ops;
    const void *table; /* with `value`: the handle that the watch was begun through */
    zx_handle_t value;

    /* [o] of the object that is watched */
    zx_signals_t wanted;
    zx_signals_t wanted_below; /* by it, or by any below it in the tree */
    uint64_t number;           /* orders those of an object by when they began */
    bool watching;             /* in the tree */
    RB_ENTRY(observer) node;

    SLIST_ENTRY(observer) gone; /* [T] in the list of cancelled observers to be released */
};

RB_HEAD(observer_tree, observer);

struct object {
    const struct object_ops *ops;   /* [I] */
    zx_koid_t koid;                 /* [I] */
    refcount refs;                  /* [a] */
    refcount handles;               /* [a] */
    struct mutex lock;              /* guards [o] */
    _Atomic uint64_t state;         /* [o/a] its signals, and OBJECT_WATCHED; without that changed under no lock */
    struct observer_tree observers; /* [o] by handle */
    uint64_t last_number;           /* [o] of an observer */
    struct telling_queue tellings;  /* [o] in the order of the changes */
};

#define OBJECT_WATCHED ((uint64_t)1 << 32) /* it has observers */

/* One reference, no handles. Counts towards object_count(). */
void object_init(struct object *object, const struct object_ops *ops, zx_signals_t signals);

static inline void object_ref(struct object *object) { refcount_ref(&object->refs); }
/* For an object that is known but not held: false if its last reference has been dropped already. */
static inline bool object_try_ref(struct object *object) { return refcount_try_ref(&object->refs); }
/* For object_unref(). */
void object_free(struct object *object);
/* For types that form chains, whose `free` frees them in a loop. True: the caller has to free this one too. */
bool object_unref_last(struct object *object);

/* Frees an object that only its creator has ever referenced. Unlike the last unref, may be called under locks. */
void object_abandon(struct object *object);

/* Gives a reference back. No lock is held where it may be the last. */
static inline void object_unref(struct object *object) {
    if (unlikely(refcount_unref(&object->refs))) object_free(object);
}

/*
 * What a handle holds of its object beside a reference: a handle count. Of an object that others can find before its
 * handle is made the count comes first; handle_adopt() makes the handle from both.
 */
static inline void object_handle_ref(struct object *object) { refcount_ref(&object->handles); }
/* One more, if there is one: false once `on_zero_handles` may have begun. */
static inline bool object_handle_try_ref(struct object *object) { return refcount_try_ref(&object->handles); }
/* For object_handle_unref(). */
void object_lose_handles(struct object *object);
static inline void object_handle_unref(struct object *object) {
    if (unlikely(refcount_unref(&object->handles))) object_lose_handles(object);
}

static inline bool object_is_waitable(const struct object *object) {
    return object->ops->default_rights & ZX_RIGHT_WAIT;
}

/* At this moment. */
static inline zx_signals_t object_signals(struct object *object) {
    return (zx_signals_t)atomic_load_explicit(&object->state, memory_order_acquire);
}

/*
 * Clears, then sets, then notifies the observers that want the change; the time grows with the logarithm of the number
 * of the others. If many want it, some are left for object_tell_rest(). Any mutex may be held.
 */
void object_signal(struct object *object, zx_signals_t clear, zx_signals_t set);

/* Delivers the rest of the running thread's changes: before it runs user code, ends or sleeps. No lock is held. */
void object_tell_left(void);
static inline void object_tell_rest(void) {
    if (unlikely(arch_attention(&thread_current()->arch) & ATTENTION_TELL)) object_tell_left();
}

/* For callers that cannot do that: object_signal(), but the caller delivers the rest. True: by object_tell_more(). */
bool object_signal_begin(struct object *object, zx_signals_t clear, zx_signals_t set, struct telling *telling);
/* Notifies some more. False: all have been notified. No lock is held. */
bool object_tell_more(struct telling *telling);

/* How many are notified, or cancelled, in one hold of the lock. Set by the explorer. */
extern unsigned observers_in_part;

/* Begins to watch; the caller has set the first group, and `wanted`. Returns the signals of that moment. */
zx_signals_t object_observe(struct object *object, struct observer *observer);
/* The same, but the observer is notified of the initial state only if it wants that. */
void object_observe_changes(struct object *object, struct observer *observer);
/* Ends it. Returns the signals of that moment. Harmless if it was cancelled. After it, `notify` cannot run. */
zx_signals_t object_unobserve(struct object *object, struct observer *observer);
/* For `notify`: the same; and what the observer wants from now on. */
static inline void observer_remove(struct object *object, struct observer *observer) REQUIRES(&object->lock);
void observer_want(struct observer *observer, zx_signals_t wanted);
/* The handle (table, value) has left its table: cancels the observers begun through it. */
void object_cancel_watches(struct object *object, const void *table, zx_handle_t value);
static inline void object_cancel(struct object *object, const void *table, zx_handle_t value) {
    if (unlikely(object->ops->cancel)) object->ops->cancel(object, table, value);
    if (unlikely(atomic_load_explicit(&object->state, memory_order_relaxed) & OBJECT_WATCHED))
        object_cancel_watches(object, table, value);
}

/* Most objects have one observer at a time. */
static inline bool observer_is_only(const struct object *object, const struct observer *observer) {
    return RB_ROOT(&object->observers) == observer && !RB_LEFT(observer, node) && !RB_RIGHT(observer, node);
}

void observer_remove_one(struct object *object, struct observer *observer) REQUIRES(&object->lock);
static inline void observer_remove(struct object *object, struct observer *observer) {
    observer->watching = false;
    if (unlikely(!observer_is_only(object, observer))) return observer_remove_one(object, observer);
    RB_INIT(&object->observers);
    atomic_store_explicit(&object->state, object_signals(object), memory_order_release);
}

/* A koid never given before. */
zx_koid_t koid_new(void);
/* The last one given. */
zx_koid_t koid_last(void);

/* Live objects, all types together. For leak checks. */
size_t object_count(void);
