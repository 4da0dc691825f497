/*
 * The types of exceptions that the processor raises, and what their reports say; how a debugger steps and breaks.
 */
#include "tests/user/catch.h"
#include "tests/user/machine.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SURVIVED 123
#define DR6_STEP 0x4000u

static struct child child;

#define WRONG(name, ...)                                    \
    static void name(zx_handle_t handle, uintptr_t there) { \
        (void)handle;                                       \
        (void)there;                                        \
        __asm__ volatile(__VA_ARGS__);                      \
        zx_process_exit(SURVIVED);                          \
    }

WRONG(divide, "xor %%ecx, %%ecx\n\tmov $1, %%eax\n\tcltd\n\tidivl %%ecx" ::: "rax", "rcx", "rdx")
WRONG(trap_flag, "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" ::: "cc", "memory")
WRONG(breakpoint, "int3" ::: "memory")
WRONG(undefined, "ud2" ::: "memory")
WRONG(privileged, "hlt" ::: "memory")
WRONG(bad_segment, "mov $0x43, %%eax\n\tmov %%eax, %%fs" ::: "rax")
WRONG(store_text, "movq $0, %0" : "=m"(*(uint64_t *)(uintptr_t)load_nothing))
WRONG(jump_to_nothing, "mov $0x2000, %%eax\n\tjmp *%%rax" ::: "rax")
WRONG(jump_to_no_address, "movabs $0x800000001000, %%rax\n\tjmp *%%rax" ::: "rax")
WRONG(load_no_address, "movabs $0x800000001000, %%rax\n\tmov (%%rax), %%rax" ::: "rax")
WRONG(load_kernels, "mov $0xffffffff80100000, %%rax\n\tmov (%%rax), %%rax" ::: "rax")
WRONG(x87_error, "movw $0x340, -2(%%rsp)\n\tfldcw -2(%%rsp)\n\tfldz\n\tfld1\n\tfdivp\n\tfwait" ::: "memory")

struct fault {
    const char *name;
    child_entry *run;
    zx_excp_type_t type;
    uint64_t vector, err_code, cr2;
};

static const struct fault faults[] = {
    {"divide error", divide, ZX_EXCP_GENERAL, 0, 0, 0},
    {"single step", trap_flag, ZX_EXCP_HW_BREAKPOINT, 1, 0, 0},
    {"breakpoint", breakpoint, ZX_EXCP_SW_BREAKPOINT, 3, 0, 0},
    {"undefined instruction", undefined, ZX_EXCP_UNDEFINED_INSTRUCTION, 6, 0, 0},
    {"privileged instruction", privileged, ZX_EXCP_GENERAL, 13, 0, 0},
    {"bad segment", bad_segment, ZX_EXCP_GENERAL, 13, 0x40, 0},
    {"load", load_nothing, ZX_EXCP_FATAL_PAGE_FAULT, 14, 4, NOTHING_THERE},
    {"store to text", store_text, ZX_EXCP_FATAL_PAGE_FAULT, 14, 7, 1},
    {"jump to nothing", jump_to_nothing, ZX_EXCP_FATAL_PAGE_FAULT, 14, 4, 0x2000},
    {"jump to no address", jump_to_no_address, ZX_EXCP_GENERAL, 13, 0, 0},
    {"load from no address", load_no_address, ZX_EXCP_GENERAL, 13, 0, 0},
    {"load of the kernel's", load_kernels, ZX_EXCP_FATAL_PAGE_FAULT, 14, 5, 0xffffffff80100000},
    {"x87 error", x87_error, ZX_EXCP_GENERAL, 16, 0, 0},
};

/* Alignment checks and SIMD errors are not in the table, for emulated processors do not raise them. */

/* Fetching tells itself from loading only where memory can be not executable. */
#define ERR_FETCH 16u
#define ERR_PRESENT 1u

static void check_report(const struct fault *fault) {
    zx_exception_report_t report = {0};
    EXPECT_OK(zx_object_get_info(child.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), NULL, NULL));
    const zx_x86_64_exc_data_t *data = &report.context.arch.u.x86_64;
    EXPECT(report.header.size == sizeof(report) && report.header.type == fault->type);
    EXPECT_EQ(data->vector, fault->vector);
    if (fault->vector == 14)
        EXPECT_EQ(data->err_code & ~(uint64_t)(ERR_FETCH | ERR_PRESENT), fault->err_code & ~(uint64_t)ERR_PRESENT);
    else
        EXPECT_EQ(data->err_code, fault->err_code);
    EXPECT_EQ(data->cr2, fault->cr2 == 1 ? (uintptr_t)load_nothing : fault->cr2);
}

TEST("exception/every fault has its type, and its vector, error code and address in the report") {
    for (size_t i = 0; i < COUNT(faults); i++) {
        NEED(child_make(&child));
        zx_handle_t channel = channel_on(child.process, 0);
        NEED_OK(child_start(&child, faults[i].run, ZX_HANDLE_INVALID));
        struct caught caught = catch_of(channel, &child, faults[i].type);
        if (caught.info.type != faults[i].type) test_note("%s", faults[i].name);
        check_report(&faults[i]);
        EXPECT_EQ(registers_of(child.thread).rsp & ~(uint64_t)0xffff, child.stack & ~(uint64_t)0xffff);
        release(caught, ZX_EXCEPTION_STATE_TRY_NEXT);
        EXPECT_EQ(child_wait(&child), CRASHED);
        child_close(&child);
        MUST(zx_handle_close(channel));
    }
    EXPECT_OK(kernel_command("check"));
}

TEST("exception/behind a breakpoint it goes on; before an undefined instruction it stands, to be led past it") {
    NEED(child_make(&child));
    zx_handle_t channel = channel_on(child.process, 0);
    NEED_OK(child_start(&child, breakpoint, ZX_HANDLE_INVALID));
    release(catch_of(channel, &child, ZX_EXCP_SW_BREAKPOINT), ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), SURVIVED);
    child_close(&child);

    NEED(child_make(&child));
    channel = channel_on(child.process, 0);
    NEED_OK(child_start(&child, undefined, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(channel, &child, ZX_EXCP_UNDEFINED_INSTRUCTION);
    zx_thread_state_general_regs_t regs = registers_of(child.thread);
    regs.rip += 2;
    registers_set(child.thread, &regs);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), SURVIVED);
}

TEST("exception/from an address that is none it can be led back") {
    NEED(child_make(&child));
    zx_handle_t channel = channel_on(child.process, 0);
    NEED_OK(child_start(&child, jump_to_no_address, ZX_HANDLE_INVALID));
    for (int i = 0; i < 2; i++) {
        struct caught caught = catch_of(channel, &child, ZX_EXCP_GENERAL);
        zx_thread_state_general_regs_t regs = registers_of(child.thread);
        EXPECT_EQ(regs.rip, 0x800000001000);
        regs.rip = (uintptr_t)breakpoint;
        if (i == 1) registers_set(child.thread, &regs);
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
    }
    release(catch_of(channel, &child, ZX_EXCP_SW_BREAKPOINT), ZX_EXCEPTION_STATE_THREAD_EXIT);
    EXPECT_EQ(child_wait(&child), 0);
}

static void set_step(uint32_t step) {
    MUST(zx_thread_write_state(child.thread, ZX_THREAD_STATE_SINGLE_STEP, &step, sizeof(step)));
}

TEST("exception/a debugger steps from the first instruction on, one at a time, until it has enough") {
    NEED(child_make(&child));
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, breakpoint, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING);
    set_step(1);
    uint64_t last = registers_of(child.thread).rip;
    for (int i = 0; i < 3; i++) {
        zx_thread_state_debug_regs_t debug;
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        caught = catch_any(debugger);
        if (caught.info.type == ZX_EXCP_SW_BREAKPOINT) break;
        EXPECT_EQ(caught.info.type, ZX_EXCP_HW_BREAKPOINT);
        uint64_t rip = registers_of(child.thread).rip;
        EXPECT(rip > last && rip - last < 16);
        last = rip;
        MUST(zx_thread_read_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
        EXPECT(debug.dr6 & DR6_STEP);
    }
    set_step(0);
    if (caught.info.type != ZX_EXCP_SW_BREAKPOINT) {
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        caught = catch_of(debugger, &child, ZX_EXCP_SW_BREAKPOINT);
    }
    MUST(zx_handle_close(debugger));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), SURVIVED);
}

static void pause(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    ((volatile struct board *)there)->words[1] = 1;
    zx_process_exit(SURVIVED);
}

TEST("exception/C9 a hardware breakpoint stops before its instruction, and dr6 says which") {
    NEED(child_make(&child));
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, pause, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING);
    zx_thread_state_debug_regs_t debug = {.dr = {0, (uintptr_t)zx_process_exit}, .dr7 = 4};
    MUST(zx_thread_write_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    caught = catch_of(debugger, &child, ZX_EXCP_HW_BREAKPOINT);
    EXPECT_EQ(registers_of(child.thread).rip, (uintptr_t)zx_process_exit);
    EXPECT_EQ(child.board->words[1], 1);
    MUST(zx_thread_read_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
    EXPECT_EQ(debug.dr6 & 15, 2);
    debug.dr7 = 0;
    MUST(zx_thread_write_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
    MUST(zx_handle_close(debugger));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), SURVIVED);
}

TEST("exception/C9 a step over an access that is watched is one exception, and dr6 says both") {
    NEED(child_make(&child));
    zx_handle_t debugger = channel_on(child.process, DEBUGGER);
    NEED_OK(child_start(&child, pause, ZX_HANDLE_INVALID));
    struct caught caught = catch_of(debugger, &child, ZX_EXCP_THREAD_STARTING);
    const uint64_t watched = registers_of(child.thread).rsi + offsetof(struct board, words[1]);
    zx_thread_state_debug_regs_t debug = {.dr = {watched}, .dr7 = 0xd0001}; /* four bytes, written */
    MUST(zx_thread_write_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
    set_step(1);
    for (int i = 0; i < 50 && !(debug.dr6 & 1); i++) {
        release(caught, ZX_EXCEPTION_STATE_HANDLED);
        caught = catch_of(debugger, &child, ZX_EXCP_HW_BREAKPOINT);
        MUST(zx_thread_read_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
        EXPECT_EQ(child.board->words[1], debug.dr6 & 1);
        EXPECT(debug.dr6 & DR6_STEP);
    }
    EXPECT(debug.dr6 & 1);
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    caught = catch_of(debugger, &child, ZX_EXCP_HW_BREAKPOINT);
    MUST(zx_thread_read_state(child.thread, ZX_THREAD_STATE_DEBUG_REGS, &debug, sizeof(debug)));
    EXPECT_EQ(debug.dr6 & 15, 0);
    set_step(0);
    MUST(zx_handle_close(debugger));
    release(caught, ZX_EXCEPTION_STATE_HANDLED);
    EXPECT_EQ(child_wait(&child), SURVIVED);
}
