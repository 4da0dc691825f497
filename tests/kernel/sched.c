/*
 * Threads, wait queues, mutexes and timers, with several kernel threads at once.
 */
#include "kernel/sched/sched.h"
#include "arch/time.h"
#include "kernel/base/string.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/run_queue.h"
#include "tests/kernel/support.h"

/* The order in which things happened: a letter for each. */
static char happened[32];
static atomic_size_t happenings;

static void reset(void) {
    memset(happened, 0, sizeof(happened));
    atomic_store(&happenings, 0);
}

static void happens(char what) {
    size_t i = atomic_fetch_add(&happenings, 1);
    if (i < sizeof(happened) - 1) happened[i] = what;
}

static bool in_order(const char *want) { return strcmp(happened, want) == 0; }

static bool has_happened(char what) {
    bool found = false;
    for (const char *h = happened; *h != '\0'; h++) found = found || *h == what;
    return found;
}

/* The same for threads that were ready in this order, if they run in it. */
static bool in_turn(const char *want) {
    size_t len = strlen(want);
    if (turns_are_kept()) return in_order(want);
    bool all = strlen(happened) == len;
    for (size_t i = 0; i < len; i++) all = all && has_happened(want[i]);
    return all;
}

/* A thread with a letter to its name. */
struct actor {
    struct runner runner;
    char name;
    zx_time_t deadline;
    enum wait_kind kind;
    zx_status_t status;
};

static bool act(struct actor *actor, char name, void (*run)(void *)) {
    actor->name = name;
    actor->status = ZX_ERR_INTERNAL;
    return runner_start(&actor->runner, NULL, run, actor);
}

/*
 * For threads whose order counts when they become ready together: of those that are not urgent, the one that has run
 * for less runs first, and a stall of the host's counts.
 */
static void keep_turns(void) { thread_current()->urgent = true; }

static void note(void *arg) {
    struct actor *actor = arg;
    happens(actor->name);
}

/* Starts five threads. Returns whether they ran in that order; each ran once in any case. */
static bool run_as_started(void) {
    static struct actor actors[5];
    reset();
    size_t started = 0;
    while (started < countof(actors) && act(&actors[started], (char)('a' + started), note)) started++;
    for (size_t i = 0; i < started; i++) {
        runner_join(&actors[i].runner);
        EXPECT(has_happened(actors[i].name));
    }
    EXPECT(atomic_load(&happenings) == countof(actors));
    return in_turn("abcde");
}

/* Rarely a stall of the host uses up the turn of one that has done nothing yet: it comes behind the next. */
KTEST("sched/threads run in the order in which they were started, each once") {
    unsigned in_order_times = 0;
    for (int round = 0; round < 20; round++) in_order_times += run_as_started();
    EXPECT(in_order_times >= 15);
}

/* A moment of a thread that is busy, with nothing else about it than that an interrupt can come. */
static void be_busy(void) {
    bool were_on = arch_irq_disable();
    (void)arch_time_now();
    if (were_on) arch_irq_enable();
}

static atomic_bool seen;

static void see(void *arg UNUSED) { atomic_store(&seen, true); }

KTEST("sched/a thread that never yields is preempted, in the kernel too") {
    struct runner other;
    atomic_store(&seen, false);
    NEED(runner_start(&other, NULL, see, NULL));
    while (!atomic_load(&seen)) be_busy();
    runner_join(&other);
}

/* Busy threads, each of which counts how often the processor came to it from another. */
struct spinner {
    struct runner runner;
    atomic_uint turns;
};
static _Atomic(struct spinner *) spinning;
static atomic_bool stop_spinning;

static void spin(void *arg) {
    struct spinner *self = arg;
    while (!atomic_load(&stop_spinning)) {
        if (atomic_exchange(&spinning, self) != self) atomic_fetch_add(&self->turns, 1);
        be_busy();
    }
}

KTEST("sched/threads that all want the processor take turns") {
    static struct spinner spinners[3];
    atomic_store(&stop_spinning, false);
    for (size_t i = 0; i < countof(spinners); i++) {
        atomic_store(&spinners[i].turns, 0);
        NEED(runner_start(&spinners[i].runner, NULL, spin, &spinners[i]));
    }
    for (size_t i = 0; i < countof(spinners); i++) {
        while (atomic_load(&spinners[i].turns) < 3) be_busy();
    }
    atomic_store(&stop_spinning, true);
    for (size_t i = 0; i < countof(spinners); i++) runner_join(&spinners[i].runner);
}

static void sleep(void *arg) {
    struct actor *actor = arg;
    keep_turns();
    actor->status = thread_sleep_until(actor->deadline);
    if (arch_time_now() < actor->deadline) actor->status = ZX_ERR_INTERNAL;
    happens(actor->name);
}

/* Starts them; false: the first deadline passed meanwhile, and nothing is to be learned of their order. */
static bool sleep_all(struct actor actors[4], zx_duration_t unit) {
    static const int64_t turns[] = {3, 1, 4, 2};
    zx_time_t now = arch_time_now();
    bool started = true;
    reset();
    for (size_t i = 0; i < countof(turns); i++) {
        actors[i].deadline = now + turns[i] * unit;
        started = started && act(&actors[i], (char)('0' + turns[i]), sleep);
    }
    bool in_time = arch_time_now() < now + unit;
    for (size_t i = 0; started && i < countof(turns); i++) {
        runner_join(&actors[i].runner);
        EXPECT(actors[i].status == ZX_OK);
    }
    return in_time || !started;
}

KTEST("sched/sleepers wake in the order of their deadlines, and not before them") {
    static struct actor actors[4];
    zx_duration_t unit = ZX_MSEC(10);
    while (!sleep_all(actors, unit)) unit *= 2;
    EXPECT(in_turn("1234"));
}

KTEST("sched/sleeping until what is past returns at once") {
    zx_time_t before = arch_time_now();
    EXPECT(thread_sleep_until(0) == ZX_OK && thread_sleep_until(before) == ZX_OK);
    EXPECT(arch_time_now() - before < ZX_SEC(1));
}

static struct mutex mutex;

static void take_mutex(void *arg) {
    struct actor *actor = arg;
    mutex_lock(&mutex);
    happens(actor->name);
    mutex_unlock(&mutex);
}

/* So many threads that wait for the mutex, which the caller holds: "abcd". */
static size_t let_wait(struct actor *actors, size_t count) {
    size_t waiting = 0;
    while (waiting < count && act(&actors[waiting], (char)('a' + waiting), take_mutex))
        runner_settle(&actors[waiting++].runner);
    return waiting;
}

static void take_again(void) {
    mutex_lock(&mutex);
    happens('z');
    mutex_unlock(&mutex);
}

KTEST("mutex/released fairly it goes to those who wait in the order they came, before its owner gets it again") {
    static struct actor actors[4];
    reset();
    mutex_init(&mutex, RANK_JOB, "test");
    mutex_lock(&mutex);
    EXPECT(mutex_held(&mutex));
    size_t waiting = let_wait(actors, countof(actors));
    mutex_unlock_fair(&mutex);
    EXPECT(!mutex_held(&mutex));
    for (size_t i = 0; i < waiting; i++) runner_join(&actors[i].runner);
    take_again();
    EXPECT(in_turn("abcdz") && happened[0] == 'a' && atomic_load(&mutex.owner) == 0 && !atomic_load(&mutex.coming));
}

/* Nothing else runs before the processor is given up: the one that was woken comes too late. */
KTEST("mutex/its owner may have it again before a waiter that was woken, but not twice") {
    struct actor a;
    reset();
    mutex_init(&mutex, RANK_JOB, "test");
    mutex_lock(&mutex);
    size_t waiting = let_wait(&a, 1);
    bool irq_were_on = arch_irq_disable();
    mutex_unlock(&mutex);
    mutex_lock(&mutex);
    happens('x');
    if (irq_were_on) arch_irq_enable();
    if (waiting) runner_settle(&a.runner);
    EXPECT(!turns_are_kept() || in_order("x"));
    mutex_unlock(&mutex);
    take_again();
    if (waiting) runner_join(&a.runner);
    EXPECT(waiting == 1);
    EXPECT(!turns_are_kept() || in_order("xaz"));
    EXPECT(atomic_load(&mutex.owner) == 0 && !atomic_load(&mutex.coming));
}

static atomic_bool lets_go;

static void hold_mutex(void *arg) {
    mutex_lock(&mutex);
    happens('h');
    while (!atomic_load(&lets_go)) be_busy();
    mutex_unlock_fair(&mutex);
    take_mutex(arg);
}

/* On another processor somebody holds it and releases it fairly while this one spins. */
KTEST("mutex/who spins for it is handed it too") {
    struct actor a;
    mutex_init(&mutex, RANK_JOB, "test");
    for (int round = 0; round < 20; round++) {
        reset();
        atomic_store(&lets_go, false);
        NEED(act(&a, 'a', hold_mutex));
        while (!has_happened('h')) thread_yield();
        atomic_store(&lets_go, true);
        take_again();
        runner_join(&a.runner);
        EXPECT(atomic_load(&mutex.owner) == 0 && !atomic_load(&mutex.coming) && TAILQ_EMPTY(&mutex.waiters.threads));
    }
}

static uint64_t counter;

static void count_under_mutex(void *arg UNUSED) {
    for (int i = 0; i < 2000; i++) {
        mutex_lock(&mutex);
        uint64_t was = *(volatile uint64_t *)&counter;
        if (i % 64 == 0) thread_yield();
        *(volatile uint64_t *)&counter = was + 1;
        mutex_unlock(&mutex);
    }
}

KTEST("mutex/nobody else is inside, however often its holder is switched away") {
    static struct runner runners[4];
    mutex_init(&mutex, RANK_JOB, "test");
    counter = 0;
    for (size_t i = 0; i < countof(runners); i++) NEED(runner_start(&runners[i], NULL, count_under_mutex, NULL));
    for (size_t i = 0; i < countof(runners); i++) runner_join(&runners[i]);
    EXPECT(counter == 2000 * countof(runners));
}

static struct waitq queue = WAITQ_INIT(queue);
static struct spinlock queue_lock = SPINLOCK_INIT(RANK_WAIT, "test");

static void block(void *arg) {
    struct actor *actor = arg;
    spin_lock(&queue_lock);
    actor->status = waitq_block(&queue, &queue_lock, actor->deadline, actor->kind);
    happens(actor->name);
}

static bool wake_one(zx_status_t status) {
    spin_lock(&queue_lock);
    bool woken = waitq_wake_one(&queue, status);
    spin_unlock(&queue_lock);
    return woken;
}

static bool blocks_in(void (*wait)(void *), struct actor *actor, char name, zx_time_t deadline, enum wait_kind kind) {
    actor->deadline = deadline;
    actor->kind = kind;
    if (!act(actor, name, wait)) return false;
    runner_settle(&actor->runner);
    return true;
}

static bool blocks(struct actor *actor, char name, zx_time_t deadline, enum wait_kind kind) {
    return blocks_in(block, actor, name, deadline, kind);
}

KTEST("waitq/wakes come one at a time in the order of arrival, with what the waker says") {
    struct actor a, b;
    reset();
    EXPECT(!wake_one(ZX_OK));
    NEED(blocks(&a, 'a', ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE));
    NEED(blocks(&b, 'b', ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE));
    EXPECT(wake_one(ZX_ERR_CANCELED));
    runner_join(&a.runner);
    EXPECT(in_order("a") && a.status == ZX_ERR_CANCELED);
    EXPECT(wake_one(ZX_OK) && !wake_one(ZX_OK));
    runner_join(&b.runner);
    EXPECT(in_order("ab") && b.status == ZX_OK);
}

static void block_urgent(void *actor) {
    keep_turns();
    block(actor);
}

KTEST("waitq/all wake at once, and a queue may be used again") {
    struct actor a, b;
    for (int round = 0; round < 2; round++) {
        reset();
        NEED(blocks_in(block_urgent, &a, 'a', ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE));
        NEED(blocks_in(block_urgent, &b, 'b', arch_time_now() + ZX_SEC(100), WAIT_UNINTERRUPTIBLE));
        spin_lock(&queue_lock);
        waitq_wake_all(&queue, ZX_OK);
        spin_unlock(&queue_lock);
        runner_join(&a.runner);
        runner_join(&b.runner);
        EXPECT(in_turn("ab") && a.status == ZX_OK && b.status == ZX_OK);
    }
}

KTEST("waitq/a deadline ends a wait of either kind, and leaves the others in the queue") {
    struct actor a, b;
    NEED(blocks(&a, 'a', ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE));
    NEED(blocks(&b, 'b', arch_time_now() + ZX_MSEC(2), WAIT_UNINTERRUPTIBLE));
    runner_join(&b.runner);
    EXPECT(b.status == ZX_ERR_TIMED_OUT && a.status == ZX_ERR_INTERNAL);
    EXPECT(wake_one(ZX_OK));
    runner_join(&a.runner);
    EXPECT(a.status == ZX_OK);
}

KTEST("waitq/an interrupt ends an interruptible wait and no other") {
    struct actor a, b;
    NEED(blocks(&a, 'a', ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE));
    NEED(blocks(&b, 'b', ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE));
    thread_interrupt(&a.runner.thread, ATTENTION_KILL);
    thread_interrupt(&b.runner.thread, ATTENTION_KILL);
    runner_join(&b.runner);
    EXPECT(b.status == ZX_ERR_INTERNAL_INTR_RETRY);
    runner_settle(&a.runner);
    EXPECT(a.status == ZX_ERR_INTERNAL && wake_one(ZX_OK));
    runner_join(&a.runner);
    EXPECT(a.status == ZX_OK);
}

/* The queue's lock keeps it from leaving. */
KTEST("waitq/a wake that comes before an interrupted thread has left the queue is that thread's") {
    struct actor a, b;
    NEED(blocks(&a, 'a', ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE));
    NEED(blocks(&b, 'b', ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE));
    spin_lock(&queue_lock);
    thread_interrupt(&a.runner.thread, ATTENTION_KILL);
    EXPECT(waitq_wake_one(&queue, ZX_OK));
    spin_unlock(&queue_lock);
    runner_join(&a.runner);
    EXPECT(a.status == ZX_OK && b.status == ZX_ERR_INTERNAL);
    EXPECT(wake_one(ZX_OK) && !wake_one(ZX_OK));
    runner_join(&b.runner);
    EXPECT(b.status == ZX_OK);
}

static struct waiter waiter;

static void wait_alone(void *arg) {
    struct actor *actor = arg;
    waiter = (struct waiter)WAITER_INIT(thread_current());
    happens(actor->name);
    actor->status = waiter_block(&waiter, actor->deadline, actor->kind);
}

static bool waits_alone(struct actor *actor, zx_time_t deadline, enum wait_kind kind) {
    reset();
    actor->deadline = deadline;
    actor->kind = kind;
    return act(actor, 'a', wait_alone);
}

KTEST("waiter/its wait ends once it is over, asleep or not yet") {
    struct actor a;
    for (int round = 0; round < 20; round++) {
        NEED(waits_alone(&a, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE));
        if (round == 0) runner_settle(&a.runner);
        while (!has_happened('a')) thread_yield();
        waiter_end(&waiter);
        runner_join(&a.runner);
        EXPECT(a.status == ZX_OK && waiter.over);
    }
}

KTEST("waiter/a deadline ends the wait, passed or not, and an interrupt, but not one that must not be interrupted") {
    struct actor a;
    NEED(waits_alone(&a, arch_time_now() + ZX_MSEC(2), WAIT_UNINTERRUPTIBLE));
    thread_interrupt(&a.runner.thread, ATTENTION_KILL);
    runner_join(&a.runner);
    EXPECT(a.status == ZX_ERR_TIMED_OUT);
    NEED(waits_alone(&a, 0, WAIT_INTERRUPTIBLE));
    runner_join(&a.runner);
    EXPECT(a.status == ZX_ERR_TIMED_OUT);
    NEED(waits_alone(&a, ZX_TIME_INFINITE, WAIT_INTERRUPTIBLE));
    runner_settle(&a.runner);
    thread_interrupt(&a.runner.thread, ATTENTION_KILL);
    runner_join(&a.runner);
    EXPECT(a.status == ZX_ERR_INTERNAL_INTR_RETRY && !waiter.over);
}

/* Interrupted before it even waits: it must not sleep. */
static void interrupt_self(void *arg) {
    struct actor *actor = arg;
    thread_interrupt(&actor->runner.thread, ATTENTION_KILL);
    actor->status = thread_sleep_until(ZX_TIME_INFINITE);
    if (!thread_killed() || !thread_interrupted()) actor->status = ZX_ERR_INTERNAL;
}

KTEST("waitq/whoever was interrupted before does not begin an interruptible wait") {
    struct actor a;
    NEED(act(&a, 'a', interrupt_self));
    runner_join(&a.runner);
    EXPECT(a.status == ZX_ERR_INTERNAL_INTR_RETRY);
}

struct letter_timer {
    struct timer timer;
    char name;
};

static void fire(struct timer *timer) { happens(container_of(timer, struct letter_timer, timer)->name); }

KTEST("timer/timers fire once, in the order of their deadlines; one that is disarmed does not") {
    static struct letter_timer timers[5];
    static const int64_t ms[] = {4, 2, 2, 6, 3};
    zx_time_t now = arch_time_now();
    reset();
    struct run_queue *own = run_queue_lock_of(thread_current());
    for (size_t i = 0; i < countof(timers); i++) {
        timers[i].name = (char)('0' + ms[i]);
        timer_arm(&own->timers, &timers[i].timer, now + ZX_MSEC(ms[i]), fire);
    }
    timer_disarm(&own->timers, &timers[4].timer);
    timer_disarm(&own->timers, &timers[4].timer);
    sched_alarm_update(own);
    run_queue_unlock(own);
    EXPECT(thread_sleep_until(now + ZX_MSEC(8)) == ZX_OK);
    EXPECT(in_order("2246") && !timers[0].timer.armed);
}

KTEST("timer/of many that are due at once each fires") {
    static struct letter_timer timers[200];
    zx_time_t deadline = arch_time_now() + ZX_MSEC(2);
    reset();
    struct run_queue *own = run_queue_lock_of(thread_current());
    for (size_t i = 0; i < countof(timers); i++) timer_arm(&own->timers, &timers[i].timer, deadline, fire);
    sched_alarm_update(own);
    run_queue_unlock(own);
    while (atomic_load(&happenings) < countof(timers) && arch_time_now() < deadline + ZX_SEC(10)) thread_yield();
    EXPECT(atomic_load(&happenings) == countof(timers));
    for (size_t i = 0; i < countof(timers); i++) EXPECT(!timers[i].timer.armed);
}

KTEST("timer/one for the end of time is not armed") {
    struct letter_timer timer = {.name = 'x'};
    struct run_queue *own = run_queue_lock_of(thread_current());
    timer_arm(&own->timers, &timer.timer, ZX_TIME_INFINITE, fire);
    run_queue_unlock(own);
    EXPECT(!timer.timer.armed);
}
