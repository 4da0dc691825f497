/*
 * The border itself: numbers, registers, flags and stack pointers of system calls, whatever the call.
 */
#include <zircon/syscalls/object.h>

#include "tests/user/child.h"
#include "tests/user/machine.h"
#include "tests/user/memory.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RUBBISH 0xdeadbeef00000000u

/* Registers full of numbers that tell which is which. */
static struct registers marked(uint64_t number) {
    return (struct registers){.rax = number,
                              .rbx = 0xb0b0,
                              .rcx = 0xc0c0,
                              .rdx = 0xd0d0,
                              .rsi = 0x5151,
                              .rdi = 0xd1d1,
                              .rbp = 0xbbbb,
                              .rsp = 0x5b5b,
                              .r8 = 0x8888,
                              .r9 = 0x9999,
                              .r10 = 0x1010,
                              .r11 = 0x1111,
                              .r12 = 0x1212,
                              .r13 = 0x1313,
                              .r14 = 0x1414,
                              .rflags = FLAG_IF | FLAG_FIXED};
}

static void expect_kept(const struct registers *now, const struct registers *before) {
    EXPECT_EQ(now->rbx, before->rbx);
    EXPECT_EQ(now->rbp, before->rbp);
    EXPECT_EQ(now->rsp, before->rsp);
    EXPECT_EQ(now->r12, before->r12);
    EXPECT_EQ(now->r13, before->r13);
    EXPECT_EQ(now->r14, before->r14);
    EXPECT_EQ(now->rflags, before->rflags);
}

static uint64_t as_result(zx_status_t status) { return (uint64_t)(int64_t)status; }

TEST("abi/C7 numbers that are no calls are BAD_SYSCALL, and every register that the instruction keeps is kept") {
    const uint64_t numbers[] = {CALL_BASE - 1,     CALL_END,   CALL_END + 1, 0x20000,           INT32_MAX,
                                0x80000000,        UINT32_MAX, UINT64_MAX,   (uint64_t)1 << 63, UINT64_MAX - CALL_BASE,
                                0x7ffffffffffeffff};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct registers before = marked(numbers[i]);
        struct registers r = before;
        machine_call(&r);
        EXPECT_EQ(r.rax, as_result(ZX_ERR_BAD_SYSCALL));
        expect_kept(&r, &before);
        EXPECT(r.rdi == before.rdi && r.rsi == before.rsi && r.rdx == before.rdx);
        EXPECT(r.r8 == before.r8 && r.r9 == before.r9 && r.r10 == before.r10);
    }
}

TEST("abi/C7 Linux's numbers are BAD_SYSCALL, and nothing else happens") {
    static unsigned char text[] = "not to be seen";
    static unsigned char before[sizeof(text)];
    memcpy(before, text, sizeof(text));
    for (uint64_t number = 0; number < 600; number++) {
        struct registers r = marked(number);
        r.rdi = 1;
        r.rsi = (uintptr_t)text;
        r.rdx = sizeof(text);
        machine_call(&r);
        NEED_EQ(r.rax, as_result(ZX_ERR_BAD_SYSCALL));
    }
    EXPECT_BYTES(text, before, sizeof(text));
}

/* A call that succeeds and one that fails, with and without a switch to another thread in between. */
static void expect_convention(uint64_t number, uint64_t arg, uint64_t result) {
    struct registers before = marked(number);
    before.rdi = arg;
    struct registers r = before;
    machine_call(&r);
    EXPECT_EQ(r.rax, result);
    expect_kept(&r, &before);
    EXPECT_EQ(r.rcx, (uintptr_t)machine_return);
    EXPECT_EQ(r.r11, before.rflags);
    EXPECT(r.rdi == 0 && r.rsi == 0 && r.rdx == 0 && r.r8 == 0 && r.r9 == 0 && r.r10 == 0);
}

TEST("abi/after a call: result in rax, rcx and r11 the way back, argument registers 0, the others kept") {
    expect_convention(CALL_handle_close, 0, 0);
    expect_convention(CALL_handle_close, 3, as_result(ZX_ERR_BAD_HANDLE));
    expect_convention(CALL_nanosleep, 0, 0);
    expect_convention(CALL_nanosleep, (uint64_t)zx_deadline_after(ZX_MSEC(3)), 0);
}

TEST("abi/statuses are sign-extended to 64 bits, values are 64 bits wide") {
    struct registers r = marked(CALL_vmo_create);
    r.rdi = UINT64_MAX;
    r.rsi = 0;
    machine_call(&r);
    EXPECT_EQ(r.rax, as_result(ZX_ERR_OUT_OF_RANGE));
    zx_time_t before = zx_clock_get_monotonic();
    r = marked(CALL_clock_get_monotonic);
    machine_call(&r);
    EXPECT((zx_time_t)r.rax >= before && (zx_time_t)r.rax <= zx_clock_get_monotonic());
}

/* Makes a call with up to eight arguments. */
static uint64_t call(uint64_t number, const uint64_t args[8]) {
    struct registers r = marked(number);
    r.rdi = args[0];
    r.rsi = args[1];
    r.rdx = args[2];
    r.r10 = args[3];
    r.r8 = args[4];
    r.r9 = args[5];
    r.r12 = args[6];
    r.r13 = args[7];
    machine_call(&r);
    EXPECT(r.r12 == args[6] && r.r13 == args[7]);
    return r.rax;
}
#define CALL(name, ...) call(CALL_##name, (const uint64_t[8]){__VA_ARGS__})
#define EXPECT_CALL(name, ...) EXPECT_EQ(CALL(name, __VA_ARGS__), 0)

TEST("abi/C7 the upper halves of 32-bit arguments do not matter: handles, rights, options, sizes, signals") {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    zx_handle_t copy = ZX_HANDLE_INVALID;
    zx_vaddr_t addr = 0;
    struct pair pair;
    uint64_t size;
    zx_info_handle_basic_t info;
    EXPECT_CALL(vmo_create, PAGE, RUBBISH, (uintptr_t)&vmo);
    EXPECT_CALL(handle_duplicate, RUBBISH | vmo, RUBBISH | ZX_RIGHT_SAME_RIGHTS, (uintptr_t)&copy);
    EXPECT_CALL(vmo_get_size, RUBBISH | vmo, (uintptr_t)&size);
    EXPECT_CALL(vmo_op_range, RUBBISH | vmo, RUBBISH | ZX_VMO_OP_COMMIT, 0, PAGE);
    EXPECT_CALL(vmar_map, RUBBISH | zx_vmar_root_self(), RUBBISH | PERM_RW, 0, RUBBISH | vmo, 0, PAGE,
                (uintptr_t)&addr);
    EXPECT_CALL(vmar_protect, RUBBISH | zx_vmar_root_self(), RUBBISH | PERM_R, addr, PAGE);
    EXPECT_CALL(object_get_info, RUBBISH | copy, RUBBISH | ZX_INFO_HANDLE_BASIC, (uintptr_t)&info, sizeof(info));
    EXPECT_CALL(channel_create, RUBBISH, (uintptr_t)&pair.a, (uintptr_t)&pair.b);
    EXPECT_CALL(object_wait_one, RUBBISH | pair.a, RUBBISH | ZX_CHANNEL_WRITABLE, 0, 0);
    EXPECT_CALL(channel_write, RUBBISH | pair.a, RUBBISH, (uintptr_t)&size, RUBBISH | 8, (uintptr_t)&copy, RUBBISH | 1);
    EXPECT_CALL(channel_read, RUBBISH | pair.b, RUBBISH, (uintptr_t)&size, (uintptr_t)&copy, RUBBISH | 8, RUBBISH | 1);
    EXPECT_CALL(object_signal, RUBBISH | pair.a, RUBBISH, RUBBISH | ZX_USER_SIGNAL_0);
    EXPECT_CALL(object_signal_peer, RUBBISH | pair.a, RUBBISH | ZX_USER_SIGNAL_0, RUBBISH);
    EXPECT_CALL(futex_wake, (uintptr_t)&size, RUBBISH);
    EXPECT_CALL(futex_requeue, (uintptr_t)&size, RUBBISH, RUBBISH | (uint32_t)size, (uintptr_t)&info, RUBBISH, RUBBISH);
    EXPECT_CALL(handle_close, RUBBISH | copy);
    EXPECT_CALL(handle_close, RUBBISH);
}

TEST("abi/the seventh and the eighth argument are r12 and r13") {
    struct pair pair = pair_make();
    uint32_t bytes = UNTOUCHED;
    uint32_t handles = UNTOUCHED;
    NEED_OK(zx_channel_write(pair.a, 0, "abc", 3, NULL, 0));
    EXPECT_EQ(CALL(channel_read, pair.b, 0, 0, 0, 0, 0, (uintptr_t)&bytes, (uintptr_t)&handles),
              as_result(ZX_ERR_BUFFER_TOO_SMALL));
    EXPECT(bytes == 3 && handles == 0);
}

/* Waits, copies that fault on both sides, and plain calls. */
static void expect_calls_work(struct registers r) {
    static uint64_t buffer[512 * 3];
    zx_handle_t vmo = vmo_make(3 * PAGE);
    uint64_t *fresh = map_here(vmo_make(3 * PAGE), 0, 3 * PAGE, PERM_RW);
    poke(vmo, PAGE + 8, 0x600d);
    for (int i = 0; i < 3; i++) {
        struct registers now = r;
        now.rax = i == 0 ? CALL_nanosleep : i == 1 ? CALL_vmo_read : CALL_vmo_write;
        now.rdi = i == 0 ? (uint64_t)zx_deadline_after(ZX_MSEC(2)) : vmo;
        now.rsi = i == 1 ? (uintptr_t)fresh : (uintptr_t)buffer;
        now.rdx = 0;
        now.r10 = 3 * PAGE;
        machine_call(&now);
        EXPECT_EQ(now.rax, 0);
        expect_kept(&now, &r);
    }
    EXPECT_EQ(fresh[513], 0x600d);
    EXPECT_EQ(peek(vmo, PAGE + 8), 0);
}

TEST("abi/C2 the caller's flags are the caller's: they do no harm in the kernel, and come back") {
    const uint64_t flags[] = {FLAG_DF, FLAG_AC, FLAG_NT,
                              FLAG_ID, FLAG_CF, FLAG_DF | FLAG_AC | FLAG_NT | FLAG_ID | 0x8d5};
    for (size_t i = 0; i < COUNT(flags); i++) {
        struct registers r = marked(0);
        r.rflags |= flags[i];
        expect_calls_work(r);
        r.rax = CALL_debug_send_command;
        r.rdi = test_resource();
        r.rsi = (uintptr_t) "check";
        r.rdx = strlen("check");
        machine_call(&r);
        EXPECT_EQ(r.rax, 0);
    }
}

/* The kernel's own checks, at each entry, are what would notice AC in the handler. */
TEST("write_memory/L18 C5 S7 both sides fault within the copy, for a caller with AC set: all is moved, and AC comes "
     "back") {
    const size_t len = 4 * PAGE;
    struct target t = target_make();
    struct memory m = memory_make(len, 0), background = memory_make(len, 7);
    target_map(&t, PLACE, m.vmo, 0, len, PERM_RW);
    zx_handle_t snapshot;
    NEED_OK(zx_vmo_create_child(background.vmo, ZX_VMO_CHILD_SNAPSHOT, 0, len, &snapshot));
    size_t actual = 0;
    struct registers before = marked(CALL_process_write_memory);
    before.rdi = t.process;
    before.rsi = PLACE;
    before.rdx = (uintptr_t)map_here(snapshot, 0, len, PERM_R);
    before.r10 = len;
    before.r8 = (uintptr_t)&actual;
    before.rflags |= FLAG_AC;
    struct registers r = before;
    machine_call(&r);
    EXPECT_EQ(r.rax, 0);
    expect_kept(&r, &before);
    EXPECT_EQ(actual, len);
    EXPECT_MEMORY(&m, 0, background.view, len);
}

TEST("abi/C2 IOPL and IF cannot be changed by user code, nor by a call") {
    struct registers r = marked(CALL_handle_close);
    r.rdi = 0;
    r.rflags = FLAG_FIXED | FLAG_IOPL;
    machine_call(&r);
    EXPECT_EQ(r.rflags & (FLAG_IOPL | FLAG_IF), FLAG_IF);
    EXPECT_EQ(r.r11 & (FLAG_IOPL | FLAG_IF), FLAG_IF);
}

TEST("abi/C4 the caller's stack pointer may be anything") {
    const uint64_t stacks[] = {0,       1,           8,          USER_BASE - 8,  USER_END,         NON_CANONICAL,
                               PHYSMAP, KERNEL_TEXT, UINT64_MAX, UINT64_MAX - 7, (uintptr_t)marked};
    for (size_t i = 0; i < COUNT(stacks); i++) {
        struct registers r = marked(0);
        r.rsp = stacks[i];
        expect_calls_work(r);
    }
}

/* Single steps end where the call returns to: the call has happened, and then the process crashes. */

/* The trap flag takes effect with the instruction after the one that sets it. */
static void step_into(zx_handle_t handle, uintptr_t there) {
    struct board *board = (struct board *)there;
    uint64_t number = board->words[0];
    (void)handle;
    __asm__ volatile("pushfq\n\torq %1, (%%rsp)\n\tpopfq\n\tsyscall"
                     : "+a"(number)
                     : "i"(FLAG_TF), "D"(board->words[1]), "S"((uint64_t)0)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    zx_process_exit(1);
}

static int64_t child_steps_into(uint64_t number, uint64_t arg) {
    struct child child;
    if (!child_make(&child)) return INT64_MIN;
    child.board->words[0] = number;
    child.board->words[1] = arg;
    MUST(child_start(&child, step_into, ZX_HANDLE_INVALID));
    return child_wait(&child);
}

TEST("abi/C2 TF: single steps end the process, and never step through the kernel") {
    EXPECT_EQ(child_steps_into(CALL_process_exit, 7), 7);
    EXPECT_EQ(child_steps_into(CALL_handle_close, 0), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_EQ(child_steps_into(CALL_END, 0), ZX_TASK_RETCODE_EXCEPTION_KILL);
    EXPECT_OK(kernel_command("check"));
}

/* What a thread finds at its first instruction. */

struct beginning {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rflags;
    uint64_t ds, es, fs, gs, through_fs, through_gs;
};

#define BEGINNING(name) [name] "i"(offsetof(struct beginning, name))

/* Stores all at the address in rsi. The flags go by way of another stack, so that the given one stays untouched. */
__attribute__((naked, used)) static void observe_beginning(void) {
    __asm__("mov %%rax, %c[rax](%%rsi)\n\tmov %%rbx, %c[rbx](%%rsi)\n\tmov %%rcx, %c[rcx](%%rsi)\n\t"
            "mov %%rdx, %c[rdx](%%rsi)\n\tmov %%rsi, %c[rsi](%%rsi)\n\tmov %%rdi, %c[rdi](%%rsi)\n\t"
            "mov %%rbp, %c[rbp](%%rsi)\n\tmov %%rsp, %c[rsp](%%rsi)\n\tmov %%r8, %c[r8](%%rsi)\n\t"
            "mov %%r9, %c[r9](%%rsi)\n\tmov %%r10, %c[r10](%%rsi)\n\tmov %%r11, %c[r11](%%rsi)\n\t"
            "mov %%r12, %c[r12](%%rsi)\n\tmov %%r13, %c[r13](%%rsi)\n\tmov %%r14, %c[r14](%%rsi)\n\t"
            "mov %%r15, %c[r15](%%rsi)\n\t"
            "lea 2048(%%rsi), %%rsp\n\tpushfq\n\tpopq %c[rflags](%%rsi)\n\t"
            "mov %%ds, %%eax\n\tmov %%rax, %c[ds](%%rsi)\n\tmov %%es, %%eax\n\tmov %%rax, %c[es](%%rsi)\n\t"
            "mov %%fs, %%eax\n\tmov %%rax, %c[fs](%%rsi)\n\tmov %%gs, %%eax\n\tmov %%rax, %c[gs](%%rsi)\n\t"
            "mov %%fs:%c[rsi](%%rsi), %%rax\n\tmov %%rax, %c[through_fs](%%rsi)\n\t"
            "mov %%gs:%c[rsi](%%rsi), %%rax\n\tmov %%rax, %c[through_gs](%%rsi)\n\t"
            "jmp zx_thread_exit" ::BEGINNING(rax),
            BEGINNING(rbx), BEGINNING(rcx), BEGINNING(rdx), BEGINNING(rsi), BEGINNING(rdi), BEGINNING(rbp),
            BEGINNING(rsp), BEGINNING(r8), BEGINNING(r9), BEGINNING(r10), BEGINNING(r11), BEGINNING(r12),
            BEGINNING(r13), BEGINNING(r14), BEGINNING(r15), BEGINNING(rflags), BEGINNING(ds), BEGINNING(es),
            BEGINNING(fs), BEGINNING(gs), BEGINNING(through_fs), BEGINNING(through_gs));
}

static void expect_beginning(const struct beginning *seen, uint64_t stack, uint64_t arg1, uint64_t arg2) {
    EXPECT(seen->rdi == arg1 && seen->rsi == arg2 && seen->rsp == stack);
    EXPECT(seen->rax == 0 && seen->rbx == 0 && seen->rcx == 0 && seen->rdx == 0 && seen->rbp == 0);
    EXPECT(seen->r8 == 0 && seen->r9 == 0 && seen->r10 == 0 && seen->r11 == 0);
    EXPECT(seen->r12 == 0 && seen->r13 == 0 && seen->r14 == 0 && seen->r15 == 0);
    EXPECT_EQ(seen->rflags, FLAG_IF | FLAG_FIXED);
    EXPECT(seen->ds == 0 && seen->es == 0 && seen->fs == 0 && seen->gs == 0);
    EXPECT(seen->through_fs == arg2 && seen->through_gs == arg2);
}

TEST("thread_start/the first instruction finds its two arguments, the stack as given, and all else 0") {
    static _Alignas(16) char memory[4096];
    const uint64_t stacks[] = {(uintptr_t)memory + 1024, (uintptr_t)memory + 1001, 0, NON_CANONICAL, UINT64_MAX};
    for (size_t i = 0; i < COUNT(stacks); i++) {
        zx_handle_t thread;
        memset(memory, 0, sizeof(memory));
        NEED_OK(zx_thread_create(zx_process_self(), "t", 1, 0, &thread));
        NEED_OK(zx_thread_start(thread, (uintptr_t)observe_beginning, stacks[i], UINT64_MAX - 1, (uintptr_t)memory));
        NEED_OK(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(5)), NULL));
        expect_beginning((const void *)memory, stacks[i], UINT64_MAX - 1, (uintptr_t)memory);
        for (size_t at = sizeof(struct beginning); at < 2000; at++) NEED_EQ(memory[at], 0);
    }
}

TEST("process_start/the first instruction finds the handle, zero-extended, its argument, the stack, and all else 0") {
    struct child child;
    NEED(child_make(&child));
    struct pair pair = pair_make();
    uint64_t stack = child.stack - 77;
    NEED_OK(
        zx_process_start(child.process, child.thread, (uintptr_t)observe_beginning, stack, pair.a, child.board_there));
    EXPECT_EQ(child_wait(&child), 0);
    const struct beginning *seen = (const void *)child.board;
    EXPECT(seen->rdi != 0 && seen->rdi <= UINT32_MAX);
    expect_beginning(seen, stack, seen->rdi, child.board_there);
}
