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

static zx_signals_t noticed;
static void notice(struct observer *observer UNUSED, zx_signals_t signals) { noticed = signals; }

KTEST("object/observers hear the state when they begin, and then of every change") {
    struct object object;
    struct observer observer = {.notify = notice};
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

/* Keeps how often it was told, what the last time, and whether each was a change and told with interrupts on. */
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

static struct object shared;

#define STROBES 100

static void strobe(void *arg UNUSED) {
    for (unsigned i = 0; i < STROBES; i++) {
        object_signal(&shared, 0, ZX_USER_SIGNAL_0);
        object_signal(&shared, ZX_USER_SIGNAL_0, 0);
    }
}

KTEST("object/of many observers each is told of every change, two at once too, and interrupts stay on") {
    static struct witness witnesses[500];
    struct runner other;
    object_init(&shared, &counting_ops, 0);
    for (size_t i = 0; i < countof(witnesses); i++) {
        witnesses[i] = (struct witness){.observer = {.notify = witness_notify}, .sound = true};
        object_observe(&shared, &witnesses[i].observer);
    }
    const unsigned before = witnesses[0].times;
    NEED(runner_start(&other, NULL, strobe, NULL));
    strobe(NULL);
    runner_join(&other);
    for (size_t i = 0; i < countof(witnesses); i++) {
        EXPECT(witnesses[i].times == witnesses[0].times && witnesses[i].sound && witnesses[i].last == 0);
        object_unobserve(&shared, &witnesses[i].observer);
    }
    EXPECT(before == 1 && witnesses[0].times > 2 * STROBES);
    object_unref(&shared);
}
