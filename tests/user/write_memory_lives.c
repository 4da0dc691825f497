/*
 * zx_process_write_memory over the lives of those who take part: targets and callers that have not begun, run, or
 * end, also in the middle of a call.
 *
 * What is transferred in these tests is generations: each write fills the target with words of one number, the next
 * write's is greater by one. So a write that was broken off shows: a prefix of one generation, and the rest of the
 * one before.
 */
#include <stdatomic.h>
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"

static const unsigned char bytes[16] = "sixteen  letters";

static void expect_gone(zx_handle_t process) {
    unsigned char back[16];
    EXPECT_REFUSED(write_to(process, PLACE, bytes, sizeof(bytes)), ZX_ERR_BAD_STATE);
    EXPECT_REFUSED(write_to(process, 0, bytes, sizeof(bytes)), ZX_ERR_BAD_STATE);
    EXPECT_REFUSED(read_from(process, PLACE, back, sizeof(back)), ZX_ERR_BAD_STATE);
}

TEST("write_memory/L1 a target that was never started, and that never will be") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_MOVED(write_to(t.process, PLACE, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_MEMORY(&m, 0, bytes, sizeof(bytes));
}

TEST("write_memory/NO_MEMORY L9 a living target whose whole address space was destroyed") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    NEED_OK(zx_vmar_destroy(t.vmar));
    EXPECT_REFUSED(write_to(t.process, PLACE, bytes, sizeof(bytes)), ZX_ERR_NO_MEMORY);
    EXPECT_UNTOUCHED(&m);
}

TEST("write_memory/BAD_STATE L4 choices: a target killed before it was started") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    NEED_OK(zx_task_kill(t.process));
    expect_gone(t.process);
    EXPECT_UNTOUCHED(&m);
}

static void spin(struct agent_start *start) {
    _Atomic uint64_t *word = start->shared;
    for (;;) atomic_fetch_add(word, 1);
}

TEST("write_memory/L3 BAD_STATE L4 a running target, and the same from the moment it is killed: dying and dead") {
    struct child agent = agent_make();
    struct memory board = memory_make(PAGE, 0), m = memory_make(PAGE, 3);
    vmar_map_at(agent.vmar, PLACE, m.vmo, 0, PAGE, PERM_RW);
    agent_run(&agent, spin, board.vmo, PAGE, NULL, 0);
    while (*(volatile uint64_t *)(void *)board.view == 0) zx_nanosleep(0);
    EXPECT_MOVED(write_to(agent.process, PLACE, bytes, sizeof(bytes)), sizeof(bytes));
    EXPECT_MEMORY(&m, 0, bytes, sizeof(bytes));
    NEED_OK(zx_task_kill(agent.process));
    expect_gone(agent.process);
    child_wait(&agent);
    expect_gone(agent.process);
    EXPECT_MEMORY(&m, 0, bytes, sizeof(bytes));
}

static void leave(struct agent_start *start) { (void)start; }

static void leave_thread(struct agent_start *start) {
    (void)start;
    zx_thread_exit();
}

TEST("write_memory/BAD_STATE L6 a target that exited, with its handle still open") {
    void (*const ways[])(struct agent_start *) = {leave, leave_thread};
    for (int i = 0; i < 2; i++) {
        struct child agent = agent_make();
        struct memory m = memory_make(PAGE, 3);
        vmar_map_at(agent.vmar, PLACE, m.vmo, 0, PAGE, PERM_RW);
        agent_run(&agent, ways[i], ZX_HANDLE_INVALID, 0, NULL, 0);
        EXPECT_EQ(child_wait(&agent), 0);
        expect_gone(agent.process);
        EXPECT_UNTOUCHED(&m);
    }
}

/* Fills the buffer with words of one number. */
static void generation_fill(uint64_t *buffer, size_t len, uint64_t number) {
    for (size_t i = 0; i < len / sizeof(uint64_t); i++) buffer[i] = number;
}

/* Where the generation of the first word ends; the rest must be of the one before, to its very end. */
static bool generations_hold(const uint64_t *words, size_t len, uint64_t latest) {
    size_t count = len / sizeof(uint64_t), at = 0;
    if (!TEST_TRUE(words[0] <= latest)) return false;
    while (at < count && words[at] == words[0]) at++;
    for (size_t i = at; i < count; i++) {
        if (!TEST_EQ(words[i], words[0] - 1)) return false;
    }
    return true;
}

#define BIG ((size_t)8 << 20)

struct killer {
    zx_handle_t process;
    zx_duration_t after;
};

static void killer_run(void *arg) {
    struct killer *killer = arg;
    zx_nanosleep(zx_deadline_after(killer->after));
    zx_task_kill(killer->process);
}

/* Writes until the target is gone. Returns how far the call got that was under way then; 0 if none was. */
static size_t write_until_gone(zx_handle_t process, uint64_t *from, uint64_t *number) {
    for (;;) {
        generation_fill(from, BIG, ++*number);
        struct moved moved = write_to(process, PLACE, from, BIG);
        if (moved.status == ZX_OK && moved.actual == BIG) continue;
        if (moved.status == ZX_OK) return moved.actual;
        EXPECT_STATUS(moved.status, ZX_ERR_BAD_STATE);
        --*number;
        return 0;
    }
}

TEST("write_memory/L5 choices: the target is killed during a write: BAD_STATE, or a short count that is true") {
    uint64_t state = random_seed();
    struct memory m = memory_make(BIG, 0);
    uint64_t *from = (uint64_t *)(void *)buffer_make(BIG);
    const uint64_t *words = (const uint64_t *)(const void *)m.view;
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    for (int during = 0, round = 0; during < 4 || round < 8; round++) {
        NEED(zx_clock_get_monotonic() < deadline);
        struct target t = target_make();
        uint64_t number = 0;
        memset(m.view, 0, BIG);
        target_map(&t, PLACE, m.vmo, 0, BIG, PERM_RW);
        struct killer killer = {t.process, (zx_duration_t)(random_next(&state) % ZX_MSEC(30))};
        zx_handle_t thread = thread_run(killer_run, &killer);
        size_t moved = write_until_gone(t.process, from, &number);
        thread_join(thread);
        for (size_t i = 0; i < BIG / 8; i++) NEED_EQ(words[i], moved == 0 || i < moved / 8 ? number : number - 1);
        expect_gone(t.process);
        during += moved > 0;
    }
}

/* Writes generations into the process given, for ever. */
static void write_generations(struct agent_start *start) {
    _Atomic uint64_t *number = start->shared;
    uint64_t *from = (uint64_t *)start->shared + 512;
    size_t actual;
    for (;;) {
        generation_fill(from, BIG, atomic_fetch_add(number, 1) + 1);
        if (zx_process_write_memory(start->given[0], PLACE, from, BIG, &actual) != ZX_OK || actual != BIG)
            zx_process_exit(1);
    }
}

/* A writing agent, its target, and the views of what both use. */
struct writing {
    struct child writer;
    struct target t;
    struct memory m, shared;
};

static struct writing writing_make(void (*run)(struct agent_start *)) {
    struct writing w = {.writer = agent_make(), .t = target_make()};
    w.m = memory_make(BIG, 0);
    w.shared = memory_make(PAGE + BIG, 0);
    target_map(&w.t, PLACE, w.m.vmo, 0, BIG, PERM_RW);
    agent_run(&w.writer, run, w.shared.vmo, w.shared.len, &w.t.process, 1);
    return w;
}

static void writing_close(struct writing *w) {
    unmap_here(w->m.view, w->m.len);
    unmap_here(w->shared.view, w->shared.len);
    zx_handle_close(w->m.vmo);
    zx_handle_close(w->shared.vmo);
    zx_handle_close(w->t.process);
    child_close(&w->writer);
}

/*
 * However slow the machine is, something shall have been written before the writer is stopped: a second generation is
 * begun when the first has been written.
 */
static bool first_write_await(const struct writing *w) {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    while (atomic_load((const _Atomic uint64_t *)(const void *)w->shared.view) < 2) {
        if (zx_clock_get_monotonic() >= deadline) return false;
        zx_nanosleep(0);
    }
    return true;
}

/* Looks at what a writer left behind when it ended. Returns whether that was in the middle of a write. */
static bool writing_was_cut(const struct writing *w) {
    const uint64_t *words = (const uint64_t *)(const void *)w->m.view;
    uint64_t latest = *(const uint64_t *)(const void *)w->shared.view;
    EXPECT(latest > 0 && generations_hold(words, BIG, latest));
    return words[0] != words[BIG / sizeof(uint64_t) - 1];
}

TEST("write_memory/L7 the caller is killed during a write: it ends, and the target has a prefix of it") {
    uint64_t state = random_seed();
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    for (int during = 0, round = 0; during < 2 || round < 6; round++) {
        NEED(zx_clock_get_monotonic() < deadline);
        struct writing w = writing_make(write_generations);
        NEED(first_write_await(&w));
        zx_nanosleep(zx_deadline_after(ZX_MSEC(15) + (zx_duration_t)(random_next(&state) % ZX_MSEC(20))));
        NEED_OK(zx_task_kill(w.writer.process));
        EXPECT_EQ(child_wait(&w.writer), ZX_TASK_RETCODE_SYSCALL_KILL);
        during += writing_was_cut(&w);
        EXPECT_MOVED(write_to(w.t.process, PLACE, bytes, sizeof(bytes)), sizeof(bytes));
        writing_close(&w);
    }
}

static _Alignas(16) unsigned char leaver_stack[8192];

/* Leaves some time after the first write, of which `written` tells. */
static _Noreturn void leaver(uintptr_t when, uintptr_t written) {
    for (;;) {
        if (atomic_load((const _Atomic uint64_t *)written) >= 2) break;
        zx_nanosleep(0);
    }
    zx_nanosleep(zx_deadline_after((zx_duration_t)when));
    zx_process_exit(42);
}

/* The same as write_generations, with a second thread that ends the process meanwhile. */
static void write_and_leave(struct agent_start *start) {
    zx_handle_t thread;
    zx_vaddr_t stack = (zx_vaddr_t)(leaver_stack + sizeof(leaver_stack) - 8);
    uint64_t when = (uint64_t)ZX_MSEC(15) + zx_ticks_get() % (uint64_t)ZX_MSEC(20);
    if (zx_thread_create(start->self, "leaver", 6, 0, &thread) != ZX_OK) zx_process_exit(2);
    if (zx_thread_start(thread, (zx_vaddr_t)leaver, stack, when, (uintptr_t)start->shared) != ZX_OK) zx_process_exit(3);
    write_generations(start);
}

TEST("write_memory/L14 the writer exits half-way, by its other thread") {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    for (int during = 0, round = 0; during < 2 || round < 6; round++) {
        NEED(zx_clock_get_monotonic() < deadline);
        struct writing w = writing_make(write_and_leave);
        EXPECT_EQ(child_wait(&w.writer), 42);
        during += writing_was_cut(&w);
        writing_close(&w);
    }
}

/* True if a whole write was done before the target left. */
static bool write_to_leaver(uint64_t *from) {
    struct writing w = writing_make(write_and_leave);
    struct memory m = memory_make(BIG, 0);
    uint64_t number = 0;
    vmar_map_at(w.writer.vmar, PLACE, m.vmo, 0, BIG, PERM_R);
    write_until_gone(w.writer.process, from, &number);
    EXPECT_EQ(child_wait(&w.writer), 42);
    expect_gone(w.writer.process);
    EXPECT(generations_hold((const uint64_t *)(const void *)m.view, BIG, number));
    unmap_here(m.view, m.len);
    zx_handle_close(m.vmo);
    writing_close(&w);
    return number > 0;
}

TEST("write_memory/L14 L6 the target exits half-way, by itself") {
    zx_time_t deadline = zx_deadline_after(ZX_SEC(20));
    uint64_t *from = (uint64_t *)(void *)buffer_make(BIG);
    while (!write_to_leaver(from)) NEED(zx_clock_get_monotonic() < deadline);
}

/* Rings of agents, each of which copies its own memory at PLACE into the next one's, until told to stop. */
#define RING_LEN ((size_t)256 << 10)

/* The next in the ring may have been told to end a moment before this one. */
static bool is_over(_Atomic uint64_t *board, zx_status_t status) {
    if (status != ZX_OK && status != ZX_ERR_BAD_STATE) return false;
    zx_time_t begun = zx_clock_get_monotonic();
    while (atomic_load(&board[0]) == 0 && zx_clock_get_monotonic() < begun + ZX_SEC(2)) zx_nanosleep(0);
    return atomic_load(&board[0]) != 0;
}

static void write_to_next(struct agent_start *start) {
    _Atomic uint64_t *board = start->shared;
    size_t actual;
    for (uint64_t i = 0; atomic_load(&board[0]) == 0; i++) {
        size_t at = i % 7 * 8192 + i % 13;
        zx_status_t status =
            zx_process_write_memory(start->given[0], PLACE + at, (void *)PLACE, RING_LEN - at, &actual);
        if (status != ZX_OK || actual != RING_LEN - at) zx_process_exit(!is_over(board, status));
        atomic_fetch_add(&board[1], 1);
        if (i % 3 == 0) zx_nanosleep(0);
    }
}

/* Has each written several times? */
static bool ring_has_turned(const struct memory *boards, unsigned count) {
    bool turned = true;
    for (unsigned i = 0; i < count; i++) turned = turned && ((_Atomic uint64_t *)(void *)boards[i].view)[1] > 5;
    return turned;
}

static void ring_run(unsigned count) {
    struct child agents[4];
    struct memory memories[4], boards[4];
    for (unsigned i = 0; i < count; i++) {
        agents[i] = agent_make();
        memories[i] = memory_make(RING_LEN, 0);
        boards[i] = memory_make(PAGE, 0);
        memset(memories[i].view, 1 << i, RING_LEN);
        vmar_map_at(agents[i].vmar, PLACE, memories[i].vmo, 0, RING_LEN, PERM_RW);
    }
    for (unsigned i = 0; i < count; i++)
        agent_run(&agents[i], write_to_next, boards[i].vmo, PAGE, &agents[(i + 1) % count].process, 1);
    zx_time_t begun = zx_clock_get_monotonic();
    while (race_goes_on(begun, ring_has_turned(boards, count))) zx_nanosleep(zx_deadline_after(ZX_MSEC(10)));
    EXPECT(ring_has_turned(boards, count));
    for (unsigned i = 0; i < count; i++) atomic_store((_Atomic uint64_t *)(void *)boards[i].view, 1);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_EQ(child_wait(&agents[i]), 0);
        for (size_t at = 0; at < RING_LEN; at++) {
            unsigned value = memories[i].view[at];
            NEED(value != 0 && (value & (value - 1)) == 0 && value < 1u << count);
        }
    }
}

TEST("write_memory/L11 A writes B while B writes A") { ring_run(2); }
TEST("write_memory/L11 a ring of four, each writing the next") { ring_run(4); }
