/*
 * zx_thread_read_state and zx_thread_write_state: every kind of registers, what may be in them, and when they can be
 * had.
 */
#include <cpuid.h>
#include <stddef.h>
#include <zircon/syscalls/debug.h>

#include "tests/user/child.h"
#include "tests/user/machine.h"
#include "tests/user/probe.h"

#define CRASHED ZX_TASK_RETCODE_EXCEPTION_KILL
#define GENERAL ZX_THREAD_STATE_GENERAL_REGS
#define DR6_NONE 0xffff0ff0u
#define DR7_NONE 0x700u

typedef zx_thread_state_general_regs_t general_t;

static const struct {
    uint32_t kind;
    size_t size;
} kinds[] = {
    {GENERAL, 160},
    {ZX_THREAD_STATE_FP_REGS, 160},
    {ZX_THREAD_STATE_VECTOR_REGS, 2120},
    {ZX_THREAD_STATE_DEBUG_REGS, 64},
    {ZX_THREAD_STATE_SINGLE_STEP, 4},
    {ZX_THREAD_X86_REGISTER_FS, 8},
    {ZX_THREAD_X86_REGISTER_GS, 8},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct child child;
static zx_handle_t token;

/* What children run: machine code that needs nothing but the address of the board in rsi. */
#define UNUSED __attribute__((unused))
#define CODE(name, text) \
    __attribute__((naked)) static void name(zx_handle_t handle UNUSED, uintptr_t there UNUSED) { __asm__(text); }

CODE(marked_loop, "mov $0xa0a0, %eax\n\tmov $0xb0b0, %ebx\n\tmov $0xc0c0, %ecx\n\tmov $0xd0d0, %edx\n\t"
                  "mov $0xd1d1, %edi\n\tmov $0xbbbb, %ebp\n\tmov $0x8888, %r8d\n\tmov $0x9999, %r9d\n\t"
                  "mov $0x1010, %r10d\n\tmov $0x1111, %r11d\n\tmov $0x1212, %r12d\n\tmov $0x1313, %r13d\n\t"
                  "mov $0x1414, %r14d\n\tmov $0x1515, %r15d\n\tmovq %r15, %xmm3\n\tfld1\n\tstc\n\t"
                  "movq $1, 8(%rsi)\n1:\tjmp 1b")

/* Stores the general registers to the board, as the struct has them, and exits with 0. */
CODE(report,
     "mov %rax, (%rsi)\n\tmov %rbx, 8(%rsi)\n\tmov %rcx, 16(%rsi)\n\tmov %rdx, 24(%rsi)\n\tmov %rsi, 32(%rsi)\n\t"
     "mov %rdi, 40(%rsi)\n\tmov %rbp, 48(%rsi)\n\tmov %rsp, 56(%rsi)\n\tmov %r8, 64(%rsi)\n\t"
     "mov %r9, 72(%rsi)\n\tmov %r10, 80(%rsi)\n\tmov %r11, 88(%rsi)\n\tmov %r12, 96(%rsi)\n\t"
     "mov %r13, 104(%rsi)\n\tmov %r14, 112(%rsi)\n\tmov %r15, 120(%rsi)\n\t"
     "lea 2048(%rsi), %rsp\n\tpushfq\n\tpopq 136(%rsi)\n\txor %edi, %edi\n\tjmp zx_process_exit")

CODE(report_bases,
     "mov %fs:0, %rax\n\tmov %rax, 144(%rsi)\n\tmov %gs:8, %rax\n\tmov %rax, 152(%rsi)\n\txor %edi, %edi\n\t"
     "jmp zx_process_exit")

CODE(report_vectors, "movups %xmm0, (%rsi)\n\tmovups %xmm15, 16(%rsi)\n\tstmxcsr 32(%rsi)\n\tfstpl 40(%rsi)\n\t"
                     "fnstcw 48(%rsi)\n\txor %edi, %edi\n\tjmp zx_process_exit")

CODE(count, "incq 8(%rsi)\n\tincq 8(%rsi)\n\tincq 8(%rsi)\n1:\tincq 8(%rsi)\n\tjmp 1b")

CODE(sleep_on, "mov %rsi, %rbx\n\tmov $0x7fffffffffffffff, %rdi\n\tcall zx_nanosleep\n\tmov $3, %edi\n\t"
               "jmp zx_process_exit")

CODE(draw, "lea 8(%rsi), %rbx\n\tmov %rbx, %rdi\n\tmov $8, %esi\n\tcall zx_cprng_draw_once\n\tmov %rbx, %rdi\n\t"
           "mov $8, %esi\n\tcall zx_cprng_add_entropy\n\tmov %eax, %edi\n\tjmp zx_process_exit")

static bool stopped(void) {
    if (!TEST_STATUS(zx_task_suspend_token(child.thread, &token), ZX_OK)) return false;
    return TEST_STATUS(zx_object_wait_one(child.thread, ZX_THREAD_SUSPENDED, zx_deadline_after(ZX_SEC(10)), NULL),
                       ZX_OK);
}

/* A child that has come to where it says so, and is suspended there. */
static bool stopped_in(child_entry *entry) {
    if (!child_make(&child)) return false;
    MUST(child_start(&child, entry, ZX_HANDLE_INVALID));
    for (int i = 0; i < 5000 && child.board->words[1] == 0; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return stopped();
}

/* One that is suspended in a wait. */
static bool stopped_in_wait(child_entry *entry) {
    if (!child_make(&child)) return false;
    MUST(child_start(&child, entry, ZX_HANDLE_INVALID));
    return thread_waits(child.thread) && stopped();
}

/* One that was suspended before its first instruction. */
static bool stopped_before(child_entry *entry) {
    if (!child_make(&child) || !TEST_STATUS(zx_task_suspend_token(child.thread, &token), ZX_OK)) return false;
    MUST(child_start(&child, entry, ZX_HANDLE_INVALID));
    return TEST_STATUS(zx_object_wait_one(child.thread, ZX_THREAD_SUSPENDED, zx_deadline_after(ZX_SEC(10)), NULL),
                       ZX_OK);
}

static int64_t resumed_until_its_end(void) {
    MUST(zx_handle_close(token));
    return child_wait(&child);
}

static void child_end(void) {
    MUST(zx_handle_close(token));
    MUST(zx_task_kill(child.process));
    (void)child_wait(&child);
    child_close(&child);
}

static void read_it(uint32_t kind, void *state, size_t size) {
    memset(state, 0xee, size);
    EXPECT_OK(zx_thread_read_state(child.thread, kind, state, size));
}

static general_t general(void) {
    general_t regs;
    read_it(GENERAL, &regs, sizeof(regs));
    return regs;
}

static zx_status_t set_general(const general_t *regs) {
    return zx_thread_write_state(child.thread, GENERAL, regs, sizeof(*regs));
}

/* Handles, sizes, pointers, states. */

static zx_status_t read_any(zx_handle_t handle) {
    general_t regs;
    return zx_thread_read_state(handle, GENERAL, &regs, sizeof(regs));
}
static zx_status_t write_any(zx_handle_t handle) {
    general_t regs = {0};
    return zx_thread_write_state(handle, GENERAL, &regs, sizeof(regs));
}

TEST("thread_read_state/handles that are none, and of other types") { check_handles(KIND_THREAD, read_any); }
TEST("thread_write_state/handles that are none, and of other types") { check_handles(KIND_THREAD, write_any); }

static zx_status_t rewrite(zx_handle_t handle) {
    general_t regs = general();
    return zx_thread_write_state(handle, GENERAL, &regs, sizeof(regs));
}

TEST("thread_read_state/H6 needs READ, and writing WRITE") {
    NEED(stopped_in(marked_loop));
    check_rights(child.thread, ZX_RIGHT_READ, read_any);
    check_rights(child.thread, ZX_RIGHT_WRITE, rewrite);
    child_end();
}

TEST("thread_read_state/a thread that is not suspended is BAD_STATE: new, running, oneself, resumed, dead") {
    NEED(child_make(&child));
    EXPECT_STATUS(read_any(child.thread), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(write_any(child.thread), ZX_ERR_BAD_STATE);
    child_close(&child);
    EXPECT_STATUS(read_any(zx_thread_self()), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(write_any(zx_thread_self()), ZX_ERR_BAD_STATE);
    NEED(stopped_in(marked_loop));
    EXPECT_OK(read_any(child.thread));
    MUST(zx_handle_close(token));
    EXPECT_STATUS(read_any(child.thread), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(write_any(child.thread), ZX_ERR_BAD_STATE);
    NEED_OK(zx_task_suspend_token(child.thread, &token));
    MUST(zx_task_kill(child.process));
    EXPECT_STATUS(read_any(child.thread), ZX_ERR_BAD_STATE);
    (void)child_wait(&child);
    EXPECT_STATUS(read_any(child.thread), ZX_ERR_BAD_STATE);
}

TEST("thread_read_state/kinds that there are not, buffers too small or bad, and more room than needed") {
    static const uint32_t none[] = {3, 8, 100, UINT32_MAX};
    static unsigned char buffer[2200], before[2200];
    NEED(stopped_in(marked_loop));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        EXPECT_STATUS(zx_thread_read_state(child.thread, none[i], buffer, sizeof(buffer)), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_thread_write_state(child.thread, none[i], buffer, sizeof(buffer)), ZX_ERR_INVALID_ARGS);
    }
    for (size_t i = 0; i < KINDS; i++) {
        const uint32_t kind = kinds[i].kind;
        const size_t size = kinds[i].size;
        EXPECT_STATUS(zx_thread_read_state(child.thread, kind, buffer, size - 1), ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT_STATUS(zx_thread_write_state(child.thread, kind, buffer, size - 1), ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT_STATUS(zx_thread_read_state(child.thread, kind, buffer, 0), ZX_ERR_BUFFER_TOO_SMALL);
        for (size_t bad = 0; bad < bad_target_count; bad++)
            EXPECT_STATUS(zx_thread_read_state(child.thread, kind, (void *)bad_targets[bad], size),
                          ZX_ERR_INVALID_ARGS);
        for (size_t bad = 0; bad < bad_source_count; bad++)
            EXPECT_STATUS(zx_thread_write_state(child.thread, kind, (void *)bad_sources[bad], size),
                          ZX_ERR_INVALID_ARGS);
        read_it(kind, buffer, sizeof(buffer));
        for (size_t at = size; at < sizeof(buffer); at++) NEED_EQ(buffer[at], 0xee);
        memcpy(before, buffer, size);
        EXPECT_OK(zx_thread_write_state(child.thread, kind, buffer, sizeof(buffer)));
        read_it(kind, buffer, size);
        EXPECT_BYTES(buffer, before, size);
    }
    child_end();
}

/* General registers. */

TEST("thread_read_state/general registers are those that the thread was stopped with") {
    NEED(stopped_in(marked_loop));
    general_t r = general();
    EXPECT(r.rax == 0xa0a0 && r.rbx == 0xb0b0 && r.rcx == 0xc0c0 && r.rdx == 0xd0d0 && r.rdi == 0xd1d1);
    EXPECT(r.rsi == child.board_there && r.rbp == 0xbbbb && r.rsp == child.stack);
    EXPECT(r.r8 == 0x8888 && r.r9 == 0x9999 && r.r10 == 0x1010 && r.r11 == 0x1111 && r.r12 == 0x1212);
    EXPECT(r.r13 == 0x1313 && r.r14 == 0x1414 && r.r15 == 0x1515);
    EXPECT(r.rip > (uintptr_t)marked_loop && r.rip < (uintptr_t)marked_loop + 200);
    EXPECT_EQ(r.rflags & ~(uint64_t)0x8d4, FLAG_IF | FLAG_FIXED | FLAG_CF);
    EXPECT(r.fs_base == 0 && r.gs_base == 0);
    child_end();
}

TEST("thread_write_state/general registers are those that the thread goes on with; a read tells what was written") {
    NEED(stopped_in(marked_loop));
    general_t r = {.rax = 1, .rbx = 2, .rcx = 3, .rdx = 4, .rdi = 5, .rbp = 6, .rsp = NON_CANONICAL, .r8 = 8, .r9 = 9};
    r.r10 = 10, r.r11 = 11, r.r12 = 12, r.r13 = 13, r.r14 = 14, r.r15 = UINT64_MAX;
    r.rsi = child.board_there;
    r.rip = (uintptr_t)report;
    r.rflags = FLAG_IF | FLAG_FIXED | FLAG_DF | FLAG_ID | 0x8d5;
    NEED_OK(set_general(&r));
    general_t again = general();
    EXPECT_BYTES(&again, &r, sizeof(r));
    EXPECT_EQ(resumed_until_its_end(), 0);
    const general_t *seen = (const void *)child.board;
    EXPECT_BYTES(seen, &r, offsetof(general_t, rip));
    EXPECT_EQ(seen->rflags, r.rflags);
}

TEST("thread_write_state/the bases of FS and GS, with the other registers and by themselves") {
    for (int i = 0; i < 2; i++) {
        NEED(stopped_in(marked_loop));
        general_t r = general();
        uint64_t base = child.board_there;
        child.board->words[0] = 0xf5;
        child.board->words[1] = 0x65;
        r.rip = (uintptr_t)report_bases;
        if (i == 0) r.fs_base = r.gs_base = base;
        NEED_OK(set_general(&r));
        if (i == 1) EXPECT_OK(zx_thread_write_state(child.thread, ZX_THREAD_X86_REGISTER_FS, &base, sizeof(base)));
        if (i == 1) EXPECT_OK(zx_thread_write_state(child.thread, ZX_THREAD_X86_REGISTER_GS, &base, sizeof(base)));
        r = general();
        EXPECT(r.fs_base == base && r.gs_base == base);
        EXPECT_EQ(resumed_until_its_end(), 0);
        EXPECT(child.board->words[18] == 0xf5 && child.board->words[19] == 0x65);
        child_close(&child);
    }
}

static void expect_refused(general_t r, const general_t *before) {
    EXPECT_STATUS(set_general(&r), ZX_ERR_INVALID_ARGS);
    general_t now = general();
    EXPECT_BYTES(&now, before, sizeof(now));
}

TEST("thread_write_state/addresses outside user space and privileged flags: INVALID_ARGS, and nothing is changed") {
    static const uint64_t outside[] = {1,       USER_BASE - 1, USER_END,  (uint64_t)1 << 47, NON_CANONICAL,
                                       PHYSMAP, KERNEL_TEXT,   UINT64_MAX};
    NEED(stopped_in(marked_loop));
    const general_t before = general();
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        general_t r = before;
        r.rax = 99;
        r.rip = outside[i];
        if (r.rip >> 47 != 0) expect_refused(r, &before);
        r.rip = before.rip;
        r.fs_base = outside[i];
        expect_refused(r, &before);
        r.fs_base = 0;
        r.gs_base = outside[i];
        expect_refused(r, &before);
        EXPECT_STATUS(zx_thread_write_state(child.thread, ZX_THREAD_X86_REGISTER_FS, &outside[i], 8),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_thread_write_state(child.thread, ZX_THREAD_X86_REGISTER_GS, &outside[i], 8),
                      ZX_ERR_INVALID_ARGS);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        general_t r = before;
        r.rflags ^= (uint64_t)1 << bit;
        if (UINT64_C(0x254dd5) >> bit & 1) continue;
        expect_refused(r, &before);
    }
    child_end();
}

TEST("thread_write_state/choices: any rip below 2^47 is taken, and faults where nothing is mapped") {
    NEED(stopped_in(marked_loop));
    general_t r = general();
    r.rip = 0;
    EXPECT_OK(set_general(&r));
    r.rip = ((uint64_t)1 << 47) - 1;
    EXPECT_OK(set_general(&r));
    EXPECT_EQ(general().rip, r.rip);
    EXPECT_EQ(resumed_until_its_end(), ZX_TASK_RETCODE_EXCEPTION_KILL);
}

TEST("thread_read_state/before its first instruction a thread has its start values, and they can be changed") {
    NEED(stopped_before(marked_loop));
    general_t r = general();
    EXPECT(r.rip == (uintptr_t)marked_loop && r.rsp == child.stack && r.rdi == 0 && r.rsi == child.board_there);
    EXPECT(r.rax == 0 && r.rbx == 0 && r.r15 == 0 && r.rflags == (FLAG_IF | FLAG_FIXED));
    r.rip = (uintptr_t)report;
    r.rbx = 44;
    NEED_OK(set_general(&r));
    EXPECT_EQ(resumed_until_its_end(), 0);
    EXPECT_EQ(child.board->words[1], 44);
}

TEST("thread_read_state/in a call: as right after it, to be repeated; a changed rip abandons the call") {
    NEED(stopped_in_wait(sleep_on));
    general_t r = general();
    EXPECT_EQ(r.rax, (uint64_t)(int64_t)ZX_ERR_INTERNAL_INTR_RETRY);
    EXPECT(r.rcx == r.rip && r.r11 == r.rflags && r.rbx == child.board_there);
    EXPECT(r.rip > (uintptr_t)zx_nanosleep && r.rip < (uintptr_t)zx_nanosleep + 100);
    r.rip = (uintptr_t)report;
    r.rsi = child.board_there;
    NEED_OK(set_general(&r));
    EXPECT_EQ(resumed_until_its_end(), 0);
}

/* Vectors. */

static zx_thread_state_vector_regs_t vectors(void) {
    static zx_thread_state_vector_regs_t regs;
    read_it(ZX_THREAD_STATE_VECTOR_REGS, &regs, sizeof(regs));
    return regs;
}

static zx_thread_state_fp_regs_t floats(void) {
    zx_thread_state_fp_regs_t regs;
    read_it(ZX_THREAD_STATE_FP_REGS, &regs, sizeof(regs));
    return regs;
}

TEST("thread_read_state/vector and floating-point registers that were never used read as after a reset") {
    static const zx_thread_state_vector_regs_t zeros;
    NEED(stopped_before(marked_loop));
    zx_thread_state_vector_regs_t v = vectors();
    EXPECT_BYTES(&v, &zeros, offsetof(zx_thread_state_vector_regs_t, mxcsr));
    EXPECT_EQ(v.mxcsr, 0x1f80);
    zx_thread_state_fp_regs_t f = floats();
    EXPECT(f.fcw == 0x37f && f.fsw == 0 && f.ftw == 0 && f.fop == 0 && f.st[0].low == 0 && f.st[7].high == 0);
    child_end();
}

TEST("thread_read_state/vector and floating-point registers are the thread's") {
    NEED(stopped_in(marked_loop));
    EXPECT(vectors().zmm[3].v[0] == 0x1515 && vectors().zmm[3].v[1] == 0);
    zx_thread_state_fp_regs_t f = floats();
    EXPECT(f.ftw == 0x80 && f.st[0].low == (uint64_t)1 << 63 && f.st[0].high == 0x3fff);
    child_end();
}

/* The words of a vector register that this processor has. */
static unsigned vector_words(void) {
    uint32_t a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (!(c >> 27 & 1) || !(c >> 28 & 1)) return 2;
    __cpuid_count(0xd, 0, a, b, c, d);
    return (a & 0xe0) == 0xe0 ? 8 : 4;
}

TEST("thread_write_state/vector registers: all that the processor has, the others stay 0, and x87 is not touched") {
    const unsigned words = vector_words();
    NEED(stopped_before(report_vectors));
    zx_thread_state_vector_regs_t v;
    for (size_t i = 0; i < 265; i++) ((uint64_t *)&v)[i] = i * 0x0123456789abcdef + 1;
    v.mxcsr = 0x9fc0;
    NEED_OK(zx_thread_write_state(child.thread, ZX_THREAD_STATE_VECTOR_REGS, &v, sizeof(v)));
    zx_thread_state_vector_regs_t now = vectors();
    for (unsigned i = 0; i < 256; i++)
        NEED_EQ(now.zmm[i / 8].v[i % 8], i % 8 < words && (i < 128 || words == 8) ? v.zmm[i / 8].v[i % 8] : 0);
    EXPECT_EQ(now.mxcsr, 0x9fc0);
    EXPECT_EQ(floats().fcw, 0x37f);
    zx_thread_state_fp_regs_t f = floats();
    f.fcw = 0x27f;
    f.ftw = 0x80;
    f.fsw = 7 << 11;
    f.st[0].low = (uint64_t)1 << 63;
    f.st[0].high = 0x4000;
    NEED_OK(zx_thread_write_state(child.thread, ZX_THREAD_STATE_FP_REGS, &f, sizeof(f)));
    f.st[0].low = 0;
    EXPECT_EQ(floats().st[0].low, (uint64_t)1 << 63);
    now = vectors();
    EXPECT(now.zmm[0].v[0] == v.zmm[0].v[0] && now.mxcsr == v.mxcsr);
    EXPECT_EQ(resumed_until_its_end(), 0);
    EXPECT(child.board->words[0] == v.zmm[0].v[0] && child.board->words[1] == v.zmm[0].v[1]);
    EXPECT(child.board->words[2] == v.zmm[15].v[0] && child.board->words[3] == v.zmm[15].v[1]);
    EXPECT_EQ((uint32_t)child.board->words[4], 0x9fc0);
    EXPECT_EQ(child.board->words[5], 0x4000000000000000); /* 2.0 */
    EXPECT_EQ((uint16_t)child.board->words[6], 0x27f);
}

TEST("thread_write_state/reserved bits of MXCSR: INVALID_ARGS, and nothing is changed") {
    NEED(stopped_in(marked_loop));
    zx_thread_state_vector_regs_t before = vectors(), v = before;
    v.zmm[0].v[0] = 1;
    for (unsigned bit = 16; bit < 32; bit++) {
        v.mxcsr = before.mxcsr | 1u << bit;
        EXPECT_STATUS(zx_thread_write_state(child.thread, ZX_THREAD_STATE_VECTOR_REGS, &v, sizeof(v)),
                      ZX_ERR_INVALID_ARGS);
    }
    v = vectors();
    EXPECT_BYTES(&v, &before, sizeof(v));
    child_end();
}

/* Debug registers and single steps. */

static zx_thread_state_debug_regs_t debugs(void) {
    zx_thread_state_debug_regs_t regs;
    read_it(ZX_THREAD_STATE_DEBUG_REGS, &regs, sizeof(regs));
    return regs;
}

static zx_status_t set_debugs(const zx_thread_state_debug_regs_t *regs) {
    return zx_thread_write_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, regs, sizeof(*regs));
}

TEST("thread_write_state/debug registers read back, masked; addresses of the kernel and ports are INVALID_ARGS") {
    static const uint64_t outside[] = {1, USER_BASE - 1, USER_END, NON_CANONICAL, KERNEL_TEXT, UINT64_MAX};
    NEED(stopped_in(marked_loop));
    zx_thread_state_debug_regs_t d = debugs();
    EXPECT(d.dr[0] == 0 && d.dr[3] == 0 && d.dr6 == DR6_NONE && d.dr7 == DR7_NONE);
    d = (zx_thread_state_debug_regs_t){.dr = {USER_BASE, USER_END - 1, 0, child.board_there}, .dr7 = 0xf0000000ffff};
    NEED_OK(set_debugs(&d));
    d = debugs();
    EXPECT(d.dr[0] == USER_BASE && d.dr[1] == USER_END - 1 && d.dr[2] == 0 && d.dr[3] == child.board_there);
    EXPECT(d.dr6 == DR6_NONE && d.dr7 == (DR7_NONE | 0xff));
    for (size_t i = 0; i < 4 * sizeof(outside) / sizeof(outside[0]); i++) {
        zx_thread_state_debug_regs_t bad = d, now;
        bad.dr7 = 0;
        bad.dr[i % 4] = outside[i / 4];
        EXPECT_STATUS(set_debugs(&bad), ZX_ERR_INVALID_ARGS);
        bad = d;
        bad.dr7 = 2u << (16 + 4 * (i % 4));
        EXPECT_STATUS(set_debugs(&bad), ZX_ERR_INVALID_ARGS);
        now = debugs();
        EXPECT_BYTES(&now, &d, sizeof(d));
    }
    child_end();
}

/* What another process does all the while, at the same addresses. */
static bool other_counts(struct child *other) {
    uint64_t before = other->board->words[1];
    for (int i = 0; i < 5000 && other->board->words[1] == before; i++) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    return other->board->words[1] != before;
}

TEST("thread_write_state/C9 breakpoints on code and on data stop their own thread, and nobody else") {
    static struct child other;
    NEED(child_make(&other));
    NEED_OK(child_start(&other, count, ZX_HANDLE_INVALID));
    for (int i = 0; i < 2; i++) {
        NEED(stopped_before(count));
        NEED_EQ(child.board_there, other.board_there);
        const uint64_t third = (uintptr_t)count + 8;
        zx_thread_state_debug_regs_t d = {.dr = {i == 0 ? third : child.board_there + 8}, .dr7 = i == 0 ? 1 : 0x90001};
        NEED_OK(set_debugs(&d));
        EXPECT(other_counts(&other));
        EXPECT_EQ(resumed_until_its_end(), CRASHED);
        EXPECT_EQ(child.board->words[1], i == 0 ? 2 : 1);
        EXPECT(other_counts(&other) && other_counts(&other));
        child_close(&child);
    }
    MUST(zx_task_kill(other.process));
    (void)child_wait(&other);
    EXPECT_OK(kernel_command("check"));
}

TEST("thread_write_state/a breakpoint on data that the kernel reads and writes for the thread does no harm") {
    NEED(stopped_before(draw));
    zx_thread_state_debug_regs_t d = {.dr = {child.board_there + 8}, .dr7 = 0xb0001};
    NEED_OK(set_debugs(&d));
    EXPECT_EQ(resumed_until_its_end(), 0);
    EXPECT(child.board->words[1] != 0);
    EXPECT_OK(kernel_command("check"));
}

TEST("thread_write_state/a single step is one instruction; it can be called off, and takes only 0 and 1") {
    uint32_t step = 2;
    NEED(stopped_before(count));
    EXPECT_STATUS(zx_thread_write_state(child.thread, ZX_THREAD_STATE_SINGLE_STEP, &step, 4), ZX_ERR_INVALID_ARGS);
    read_it(ZX_THREAD_STATE_SINGLE_STEP, &step, 4);
    EXPECT_EQ(step, 0);
    for (uint32_t on = 1; on < 4; on++) {
        step = on % 2;
        EXPECT_OK(zx_thread_write_state(child.thread, ZX_THREAD_STATE_SINGLE_STEP, &step, 4));
        read_it(ZX_THREAD_STATE_SINGLE_STEP, &step, 4);
        EXPECT_EQ(step, on % 2);
        EXPECT_EQ(general().rflags & FLAG_TF, on % 2 ? FLAG_TF : 0);
    }
    EXPECT_EQ(resumed_until_its_end(), CRASHED);
    EXPECT_EQ(child.board->words[1], 1);
}
