/*
 * Futexes: which threads are woken, and in which order, words that are not in memory, waits that end in other ways.
 */
#include "kernel/object/futex.h"

#include "arch/time.h"
#include "kernel/sched/sched.h"
#include "tests/kernel/support.h"

#define SPACE_PAGES 8
#define ALL UINT32_MAX

static struct aspace *space;
static struct vmo *memory;
static vaddr_t base;

static bool begin(void) {
    space = space_new();
    memory = vmo_of(SPACE_PAGES, true);
    if (!space || !memory) return false;
    base = map_pages(space->root, memory, 0, SPACE_PAGES, RW, RW);
    return base != 0;
}

static void end(void) {
    space_end(space);
    object_unref(&memory->object);
}

static user_in_t word(size_t index) { return (user_in_t){base + index * sizeof(int32_t)}; }

/* A wait by a thread of that address space. `place` says how many had ended before. */
struct sleeper {
    struct runner runner;
    user_in_t word;
    int32_t value;
    zx_time_t deadline;
    zx_status_t status;
    unsigned place;
};

static atomic_uint ended;

static void sleep_run(void *arg) {
    struct sleeper *s = arg;
    s->status = futex_wait(s->word, s->value, s->deadline);
    s->place = atomic_fetch_add(&ended, 1) + 1;
}

static bool sleeps_until(struct sleeper *s, user_in_t at, zx_time_t deadline) {
    *s = (struct sleeper){.word = at, .deadline = deadline, .status = ZX_ERR_INTERNAL};
    if (!runner_start(&s->runner, space, sleep_run, s)) return false;
    runner_settle(&s->runner);
    return s->status == ZX_ERR_INTERNAL;
}

static bool sleeps(struct sleeper *s, user_in_t at) { return sleeps_until(s, at, ZX_TIME_INFINITE); }

static bool is_over(struct sleeper *s, zx_status_t status) {
    runner_join(&s->runner);
    return s->status == status;
}

/* What a thread of the address space does in between. */
struct act {
    user_in_t word, other;
    uint32_t count, requeue_count;
    int32_t value;
    zx_time_t deadline;
    zx_status_t status;
};

static void wake_run(void *arg) {
    struct act *act = arg;
    act->status = futex_wake(act->word, act->count);
}
static void requeue_run(void *arg) {
    struct act *act = arg;
    act->status = futex_requeue(act->word, act->count, act->value, act->other, act->requeue_count);
}
static void wait_run(void *arg) {
    struct act *act = arg;
    act->status = futex_wait(act->word, act->value, act->deadline);
}

static zx_status_t in_space(void (*run)(void *), struct act act) {
    act.status = ZX_ERR_INTERNAL;
    return run_in(space, run, &act) ? act.status : ZX_ERR_NO_MEMORY;
}

static zx_status_t wake(user_in_t at, uint32_t count) {
    return in_space(wake_run, (struct act){.word = at, .count = count});
}
static zx_status_t requeue(user_in_t from, uint32_t count, user_in_t to, uint32_t requeue_count) {
    return in_space(requeue_run,
                    (struct act){.word = from, .count = count, .other = to, .requeue_count = requeue_count});
}
static zx_status_t look(user_in_t at, int32_t value) {
    return in_space(wait_run, (struct act){.word = at, .value = value});
}

KTEST("futex/a word is compared wherever it lies, in memory or not yet") {
    NEED(begin());
    NEED(vmo_poke(memory, PAGES(2), 5) && vmo_poke(memory, PAGES(2) + 7, 1));
    EXPECT(!is_loaded(space, base) && !is_loaded(space, base + PAGES(2)));
    EXPECT(look(word(0), 0) == ZX_ERR_TIMED_OUT && is_loaded(space, base));
    EXPECT(look(word(0), 1) == ZX_ERR_BAD_STATE);
    const size_t second = PAGES(2) / sizeof(int32_t);
    EXPECT(look(word(second), 5) == ZX_ERR_TIMED_OUT && look(word(second), 0) == ZX_ERR_BAD_STATE);
    EXPECT(look(word(second + 1), 0x01000000) == ZX_ERR_TIMED_OUT);
    EXPECT(look((user_in_t){base + PAGES(SPACE_PAGES)}, 0) == ZX_ERR_INVALID_ARGS);
    EXPECT(look((user_in_t){0}, 0) == ZX_ERR_INVALID_ARGS && look((user_in_t){USER_END}, 0) == ZX_ERR_INVALID_ARGS);
    end();
}

KTEST("futex/a word past its memory's end cannot be waited for, whoever waits there already") {
    struct sleeper s;
    NEED(begin());
    const user_in_t last = word(PAGES(SPACE_PAGES - 1) / sizeof(int32_t));
    NEED(sleeps(&s, last));
    EXPECT(vmo_set_size(memory, PAGES(1)) == ZX_OK);
    EXPECT(look(last, 0) == ZX_ERR_INVALID_ARGS);
    EXPECT(wake(last, ALL) == ZX_OK && is_over(&s, ZX_OK));
    end();
}

KTEST("futex/first come, first woken") {
    struct sleeper s[4];
    NEED(begin());
    for (size_t i = 0; i < countof(s); i++) NEED(sleeps(&s[i], word(0)));
    atomic_store(&ended, 0);
    EXPECT(wake(word(0), 1) == ZX_OK && is_over(&s[0], ZX_OK));
    EXPECT(wake(word(0), 2) == ZX_OK && is_over(&s[1], ZX_OK) && is_over(&s[2], ZX_OK));
    EXPECT(s[3].status == ZX_ERR_INTERNAL);
    EXPECT(wake(word(0), ALL) == ZX_OK && is_over(&s[3], ZX_OK));
    /* The two that were woken at once may end in either order: a turn may be over before one of them says so. */
    bool swapped = s[1].place == 3 && s[2].place == 2;
    for (unsigned i = 0; i < countof(s); i++) EXPECT(s[i].place == i + 1 || (swapped && (i == 1 || i == 2)));
    end();
}

KTEST("futex/the same address in another address space is another futex") {
    struct sleeper here, there;
    NEED(begin());
    struct aspace *first = space, *second = space_new();
    NEED(second && map_pages(second->root, memory, 0, SPACE_PAGES, RW, RW) == base);
    NEED(sleeps(&here, word(0)));
    space = second;
    NEED(sleeps(&there, word(0)));
    EXPECT(wake(word(0), ALL) == ZX_OK && is_over(&there, ZX_OK));
    runner_settle(&here.runner);
    EXPECT(here.status == ZX_ERR_INTERNAL);
    space = first;
    EXPECT(wake(word(0), ALL) == ZX_OK && is_over(&here, ZX_OK));
    space_end(second);
    end();
}

/* All in one tree. */
KTEST("futex/hundreds of words, each with its own waiters") {
    static struct sleeper s[300];
    NEED(begin());
    for (size_t i = 0; i < countof(s); i++) NEED(sleeps(&s[i], word(i % 150)));
    for (size_t i = 0; i < 150; i++) {
        EXPECT(wake(word(i), 1) == ZX_OK && is_over(&s[i], ZX_OK));
        EXPECT(s[i + 150].status == ZX_ERR_INTERNAL);
    }
    for (size_t i = 150; i < countof(s); i++) EXPECT(wake(word(i % 150), ALL) == ZX_OK && is_over(&s[i], ZX_OK));
    end();
}

KTEST("futex/an interrupt ends the wait, to be begun again, and leaves the queue") {
    struct sleeper s[2];
    NEED(begin() && sleeps(&s[0], word(0)) && sleeps(&s[1], word(0)));
    thread_interrupt(&s[0].runner.thread, ATTENTION_KILL);
    EXPECT(is_over(&s[0], ZX_ERR_INTERNAL_INTR_RETRY));
    EXPECT(wake(word(0), 1) == ZX_OK && is_over(&s[1], ZX_OK));
    end();
}

/* Before the one that is killed can run, on one processor. */
static void kill_and_wake(void *arg) {
    struct sleeper *s = arg;
    thread_interrupt(&s->runner.thread, ATTENTION_KILL);
    EXPECT(futex_wake(s->word, 1) == ZX_OK);
}

KTEST("futex/a wake that comes after the first was killed is the next one's") {
    struct sleeper s[2];
    NEED(begin() && sleeps(&s[0], word(0)) && sleeps_until(&s[1], word(0), arch_time_now() + ZX_SEC(5)));
    NEED(run_in(space, kill_and_wake, &s[0]));
    const bool killed = is_over(&s[0], ZX_ERR_INTERNAL_INTR_RETRY), woken = is_over(&s[1], ZX_OK);
    EXPECT(killed && woken);
    end();
}

KTEST("futex/a wake that came before the interrupt counts") {
    struct sleeper s;
    NEED(begin() && sleeps(&s, word(0)));
    EXPECT(wake(word(0), 1) == ZX_OK);
    thread_interrupt(&s.runner.thread, ATTENTION_KILL);
    EXPECT(is_over(&s, ZX_OK));
    end();
}

KTEST("futex/those moved are woken at the new word, and leave it at their deadline or an interrupt") {
    struct sleeper s[4];
    NEED(begin());
    NEED(sleeps_until(&s[0], word(0), arch_time_now() + ZX_MSEC(500)));
    for (size_t i = 1; i < countof(s); i++) NEED(sleeps(&s[i], word(0)));
    for (size_t to = 1; to < 200; to++) EXPECT(requeue(word(to - 1), 0, word(to), ALL) == ZX_OK);
    EXPECT(wake(word(0), ALL) == ZX_OK);
    EXPECT(is_over(&s[0], ZX_ERR_TIMED_OUT));
    thread_interrupt(&s[1].runner.thread, ATTENTION_KILL);
    EXPECT(is_over(&s[1], ZX_ERR_INTERNAL_INTR_RETRY));
    EXPECT(wake(word(199), 1) == ZX_OK && is_over(&s[2], ZX_OK) && s[3].status == ZX_ERR_INTERNAL);
    EXPECT(wake(word(199), 1) == ZX_OK && is_over(&s[3], ZX_OK));
    end();
}

KTEST("futex/requeue brings the word in first, and moves nothing if it holds something else") {
    struct sleeper s;
    NEED(begin());
    const user_in_t there = word(PAGES(3) / sizeof(int32_t));
    NEED(sleeps(&s, there));
    EXPECT(vmo_set_size(memory, 0) == ZX_OK && vmo_set_size(memory, PAGES(SPACE_PAGES)) == ZX_OK);
    NEED(vmo_poke(memory, PAGES(3), 1));
    EXPECT(!is_loaded(space, there.addr));
    EXPECT(requeue(there, 1, word(1), 1) == ZX_ERR_BAD_STATE && s.status == ZX_ERR_INTERNAL);
    NEED(vmo_poke(memory, PAGES(3), 0));
    EXPECT(requeue(there, 0, word(1), 1) == ZX_OK);
    EXPECT(wake(word(1), 1) == ZX_OK && is_over(&s, ZX_OK));
    end();
}
