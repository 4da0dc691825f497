/*
 * The registers that the kernel itself never uses: x87, SSE, AVX, and the segment bases. They belong to their thread
 * alone, through system calls and switches, and nothing is left in them for others.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/machine.h"
#include "tests/user/probe.h"

#define SPINS_LONG 4000000u /* longer than a thread's turn */
#define FEWEST_ROUNDS 12

static struct vector_state pattern, result;

static void expect_preserved(uint64_t seed, uint64_t number, uint64_t arg, uint64_t spins) {
    vector_fill(&pattern, seed);
    vector_call(&pattern, &result, number, arg, spins);
    EXPECT(vector_same(&result, &pattern));
}

TEST("vector/C9 x87, SSE and AVX registers survive system calls, those that fail, those that sleep") {
    expect_preserved(1, CALL_handle_close, 0, 0);
    expect_preserved(2, CALL_handle_close, 3, 0);
    expect_preserved(3, CALL_END, 0, 0);
    expect_preserved(4, CALL_clock_get_monotonic, 0, 0);
    for (uint64_t seed = 5; seed < 15; seed++)
        expect_preserved(seed, CALL_nanosleep, (uint64_t)zx_deadline_after(ZX_USEC(300)), 0);
}

/* Writes to `at` with the widest register loaded, all of which then goes to `out`. */
static void touch_wide(const char *in, char *out, char *at) {
    if (vector_has_avx())
        __asm__ volatile("vmovups (%0), %%ymm0\n\tmovb $1, (%2)\n\tvmovups %%ymm0, (%1)" ::"r"(in), "r"(out), "r"(at)
                         : "memory", "xmm0");
    else
        __asm__ volatile("movups (%0), %%xmm0\n\tmovb $1, (%2)\n\tmovups %%xmm0, (%1)" ::"r"(in), "r"(out), "r"(at)
                         : "memory", "xmm0");
}

TEST("vector/C9 they survive page faults that clear a page, and that copy one") {
    const size_t len = vector_has_avx() ? 32 : 16;
    char in[32], out[32] = {0};
    zx_handle_t vmo, child;
    zx_vaddr_t at;
    memset(in, 0x5a, sizeof(in));
    NEED_OK(zx_vmo_create(ZX_PAGE_SIZE, 0, &vmo));
    NEED_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, ZX_PAGE_SIZE, &at));
    touch_wide(in, out, (char *)at);
    EXPECT(memcmp(in, out, len) == 0);
    NEED_OK(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, ZX_PAGE_SIZE, &child));
    memset(in, 0xa5, sizeof(in));
    touch_wide(in, out, (char *)at);
    EXPECT(memcmp(in, out, len) == 0);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), at, ZX_PAGE_SIZE));
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close(child));
}

TEST("vector/two states that differ are told apart") {
    struct vector_state other;
    vector_fill(&pattern, 1);
    vector_fill(&other, 2);
    EXPECT(!vector_same(&other, &pattern));
    vector_call(&pattern, &result, CALL_handle_close, 0, 0);
    EXPECT(!vector_same(&result, &other));
    pattern.bytes[400] ^= 1;
    EXPECT(!vector_same(&result, &pattern));
}

/* Several threads, each with a state of its own, in a row of system calls and long spins. */
struct spinner {
    struct worker worker;
    uint64_t seed;
    _Atomic uint32_t rounds;
    uint32_t damaged;
    struct vector_state pattern, result;
};
static struct spinner spinners[4];
static _Atomic bool stop;

static void spin_and_compare(void *arg) {
    struct spinner *s = arg;
    while (!stop) {
        vector_fill(&s->pattern, s->seed * 1000 + s->rounds);
        uint64_t number = s->rounds % 2 ? CALL_nanosleep : CALL_handle_close;
        vector_call(&s->pattern, &s->result, number, 0, s->rounds % 4 ? 1000 : SPINS_LONG);
        if (!vector_same(&s->result, &s->pattern)) s->damaged++;
        s->rounds++;
    }
}

static void spin_in_child(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    static struct vector_state mine, seen;
    (void)handle;
    for (;;) {
        vector_fill(&mine, 77 + board->words[0]);
        vector_call(&mine, &seen, CALL_nanosleep, 0, 100000);
        if (memcmp(mine.bytes + 160, seen.bytes + 160, 256) != 0) board->words[1]++;
        board->words[0]++;
    }
}

static bool all_had_turns(const struct child *child) {
    bool all = child->board->words[0] >= FEWEST_ROUNDS;
    for (size_t i = 0; i < 4; i++) all = all && spinners[i].rounds >= FEWEST_ROUNDS;
    return all;
}

TEST("vector/C9 L17 threads and processes never see each other's registers, however they are interrupted") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, spin_in_child, ZX_HANDLE_INVALID));
    for (size_t i = 0; i < 4; i++) {
        spinners[i].seed = i + 1;
        NEED(worker_start(&spinners[i].worker, spin_and_compare, &spinners[i]));
    }
    zx_time_t end = zx_deadline_after(ZX_SEC(10));
    while (!all_had_turns(&child) && zx_clock_get_monotonic() < end) zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    EXPECT(all_had_turns(&child));
    stop = true;
    for (size_t i = 0; i < 4; i++) {
        NEED(worker_join(&spinners[i].worker));
        EXPECT_EQ(spinners[i].damaged, 0);
    }
    EXPECT_EQ(child.board->words[1], 0);
    EXPECT_OK(zx_task_kill(child.process));
}

/* The first thing that a thread does, before any C that could use a register: rsi says where to. */
__attribute__((naked, used)) static void store_at_once(void) {
    __asm__("mov $1, %eax\n\txor %ecx, %ecx\n\tcpuid\n\tbt $27, %ecx\n\tjnc 1f\n\t"
            "mov $7, %eax\n\txor %edx, %edx\n\txsave64 (%rsi)\n\tjmp 2f\n"
            "1:\n\tfxsave64 (%rsi)\n"
            "2:\n\tjmp zx_thread_exit");
}

static void expect_reset(const void *stored) {
    struct vector_state want;
    vector_fill_reset(&want);
    EXPECT(vector_same(stored, &want));
}

static void fill_all(void) {
    vector_fill(&pattern, 12345);
    vector_call(&pattern, &result, CALL_nanosleep, 0, 0);
    EXPECT(vector_same(&result, &pattern));
}

TEST("vector/C9 a new thread begins with registers that are reset, whoever ran before") {
    static struct vector_state seen;
    for (int i = 0; i < 10; i++) {
        zx_handle_t thread;
        NEED_OK(zx_thread_create(zx_process_self(), "t", 1, 0, &thread));
        memset(&seen, 0, sizeof(seen));
        fill_all();
        NEED_OK(zx_thread_start(thread, (uintptr_t)store_at_once, 0, 0, (uintptr_t)&seen));
        fill_all();
        NEED_OK(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(5)), NULL));
        expect_reset(&seen);
    }
}

TEST("vector/C9 so does a new process") {
    struct child child;
    NEED(child_make(&child));
    fill_all();
    NEED_OK(zx_process_start(child.process, child.thread, (uintptr_t)store_at_once, child.stack, 0, child.board_there));
    fill_all();
    EXPECT_EQ(child_wait(&child), 0);
    expect_reset(child.board);
}

/* Segment bases: each thread points GS at a word of its own. */
struct based {
    struct worker worker;
    uint64_t word, wrong, rounds;
};
static struct based based[4];

static uint64_t through_gs(void) {
    uint64_t value;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(value));
    return value;
}
static uint64_t through_fs(void) {
    uint64_t value;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    return value;
}

static void keep_bases(void *arg) {
    struct based *b = arg;
    uintptr_t gs = (uintptr_t)&b->word;
    b->word = gs ^ 0x5555;
    EXPECT_OK(zx_object_set_property(b->worker.thread, ZX_PROP_REGISTER_GS, &gs, sizeof(gs)));
    while (!stop) {
        if (through_gs() != b->word || through_fs() != (uintptr_t)b->worker.area) b->wrong++;
        if (b->rounds++ % 50 == 0) zx_nanosleep(zx_deadline_after(ZX_USEC(50)));
    }
}

TEST("object_set_property/FS and GS bases belong to their thread, through sleeps and interruptions") {
    for (size_t i = 0; i < 4; i++) NEED(worker_start(&based[i].worker, keep_bases, &based[i]));
    zx_nanosleep(zx_deadline_after(ZX_MSEC(200)));
    stop = true;
    for (size_t i = 0; i < 4; i++) {
        NEED(worker_join(&based[i].worker));
        EXPECT_EQ(based[i].wrong, 0);
        EXPECT(based[i].rounds > 100);
    }
}

/* User code may load selectors of its own, which changes the bases behind the kernel's back. */
static void load_selectors(zx_handle_t handle, uintptr_t there) {
    (void)there;
    for (int i = 0; i < 3; i++) {
        const uint16_t selector = i == 0 ? 0x23 : i == 1 ? 0 : 3;
        __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\tmov %0, %%gs" ::"r"((uint32_t)selector));
        uint64_t size = 0;
        CHILD_NEED(zx_vmo_get_size(handle, &size) == ZX_OK && size == PAGE, 1);
        CHILD_NEED(zx_nanosleep(zx_deadline_after(ZX_MSEC(2))) == ZX_OK, 2);
        CHILD_NEED(zx_handle_close(3) == ZX_ERR_BAD_HANDLE, 3);
    }
    zx_process_exit(0);
}

TEST("processor/selectors that user code loads do not confuse the kernel") {
    struct child child;
    NEED(child_make(&child));
    NEED_OK(child_start(&child, load_selectors, vmo_make(PAGE)));
    EXPECT_EQ(child_wait(&child), 0);
    EXPECT_OK(kernel_command("check"));
}
