/* Which ready thread is next, in a queue that no processor has: the time charged is given, not measured. */
#include "kernel/sched/ready_path.h"

#include "kernel/sched/thread.h"
#include "tests/kernel/support.h"

static struct ready queue;
static struct share owing_share, other_share, kernel_share;
static struct thread owing, other, keeper;

static void begin(void) {
    ready_init(&queue, 0);
    owing_share = other_share = kernel_share = (struct share){0};
    owing = (struct thread){.shares = &owing_share};
    other = (struct thread){.shares = &other_share};
    keeper = (struct thread){.shares = &kernel_share, .urgent = true, .payer = &owing_share};
}

static void keeper_works(zx_duration_t time) NO_THREAD_SAFETY { ready_charge(&queue, &keeper, time); }

static void put(struct thread *t) NO_THREAD_SAFETY { (void)ready_put(&queue, t); }

static struct thread *take(void) NO_THREAD_SAFETY { return ready_take(&queue); }

/* Both are busy: how long the other one runs before the one that owes has its first turn. */
static zx_duration_t other_runs_for(void) NO_THREAD_SAFETY {
    zx_duration_t time = 0;
    put(&owing);
    put(&other);
    for (struct thread *t; (t = take()) != &owing; time += ZX_MSEC(1)) {
        ready_charge(&queue, t, ZX_MSEC(1));
        put(t);
    }
    return time;
}

KTEST("ready/what an urgent thread did for a process is taken from that one's share") {
    begin();
    keeper_works(ZX_MSEC(20));
    const zx_duration_t time = other_runs_for();
    EXPECT(time >= ZX_MSEC(19) && time <= ZX_MSEC(21));
}

KTEST("ready/a process does not owe for more than a tenth of a second, though nobody else wanted that time") {
    begin();
    for (int i = 0; i < 100; i++) keeper_works(ZX_MSEC(50));
    const zx_duration_t time = other_runs_for();
    EXPECT(time >= ZX_MSEC(99) && time <= ZX_MSEC(101));
}

/* It has no place before others come: what is asked about it until then has to give it one. What it is owed. */
static zx_duration_t one_is_alone(void) NO_THREAD_SAFETY {
    put(&owing);
    (void)take();
    ready_charge(&queue, &owing, ZX_MSEC(5));
    put(&other);
    const zx_duration_t owed = ready_owed(&queue, &owing);
    ready_hurry(&queue, &other);
    return owed;
}

KTEST("ready/one that is ready alone, and new here, is owed no more than if there were others, and can be hurried") {
    begin();
    const zx_duration_t owed = one_is_alone();
    put(&owing);
    EXPECT(owed == BEHIND_MAX && take() == &other && take() == &owing);
}
