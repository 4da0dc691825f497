/*
 * Futexes: who waits, who is woken, in which order, and that no wake is ever lost.
 */
#include "tests/user/child.h"
#include "tests/user/probe.h"

#define NONE ZX_HANDLE_INVALID
#define SOON (zx_deadline_after(ZX_MSEC(5)))
#define NEVER (zx_deadline_after(ZX_SEC(10)))
#define ALL UINT32_MAX

static zx_futex_t word, other;

/* One that waits in a thread of its own. `place` tells how many had ended before it. */
struct sleeper {
    struct worker worker;
    const zx_futex_t *word;
    zx_time_t deadline;
    zx_status_t status;
    atomic_int place;
};

static atomic_int ended;

static void sleep_now(void *arg) {
    struct sleeper *s = arg;
    s->status = zx_futex_wait(s->word, 0, NONE, s->deadline);
    s->place = atomic_fetch_add(&ended, 1);
}

static bool sleeper_start(struct sleeper *s, const zx_futex_t *at, zx_time_t deadline) {
    s->word = at;
    s->deadline = deadline;
    s->status = ZX_ERR_INTERNAL;
    s->place = -1;
    if (!worker_start(&s->worker, sleep_now, s)) return false;
    return thread_waits(s->worker.thread) && TEST_EQ(s->place, -1);
}

/* Has it ended, as the `place`th of all, with this status? */
static void expect_ended(struct sleeper *s, zx_status_t status, int place) {
    if (!worker_join(&s->worker)) return;
    EXPECT_STATUS(s->status, status);
    EXPECT_EQ(s->place, place);
}

static void expect_asleep(struct sleeper *s, size_t count) {
    settle();
    for (size_t i = 0; i < count; i++) EXPECT_EQ(s[i].place, -1);
}

#define MANY 8
static struct sleeper sleepers[MANY];

static bool sleepers_start(size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!sleeper_start(&sleepers[i], &word, NEVER)) return false;
    }
    return true;
}

static const zx_futex_t *misaligned(unsigned by) { return (const zx_futex_t *)((uintptr_t)&word + by); }

TEST("futex_wait/misaligned words are INVALID_ARGS, whatever they hold") {
    for (unsigned by = 1; by < 4; by++) {
        EXPECT_STATUS(zx_futex_wait(misaligned(by), 0, NONE, 0), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_futex_wait(misaligned(by), 1, NONE, 0), ZX_ERR_INVALID_ARGS);
    }
}

TEST("futex_wait/words that cannot be read are INVALID_ARGS") {
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_futex_wait((const zx_futex_t *)bad_sources[i], 0, NONE, NEVER), ZX_ERR_INVALID_ARGS);
    unsigned char *buffer = buffer_make(PAGE);
    EXPECT_STATUS(zx_futex_wait((zx_futex_t *)(buffer + PAGE), 0, NONE, NEVER), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_wait((zx_futex_t *)(buffer + PAGE - 4), 0, NONE, 0), ZX_ERR_TIMED_OUT);
    void *hidden = map_here(vmo_make(PAGE), 0, PAGE, PERM_NONE);
    EXPECT_STATUS(zx_futex_wait(hidden, 0, NONE, NEVER), ZX_ERR_INVALID_ARGS);
}

TEST("futex_wait/an owner is INVALID_ARGS, before the word is looked at") {
    EXPECT_STATUS(zx_futex_wait(&word, 0, zx_thread_self(), 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_wait(&word, 1, zx_thread_self(), 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_wait(&word, 1, UINT32_MAX, 0), ZX_ERR_INVALID_ARGS);
}

TEST("futex_wait/another value is BAD_STATE, whatever the deadline") {
    const int values[] = {1, -1, INT32_MIN, INT32_MAX, 0x100, 0x10000, 0x1000000};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        word = values[i];
        EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, 0), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_futex_wait(&word, values[i], NONE, 0), ZX_ERR_TIMED_OUT);
    }
}

TEST("futex_wait/each half of eight bytes is a word of its own") {
    _Alignas(8) static zx_futex_t two[2] = {1, 2};
    EXPECT_STATUS(zx_futex_wait(&two[0], 1, NONE, 0), ZX_ERR_TIMED_OUT);
    EXPECT_STATUS(zx_futex_wait(&two[0], 2, NONE, 0), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_wait(&two[1], 2, NONE, 0), ZX_ERR_TIMED_OUT);
    EXPECT_STATUS(zx_futex_wait(&two[1], 1, NONE, 0), ZX_ERR_BAD_STATE);
}

TEST("futex_wait/TIMED_OUT not before the deadline, and at once for one that has passed") {
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, deadline), ZX_ERR_TIMED_OUT);
    EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, ZX_TIME_INFINITE_PAST), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_futex_wake(&word, ALL));
}

TEST("futex_wait/memory never touched reads as 0, and memory that is read-only will do") {
    zx_handle_t vmo = vmo_make(3 * PAGE);
    zx_futex_t *fresh = map_here(vmo, 0, 3 * PAGE, PERM_R);
    EXPECT_STATUS(zx_futex_wait(fresh, 0, NONE, SOON), ZX_ERR_TIMED_OUT);
    EXPECT_STATUS(zx_futex_wait(fresh + 1024, 1, NONE, SOON), ZX_ERR_BAD_STATE);
    poke(vmo, 2 * PAGE, 77);
    EXPECT_STATUS(zx_futex_wait(fresh + 2048, 77, NONE, SOON), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 3 * PAGE, NULL, 0));
    EXPECT_STATUS(zx_futex_wait(fresh + 2048, 77, NONE, SOON), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_wait(fresh + 2048, 0, NONE, SOON), ZX_ERR_TIMED_OUT);
}

TEST("futex_wake/nobody waits: OK, wherever the word is") {
    EXPECT_OK(zx_futex_wake(&word, 1));
    EXPECT_OK(zx_futex_wake(&word, ALL));
    for (size_t i = 0; i < bad_source_count; i++)
        EXPECT_STATUS(zx_futex_wake((const zx_futex_t *)bad_sources[i], 1),
                      bad_sources[i] % 4 ? ZX_ERR_INVALID_ARGS : ZX_OK);
}

TEST("futex_wake/misaligned words are INVALID_ARGS, but a count of 0 is OK") {
    for (unsigned by = 1; by < 4; by++) {
        EXPECT_STATUS(zx_futex_wake(misaligned(by), 1), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_futex_wake(misaligned(by), 0));
    }
}

TEST("futex_wake/a wake is not kept for who comes later") {
    NEED_OK(zx_futex_wake(&word, ALL));
    EXPECT_STATUS(zx_futex_wait(&word, 0, NONE, SOON), ZX_ERR_TIMED_OUT);
}

TEST("futex_wake/first come, first woken, one at a time") {
    NEED(sleepers_start(MANY));
    for (int i = 0; i < MANY; i++) {
        NEED_OK(zx_futex_wake(&word, 1));
        expect_ended(&sleepers[i], ZX_OK, i);
        expect_asleep(sleepers + i + 1, (size_t)(MANY - i - 1));
    }
}

TEST("futex_wake/so many and no more; a count of 0 none") {
    NEED(sleepers_start(5));
    NEED_OK(zx_futex_wake(&word, 0));
    expect_asleep(sleepers, 5);
    NEED_OK(zx_futex_wake(&word, 3));
    for (size_t i = 0; i < 3; i++) NEED(worker_join(&sleepers[i].worker));
    expect_asleep(sleepers + 3, 2);
    NEED_OK(zx_futex_wake(&word, ALL));
    for (size_t i = 3; i < 5; i++) NEED(worker_join(&sleepers[i].worker));
    for (size_t i = 0; i < 5; i++) EXPECT_STATUS(sleepers[i].status, ZX_OK);
}

TEST("futex_wake/only the word that was named, and whatever it holds by then") {
    static zx_futex_t near[3];
    NEED(sleeper_start(&sleepers[0], &near[1], NEVER));
    NEED_OK(zx_futex_wake(&near[0], ALL));
    NEED_OK(zx_futex_wake(&near[2], ALL));
    expect_asleep(sleepers, 1);
    near[1] = 1;
    expect_asleep(sleepers, 1);
    NEED_OK(zx_futex_wake(&near[1], 1));
    expect_ended(&sleepers[0], ZX_OK, 0);
    EXPECT_EQ(near[1], 1);
}

TEST("futex_wake/two mappings of one page are two futexes") {
    zx_handle_t vmo = vmo_make(PAGE);
    zx_futex_t *here = map_here(vmo, 0, PAGE, PERM_RW);
    zx_futex_t *there = map_here(vmo, 0, PAGE, PERM_RW);
    NEED(sleeper_start(&sleepers[0], here, NEVER));
    NEED_OK(zx_futex_wake(there, ALL));
    expect_asleep(sleepers, 1);
    NEED_OK(zx_futex_wake(here, ALL));
    expect_ended(&sleepers[0], ZX_OK, 0);
}

TEST("futex_wake/the word's memory may go away meanwhile") {
    zx_futex_t *page = map_here(vmo_make(PAGE), 0, PAGE, PERM_RW);
    NEED(sleeper_start(&sleepers[0], page, NEVER));
    unmap_here(page, PAGE);
    expect_asleep(sleepers, 1);
    NEED_OK(zx_futex_wake(page, ALL));
    expect_ended(&sleepers[0], ZX_OK, 0);
}

static void wait_for_ever(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    (void)handle;
    zx_futex_wait((zx_futex_t *)&board->words[0], 0, NONE, ZX_TIME_INFINITE);
    board->words[2] = 1;
    zx_process_exit(1);
}

TEST("futex_wake/other processes have futexes of their own, at the same address and of the same memory") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, wait_for_ever, NONE));
    NEED(thread_waits(child.thread));
    NEED_OK(zx_futex_wake((zx_futex_t *)&child.board->words[0], ALL));
    NEED_OK(zx_futex_wake((zx_futex_t *)child.board_there, ALL));
    settle();
    EXPECT_EQ(child.board->words[2], 0);
    MUST(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    child_close(&child);
}

static void kill_waiter(void) {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, wait_for_ever, NONE));
    NEED(thread_waits(child.thread));
    NEED_OK(zx_task_kill(child.process));
    EXPECT_EQ(child_wait(&child), ZX_TASK_RETCODE_SYSCALL_KILL);
    EXPECT_EQ(child.board->words[2], 0);
    child_close(&child);
}

TEST("futex_wait/a kill ends it, and it leaves nothing") { check_gives_back(kill_waiter); }

TEST("futex_requeue/errors in order") {
    const zx_handle_t owner = zx_thread_self();
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 1, NULL, 1, NONE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 1, &other, 1, owner), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 1, &other, 1, NONE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 1, &word, 1, NONE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 0, &word, 1, NONE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 1, NULL, 0, NONE), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_futex_requeue(&word, 1, 0, NULL, 0, NONE));
    EXPECT_OK(zx_futex_requeue(&word, 1, 0, &other, 1, NONE));
    for (unsigned by = 1; by < 4; by++) {
        EXPECT_STATUS(zx_futex_requeue(misaligned(by), 1, -1, &other, 1, NONE), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_futex_requeue(misaligned(by), 1, 0, &other, 1, NONE), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_futex_requeue(&other, 1, 0, misaligned(by), 1, NONE), ZX_ERR_INVALID_ARGS);
    }
}

TEST("futex_requeue/a misaligned word may cross into memory that cannot be read, or was not touched yet") {
    unsigned char *buffer = buffer_make(2 * PAGE);
    EXPECT_STATUS(zx_futex_requeue((zx_futex_t *)(buffer + PAGE - 2), 1, 1, &other, 1, NONE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_requeue((zx_futex_t *)(buffer + 2 * PAGE - 2), 1, 1, &other, 1, NONE), ZX_ERR_INVALID_ARGS);
    memset(buffer + PAGE - 2, 0x11, 4);
    EXPECT_STATUS(zx_futex_requeue((zx_futex_t *)(buffer + PAGE - 2), 1, 0x11111111, &other, 1, NONE),
                  ZX_ERR_INVALID_ARGS);
}

TEST("futex_requeue/a first word that cannot be read is INVALID_ARGS, the second need not be there") {
    for (size_t i = 0; i < bad_source_count; i++) {
        const zx_futex_t *bad = (const zx_futex_t *)bad_sources[i];
        EXPECT_STATUS(zx_futex_requeue(bad, 1, 0, &other, 1, NONE), ZX_ERR_INVALID_ARGS);
        if (bad && bad_sources[i] % 4 == 0) EXPECT_OK(zx_futex_requeue(&word, 1, 0, bad, 1, NONE));
    }
}

TEST("futex_requeue/wakes some, moves some, leaves the rest, first come first") {
    NEED(sleepers_start(6));
    NEED_OK(zx_futex_requeue(&word, 2, 0, &other, 3, NONE));
    for (size_t i = 0; i < 2; i++) NEED(worker_join(&sleepers[i].worker));
    expect_asleep(sleepers + 2, 4);
    NEED_OK(zx_futex_wake(&word, ALL));
    expect_ended(&sleepers[5], ZX_OK, 2);
    expect_asleep(sleepers + 2, 3);
    for (int i = 0; i < 3; i++) {
        NEED_OK(zx_futex_wake(&other, 1));
        expect_ended(&sleepers[2 + i], ZX_OK, 3 + i);
    }
    for (size_t i = 0; i < 2; i++) EXPECT_STATUS(sleepers[i].status, ZX_OK);
}

TEST("futex_requeue/those moved come behind those that wait there already") {
    NEED(sleeper_start(&sleepers[0], &word, NEVER));
    NEED(sleeper_start(&sleepers[1], &other, NEVER));
    NEED(sleeper_start(&sleepers[2], &word, NEVER));
    NEED_OK(zx_futex_requeue(&word, 0, 0, &other, ALL, NONE));
    expect_asleep(sleepers, 3);
    const size_t order[] = {1, 0, 2};
    for (int i = 0; i < 3; i++) {
        NEED_OK(zx_futex_wake(&other, 1));
        expect_ended(&sleepers[order[i]], ZX_OK, i);
    }
}

TEST("futex_requeue/a word that changed moves and wakes nobody") {
    NEED(sleepers_start(2));
    word = 1;
    EXPECT_STATUS(zx_futex_requeue(&word, 1, 0, &other, 1, NONE), ZX_ERR_BAD_STATE);
    expect_asleep(sleepers, 2);
    NEED_OK(zx_futex_wake(&word, 2));
    for (size_t i = 0; i < 2; i++) NEED(worker_join(&sleepers[i].worker));
}

TEST("futex_requeue/those moved keep their deadlines, and leave the new word's queue then") {
    NEED(sleeper_start(&sleepers[0], &word, zx_deadline_after(ZX_MSEC(500))));
    NEED(sleeper_start(&sleepers[1], &word, NEVER));
    NEED_OK(zx_futex_requeue(&word, 0, 0, &other, 2, NONE));
    expect_ended(&sleepers[0], ZX_ERR_TIMED_OUT, 0);
    NEED_OK(zx_futex_wake(&other, 1));
    expect_ended(&sleepers[1], ZX_OK, 1);
}

TEST("futex_requeue/there and back many times, and still nobody is lost") {
    static zx_futex_t words[16];
    for (size_t i = 0; i < MANY; i++) NEED(sleeper_start(&sleepers[i], &words[0], NEVER));
    uint64_t chance = random_seed();
    size_t at = 0;
    for (int i = 0; i < 1000; i++) {
        size_t to = random_next(&chance) % 16;
        if (to == at) continue;
        NEED_OK(zx_futex_requeue(&words[at], 0, 0, &words[to], ALL, NONE));
        at = to;
    }
    for (int i = 0; i < MANY; i++) {
        NEED_OK(zx_futex_wake(&words[at], 1));
        expect_ended(&sleepers[i], ZX_OK, i);
    }
}

/* One that ends by the call, on a stack that is taken away as soon as the word says so. */
struct leaver {
    zx_handle_t thread, event;
    unsigned char *stack;
    zx_futex_t word;
};

static _Noreturn void leave(uintptr_t arg, uintptr_t unused) {
    struct leaver *leaver = (struct leaver *)arg;
    (void)unused;
    zx_futex_wake_handle_close_thread_exit(&leaver->word, ALL, 7, leaver->event);
}

static void leaver_start(struct leaver *leaver) {
    *leaver = (struct leaver){.event = event_make(), .stack = map_here(vmo_make(PAGE), 0, PAGE, PERM_RW)};
    const uintptr_t sp = (uintptr_t)leaver->stack + PAGE - 8;
    MUST(zx_thread_create(zx_process_self(), "leaver", 6, 0, &leaver->thread));
    MUST(zx_thread_start(leaver->thread, (uintptr_t)leave, sp, (uintptr_t)leaver, 0));
}

TEST("futex_wake_handle_close_thread_exit/the word, a wake, the handle, the end; and no stack once the word is "
     "written") {
    static struct leaver leaver;
    for (int i = 0; i < 50; i++) {
        leaver_start(&leaver);
        if (i % 2) (void)zx_futex_wait(&leaver.word, 0, NONE, NEVER);
        while (leaver.word == 0) continue;
        unmap_here(leaver.stack, PAGE);
        NEED_OK(zx_object_wait_one(leaver.thread, ZX_THREAD_TERMINATED, NEVER, NULL));
        EXPECT(leaver.word == 7 && !is_handle(leaver.event));
        MUST(zx_handle_close(leaver.thread));
    }
}

static void leave_one_awake(void *arg) {
    (void)arg;
    zx_futex_wake_handle_close_thread_exit(&word, 1, 9, ZX_HANDLE_INVALID);
}

TEST("futex_wake_handle_close_thread_exit/wakes as many as it says, those first that came first; needs no handle") {
    ended = 0;
    for (int i = 0; i < 2; i++) NEED(sleeper_start(&sleepers[i], &word, NEVER));
    static struct worker worker;
    NEED(worker_start(&worker, leave_one_awake, NULL) && worker_join(&worker));
    expect_ended(&sleepers[0], ZX_OK, 0);
    EXPECT_EQ(word, 9);
    NEED_OK(zx_futex_wake(&word, ALL));
    expect_ended(&sleepers[1], ZX_OK, 1);
    word = 0;
}

TEST("futex_get_owner/nobody; and a bad pointer is INVALID_ARGS") {
    zx_koid_t koid = UNTOUCHED;
    EXPECT_OK(zx_futex_get_owner(&word, &koid));
    EXPECT_EQ(koid, ZX_KOID_INVALID);
    EXPECT_OK(zx_futex_get_owner(NULL, &koid));
    EXPECT_OK(zx_futex_get_owner(misaligned(1), &koid));
    for (size_t i = 0; i < bad_target_count; i++)
        EXPECT_STATUS(zx_futex_get_owner(&word, (zx_koid_t *)bad_targets[i]), ZX_ERR_INVALID_ARGS);
}

/* A lock: 0 free, 1 taken, 2 taken and somebody waits. A lost wake leaves its threads asleep for good. */

#define LOCKERS 6
#define ROUNDS 3000

static zx_futex_t lock;
static volatile unsigned guarded;
static struct worker lockers[LOCKERS];

static void lock_take(void) {
    int seen = 0;
    if (atomic_compare_exchange_strong(&lock, &seen, 1)) return;
    while (atomic_exchange(&lock, 2) != 0) zx_futex_wait(&lock, 2, NONE, ZX_TIME_INFINITE);
}

static void lock_release(void) {
    if (atomic_exchange(&lock, 0) == 2) zx_futex_wake(&lock, 1);
}

/* What it guards is made to take long at times, so that others come to the door. */
static void lock_often(void *arg) {
    uint64_t chance = (uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        lock_take();
        unsigned before = guarded;
        if (random_next(&chance) % 8 == 0) zx_nanosleep(0);
        guarded = before + 1;
        lock_release();
    }
}

TEST("futex_wait/a lock made of it: no wake is lost, and no two are in at a time") {
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_start(&lockers[i], lock_often, (void *)(random_seed() + i)));
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_join(&lockers[i]));
    EXPECT_EQ(guarded, LOCKERS * ROUNDS);
    EXPECT_EQ(lock, 0);
}

/* A broadcast: the waiters at the turn's word are moved to the lock's by the thread that makes the next turn. */

static zx_futex_t turn;
static atomic_int arrived;

static void take_turns(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS / 10; i++) {
        lock_take();
        int now = atomic_load(&turn);
        if (atomic_fetch_add(&arrived, 1) == LOCKERS - 1) {
            atomic_store(&arrived, 0);
            atomic_store(&turn, now + 1);
            zx_futex_requeue(&turn, 1, now + 1, &lock, ALL, NONE);
            atomic_store(&lock, 2); /* those who were moved wait here now */
            lock_release();
            continue;
        }
        lock_release();
        while (atomic_load(&turn) == now) zx_futex_wait(&turn, now, NONE, ZX_TIME_INFINITE);
        while (atomic_exchange(&lock, 2) != 0) zx_futex_wait(&lock, 2, NONE, ZX_TIME_INFINITE);
        lock_release();
    }
}

TEST("futex_requeue/a barrier that hands its waiters on to a lock: all come through, turn after turn") {
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_start(&lockers[i], take_turns, NULL));
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_join(&lockers[i]));
    EXPECT_EQ(turn, ROUNDS / 10);
}

/* Waits that time out while others wake them: what was given out must have been taken, whatever came first. */

static zx_futex_t tickets;
static atomic_uint taken;

static void take_tickets(void *arg) {
    uint64_t chance = (uintptr_t)arg;
    while (atomic_load(&taken) < ROUNDS) {
        int left = atomic_load(&tickets);
        if (left > 0 && atomic_compare_exchange_strong(&tickets, &left, left - 1)) {
            atomic_fetch_add(&taken, 1);
        } else {
            zx_duration_t patience = ZX_USEC(random_next(&chance) % 200);
            zx_status_t status = zx_futex_wait(&tickets, 0, NONE, zx_deadline_after(patience));
            EXPECT(status == ZX_OK || status == ZX_ERR_TIMED_OUT || status == ZX_ERR_BAD_STATE);
        }
    }
}

TEST("futex_wait/deadlines and wakes that meet") {
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_start(&lockers[i], take_tickets, (void *)(random_seed() + i)));
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&tickets, 1);
        NEED_OK(zx_futex_wake(&tickets, 1));
        if (i % 50 == 0) zx_nanosleep(zx_deadline_after(ZX_USEC(150)));
    }
    for (size_t i = 0; i < LOCKERS; i++) NEED(worker_join(&lockers[i]));
    EXPECT_EQ(taken, ROUNDS);
    EXPECT_EQ(tickets, 0);
    EXPECT_OK(zx_futex_wake(&tickets, ALL));
}
