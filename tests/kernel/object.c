/*
 * What every object has: a count of references, a number, and signals with observers.
 */
#include "kernel/sched/object.h"

#include "kernel/base/log.h"
#include "tests/kernel/support.h"

static unsigned freed;
static unsigned orphaned;
static void count_free(struct object *object UNUSED) { freed++; }
static void count_orphan(struct object *object UNUSED) { orphaned++; }
static const struct object_ops counting_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .free = count_free,
    .on_zero_handles = count_orphan,
};

KTEST("object/the last reference frees, the last handle is told before") {
    struct object object;
    freed = orphaned = 0;
    object_init(&object, &counting_ops, 0);
    object_handle_ref(&object);
    object_handle_ref(&object);
    object_handle_unref(&object);
    EXPECT(orphaned == 0);
    object_handle_unref(&object);
    EXPECT(orphaned == 1 && freed == 0);
    object_ref(&object);
    object_unref(&object);
    EXPECT(freed == 0);
    object_unref(&object);
    EXPECT(freed == 1);
}

KTEST("object/more references and handles than 32 bits count do not make it free") {
    struct object object;
    freed = orphaned = 0;
    object_init(&object, &counting_ops, 0);
    atomic_store(&object.refs, UINT32_MAX);
    atomic_store(&object.handles, UINT32_MAX);
    object_ref(&object);
    object_handle_ref(&object);
    EXPECT(object_try_ref(&object) && object_handle_try_ref(&object));
    object_handle_unref(&object);
    object_unref(&object);
    EXPECT(orphaned == 0 && freed == 0);
    atomic_store(&object.refs, 1);
    atomic_store(&object.handles, 0);
    object_unref(&object);
    EXPECT(freed == 1);
}

static zx_signals_t noticed;
static void notice(struct observer *observer UNUSED, zx_signals_t signals) { noticed = signals; }
static const struct observer_ops notice_ops = {.notify = notice};

KTEST("object/observers hear the state when they begin, and then of every change") {
    struct object object;
    struct observer observer = {.ops = &notice_ops, .wanted = ~0u};
    object_init(&object, &counting_ops, ZX_USER_SIGNAL_2);
    noticed = 0;
    EXPECT(object_observe(&object, &observer) == ZX_USER_SIGNAL_2);
    EXPECT(noticed == ZX_USER_SIGNAL_2);
    object_signal(&object, 0, ZX_USER_SIGNAL_1);
    EXPECT(noticed == (ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2));
    object_signal(&object, ZX_USER_SIGNAL_1, ZX_USER_SIGNAL_3);
    EXPECT(noticed == (ZX_USER_SIGNAL_2 | ZX_USER_SIGNAL_3));
    EXPECT(object_unobserve(&object, &observer) == (ZX_USER_SIGNAL_2 | ZX_USER_SIGNAL_3));
    noticed = 0;
    object_signal(&object, 0, ZX_USER_SIGNAL_0);
    EXPECT(noticed == 0);
    object_unref(&object);
}

KTEST("object/koids rise and are never given twice") {
    zx_koid_t first = koid_new();
    EXPECT(koid_new() > first);
}

/* Records how often it was notified, of what last, and whether each was a change, with interrupts on. */
struct witness {
    struct observer observer;
    unsigned times;
    zx_signals_t last;
    bool sound;
};

static void witness_notify(struct observer *observer, zx_signals_t signals) {
    struct witness *witness = container_of(observer, struct witness, observer);
    witness->sound = witness->sound && arch_irq_enabled() && (witness->times == 0 || signals != witness->last);
    witness->last = signals;
    witness->times++;
}

static const struct observer_ops witness_ops = {.notify = witness_notify};

static struct object shared;

#define STROBES 100

static void strobe(void *arg UNUSED) {
    for (unsigned i = 0; i < STROBES; i++) {
        object_signal(&shared, 0, ZX_USER_SIGNAL_0);
        object_signal(&shared, ZX_USER_SIGNAL_0, 0);
    }
    object_tell_rest();
}

/* One of a crowd: it knows what it should be notified of, and by which of 16 handles it was begun. */
struct member {
    struct observer observer;
    unsigned told;
    bool sound;
};

static struct member members[2000];

static void member_notify(struct observer *observer, zx_signals_t signals) {
    struct member *member = container_of(observer, struct member, observer);
    if (member->told++ > 0 && !(observer->wanted & signals)) member->sound = false;
    if (random_below(4) == 0) observer_want(observer, (zx_signals_t)random_below(1 << 16));
    if (random_below(8) == 0) {
        mutex_assert_held(&shared.lock);
        observer_remove(&shared, observer);
    }
}

static bool member_cancelled(struct observer *observer UNUSED, zx_signals_t signals UNUSED) { return false; }

static const struct observer_ops member_ops = {.notify = member_notify, .cancelled = member_cancelled};

static void members_arrive(void) {
    for (size_t i = 0; i < countof(members); i++) {
        struct observer *observer = &members[i].observer;
        if (observer->watching) continue;
        members[i] = (struct member){.sound = true};
        *observer = (struct observer){.ops = &member_ops, .table = members, .value = (zx_handle_t)random_below(16)};
        object_observe(&shared, observer);
    }
}

/* Changes the state; are exactly those notified that wanted it and were there before? */
static bool change_tells_the_right_ones(void) {
    static unsigned expected[countof(members)];
    const zx_signals_t state = 1u << random_below(17), before = object_signals(&shared);
    for (size_t i = 0; i < countof(members); i++) {
        const struct observer *observer = &members[i].observer;
        expected[i] = members[i].told + (observer->watching && state != before && (observer->wanted & state));
    }
    object_signal(&shared, ~0u, state);
    object_tell_rest();
    for (size_t i = 0; i < countof(members); i++) {
        if (members[i].told != expected[i] || !members[i].sound) return false;
    }
    return true;
}

static bool cancel_removes_its_own(zx_handle_t value) {
    static bool watching[countof(members)];
    for (size_t i = 0; i < countof(members); i++) watching[i] = members[i].observer.watching;
    object_cancel(&shared, members, value);
    for (size_t i = 0; i < countof(members); i++) {
        const struct observer *observer = &members[i].observer;
        if (observer->watching != (watching[i] && observer->value != value)) return false;
    }
    return true;
}

KTEST("object/of 2,000 observers a change tells those that want it, and a closed handle ends its own") {
    object_init(&shared, &counting_ops, 0);
    random_seed(3);
    for (int round = 0; round < 50; round++) {
        members_arrive();
        NEED(change_tells_the_right_ones());
        if (round % 4 == 0) NEED(cancel_removes_its_own((zx_handle_t)random_below(16)));
    }
    for (zx_handle_t value = 0; value < 16; value++) NEED(cancel_removes_its_own(value));
    EXPECT(RB_EMPTY(&shared.observers));
    object_unref(&shared);
}

KTEST("object/of many observers each is told of every change, two at once too, and interrupts stay on") {
    static struct witness witnesses[500];
    struct runner other;
    object_init(&shared, &counting_ops, ZX_USER_SIGNAL_1);
    for (size_t i = 0; i < countof(witnesses); i++) {
        witnesses[i] = (struct witness){.observer = {.ops = &witness_ops, .wanted = ~0u}, .sound = true};
        object_observe(&shared, &witnesses[i].observer);
    }
    const unsigned before = witnesses[0].times;
    NEED(runner_start(&other, NULL, strobe, NULL));
    strobe(NULL);
    runner_join(&other);
    for (size_t i = 0; i < countof(witnesses); i++) {
        EXPECT(witnesses[i].times == witnesses[0].times && witnesses[i].sound && witnesses[i].last == ZX_USER_SIGNAL_1);
        object_unobserve(&shared, &witnesses[i].observer);
    }
    EXPECT(before == 1 && witnesses[0].times > 2 * STROBES);
    object_unref(&shared);
}

/* --- telling in parts --- */

#define CROWD 200

/* What it was notified of last, and before that; and how often. */
struct listener {
    struct observer observer;
    unsigned times;
    zx_signals_t last, before;
};

static struct listener crowd[CROWD];

static void listener_notify(struct observer *observer, zx_signals_t signals) {
    struct listener *listener = container_of(observer, struct listener, observer);
    listener->times++;
    listener->before = listener->last;
    listener->last = signals;
}

static bool listener_cancelled(struct observer *observer UNUSED, zx_signals_t signals UNUSED) { return false; }

static const struct observer_ops listener_ops = {.notify = listener_notify, .cancelled = listener_cancelled};

static void listen(struct listener *listener, zx_handle_t value) {
    *listener = (struct listener){.observer = {.ops = &listener_ops, .table = crowd, .value = value, .wanted = ~0u}};
    object_observe_changes(&shared, &listener->observer);
}

/* All at one handle, but for the first, which comes before all others. */
static void crowd_arrives(void) {
    object_init(&shared, &counting_ops, 0);
    for (zx_handle_t i = 0; i < CROWD; i++) listen(&crowd[i], i == 0 ? 1 : 2);
}

static void crowd_leaves(void) {
    for (unsigned i = 0; i < CROWD; i++) object_unobserve(&shared, &crowd[i].observer);
    object_unref(&shared);
}

/* How many were notified that often? */
static unsigned told(unsigned times) {
    unsigned count = 0;
    for (unsigned i = 0; i < CROWD; i++) count += crowd[i].times == times;
    return count;
}

KTEST("object/many observers are told in parts, of every change, and in order") {
    crowd_arrives();
    object_signal(&shared, 0, ZX_USER_SIGNAL_0);
    EXPECT(told(1) == observers_in_part && told(0) == CROWD - observers_in_part);
    object_signal(&shared, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1);
    EXPECT(told(1) == 2 * observers_in_part && told(2) == 0);
    object_tell_rest();
    EXPECT(told(2) == CROWD && !thread_interrupted());
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT(crowd[i].before == ZX_USER_SIGNAL_0 && crowd[i].last == ZX_USER_SIGNAL_1);
    crowd_leaves();
}

KTEST("object/while many are told, one that leaves hears what it missed, and one that comes only what is new") {
    crowd_arrives();
    object_signal(&shared, 0, ZX_USER_SIGNAL_0);
    object_signal(&shared, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1);
    struct listener *told_once = &crowd[1], *told_never = &crowd[CROWD - 1];
    EXPECT(told_once->times == 1 && told_never->times == 0);
    object_unobserve(&shared, &told_once->observer);
    EXPECT(told_once->times == 2 && told_once->last == ZX_USER_SIGNAL_1);
    object_unobserve(&shared, &told_never->observer);
    EXPECT(told_never->times == 2 && told_never->before == ZX_USER_SIGNAL_0 && told_never->last == ZX_USER_SIGNAL_1);
    listen(told_never, 2);
    EXPECT(told_never->times == 1 && told_never->last == ZX_USER_SIGNAL_1);
    object_tell_rest();
    EXPECT(told_never->times == 1 && told(2) == CROWD - 1);
    crowd_leaves();
}

KTEST("object/while many are told, those whose handle is closed hear what they missed") {
    crowd_arrives();
    object_signal(&shared, 0, ZX_USER_SIGNAL_0);
    object_cancel(&shared, crowd, 2);
    EXPECT(told(1) == CROWD && crowd[0].observer.watching && !crowd[1].observer.watching);
    object_signal(&shared, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1);
    object_tell_rest();
    EXPECT(crowd[0].times == 2 && told(1) == CROWD - 1);
    crowd_leaves();
}

KTEST("object/of the changes that a thread makes while many are to be told none is lost") {
    crowd_arrives();
    for (unsigned i = 0; i < 3 * TELLINGS_MAX; i++)
        object_signal(&shared, ~0u, i % 2 ? ZX_USER_SIGNAL_0 : ZX_USER_SIGNAL_1);
    object_tell_rest();
    EXPECT(told(3 * TELLINGS_MAX) == CROWD);
    crowd_leaves();
}
