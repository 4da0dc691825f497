/*
 * Timers of user mode; see user_timer.h. One lock guards the tree of armed timers, and is held while one fires. So a
 * timer cancelled or set again under the lock cannot fire for its old deadline.
 *
 * A timer may have many observers. The keeper notifies some of them as the timer fires, and the rest in parts, each
 * followed by as long a pause: in it the keeper fires other timers that are due, and threads of its processor run.
 * Until all have been notified the timer does not fire again.
 */
#include "kernel/object/user_timer.h"

#include <bsd/sys/tree.h>
#include <zircon/time.h>

#include "arch/time.h"
#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

struct user_timer {
    struct object object;
    uint32_t slack_mode; /* [I] */

    /* [u] */
    bool set;              /* in the tree */
    struct process *payer; /* a reference, while it is set; or NULL */
    zx_time_t deadline;
    uint64_t number; /* orders equal deadlines; from 1 on */
    RB_ENTRY(user_timer) node;

    /* [T] the keeper's */
    struct telling telling; /* how it fired last */
    struct process *teller; /* a reference: the payer of that; or NULL */
    STAILQ_ENTRY(user_timer) told;
};

static int timer_compare(const struct user_timer *a, const struct user_timer *b) {
    if (a->deadline != b->deadline) return a->deadline < b->deadline ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

RB_HEAD(timer_tree, user_timer);
RB_GENERATE_INTERNAL(timer_tree, user_timer, node, timer_compare, UNUSED static)

static struct mutex timers_lock = MUTEX_INIT(timers_lock, RANK_TIMERS, "timers");
static struct timer_tree timers GUARDED_BY(timers_lock) = RB_INITIALIZER(&timers);
static uint64_t last_number GUARDED_BY(timers_lock);
static struct waiter keeper GUARDED_BY(timers_lock); /* of its latest sleep; no thread: it has not slept yet */
static STAILQ_HEAD(, user_timer) being_told = STAILQ_HEAD_INITIALIZER(being_told); /* [T] the keeper's */

static struct user_timer *user_timer_from_object(struct object *object) {
    return container_of(object, struct user_timer, object);
}

/* Returns the payer, for the caller to release. */
MUST_CHECK static struct process *unset(struct user_timer *timer) REQUIRES(&timers_lock) {
    struct process *payer = timer->payer;
    if (timer->set) RB_REMOVE(timer_tree, &timers, timer);
    timer->set = false;
    timer->payer = NULL;
    return payer;
}

/* No lock is held. */
static void release(struct process *payer) {
    if (payer) object_unref(&payer->object);
}

static void user_timer_on_zero_handles(struct object *object) {
    mutex_lock(&timers_lock);
    struct process *payer = unset(user_timer_from_object(object));
    mutex_unlock(&timers_lock);
    release(payer);
}

/* It may have been set while its last handle was being closed. */
static void user_timer_free(struct object *object) {
    user_timer_on_zero_handles(object);
    heap_free(user_timer_from_object(object));
}

static const struct object_ops user_timer_ops = {
    .type = ZX_OBJ_TYPE_TIMER,
    .default_rights = ZX_DEFAULT_TIMER_RIGHTS,
    .free = user_timer_free,
    .on_zero_handles = user_timer_on_zero_handles,
};

zx_status_t user_timer_create(uint32_t slack_mode, struct object **out) {
    struct user_timer *timer = heap_new(struct user_timer);
    if (!timer) return ZX_ERR_NO_MEMORY;
    object_init(&timer->object, &user_timer_ops, 0);
    timer->slack_mode = slack_mode;
    *out = &timer->object;
    return ZX_OK;
}

/* The deadline of another timer within the slack, or else the deadline itself. */
static zx_time_t choose_deadline(const struct user_timer *timer, zx_time_t deadline, zx_duration_t slack)
    REQUIRES(&timers_lock) {
    zx_time_t earliest = deadline, latest = deadline;
    if (timer->slack_mode != ZX_TIMER_SLACK_LATE) earliest = zx_time_sub_duration(deadline, slack);
    if (timer->slack_mode != ZX_TIMER_SLACK_EARLY) latest = zx_time_add_duration(deadline, slack);
    struct user_timer key = {.deadline = earliest};
    const struct user_timer *other = RB_NFIND(timer_tree, &timers, &key);
    return other && other->deadline <= latest ? other->deadline : deadline;
}

void user_timer_set(struct object *object, struct process *payer, zx_time_t deadline, zx_duration_t slack) {
    struct user_timer *timer = user_timer_from_object(object);
    mutex_lock(&timers_lock);
    struct process *before = unset(timer);
    object_signal(object, ZX_TIMER_SIGNALED, 0);
    if (deadline <= arch_time_now()) {
        object_signal(object, 0, ZX_TIMER_SIGNALED);
    } else if (deadline != ZX_TIME_INFINITE) {
        timer->deadline = choose_deadline(timer, deadline, slack);
        timer->number = ++last_number;
        timer->set = true;
        timer->payer = payer;
        if (payer) object_ref(&payer->object);
        RB_INSERT(timer_tree, &timers, timer);
        if (RB_MIN(timer_tree, &timers) == timer && keeper.thread) waiter_end(&keeper);
    }
    mutex_unlock(&timers_lock);
    release(before);
}

void user_timer_cancel(struct object *object) {
    mutex_lock(&timers_lock);
    struct process *payer = unset(user_timer_from_object(object));
    object_signal(object, ZX_TIMER_SIGNALED, 0);
    mutex_unlock(&timers_lock);
    release(payer);
}

static void charge_to(struct process *payer) { thread_charge_to(payer ? payer->shares : NULL); }

/* Fires a due timer. An observer may drop it, but it is not freed before the lock is released. */
static void fire(struct user_timer *timer) RELEASE(&timers_lock) {
    struct process *payer = unset(timer);
    charge_to(payer);
    bool left = object_signal_begin(&timer->object, 0, ZX_TIMER_SIGNALED, &timer->telling);
    mutex_unlock(&timers_lock);
    if (left) {
        timer->teller = payer;
        STAILQ_INSERT_TAIL(&being_told, timer, told);
    }
    thread_charge_to(NULL);
    if (!left) release(payer);
}

/* A timer that has fired, but is still notifying observers, is due a little later. */
static void put_off(struct user_timer *timer) REQUIRES(&timers_lock) {
    RB_REMOVE(timer_tree, &timers, timer);
    timer->deadline = zx_time_add_duration(arch_time_now(), ZX_USEC(100));
    RB_INSERT(timer_tree, &timers, timer);
}

/* Notifies more observers of a timer that has fired. */
static void tell_more(void) {
    struct user_timer *timer = STAILQ_FIRST(&being_told);
    struct process *payer = timer->teller;
    charge_to(payer);
    STAILQ_REMOVE_HEAD(&being_told, told);
    bool left = object_tell_more(&timer->telling); /* if none are, the timer may be freed */
    if (left) STAILQ_INSERT_TAIL(&being_told, timer, told);
    thread_charge_to(NULL);
    if (!left) release(payer);
}

static void sleep_until(zx_time_t deadline) RELEASE(&timers_lock) {
    keeper = (struct waiter)WAITER_INIT(thread_current());
    mutex_unlock(&timers_lock);
    (void)!waiter_block(&keeper, deadline, WAIT_UNINTERRUPTIBLE);
}

/* One timer at a time, so that the lock is not held for many; some of its observers are notified under it. */
void user_timers_keeper(void *arg UNUSED) {
    zx_time_t pause_end = 0;
    thread_current()->urgent = true;
    for (;;) {
        mutex_lock(&timers_lock);
        struct user_timer *first = RB_MIN(timer_tree, &timers);
        const zx_time_t due = first ? first->deadline : ZX_TIME_INFINITE, now = arch_time_now();
        const zx_time_t more = STAILQ_EMPTY(&being_told) ? ZX_TIME_INFINITE : pause_end;
        if (due <= now && first->telling.object) {
            put_off(first);
            mutex_unlock(&timers_lock);
        } else if (due <= now) {
            fire(first);
            pause_end = 2 * arch_time_now() - now;
        } else if (more <= now) {
            mutex_unlock(&timers_lock);
            tell_more();
            pause_end = 2 * arch_time_now() - now;
        } else {
            sleep_until(more < due ? more : due);
        }
    }
}
