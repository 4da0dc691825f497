/*
 * Random system calls. Which call, and every register, is drawn by lot; but the list of calls tells whether an argument
 * is a handle, an address, a time or a number, and most are drawn from what may do for that: handles of all types, good
 * and bad places, sizes around pages. What has once succeeded is tried again with some of it changed. So calls fail at
 * each of their checks, and often enough at none.
 *
 * It runs in a child, without a C library, and its threads share all of it without locks: what they write over each
 * other's is one more random value.
 */
#include "tests/user/fuzz.h"
#include "tests/user/machine.h"
#include "tests/user/probe.h"

#define STACK_SIZE 16384
#define POOL_HANDLES 64
#define MAX_ARGS 8
#define MAX_SOON 20000 /* nanoseconds: what has a deadline should not take long */
#define MAX_SENT 0x7f  /* handles in one message: a long array is tried to its end, which takes its time */
#define RARELY(seed, n) (random_next(seed) % (n) == 0)

enum call_kind { CALL_PLAIN, CALL_BLOCKING, CALL_VALUE, CALL_NORETURN };
enum arg { ARG_NUMBER, ARG_HANDLE, ARG_ADDRESS, ARG_TIME };

/* The list's words for arguments. */
#define ARG_IN ARG_ADDRESS
#define ARG_OUT ARG_ADDRESS
#define ARG_INOUT ARG_ADDRESS
#define ARG_NONE ARG_NUMBER

static struct call {
    enum call_kind kind;
    enum arg args[MAX_ARGS];
    uint64_t good[MAX_ARGS]; /* the arguments with which it last succeeded */
    bool succeeded;
} calls[] = {
#define SYSCALL(name, kind, count, a, b, c, d, e, f, g, h) \
    {CALL_##kind, {ARG_##a, ARG_##b, ARG_##c, ARG_##d, ARG_##e, ARG_##f, ARG_##g, ARG_##h}, {0}, false},
#include "syscalls/list.h"
#undef SYSCALL
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

/*
 * The kernel writes into it, so that what one call made is used in later ones. Nothing is mapped behind it: what is
 * too long for it does not reach beyond.
 */
static struct pool {
    zx_handle_t handles[POOL_HANDLES];
    zx_channel_call_args_t call; /* a good one, until somebody writes over it */
    _Alignas(4096) unsigned char bytes[4 * 4096];
} * pool;
_Static_assert(sizeof(struct pool) == FUZZ_POOL_LEN, "the pool is as large as what is mapped for it");

/* Never given to calls that close or send them: handles in the pool are soon lost to those. */
static zx_handle_t toys[FUZZ_MAX_TOYS];
static uint32_t toy_count;

static struct board *board;

/* Words that never change, for those who wait for them. */
static const zx_futex_t futexes[2];

static zx_koid_t own_thread_koid(void) {
    zx_koid_t koid = ZX_KOID_INVALID;
    zx_object_get_info(toys[TOY_SELF], ZX_INFO_PROCESS_THREADS, &koid, sizeof(koid), NULL, NULL);
    return koid;
}

static void request_prepare(void) {
    pool->call = (zx_channel_call_args_t){.wr_bytes = pool->bytes,
                                          .rd_bytes = pool->bytes + 4096,
                                          .rd_handles = pool->handles,
                                          .wr_num_bytes = 16,
                                          .rd_num_bytes = 64,
                                          .rd_num_handles = 4};
}

/* Arguments that chance alone would hardly ever find, to begin with. */
static void calls_teach(void) {
    const uint64_t word = (uintptr_t)&futexes[0];
    const uint64_t other = (uintptr_t)&futexes[1];
    const uint64_t region = board->words[FUZZ_REGION];
    const uint64_t buffer = (uintptr_t)pool->bytes;
    const struct {
        enum call_number number;
        uint64_t args[MAX_ARGS];
    } lessons[] = {
        {CALL_vmar_map, {toys[TOY_REGION], PERM_RW, 0, toys[TOY_VMO], 0, 2 * PAGE, buffer}},
        {CALL_vmar_op_range, {toys[TOY_REGION], ZX_VMAR_OP_DECOMMIT, region, 2 * PAGE, 0, 0}},
        {CALL_vmar_protect, {toys[TOY_REGION], PERM_R, region, PAGE}},
        {CALL_process_write_memory, {toys[TOY_TARGET], PLACE, buffer, 64, buffer}},
        {CALL_process_read_memory, {toys[TOY_TARGET], PLACE, buffer, 64, buffer}},
        {CALL_object_get_child, {toys[TOY_SELF], own_thread_koid(), ZX_RIGHTS_BASIC, (uintptr_t)pool->handles}},
        {CALL_channel_call_noretry, {toys[TOY_CALLER], 0, 0, (uintptr_t)&pool->call, buffer, buffer}},
        {CALL_futex_wait, {word, 0, 0, 0}},
        {CALL_futex_wake, {word, 1}},
        {CALL_futex_requeue, {word, 1, 0, other, 1, 0}},
    };
    request_prepare();
    for (size_t i = 0; i < sizeof(lessons) / sizeof(lessons[0]); i++) {
        struct call *call = &calls[lessons[i].number - CALL_BASE - 1];
        memcpy(call->good, lessons[i].args, sizeof(call->good));
        call->succeeded = true;
    }
}

static uint64_t any_number(uint64_t *seed) {
    uint64_t number = random_next(seed);
    switch (random_next(seed) % 16) {
    case 0: return number << 33 ^ random_next(seed);
    case 1: return (uint64_t)1 << number % 64;
    case 2: return UINT64_MAX - number % (2 * PAGE);
    case 3:
    case 4:
    case 5: return 1u << number % 16 | 1u << number / 16 % 16 | 1u << number / 256 % 16;
    case 6:
    case 7:
    case 8: return 0;
    case 9:
    case 10:
    case 11: return number % 16 * PAGE;
    default: return number % 64;
    }
}

static uint64_t any_pool_handle(uint64_t *seed) {
    if (RARELY(seed, 16)) return any_number(seed);
    return pool->handles[random_next(seed) % POOL_HANDLES] | random_next(seed) << 33;
}

static uint64_t any_handle(uint64_t *seed) {
    if (random_next(seed) % 2) return any_pool_handle(seed);
    return toys[random_next(seed) % toy_count] | random_next(seed) << 33;
}

static uint64_t any_address(uint64_t *seed) {
    switch (random_next(seed) % 12) {
    case 0: return bad_targets[random_next(seed) % bad_target_count];
    case 1: return 0;
    case 2: return (uintptr_t)&pool->handles[random_next(seed) % POOL_HANDLES];
    case 3: return board->words[FUZZ_REGION] + random_next(seed) % 64 * PAGE;
    case 4: return board->words[FUZZ_REGION] + random_next(seed) % (16 * PAGE);
    case 5: return PLACE + random_next(seed) % 32 * (PAGE / 2);
    default: return (uintptr_t)pool->bytes + random_next(seed) % sizeof(pool->bytes);
    }
}

static uint64_t any_soon(uint64_t *seed) {
    return (uint64_t)zx_deadline_after((zx_duration_t)(random_next(seed) % MAX_SOON));
}

static uint64_t any_argument(uint64_t *seed, enum arg arg) {
    if (arg != ARG_TIME && RARELY(seed, 8)) arg = random_next(seed) % ARG_TIME;
    switch (arg) {
    case ARG_HANDLE: return any_handle(seed);
    case ARG_ADDRESS: return any_address(seed);
    case ARG_TIME: return any_soon(seed);
    default: return any_number(seed);
    }
}

static uint64_t number_of(const struct call *call) { return CALL_BASE + 1 + (uint64_t)(call - calls); }

/*
 * Of how many calls of this kind one is made: some end what makes the calls, some what they are made on, and one is
 * slow.
 */
static uint64_t rarity(const struct call *call) {
    if (call->kind == CALL_NORETURN) return 2000;
    switch (number_of(call)) {
    case CALL_task_kill:
    case CALL_task_suspend_token:
    case CALL_vmar_destroy:
    case CALL_process_start:
    case CALL_debug_write: return 32;
    default: return 1;
    }
}

/* NULL: a call that there is not. */
static struct call *any_call(uint64_t *seed) {
    for (;;) {
        uint64_t index = random_next(seed) % (CALL_COUNT + 1);
        if (index == CALL_COUNT) return NULL;
        if (RARELY(seed, rarity(&calls[index]))) return &calls[index];
    }
}

static uint64_t any_unknown_number(uint64_t *seed) {
    uint64_t number = any_number(seed);
    if (RARELY(seed, 4)) return CALL_BASE + 1 + CALL_COUNT + number % 4;
    return number > CALL_BASE && number <= CALL_BASE + CALL_COUNT ? 0 : number;
}

/* Many calls want nothing in their last arguments. */
static void any_arguments(uint64_t *seed, const struct call *call, uint64_t args[MAX_ARGS]) {
    bool repeat = call && call->succeeded && random_next(seed) % 2;
    size_t zero_from = RARELY(seed, 4) ? random_next(seed) % MAX_ARGS : MAX_ARGS;
    for (size_t i = 0; i < MAX_ARGS; i++) {
        enum arg arg = call ? call->args[i] : ARG_NUMBER;
        args[i] = repeat && arg != ARG_TIME && !RARELY(seed, 4) ? call->good[i] : any_argument(seed, arg);
        if (i >= zero_from && arg != ARG_TIME) args[i] = 0;
    }
}

/*
 * A toy is not lost. A message is sent with not too many handles, and a new thread ends at once, because its crash
 * would end the process.
 */
static void arguments_restrain(uint64_t *seed, uint64_t number, uint64_t args[MAX_ARGS]) {
    switch (number) {
    case CALL_handle_close:
    case CALL_handle_replace:
    case CALL_vmo_replace_as_executable: args[0] = any_pool_handle(seed); break;
    case CALL_process_start: args[4] = any_pool_handle(seed); break;
    case CALL_thread_start:
        if (!RARELY(seed, 512)) args[1] = (uintptr_t)zx_thread_exit;
        break;
    case CALL_channel_write:
        if (!RARELY(seed, 64)) args[5] &= ~(uint64_t)UINT32_MAX | MAX_SENT;
        break;
    }
}

static struct registers any_registers(uint64_t *seed, uint64_t number, const uint64_t args[MAX_ARGS]) {
    struct registers r = {
        .rax = number,
        .rdi = args[0],
        .rsi = args[1],
        .rdx = args[2],
        .r10 = args[3],
        .r8 = args[4],
        .r9 = args[5],
        .r12 = args[6],
        .r13 = args[7],
        .rflags = FLAG_IF | FLAG_FIXED | (random_next(seed) & (FLAG_DF | FLAG_AC | FLAG_ID | FLAG_CF)),
    };
    uint64_t *const others[] = {&r.rbx, &r.rcx, &r.rbp, &r.rsp, &r.r11, &r.r14};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) *others[i] = any_number(seed);
    return r;
}

static bool kept(const struct registers *a, const struct registers *b) {
    return a->rbx == b->rbx && a->rbp == b->rbp && a->rsp == b->rsp && a->r12 == b->r12 && a->r13 == b->r13 &&
           a->r14 == b->r14 && a->rflags == b->rflags;
}

static void call_once(uint64_t *seed) {
    uint64_t args[MAX_ARGS];
    struct call *call = any_call(seed);
    uint64_t number = call ? number_of(call) : any_unknown_number(seed);
    any_arguments(seed, call, args);
    arguments_restrain(seed, number, args);
    struct registers before = any_registers(seed, number, args);
    struct registers r = before;
    machine_call(&r);
    board->words[FUZZ_CALLS]++;
    if (!kept(&r, &before)) board->words[FUZZ_DAMAGED]++;
    if (!call || (r.rax != ZX_OK && call->kind != CALL_VALUE)) return;
    board->words[FUZZ_GOOD]++;
    board->words[FUZZ_GOOD_OF + (call - calls)]++;
    memcpy(call->good, args, sizeof(args));
    call->succeeded = true;
}

static void replenish(uint64_t *seed) {
    size_t at = random_next(seed) % (POOL_HANDLES - 1);
    zx_handle_close(pool->handles[at]);
    switch (random_next(seed) % 4) {
    case 0: zx_vmo_create(16 * PAGE, random_next(seed) % 2, &pool->handles[at]); break;
    case 1: zx_channel_create(0, &pool->handles[at], &pool->handles[at + 1]); break;
    default: zx_handle_duplicate(toys[random_next(seed) % toy_count], ZX_RIGHT_SAME_RIGHTS, &pool->handles[at]); break;
    }
}

/* Gives back what somebody wrote to the one end of the channel, so that calls over it have their answers. */
static void answer(void) {
    unsigned char bytes[64];
    uint32_t len;
    const zx_handle_t channel = toys[TOY_ANSWERER];
    if (zx_channel_read(channel, ZX_CHANNEL_READ_MAY_DISCARD, bytes, NULL, sizeof(bytes), 0, &len, NULL) == ZX_OK)
        zx_channel_write(channel, 0, bytes, len, NULL, 0);
}

static _Noreturn void call_for_ever(uintptr_t number, uintptr_t unused) {
    uint64_t seed = board->words[FUZZ_SEED] + number;
    (void)unused;
    for (;;) {
        if (RARELY(&seed, 8)) replenish(&seed);
        if (RARELY(&seed, 8)) answer();
        call_once(&seed);
    }
}

void fuzz_for_ever(zx_handle_t channel, uintptr_t there) {
    static _Alignas(16) char stacks[FUZZ_THREADS - 1][STACK_SIZE];
    board = (struct board *)there;
    pool = (struct pool *)board->words[FUZZ_POOL];
    CHILD_NEED(zx_channel_read(channel, 0, NULL, toys, 0, FUZZ_MAX_TOYS - FUZZ_THREADS, NULL, &toy_count) == ZX_OK, 1);
    calls_teach();
    for (uintptr_t i = 1; i < FUZZ_THREADS; i++) {
        zx_handle_t *thread = &toys[toy_count++];
        uintptr_t stack = (uintptr_t)stacks[i - 1] + STACK_SIZE - sizeof(uint64_t);
        CHILD_NEED(zx_thread_create(toys[TOY_SELF], "fuzz", 4, 0, thread) == ZX_OK, 2);
        CHILD_NEED(zx_thread_start(*thread, (uintptr_t)call_for_ever, stack, i, 0) == ZX_OK, 3);
    }
    call_for_ever(0, 0);
}
