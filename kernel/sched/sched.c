/*
 * Run queues and the switch between threads; see sched.h. kernel/sched/ready.c picks the next thread of a run queue.
 *
 * A run queue's lock is held across a switch: taken by the outgoing thread, released by the incoming one. So a thread
 * is off its stack before any other can find it asleep, take it from a queue, or free the stack.
 *
 * No processor idles for longer than a time slice while a thread is ready. An idle one sets its bit in `idle_cpus`, and
 * then checks all queues once more; a processor that puts a thread into a queue where it has to wait checks the bits
 * afterwards. So one of the two sees the other. The processor that clears a bit gives the idle one a thread, or kicks
 * it to look again; the idle one sets its bit again each time before it halts. If it has a thread of its own by the
 * time it is kicked, others are called when the next time slice ends.
 *
 * While none idles, a thread that wakes joins the processor where it ran, or another that has less to do: each time the
 * next one is looked at. At the end of a turn too, so that queues become even.
 */
#include "kernel/sched/sched.h"

#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/base/trace.h"
#include "kernel/sched/force.h"
#include "kernel/sched/ready_path.h"
#include "kernel/sched/run_queue.h"

/* A thread's time slice, even if the next thread became ready only during it. */
#define TURN ZX_MSEC(1)

static struct run_queue run_queues[MAX_CPUS];
static _Atomic uint64_t idle_cpus; /* [a] a bit for each that waits for work, or is about to */
atomic_uint sched_cpus;            /* [a] those with an id below it have a run queue */

static struct share kernel_shares[MAX_CPUS];

/* A thread that is among the dead holds its queue's lock until it is off its stack. */
static struct spinlock dead_lock = SPINLOCK_INIT(RANK_WAIT, "dead threads");
static TAILQ_HEAD(, thread) dead_threads GUARDED_BY(dead_lock) = TAILQ_HEAD_INITIALIZER(dead_threads);
static struct waiter reaper GUARDED_BY(dead_lock); /* of its latest sleep; no thread: it has not slept yet */

static uint64_t bit_of(const struct run_queue *queue) { return (uint64_t)1 << queue->cpu; }

void sched_init(void) {
    struct cpu *cpu = arch_this_cpu();
    struct run_queue *queue = &run_queues[cpu->id];
    struct thread *idle = &queue->idle;
    cpu->queue = queue;
    queue->cpu = cpu->id;
    spinlock_init(&queue->lock, RANK_SCHED, "run queue");
    ready_init(&queue->ready, cpu->id);
    timers_init(&queue->timers);
    queue->alarm = ZX_TIME_INFINITE;
    queue->running = idle;
    idle->state = THREAD_RUNNING;
    idle->started_running = arch_time_now();
    idle->queue = queue;
    idle->koid = cpu->id + 1;
    arch_thread_adopt(idle);
    cpu->locks = &idle->locks;
    atomic_store_explicit(&sched_cpus, cpu->id + 1, memory_order_release);
}

bool sched_is_running(const struct thread *t) {
    for (unsigned id = 0; id < sched_cpu_count(); id++) {
        if (atomic_load_explicit(&run_queues[id].running, memory_order_relaxed) == t) return true;
    }
    return false;
}

static struct thread *running(const struct run_queue *queue) REQUIRES(sched_held) {
    return atomic_load_explicit(&queue->running, memory_order_relaxed);
}

static unsigned length(const struct run_queue *queue) { return ready_length(&queue->ready); }

/* When it is to be seen, if others are ready, whether the next one's turn has come. */
static zx_time_t turn_end(const struct run_queue *queue) REQUIRES(sched_held) {
    return length(queue) > 0 ? running(queue)->started_running + TURN : ZX_TIME_INFINITE;
}

/* An alarm that is set for earlier stays: when it comes, the next is set. */
static inline void alarm_update(struct run_queue *own) REQUIRES(sched_held) {
    zx_time_t next = own->timers.first, end = turn_end(own);
    if (end < next) next = end;
    if (likely(next >= own->alarm)) return;
    own->alarm = next;
    arch_alarm_set(next);
}

void sched_alarm_update(struct run_queue *own) { alarm_update(own); }

static bool idles(const struct run_queue *queue) REQUIRES(sched_held) { return running(queue) == &queue->idle; }

/* Another processor, each time the next one; the same if there is no other. */
static struct run_queue *another(struct run_queue *own) REQUIRES(sched_held) {
    unsigned count = sched_cpu_count();
    for (unsigned tries = 0; tries < 2; tries++) {
        own->last_looked = own->last_looked + 1 < count ? own->last_looked + 1 : 0;
        if (own->last_looked != own->cpu) break;
    }
    return &run_queues[own->last_looked];
}

/* True: the processor waited for work, and is now the caller's to wake. */
static bool claim(uint64_t bit) { return atomic_fetch_and_explicit(&idle_cpus, ~bit, memory_order_relaxed) & bit; }

/* One that waits for work, but for those in the mask; NULL: there is none. */
static struct run_queue *claim_idle(uint64_t but) {
    uint64_t idle;
    while ((idle = atomic_load_explicit(&idle_cpus, memory_order_seq_cst) & ~but) != 0) {
        if (claim(idle & -idle)) return &run_queues[__builtin_ctzll(idle)];
    }
    return NULL;
}

static bool has_nothing(const struct run_queue *queue) REQUIRES(sched_held) {
    return idles(queue) && length(queue) == 0;
}

/*
 * Where a thread of this queue should run. If this processor idles it is an interrupt that wakes the thread, and would
 * have to rouse another for it: a driver would cost two processors.
 */
static struct run_queue *choose_queue(struct run_queue *own) REQUIRES(sched_held) {
    if (sched_cpu_count() == 1) return own;
    struct run_queue *free = has_nothing(this_queue()) ? this_queue() : own;
    if (has_nothing(free)) {
        (void)!claim(bit_of(free));
        return free;
    }
    struct run_queue *idle = claim_idle(0), *other;
    if (idle) return idle;
    other = another(own);
    return length(other) < length(own) ? other : own;
}

/* Counts the time that a processor's running thread has had until now. */
static ALWAYS_INLINE void charge(struct run_queue *queue, zx_time_t now) REQUIRES(sched_held) {
    struct thread *t = running(queue);
    zx_duration_t ran = now - t->started_running;
    t->started_running = now;
    t->runtime += ran;
    if (t != &queue->idle) ready_charge(&queue->ready, t, ran);
}

/* This processor has a thread to run now, or soon. */
static void queue_grown(struct run_queue *own) REQUIRES(sched_held) {
    if (idles(own))
        arch_this_cpu()->reschedule = true;
    else
        alarm_update(own);
}

/* A thread has to wait in a queue: a processor that has nothing to do comes for it. This one, if it idles, looks. */
static NOINLINE void call_idle(const struct run_queue *queue) REQUIRES(sched_held) {
    const struct run_queue *idle = claim_idle(bit_of(queue));
    if (idle && idle != this_queue()) arch_cpu_kick(idle->cpu);
}

/* Returns how many are ready there now. */
static inline unsigned put(struct run_queue *queue, struct thread *t) REQUIRES(sched_held) {
    t->state = THREAD_READY;
    unsigned length = ready_put(&queue->ready, t);
    const bool some_idle = atomic_load_explicit(&idle_cpus, memory_order_seq_cst) != 0;
    if (unlikely(some_idle) && (length > 1 || !idles(queue))) call_idle(queue);
    return length;
}

/* A processor whose queue was not empty already knows that threads wait; otherwise it is notified. */
static inline void put_and_tell(struct run_queue *queue, struct thread *t) REQUIRES(sched_held) {
    if (put(queue, t) > 1) return;
    if (queue == this_queue())
        queue_grown(queue);
    else
        arch_cpu_kick(queue->cpu);
}

void sched_put(struct run_queue *queue, struct thread *t) { put_and_tell(queue, t); }

/*
 * Makes a thread that is in no queue, and does not run, ready in `to`, whose lock is held on return. A kill that came
 * in between has left only its mark.
 */
static NOINLINE void move(struct run_queue *from, struct run_queue *to, struct thread *t) REQUIRES(sched_held) {
    ready_leave(t);
    t->state = THREAD_MOVING;
    /* A thread that locks `to` sees that this one is moving. */
    atomic_store_explicit(&t->queue, to, memory_order_release);
    irq_off(); /* while the thread is in no queue */
    run_queue_unlock(from);
    run_queue_lock(to);
    irq_restore();
    sched_put(to, t);
    if (arch_attention(&t->arch) & ATTENTION_KILL) ready_hurry(&to->ready, t);
}

void sched_make_ready(struct run_queue *queue, struct thread *t) {
    struct run_queue *to = choose_queue(queue);
    trace(KTRACE_GRP_SCHEDULER, KTRACE_WAKE, to->cpu, t->koid, 0);
    if (likely(to == queue))
        put_and_tell(to, t);
    else
        move(queue, to, t);
    run_queue_unlock(to);
}

/* The longest queue of all, or NULL. */
static struct run_queue *longest_queue(void) {
    struct run_queue *best = NULL;
    unsigned most = 0;
    for (unsigned id = 0; id < sched_cpu_count(); id++) {
        if (length(&run_queues[id]) <= most) continue;
        best = &run_queues[id];
        most = length(best);
    }
    return best;
}

/* Gives a processor a thread that is ready at another, if one is left. */
static void pass_on(struct run_queue *from, struct run_queue *to) {
    run_queue_lock(from);
    struct thread *t = ready_take(&from->ready);
    if (t) move(from, to, t);
    run_queue_unlock(t ? to : from);
}

void upcall_kick(void) {
    struct run_queue *own = this_queue();
    run_queue_lock(own);
    if (length(own) > 0) queue_grown(own);
    run_queue_unlock(own);
}

/* One of the two is the idle thread. */
static NOINLINE void idle_switch(struct run_queue *own, struct thread *next) REQUIRES(sched_held) {
    if (next == &own->idle)
        arch_leave_aspace(); /* then changes to that address space need not wake this processor */
    else if (atomic_load_explicit(&idle_cpus, memory_order_relaxed) & bit_of(own))
        (void)!claim(bit_of(own));
}

/* The other half of a switch, on the stack of the thread that comes. The lock that is held is this processor's. */
static struct run_queue *come(void) REQUIRES(sched_held) {
    struct run_queue *own = this_queue();
    SPINLOCK_TRACK(&own->lock);
    alarm_update(own);
    return own;
}

static NOINLINE void trace_switch(const struct thread *prev, const struct thread *next) REQUIRES(sched_held) {
    const unsigned why = prev->state == THREAD_DEAD      ? KTRACE_LEAVES_DEAD
                         : prev->state == THREAD_BLOCKED ? KTRACE_LEAVES_BLOCKED
                                                         : KTRACE_LEAVES_READY;
    trace_record(KTRACE_SWITCH, why, next->koid, 0);
}

static ALWAYS_INLINE struct run_queue *switch_to(struct run_queue *own, struct thread *next, zx_time_t now)
    REQUIRES(sched_held) {
    struct cpu *cpu = arch_this_cpu();
    struct thread *prev = running(own);
    next->started_running = now;
    next->state = THREAD_RUNNING;
    atomic_store_explicit(&own->running, next, memory_order_relaxed);
    cpu->reschedule = false;
    lock_rank_release(&own->lock);
    if (next != prev) {
        if (tracing(KTRACE_GRP_SCHEDULER)) trace_switch(prev, next);
        force_note_switch(next);
        ASSERT(cpu->irq_off_depth == 1);
        /* Whether interrupts come back on afterwards belongs to this thread, not to this processor. */
        bool irq_were_on = cpu->irq_were_on;
        if (unlikely(next == &own->idle || prev == &own->idle)) idle_switch(own, next);
        cpu->locks = &next->locks;
        arch_thread_switch(prev, next, next->arch_aspace);
        arch_this_cpu()->irq_were_on = irq_were_on;
    }
    return come();
}

/*
 * For a processor that has nothing to run: a thread that another has not come to yet. NULL: none, or not at once. If
 * that one idles and was woken for this thread alone, it waits for work again.
 */
static NOINLINE struct thread *take_from_others(struct run_queue *own) REQUIRES(sched_held) {
    struct run_queue *from = longest_queue();
    if (!from || !spin_try(&from->lock)) return NULL;
    struct thread *t = ready_take(&from->ready);
    if (t) {
        ready_leave(t);
        atomic_store_explicit(&t->queue, own, memory_order_release);
        ready_adopt(&own->ready, t);
        if (has_nothing(from)) atomic_fetch_or_explicit(&idle_cpus, bit_of(from), memory_order_relaxed);
    }
    spin_end_try(&from->lock);
    return t;
}

struct run_queue *sched_switch(struct run_queue *own) {
    zx_time_t now = arch_time_now();
    charge(own, now);
    struct thread *next = ready_take(&own->ready);
    if (unlikely(!next)) next = take_from_others(own);
    return switch_to(own, next ? next : &own->idle, now);
}

/* The running thread stays ready, but another comes first. */
static NOINLINE struct run_queue *make_way(struct run_queue *own, struct thread *next) REQUIRES(sched_held) {
    struct thread *self = thread_current();
    zx_time_t now = arch_time_now();
    charge(own, now);
    if (self == &own->idle)
        self->state = THREAD_READY;
    else
        (void)put(own, self);
    return switch_to(own, next, now);
}

void thread_charge_to(struct share *payer) {
    struct run_queue *own = run_queue_lock_of(thread_current());
    charge(own, arch_time_now());
    thread_current()->payer = payer;
    run_queue_unlock(own);
}

void thread_yield(void) {
    struct run_queue *own = run_queue_lock_of(thread_current());
    struct thread *next = ready_take(&own->ready);
    arch_this_cpu()->reschedule = false;
    if (next)
        own = make_way(own, next);
    else
        charge(own, arch_time_now());
    run_queue_unlock(own);
}

#ifdef DEBUG
void sched_yield_past(unsigned skip) {
    struct run_queue *own = run_queue_lock_of(thread_current());
    if (length(own) > 0) own = make_way(own, ready_take_past(&own->ready, skip % length(own)));
    run_queue_unlock(own);
}
#endif

void upcall_interrupt_done(void) {
    struct cpu *cpu = arch_this_cpu();
    if (cpu->reschedule && cpu->irq_off_depth == 0) thread_yield();
}

/* The running thread makes way, unless the next one has had more. */
static void turn_ended(struct run_queue *own, zx_time_t now) REQUIRES(sched_held) {
    struct thread *self = thread_current();
    charge(own, now);
    if (self == &own->idle || ready_owed(&own->ready, self) >= 0) arch_this_cpu()->reschedule = true;
}

/* Looks at one other processor, and gives it a thread if it has two less to do. */
static void even_out(struct run_queue *own) {
    run_queue_lock(own);
    struct run_queue *other = another(own);
    bool uneven = length(own) >= length(other) + 2;
    run_queue_unlock(own);
    if (uneven) pass_on(own, other);
}

void upcall_alarm(void) {
    struct run_queue *own = this_queue();
    run_queue_lock(own);
    zx_time_t now = arch_time_now();
    own->alarm = ZX_TIME_INFINITE;
    timer_run(&own->timers, now);
    bool ended = now >= turn_end(own);
    if (ended) turn_ended(own, now);
    alarm_update(own);
    run_queue_unlock(own);
    if (ended) even_out(own);
}

void sched_idle_once(void) {
    arch_irq_disable();
    struct run_queue *own = this_queue();
    atomic_fetch_or_explicit(&idle_cpus, bit_of(own), memory_order_seq_cst);
    struct run_queue *from = length(own) > 0 ? own : longest_queue();
    if (!from) {
        arch_wait_for_interrupt();
        return;
    }
    if (from != own) pass_on(from, own);
    arch_irq_enable();
    thread_yield();
}

void sched_idle(void) {
    for (;;) sched_idle_once();
}

/* The first thing any thread runs. */
static void thread_enter(void *arg) NO_THREAD_SAFETY {
    struct thread *self = arg;
    arch_this_cpu()->irq_were_on = true;
    run_queue_unlock(come());
    self->entry(self->entry_arg);
    thread_exit();
}

void thread_init(struct thread *t, void (*entry)(void *), void *arg, void (*reap)(struct thread *)) {
    ASSERT(t->state == THREAD_NEW && !run_queue_of(t));
    atomic_init(&t->queue, run_queue_of(thread_current()));
    t->entry = entry;
    t->entry_arg = arg;
    t->reap = reap;
    t->shares = kernel_shares;
    t->budget = thread_current()->budget;
    force_number_thread(t);
}

void thread_give_stack(struct thread *t, void *stack, size_t size) {
    arch_thread_init(&t->arch, stack, size, thread_enter, t);
}

void thread_start(struct thread *t) {
    struct run_queue *queue = run_queue_lock_of(t);
    ASSERT(t->state == THREAD_NEW);
    sched_make_ready(queue, t);
}

void thread_exit(void) {
    struct thread *self = thread_current();
    lock_rank_assert_none();
    ASSERT(!(arch_attention(&self->arch) & ATTENTION_TELL));
    spin_lock(&dead_lock);
    TAILQ_INSERT_TAIL(&dead_threads, self, link);
    if (reaper.thread) waiter_end(&reaper);
    struct run_queue *own = run_queue_lock_of(self);
    spin_unlock(&dead_lock);
    self->state = THREAD_DEAD;
    (void)!sched_switch(own);
    panic("a dead thread was run");
}

/* Waits until the thread is off its stack. One that died on the processor where this runs is. */
static void reap(struct thread *dead) {
    if (run_queue_of(dead) != run_queue_of(thread_current())) run_queue_unlock(run_queue_lock_of(dead));
    dead->reap(dead);
}

void sched_reaper(void *arg UNUSED) {
    thread_current()->urgent = true;
    for (;;) {
        spin_lock(&dead_lock);
        struct thread *dead = TAILQ_FIRST(&dead_threads);
        if (dead) {
            TAILQ_REMOVE(&dead_threads, dead, link);
            spin_unlock(&dead_lock);
            reap(dead);
        } else {
            reaper = (struct waiter)WAITER_INIT(thread_current());
            spin_unlock(&dead_lock);
            (void)!waiter_block(&reaper, ZX_TIME_INFINITE, WAIT_UNINTERRUPTIBLE);
        }
    }
}

void thread_interrupt(struct thread *t, unsigned attention) {
    arch_attention_raise(&t->arch, attention);
    if (t == thread_current()) return;
    struct run_queue *queue = run_queue_lock_of(t);
    if (t->state == THREAD_BLOCKED && t->wait_kind == WAIT_INTERRUPTIBLE) {
        sched_end_wait(queue, t, ZX_ERR_INTERNAL_INTR_RETRY);
        sched_make_ready(queue, t);
        return;
    }
    if (t->state == THREAD_RUNNING && queue != this_queue())
        arch_cpu_kick(queue->cpu);
    else if (t->state == THREAD_READY && (attention & ATTENTION_KILL))
        ready_hurry(&queue->ready, t); /* it ends soon, however many are ready beside it */
    run_queue_unlock(queue);
}

void thread_get_info(struct thread *t, struct thread_info *out) {
    struct run_queue *queue = run_queue_lock_of(t);
    out->blocked = t->state == THREAD_BLOCKED;
    out->blocked_on = t->blocked_on;
    out->interruptible = out->blocked && t->wait_kind == WAIT_INTERRUPTIBLE;
    out->runtime = t->runtime;
    if (t->state == THREAD_RUNNING) out->runtime += arch_time_now() - t->started_running;
    run_queue_unlock(queue);
}

zx_status_t thread_sleep_until(zx_time_t deadline) {
    struct waiter nobody_wakes = WAITER_INIT(thread_current());
    zx_status_t status = waiter_block(&nobody_wakes, deadline, WAIT_INTERRUPTIBLE);
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}
