/*
 * Rubbish at the border: several threads of a child make random calls with random registers, for a while, and
 * again in new children. Registers must come back as promised; whatever becomes of the children, others must not
 * notice.
 *
 * "test.seed=NUMBER" on the kernel's command line repeats a run's numbers, though not its interleaving.
 */
#include "tests/user/child.h"
#include "tests/user/machine.h"
#include "tests/user/probe.h"

#define THREADS 4
#define CHILDREN 5
#define CHILD_TIME ZX_MSEC(400)
#define STACK_SIZE 16384
#define POOL_HANDLES 64
#define FEWEST_CALLS 1000
#define REGION_LEN ((uint64_t)1 << 30)

enum { KIND_PLAIN, KIND_BLOCKING, KIND_VALUE, KIND_NORETURN };
static const unsigned char call_kinds[] = {
#define SYSCALL(name, kind, ...) KIND_##kind,
#include "syscalls/syscalls.def"
#undef SYSCALL
};
#define CALL_COUNT (sizeof(call_kinds) / sizeof(call_kinds[0]))

/* What the child's threads share. The kernel writes into it too, so that what it made is used in later calls. */
static struct {
    zx_handle_t handles[POOL_HANDLES];
    _Alignas(4096) unsigned char bytes[4 * 4096];
} pool;

/* On the board. */
enum { WORD_SEED, WORD_CALLS, WORD_OK, WORD_DAMAGED, WORD_STOP, WORD_REGION };

static uint64_t any_address(uint64_t *seed, const struct board *board) {
    switch (random_next(seed) % 6) {
    case 0:
        return bad_targets[random_next(seed) % bad_target_count];
    case 1:
        return (uintptr_t)&pool.handles[random_next(seed) % POOL_HANDLES];
    case 2:
        return board->words[WORD_REGION] + random_next(seed) % 64 * PAGE;
    default:
        return (uintptr_t)pool.bytes + random_next(seed) % sizeof(pool.bytes);
    }
}

static uint64_t any_number(uint64_t *seed) {
    uint64_t number = random_next(seed);
    switch (random_next(seed) % 6) {
    case 0:
        return number << 33 ^ random_next(seed);
    case 1:
        return (uint64_t)1 << number % 64;
    case 2:
        return UINT64_MAX - number % (2 * PAGE);
    case 3:
        return number % 16 * PAGE;
    default:
        return number % 64;
    }
}

static uint64_t any_handle(uint64_t *seed) {
    return pool.handles[random_next(seed) % POOL_HANDLES] | random_next(seed) << 33;
}

static uint64_t any_argument(uint64_t *seed, const struct board *board) {
    switch (random_next(seed) % 4) {
    case 0:
        return any_handle(seed);
    case 1:
        return any_address(seed, board);
    default:
        return any_number(seed);
    }
}

/* For calls that sleep: whatever is taken for a deadline must be soon. Low addresses are, as times. */
static uint64_t any_soon(uint64_t *seed, bool first) {
    if (first && random_next(seed) % 2) return pool.handles[random_next(seed) % POOL_HANDLES];
    if (random_next(seed) % 4 == 0) return (uintptr_t)&pool.bytes[random_next(seed) % PAGE];
    return (uint64_t)zx_deadline_after((zx_duration_t)(random_next(seed) % 20000));
}

static uint64_t any_call(uint64_t *seed) {
    for (;;) {
        uint64_t index = random_next(seed) % (CALL_COUNT + 2);
        uint64_t number = CALL_BASE + 1 + index;
        if (index < CALL_COUNT && call_kinds[index] == KIND_NORETURN) continue;
        if (number != CALL_debug_write || random_next(seed) % 32 == 0) return number;
    }
}

static struct registers any_registers(uint64_t *seed, const struct board *board) {
    struct registers r = {.rax = any_call(seed)};
    uint64_t index = r.rax - CALL_BASE - 1;
    bool may_block = index < CALL_COUNT && call_kinds[index] == KIND_BLOCKING;
    uint64_t *const args[] = {&r.rdi, &r.rsi, &r.rdx, &r.r10, &r.r8, &r.r9, &r.r12, &r.r13};
    bool handle_first = r.rax != CALL_nanosleep;
    for (size_t i = 0; i < 8; i++)
        *args[i] = may_block ? any_soon(seed, i == 0 && handle_first) : any_argument(seed, board);
    if (!may_block && random_next(seed) % 2) r.rdi = any_handle(seed);
    /* A long array of handles is tried to its end, which takes its time. */
    if (r.rax == CALL_channel_write && random_next(seed) % 64 != 0) r.r9 &= ~(uint64_t)UINT32_MAX | 0x7f;
    uint64_t *const others[] = {&r.rbx, &r.rcx, &r.rbp, &r.rsp, &r.r11, &r.r14};
    for (size_t i = 0; i < 6; i++) *others[i] = any_number(seed);
    r.rflags = FLAG_IF | FLAG_FIXED | (random_next(seed) & (FLAG_DF | FLAG_AC | FLAG_ID | FLAG_CF));
    return r;
}

static bool kept(const struct registers *a, const struct registers *b) {
    return a->rbx == b->rbx && a->rbp == b->rbp && a->rsp == b->rsp && a->r12 == b->r12 && a->r13 == b->r13 &&
           a->r14 == b->r14 && a->rflags == b->rflags;
}

/* Most handles are soon lost to calls that close or send them. */
static void replenish(uint64_t *seed) {
    size_t at = random_next(seed) % (POOL_HANDLES - 1);
    if (random_next(seed) % 2) {
        zx_vmo_create(16 * PAGE, random_next(seed) % 2, &pool.handles[at]);
    } else {
        zx_channel_create(0, &pool.handles[at], &pool.handles[at + 1]);
    }
}

static _Noreturn void call_for_ever(uintptr_t there, uintptr_t number) {
    struct board *board = (struct board *)there;
    uint64_t seed = board->words[WORD_SEED] + number;
    for (;;) {
        if (random_next(&seed) % 16 == 0) replenish(&seed);
        struct registers before = any_registers(&seed, board);
        struct registers r = before;
        machine_call(&r);
        if (!kept(&r, &before)) board->words[WORD_DAMAGED]++;
        if (r.rax == ZX_OK) board->words[WORD_OK]++;
        board->words[WORD_CALLS]++;
    }
}

/* Handles come in a message: process, region, and others. */
static void fuzz(zx_handle_t bootstrap, uintptr_t there) {
    static _Alignas(16) char stacks[THREADS - 1][STACK_SIZE];
    uint32_t count = 0;
    CHILD_NEED(zx_channel_read(bootstrap, 0, NULL, pool.handles, 0, POOL_HANDLES, NULL, &count) == ZX_OK, 1);
    for (uintptr_t i = 1; i < THREADS; i++) {
        zx_handle_t thread;
        uintptr_t stack = (uintptr_t)stacks[i - 1] + STACK_SIZE - sizeof(uint64_t);
        CHILD_NEED(zx_thread_create(pool.handles[0], "fuzz", 4, 0, &thread) == ZX_OK, 2);
        CHILD_NEED(zx_thread_start(thread, (uintptr_t)call_for_ever, stack, there, i) == ZX_OK, 3);
    }
    call_for_ever(there, 0);
}

/* What the child may play with: itself, but not its own end; a process of its own; memory; channels; the job. */
static void send_toys(zx_handle_t to, const struct child *child) {
    struct target target = target_make();
    struct pair pair = pair_make();
    zx_handle_t fixed;
    zx_handle_t region;
    zx_handle_t thread;
    zx_vaddr_t base;
    MUST(zx_vmo_create(16 * PAGE, ZX_VMO_NON_RESIZABLE, &fixed));
    MUST(zx_vmar_allocate(child->vmar, CAN_RWX | ZX_VM_CAN_MAP_SPECIFIC, 0, REGION_LEN, &region, &base));
    MUST(zx_thread_create(child->process, "toy", 3, 0, &thread));
    child->board->words[WORD_REGION] = base;
    vmar_map_at(region, base, fixed, 0, 16 * PAGE, PERM_RW);
    const zx_handle_t handles[] = {
        handle_without(child->process, ZX_RIGHT_DESTROY | ZX_RIGHT_WRITE),
        region,
        fixed,
        thread,
        pair.a,
        pair.b,
        target.process,
        target.vmar,
        handle_without(zx_job_default(), ZX_RIGHT_DESTROY),
        vmo_make(8 * PAGE),
        handle_with(handle_of(KIND_VMO), ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_MAP),
    };
    MUST(zx_channel_write(to, 0, NULL, 0, handles, sizeof(handles) / sizeof(handles[0])));
}

/* How many calls were made, how many of them succeeded, and how many gave registers back that they should not have. */
struct tally {
    uint64_t calls, good, damaged;
};

/* One child's time. */
static void fuzz_once(uint64_t seed, struct tally *tally) {
    struct child child;
    struct pair bootstrap = pair_make();
    NEED(child_make(&child));
    send_toys(bootstrap.a, &child);
    child.board->words[WORD_SEED] = seed;
    MUST(child_start(&child, fuzz, bootstrap.b));
    zx_object_wait_one(child.process, ZX_PROCESS_TERMINATED, zx_deadline_after(CHILD_TIME), NULL);
    MUST(zx_task_kill(child.process));
    child_wait(&child);
    tally->calls += child.board->words[WORD_CALLS];
    tally->good += child.board->words[WORD_OK];
    tally->damaged += child.board->words[WORD_DAMAGED];
    child_close(&child);
    zx_handle_close(bootstrap.a);
}

/* A bystander, who sees whether his memory changes. */
static void watch(zx_handle_t handle, uintptr_t there) {
    static unsigned char memory[16 * 4096];
    struct board *board = (struct board *)there;
    (void)handle;
    pattern_fill(memory, sizeof(memory), 5);
    do {
        for (size_t i = 0; i < sizeof(memory); i += 8) {
            unsigned char want[8];
            for (size_t k = 0; k < 8; k++) want[k] = (unsigned char)((i + k) + ((i + k) >> 8) * 59 + 5 * 37);
            CHILD_NEED(memcmp(memory + i, want, 8) == 0, 1);
        }
        board->words[WORD_CALLS]++;
        zx_nanosleep(zx_deadline_after(ZX_MSEC(5)));
    } while (!board->words[WORD_STOP]);
    zx_process_exit(0);
}

TEST("abi/random calls from several threads harm nobody else, and registers come back") {
    struct child bystander;
    struct memory mine = memory_make(64 * PAGE, 9);
    uint64_t seed = random_seed();
    struct tally tally = {0};
    NEED(child_make(&bystander));
    NEED_OK(child_start(&bystander, watch, ZX_HANDLE_INVALID));
    for (uint64_t i = 0; i < CHILDREN; i++) fuzz_once(seed + i * THREADS, &tally);
    test_note("%llu calls, %llu of them good", (unsigned long long)tally.calls, (unsigned long long)tally.good);
    EXPECT_EQ(tally.damaged, 0);
    EXPECT(tally.calls >= FEWEST_CALLS && tally.good >= FEWEST_CALLS / 20);
    EXPECT(bystander.board->words[WORD_CALLS] > 10);
    bystander.board->words[WORD_STOP] = 1;
    EXPECT_EQ(child_wait(&bystander), 0);
    EXPECT_UNTOUCHED(&mine);
    EXPECT_OK(kernel_command("check"));
}
