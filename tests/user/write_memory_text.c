/*
 * zx_process_write_memory on programs: the text and constants of agents, which come from the boot archive, as do
 * those of this very program. A breakpoint planted in one of them must show in that one only.
 */
#include <stdatomic.h>
#include <zircon/syscalls/object.h>

#include "tests/user/agent.h"
#include "tests/user/memory.h"
#include "user/lib/bootfs.h"
#include "user/lib/launch.h"

#define ORIGINAL 1111
#define PATCHED 2222

/* The functions that get patched, each by one test: aligned, so that the patch has 16 bytes of room. */
#define PATCHABLE(name)                                                           \
    __attribute__((noinline, aligned(16))) static uint64_t name(void) {           \
        uint64_t value = ORIGINAL;                                                \
        __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop" : "+r"(value)); \
        return value;                                                             \
    }
PATCHABLE(answer)
PATCHABLE(own_answer)

/* mov $PATCHED, %eax; ret */
static const unsigned char patch[] = {0xb8, PATCHED & 0xff, PATCHED >> 8, 0, 0, 0xc3};

static void write_patch(zx_handle_t process, uint64_t (*function)(void)) {
    EXPECT_MOVED(write_to(process, (zx_vaddr_t)function, patch, sizeof(patch)), sizeof(patch));
}

static void tell_answer(struct agent_start *start) {
    (void)start;
    zx_process_exit((int64_t)answer());
}

static int64_t agent_answer(struct child *agent) {
    agent_run(agent, tell_answer, ZX_HANDLE_INVALID, 0, NULL, 0);
    return child_wait(agent);
}

/* This program, as the archive has it now. */
static unsigned char *archive_copy(size_t *len) {
    static struct newc_file file;
    MUST(bootfs_find(launch_archive(), "bin/tests", &file));
    unsigned char *copy = buffer_make(file.len);
    MUST(zx_vmo_read(launch_archive(), copy, file.offset, file.len));
    *len = file.len;
    return copy;
}

TEST("write_memory/T3 L1 a breakpoint in one of two processes: not in the other, a later one, the archive or "
     "ourselves") {
    size_t len;
    unsigned char *before = archive_copy(&len);
    struct child patched = agent_make(), other = agent_make();
    write_patch(patched.process, answer);
    EXPECT_EQ(agent_answer(&patched), PATCHED);
    EXPECT_EQ(agent_answer(&other), ORIGINAL);
    struct child later = agent_make();
    EXPECT_EQ(agent_answer(&later), ORIGINAL);
    EXPECT_EQ(answer(), ORIGINAL);
    EXPECT_BYTES(archive_copy(&len), before, len);
}

TEST("write_memory/T3 H10 a breakpoint in the caller's own text") {
    size_t len;
    unsigned char *before = archive_copy(&len);
    EXPECT_EQ(own_answer(), ORIGINAL);
    write_patch(zx_process_self(), own_answer);
    EXPECT_EQ(own_answer(), PATCHED);
    write_patch(zx_process_self(), answer);
    EXPECT_EQ(answer(), PATCHED);
    struct child later = agent_make();
    EXPECT_EQ(agent_answer(&later), ORIGINAL);
    EXPECT_BYTES(archive_copy(&len), before, len);
}

struct answers {
    _Atomic uint64_t latest;
    _Atomic uint64_t count;
};

static void answer_for_ever(struct agent_start *start) {
    struct answers *answers = start->shared;
    for (;;) {
        atomic_store(&answers->latest, answer());
        atomic_fetch_add(&answers->count, 1);
    }
}

/* Waits until an agent has begun to answer, and answered, once more. */
static bool answer_on(struct answers *answers) {
    uint64_t until = atomic_load(&answers->count) + 2;
    zx_time_t deadline = zx_deadline_after(ZX_SEC(10));
    while (atomic_load(&answers->count) < until && zx_clock_get_monotonic() < deadline) zx_nanosleep(0);
    return atomic_load(&answers->count) >= until;
}

TEST("write_memory/T21 L3 an instruction written under a running thread is what it runs next, and only it") {
    struct memory boards[2] = {memory_make(PAGE, 0), memory_make(PAGE, 0)};
    struct child agents[2] = {agent_make(), agent_make()};
    struct answers *answers[2] = {(struct answers *)(void *)boards[0].view, (struct answers *)(void *)boards[1].view};
    unsigned char original[sizeof(patch)];
    memcpy(original, (const void *)(uintptr_t)answer, sizeof(original));
    for (int i = 0; i < 2; i++) {
        agent_run(&agents[i], answer_for_ever, boards[i].vmo, PAGE, NULL, 0);
        NEED(answer_on(answers[i]));
        NEED_EQ(answers[i]->latest, ORIGINAL);
    }
    for (int round = 0; round < 5; round++) {
        write_patch(agents[0].process, answer);
        NEED(answer_on(answers[0]) && answer_on(answers[1]));
        EXPECT_EQ(answers[0]->latest, PATCHED);
        EXPECT_EQ(answers[1]->latest, ORIGINAL);
        EXPECT_MOVED(write_to(agents[0].process, (zx_vaddr_t)answer, original, sizeof(original)), sizeof(original));
        NEED(answer_on(answers[0]));
        EXPECT_EQ(answers[0]->latest, ORIGINAL);
    }
    EXPECT_EQ(answer(), ORIGINAL);
}

/* Reads the place all the time, so that its translation is remembered, and says what it reads after each question. */
static void read_when_asked(struct agent_start *start) {
    _Atomic uint64_t *asked = start->shared, *seen = asked + 1, *answered = asked + 2;
    const volatile uint64_t *place = (const volatile uint64_t *)PLACE;
    for (;;) {
        uint64_t question = atomic_load(asked);
        atomic_store(seen, *place);
        atomic_store(answered, question);
        if (zx_system_get_num_cpus() == 1) zx_nanosleep(0);
    }
}

static bool agent_reads(_Atomic uint64_t *board, uint64_t question, uint64_t value) {
    atomic_store(&board[0], question);
    return TEST_TRUE(word_await(&board[2], question)) && TEST_EQ(atomic_load(&board[1]), value);
}

TEST("write_memory/L16 a target that runs on another processor never reads through an old translation") {
    struct memory board = memory_make(PAGE, 0), m = memory_make(PAGE, 0);
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)board.view;
    struct child agent = agent_make();
    vmar_map_at(agent.vmar, PLACE, m.vmo, 0, PAGE, PERM_R);
    agent_run(&agent, read_when_asked, board.vmo, PAGE, NULL, 0);
    for (uint64_t round = 1; round <= 100; round++) {
        NEED_OK(zx_vmo_op_range(m.vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0));
        NEED(agent_reads(words, 2 * round, 0));
        NEED_MOVED(write_to(agent.process, PLACE, &round, sizeof(round)), sizeof(round));
        NEED(agent_reads(words, 2 * round + 1, round));
    }
}

static const volatile uint64_t constant = ORIGINAL;

static void tell_constant(struct agent_start *start) {
    (void)start;
    zx_process_exit((int64_t)constant);
}

TEST("write_memory/T4 a constant in read-only data") {
    struct child patched = agent_make(), other = agent_make();
    uint64_t value = PATCHED;
    EXPECT_MOVED(write_to(patched.process, (zx_vaddr_t)&constant, &value, sizeof(value)), sizeof(value));
    agent_run(&patched, tell_constant, ZX_HANDLE_INVALID, 0, NULL, 0);
    agent_run(&other, tell_constant, ZX_HANDLE_INVALID, 0, NULL, 0);
    EXPECT_EQ(child_wait(&patched), PATCHED);
    EXPECT_EQ(child_wait(&other), ORIGINAL);
    EXPECT_EQ(constant, ORIGINAL);
}

static volatile uint64_t variable = ORIGINAL;

static void tell_variable(struct agent_start *start) {
    (void)start;
    zx_process_exit((int64_t)variable);
}

TEST("write_memory/T1 a variable") {
    struct child patched = agent_make();
    uint64_t value = PATCHED;
    EXPECT_MOVED(write_to(patched.process, (zx_vaddr_t)&variable, &value, sizeof(value)), sizeof(value));
    agent_run(&patched, tell_variable, ZX_HANDLE_INVALID, 0, NULL, 0);
    EXPECT_EQ(child_wait(&patched), PATCHED);
    EXPECT_EQ(variable, ORIGINAL);
}

static void store_at(struct agent_start *start) {
    volatile uint64_t *shared = start->shared;
    volatile uint64_t *place = (volatile uint64_t *)shared[0];
    shared[1] = *place;
    *place = 5;
    shared[2] = 1;
}

TEST("write_memory/T14 after a forced write the target still cannot write there itself") {
    struct memory board = memory_make(PAGE, 0), shut = memory_make(PAGE, 3);
    uint64_t *words = (uint64_t *)(void *)board.view, value = PATCHED;
    struct child agent = agent_make();
    vmar_map_at(agent.vmar, PLACE, handle_without(shut.vmo, ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
    EXPECT_MOVED(write_to(agent.process, PLACE, &value, sizeof(value)), sizeof(value));
    words[0] = PLACE;
    agent_run(&agent, store_at, board.vmo, PAGE, NULL, 0);
    EXPECT_EQ(child_wait(&agent), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(words[1], PATCHED);
    EXPECT_EQ(words[2], 0);
    EXPECT_UNTOUCHED(&shut);
}

/*
 * T18: the one page of zeros that all untouched memory shows. An agent reads it through three mappings; then it is
 * written in every way there is. A bystander's untouched memory must go on reading as zeros.
 */
static void watch_zeros(struct agent_start *start) {
    _Atomic uint64_t *board = start->shared;
    const volatile uint64_t *place = (const volatile uint64_t *)PLACE;
    uint64_t seen = 0;
    for (size_t i = 0; i < 3 * PAGE / sizeof(uint64_t); i++) seen |= place[i];
    atomic_store(&board[0], seen ? 2 : 1);
    word_await(&board[1], 1);
    for (size_t page = 0; page < 3; page++) atomic_store(&board[2 + page], place[page * PAGE / sizeof(uint64_t)]);
    zx_process_exit(0);
}

static void expect_zeros(const unsigned char *page) {
    static const unsigned char zeros[4096];
    EXPECT_BYTES(page, zeros, PAGE);
}

TEST("write_memory/T18 the zero page is never modified, and who showed it shows the new bytes") {
    struct memory board = memory_make(PAGE, 0), open = memory_make(PAGE, 0), shut = memory_make(PAGE, 0);
    const unsigned char *bystander = buffer_make(PAGE);
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)board.view;
    struct child agent = agent_make();
    expect_zeros(bystander);
    zx_handle_t own = vmo_make(PAGE);
    vmar_map_at(agent.vmar, PLACE, own, 0, PAGE, PERM_RW);
    vmar_map_at(agent.vmar, PLACE + PAGE, open.vmo, 0, PAGE, PERM_R);
    vmar_map_at(agent.vmar, PLACE + 2 * PAGE, handle_without(shut.vmo, ZX_RIGHT_WRITE), 0, PAGE, PERM_R);
    agent_run(&agent, watch_zeros, board.vmo, PAGE, NULL, 0);
    NEED(word_await(&words[0], 1));
    for (uint64_t page = 0; page < 3; page++) {
        uint64_t value = 100 + page;
        EXPECT_MOVED(write_to(agent.process, PLACE + page * PAGE, &value, sizeof(value)), sizeof(value));
    }
    atomic_store(&words[1], 1);
    NEED_EQ(child_wait(&agent), 0);
    for (uint64_t page = 0; page < 3; page++) EXPECT_EQ(words[2 + page], 100 + page);
    expect_zeros(bystander);
    expect_zeros(buffer_make(PAGE));
    EXPECT_UNTOUCHED(&shut);
}

TEST("write_memory/T18 reading into memory that shows the zero page, and protecting that to writable, leave it zero") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3), into = memory_make(2 * PAGE, 0);
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_UNTOUCHED(&into);
    EXPECT_MOVED(read_from(t.process, PLACE, into.view, 100), 100);
    EXPECT_MEMORY(&into, 0, m.view, 100);
    unsigned char *fresh = map_here(vmo_make(PAGE), 0, PAGE, PERM_R);
    expect_zeros(fresh);
    NEED_OK(zx_vmar_protect(zx_vmar_root_self(), PERM_RW, (zx_vaddr_t)fresh, PAGE));
    EXPECT_MOVED(read_from(t.process, PLACE, fresh, PAGE), PAGE);
    EXPECT_BYTES(fresh, m.view, PAGE);
    expect_zeros(buffer_make(PAGE));
}
