/* Sharers of a mutex: several at a time, and the owner waits for all of them. */
#include "kernel/sched/sharers.h"

#include "tests/kernel/support.h"

static struct mutex lock;
static struct sharers parts[2];
static unsigned steps, owner_at, sharer_at;

static void begin(void) {
    mutex_init(&lock, RANK_ASPACE, "shared");
    parts[0] = parts[1] = (struct sharers){0};
    steps = owner_at = sharer_at = 0;
}

/* Without the analysis: a test that fails ends early, and keeps what it holds. */
static void take(void) NO_THREAD_SAFETY { mutex_lock(&lock); }
static void release(void) NO_THREAD_SAFETY { mutex_unlock(&lock); }
static void join(struct sharers *part) NO_THREAD_SAFETY { mutex_share(&lock, part); }
static void leave(struct sharers *part) NO_THREAD_SAFETY { mutex_unshare(&lock, part); }

static void own(void *arg UNUSED) {
    mutex_lock(&lock);
    for (unsigned i = 0; i < 2; i++) sharers_wait(&parts[i]);
    owner_at = ++steps;
    mutex_unlock(&lock);
}

static void share(void *arg) {
    mutex_share(&lock, arg);
    sharer_at = ++steps;
    mutex_unshare(&lock, arg);
}

KTEST("sharers/several share at a time, and the owner waits for those of all parts") {
    struct runner owner, sharer;
    begin();
    join(&parts[0]);
    NEED(runner_start(&sharer, NULL, share, &parts[1]));
    runner_join(&sharer);
    EXPECT(sharer_at == 1);
    NEED(runner_start(&owner, NULL, own, NULL));
    runner_settle(&owner);
    EXPECT(owner_at == 0);
    leave(&parts[0]);
    runner_join(&owner);
    EXPECT(owner_at == 2 && atomic_load(&parts[0].count) == 0 && atomic_load(&parts[1].count) == 0);
}

KTEST("sharers/who comes while an owner waits comes after it") {
    struct runner owner, sharer;
    begin();
    join(&parts[0]);
    NEED(runner_start(&owner, NULL, own, NULL));
    runner_settle(&owner);
    NEED(runner_start(&sharer, NULL, share, &parts[0]));
    runner_settle(&sharer);
    EXPECT(owner_at == 0 && sharer_at == 0);
    leave(&parts[0]);
    runner_join(&owner);
    runner_join(&sharer);
    EXPECT(owner_at == 1 && sharer_at == 2 && atomic_load(&parts[0].count) == 0);
}

KTEST("sharers/one that lets others pass has waited for who was on the way to the mutex") {
    struct runner owner;
    begin();
    mutex_let_pass(&lock);
    take();
    NEED(runner_start(&owner, NULL, own, NULL));
    runner_settle(&owner);
    release(); /* it is woken, and has not run yet */
    mutex_let_pass(&lock);
    join(&parts[0]);
    EXPECT(owner_at == 1);
    leave(&parts[0]);
    runner_join(&owner);
}
