/*
 * Run queues and the switch between threads; see sched.h. Who is next in a run queue is kernel/sched/ready.c's.
 *
 * The scheduler's lock is held across a switch: taken by the thread that leaves, released by the one that comes. So a
 * thread is off its stack before anybody can take it from a queue, the reaper and other processors included.
 *
 * No processor idles while a thread is ready: a thread that becomes ready joins an idle processor, and a processor with
 * nothing to do takes from the longest queue. While none idles, a thread stays where it ran, or joins one other
 * processor that has less to do: each time the next one is looked at, so that queues become even.
 */
#include "kernel/sched/sched.h"

#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/cpu.h"
#include "kernel/base/log.h"
#include "kernel/sched/force.h"

/* How long a thread runs before the next has its turn, though it became ready only meanwhile. */
#define TURN ZX_MSEC(1)

struct spinlock sched_lock = SPINLOCK_INIT(RANK_SCHED, "scheduler");

/* [s] */
static struct run_queue {
    struct ready ready;
    _Atomic(struct thread *) running; /* [s/a] */
    zx_time_t alarm;                  /* what the machine's alarm is set to */
    struct thread idle;
} run_queues[MAX_CPUS];
static uint64_t idle_cpus GUARDED_BY(sched_lock); /* a bit for each that runs nothing and has nothing to run */
atomic_uint sched_cpus;                           /* those with an id below it have a run queue */

static struct share kernel_shares[MAX_CPUS];

static TAILQ_HEAD(, thread) dead_threads GUARDED_BY(sched_lock) = TAILQ_HEAD_INITIALIZER(dead_threads);
static struct waitq reaper_waits = WAITQ_INIT(reaper_waits);

static struct run_queue *this_queue(void) { return arch_this_cpu()->queue; }

static uint64_t bit_of(const struct run_queue *queue) { return (uint64_t)1 << queue->ready.cpu; }

void sched_init(void) {
    struct cpu *cpu = arch_this_cpu();
    struct run_queue *queue = &run_queues[cpu->id];
    struct thread *idle = &queue->idle;
    cpu->queue = queue;
    ready_init(&queue->ready, cpu->id);
    queue->alarm = ZX_TIME_INFINITE;
    queue->running = idle;
    idle->state = THREAD_RUNNING;
    idle->started_running = arch_time_now();
    idle->cpu = cpu->id;
    arch_thread_adopt(idle);
    cpu->locks = &idle->locks;
    spin_lock(&sched_lock);
    idle_cpus |= bit_of(queue);
    atomic_store_explicit(&sched_cpus, cpu->id + 1, memory_order_release);
    spin_unlock(&sched_lock);
}

bool sched_is_running(const struct thread *t) {
    for (unsigned id = 0; id < sched_cpu_count(); id++) {
        if (atomic_load_explicit(&run_queues[id].running, memory_order_relaxed) == t) return true;
    }
    return false;
}

static struct thread *running(const struct run_queue *queue) REQUIRES(&sched_lock) {
    return atomic_load_explicit(&queue->running, memory_order_relaxed);
}

/* When it is to be seen, if others are ready, whether the next one's turn has come. */
static zx_time_t turn_end(const struct run_queue *queue) REQUIRES(&sched_lock) {
    return queue->ready.length > 0 ? running(queue)->started_running + TURN : ZX_TIME_INFINITE;
}

/* An alarm that is set for earlier stays: when it comes, the next is set. */
static inline void alarm_update(struct run_queue *queue) REQUIRES(&sched_lock) {
    zx_time_t next = timer_next(queue->ready.cpu), end = turn_end(queue);
    if (end < next) next = end;
    if (likely(next >= queue->alarm)) return;
    queue->alarm = next;
    arch_alarm_set(next);
}

void sched_alarm_update(void) { alarm_update(this_queue()); }

static bool idles(const struct run_queue *queue) REQUIRES(&sched_lock) { return running(queue) == &queue->idle; }

/* How many threads want the processor, the running one included. */
static unsigned load(const struct run_queue *queue) REQUIRES(&sched_lock) {
    return queue->ready.length + !idles(queue);
}

/* The other processors, one after the other. */
static struct run_queue *another(const struct run_queue *than) REQUIRES(&sched_lock) {
    static unsigned last GUARDED_BY(sched_lock);
    unsigned count = sched_cpus;
    for (unsigned tries = 0; tries < 2; tries++) {
        last = last + 1 < count ? last + 1 : 0;
        if (last != than->ready.cpu) break;
    }
    return &run_queues[last];
}

/* Where a thread should run: where it ran last, unless another processor has less to do. */
static struct run_queue *choose_queue(const struct thread *t) REQUIRES(&sched_lock) {
    struct run_queue *own = &run_queues[t->cpu];
    if (sched_cpus == 1 || (idle_cpus & bit_of(own))) return own;
    if (idle_cpus) return &run_queues[__builtin_ctzll(idle_cpus)];
    struct run_queue *other = another(own);
    return load(other) < load(own) ? other : own;
}

/* Counts the time that a processor's running thread has had until now. */
static void charge(struct run_queue *queue, zx_time_t now) REQUIRES(&sched_lock) {
    struct thread *t = running(queue);
    zx_duration_t ran = now - t->started_running;
    t->started_running = now;
    t->runtime += ran;
    if (t != &queue->idle) ready_charge(&queue->ready, t, ran);
}

/* This processor has a thread to run now, or soon. */
static void queue_grown(struct run_queue *own) REQUIRES(&sched_lock) {
    if (idles(own))
        arch_this_cpu()->reschedule = true;
    else
        alarm_update(own);
}

void sched_make_ready(struct thread *t) {
    struct run_queue *queue = choose_queue(t);
    t->state = THREAD_READY;
    t->cpu = queue->ready.cpu;
    idle_cpus &= ~bit_of(queue);
    ready_put(&queue->ready, t);
    /* A processor with a queue knows already that threads wait. */
    if (queue->ready.length > 1) return;
    if (queue == this_queue())
        queue_grown(queue);
    else
        arch_cpu_kick(queue->ready.cpu);
}

/* The longest queue of all, for a processor whose own is empty. */
static NOINLINE struct run_queue *longest_queue(struct run_queue *own) REQUIRES(&sched_lock) {
    struct run_queue *best = own;
    for (unsigned id = 0; id < sched_cpus; id++) {
        if (run_queues[id].ready.length > best->ready.length) best = &run_queues[id];
    }
    return best;
}

/*
 * Is there a thread that this processor should run? If it idles, any will do: another processor may have taken the one
 * that it was kicked for, and with that have become the wrong place for the next.
 */
static bool work_waits(void) REQUIRES(&sched_lock) {
    struct run_queue *own = this_queue();
    return own->ready.length > 0 || (idles(own) && longest_queue(own)->ready.length > 0);
}

void upcall_kick(void) {
    spin_lock(&sched_lock);
    if (work_waits()) queue_grown(this_queue());
    spin_unlock(&sched_lock);
}

/* A thread that another processor has not come to yet; NULL: there is none. */
static NOINLINE struct thread *take_from_others(struct run_queue *own) REQUIRES(&sched_lock) {
    struct run_queue *queue = longest_queue(own);
    struct thread *t = ready_take(&queue->ready);
    if (!t) return NULL;
    if (load(queue) == 0) idle_cpus |= bit_of(queue);
    ready_adopt(&own->ready, t);
    return t;
}

static struct thread *take_next(struct run_queue *own) REQUIRES(&sched_lock) {
    struct thread *next = ready_take(&own->ready);
    if (unlikely(!next)) next = take_from_others(own);
    return next ? next : &own->idle;
}

/* One of the two is the idle thread. */
static NOINLINE void idle_switch(struct run_queue *own, struct thread *next) REQUIRES(&sched_lock) {
    if (next == &own->idle) {
        idle_cpus |= bit_of(own);
        /* Then changes to that address space need not wake this processor. */
        arch_leave_aspace();
    } else {
        idle_cpus &= ~bit_of(own);
    }
}

static void switch_to(struct run_queue *own, struct thread *next, zx_time_t now) REQUIRES(&sched_lock) {
    struct cpu *cpu = arch_this_cpu();
    struct thread *prev = running(own);
    next->started_running = now;
    next->state = THREAD_RUNNING;
    next->cpu = own->ready.cpu;
    atomic_store_explicit(&own->running, next, memory_order_relaxed);
    cpu->reschedule = false;
    if (next != prev) {
        force_note_switch(next);
        ASSERT(cpu->irq_off_depth == 1);
        /* Whether interrupts come back on afterwards belongs to this thread, not to this processor. */
        bool irq_were_on = cpu->irq_were_on;
        if (unlikely(next == &own->idle || prev == &own->idle)) idle_switch(own, next);
        cpu->locks = &next->locks;
        arch_thread_switch(prev, next, next->arch_aspace);
        arch_this_cpu()->irq_were_on = irq_were_on;
    }
    alarm_update(this_queue());
}

void sched_switch(void) {
    struct run_queue *own = this_queue();
    zx_time_t now = arch_time_now();
    charge(own, now);
    switch_to(own, take_next(own), now);
}

/* The running thread stays ready, but another comes first. */
static void make_way(struct thread *next) REQUIRES(&sched_lock) {
    struct run_queue *own = this_queue();
    struct thread *self = thread_current();
    zx_time_t now = arch_time_now();
    charge(own, now);
    if (self == &own->idle)
        self->state = THREAD_READY;
    else
        sched_make_ready(self);
    switch_to(own, next, now);
}

void thread_charge_to(struct share *payer) {
    spin_lock(&sched_lock);
    charge(this_queue(), arch_time_now());
    thread_current()->payer = payer;
    spin_unlock(&sched_lock);
}

void thread_yield(void) {
    spin_lock(&sched_lock);
    arch_this_cpu()->reschedule = false;
    if (work_waits())
        make_way(take_next(this_queue()));
    else
        charge(this_queue(), arch_time_now());
    spin_unlock(&sched_lock);
}

#ifdef DEBUG
void sched_yield_past(unsigned skip) {
    spin_lock(&sched_lock);
    struct ready *ready = &this_queue()->ready;
    if (ready->length > 0) make_way(ready_take_past(ready, skip % ready->length));
    spin_unlock(&sched_lock);
}
#endif

void upcall_interrupt_done(void) {
    struct cpu *cpu = arch_this_cpu();
    if (cpu->reschedule && cpu->irq_off_depth == 0) thread_yield();
}

/* The running thread makes way, unless the next one has had more. */
static void turn_ended(zx_time_t now) REQUIRES(&sched_lock) {
    struct thread *self = thread_current();
    charge(this_queue(), now);
    if (self == &this_queue()->idle || ready_owed(&this_queue()->ready, self) >= 0) arch_this_cpu()->reschedule = true;
}

void upcall_alarm(void) {
    spin_lock(&sched_lock);
    zx_time_t now = arch_time_now();
    this_queue()->alarm = ZX_TIME_INFINITE;
    timer_run(now);
    if (now >= turn_end(this_queue())) turn_ended(now);
    sched_alarm_update();
    spin_unlock(&sched_lock);
}

void sched_idle(void) {
    for (;;) {
        arch_irq_disable();
        if (this_queue()->ready.length == 0) {
            arch_wait_for_interrupt();
        } else {
            arch_irq_enable();
            thread_yield();
        }
    }
}

/* The first thing any thread runs: the other half of the switch that brought it here. */
static void thread_enter(void *arg) {
    struct thread *self = arg;
    SPINLOCK_TRACK(&sched_lock);
    spin_assert_held(&sched_lock);
    arch_this_cpu()->irq_were_on = true;
    sched_alarm_update();
    spin_unlock(&sched_lock);
    self->entry(self->entry_arg);
    thread_exit();
}

void thread_init(struct thread *t, void *stack, size_t stack_size, void (*entry)(void *), void *arg,
                 void (*reap)(struct thread *)) {
    *t = (struct thread){.state = THREAD_NEW, .entry = entry, .entry_arg = arg, .reap = reap, .shares = kernel_shares};
    force_number_thread(t);
    arch_thread_init(&t->arch, stack, stack_size, thread_enter, t);
}

void thread_start(struct thread *t) {
    spin_lock(&sched_lock);
    ASSERT(t->state == THREAD_NEW);
    t->cpu = arch_this_cpu()->id;
    sched_make_ready(t);
    spin_unlock(&sched_lock);
}

void thread_exit(void) {
    lock_rank_assert_none();
    spin_lock(&sched_lock);
    struct thread *self = thread_current();
    self->state = THREAD_DEAD;
    TAILQ_INSERT_TAIL(&dead_threads, self, link);
    struct thread *reaper = TAILQ_FIRST(&reaper_waits.threads);
    if (reaper) waitq_wake_locked(reaper, ZX_OK);
    sched_switch();
    panic("a dead thread was run");
}

void sched_reaper(void *arg UNUSED) {
    thread_current()->urgent = true;
    for (;;) {
        spin_lock(&sched_lock);
        struct thread *dead = TAILQ_FIRST(&dead_threads);
        if (dead)
            TAILQ_REMOVE(&dead_threads, dead, link);
        else
            (void)!waitq_block_locked(&reaper_waits, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        spin_unlock(&sched_lock);
        if (dead) dead->reap(dead);
    }
}

void thread_interrupt(struct thread *t, unsigned attention) {
    arch_attention_raise(&t->arch, attention);
    spin_lock(&sched_lock);
    if (t->state == THREAD_BLOCKED && t->wait_kind == WAIT_INTERRUPTIBLE)
        waitq_wake_locked(t, ZX_ERR_INTERNAL_INTR_RETRY);
    else if (t->state == THREAD_RUNNING && t->cpu != arch_this_cpu()->id)
        arch_cpu_kick(t->cpu);
    else if (t->state == THREAD_READY && (attention & ATTENTION_KILL))
        ready_hurry(&run_queues[t->cpu].ready, t); /* it ends soon, however many are ready beside it */
    spin_unlock(&sched_lock);
}

void thread_get_info(struct thread *t, struct thread_info *out) {
    spin_lock(&sched_lock);
    out->blocked = t->state == THREAD_BLOCKED;
    out->interruptible = out->blocked && t->wait_kind == WAIT_INTERRUPTIBLE;
    out->runtime = t->runtime;
    if (t->state == THREAD_RUNNING) out->runtime += arch_time_now() - t->started_running;
    spin_unlock(&sched_lock);
}

zx_status_t thread_sleep_until(zx_time_t deadline) {
    struct waitq nobody_wakes = WAITQ_INIT(nobody_wakes);
    spin_lock(&sched_lock);
    zx_status_t status = waitq_block_locked(&nobody_wakes, deadline, WAIT_INTERRUPTIBLE);
    spin_unlock(&sched_lock);
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}
