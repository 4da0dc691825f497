/*
 * What user code cannot do: privileged instructions, the kernel's memory, registers and ports, and addresses that are
 * none. A program that tries ends with ZX_TASK_RETCODE_EXCEPTION_KILL, and nothing else happens.
 */
#include <cpuid.h>

#include "tests/user/child.h"
#include "tests/user/memory.h"
#include "tests/user/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CRASHED ZX_TASK_RETCODE_EXCEPTION_KILL
#define SURVIVED 123

/* Each attempt is a function that a child runs; what it needs is on the board. */
#define ATTEMPT(name, ...)                                  \
    static void name(zx_handle_t handle, uintptr_t there) { \
        struct board *board = (struct board *)there;        \
        uint64_t word = board->words[0];                    \
        (void)handle;                                       \
        (void)word;                                         \
        __asm__ volatile(__VA_ARGS__);                      \
        zx_process_exit(SURVIVED);                          \
    }

struct attempt {
    const char *name;
    child_entry *run;
};

static void expect_ends(const struct attempt *attempt, uint64_t word, int64_t code) {
    int64_t end = child_run_with(attempt->run, word);
    if (end != code) test_note("%s, with %#llx", attempt->name, (unsigned long long)word);
    EXPECT_EQ(end, code);
}

static void expect_all_crash(const struct attempt *attempts, size_t count) {
    for (size_t i = 0; i < count; i++) expect_ends(&attempts[i], 0, CRASHED);
    EXPECT_OK(kernel_command("check"));
}

ATTEMPT(nothing, "nop")
ATTEMPT(do_hlt, "hlt")
ATTEMPT(do_cli, "cli")
ATTEMPT(do_sti, "sti")
ATTEMPT(do_in, "in $0x60, %%al" ::: "rax")
ATTEMPT(do_out, "mov $0xe9, %%edx\n\tmov $'#', %%al\n\tout %%al, %%dx" ::: "rax", "rdx")
ATTEMPT(do_outs, "mov $0xf4, %%edx\n\tmov %0, %%rsi\n\toutsl" ::"r"(board) : "rsi", "rdx")
ATTEMPT(do_ins, "mov $0x64, %%edx\n\tmov %0, %%rdi\n\tinsb" ::"r"(board) : "rdi", "rdx", "memory")
ATTEMPT(read_cr0, "mov %%cr0, %%rax" ::: "rax")
ATTEMPT(write_cr0, "mov %0, %%cr0" ::"r"((uint64_t)0x80000011))
ATTEMPT(read_cr2, "mov %%cr2, %%rax" ::: "rax")
ATTEMPT(write_cr3, "mov %0, %%cr3" ::"r"(word))
ATTEMPT(read_cr4, "mov %%cr4, %%rax" ::: "rax")
ATTEMPT(write_cr4, "mov %0, %%cr4" ::"r"(word))
ATTEMPT(write_cr8, "mov %0, %%cr8" ::"r"(word))
ATTEMPT(read_dr0, "mov %%dr0, %%rax" ::: "rax")
ATTEMPT(write_dr0, "mov %0, %%dr0" ::"r"(word))
ATTEMPT(write_dr6, "mov %0, %%dr6" ::"r"(word))
ATTEMPT(write_dr7, "mov %0, %%dr7" ::"r"((uint64_t)0x400 | 1))
ATTEMPT(do_rdmsr, "mov $0xc0000082, %%ecx\n\trdmsr" ::: "rax", "rcx", "rdx")
ATTEMPT(do_wrmsr, "mov $0xc0000082, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx\n\twrmsr" ::: "rax", "rcx", "rdx")
ATTEMPT(do_rdpmc, "xor %%ecx, %%ecx\n\trdpmc" ::: "rax", "rcx", "rdx")
ATTEMPT(do_lgdt, "lgdt (%0)" ::"r"(board))
ATTEMPT(do_lidt, "lidt (%0)" ::"r"(board))
ATTEMPT(do_lldt, "xor %%eax, %%eax\n\tlldt %%ax" ::: "rax")
ATTEMPT(do_ltr, "mov $0x30, %%eax\n\tltr %%ax" ::: "rax")
ATTEMPT(do_lmsw, "mov $1, %%eax\n\tlmsw %%ax" ::: "rax")
ATTEMPT(do_clts, "clts")
ATTEMPT(do_invd, "invd")
ATTEMPT(do_wbinvd, "wbinvd")
ATTEMPT(do_invlpg, "invlpg (%0)" ::"r"(board))
ATTEMPT(do_swapgs, "swapgs")
ATTEMPT(do_sysret, "mov $1f, %%ecx\n\tsysretq\n1:" ::: "rcx")
ATTEMPT(do_sysexit, "sysexitl")
ATTEMPT(do_sysenter, "mov %%rsp, %%rcx\n\tmov $1f, %%edx\n\tsysenter\n1:" ::: "rcx", "rdx")
ATTEMPT(do_xsetbv, "xor %%ecx, %%ecx\n\tmov $7, %%eax\n\txor %%edx, %%edx\n\txsetbv" ::: "rax", "rcx", "rdx")
ATTEMPT(do_stac, "stac")
ATTEMPT(do_clac, "clac")
ATTEMPT(do_rdfsbase, "rdfsbase %%rax" ::: "rax")
ATTEMPT(do_wrgsbase, "wrgsbase %0" ::"r"(word))
ATTEMPT(do_vmmcall, "vmmcall")
ATTEMPT(do_monitor, "monitor" ::"a"(board), "c"(0), "d"(0))

static const struct attempt privileged[] = {
    {"hlt", do_hlt},          {"cli", do_cli},           {"sti", do_sti},           {"in", do_in},
    {"out", do_out},          {"outs", do_outs},         {"ins", do_ins},           {"read cr0", read_cr0},
    {"write cr0", write_cr0}, {"read cr2", read_cr2},    {"write cr3", write_cr3},  {"read cr4", read_cr4},
    {"write cr4", write_cr4}, {"write cr8", write_cr8},  {"rdmsr", do_rdmsr},       {"wrmsr", do_wrmsr},
    {"rdpmc", do_rdpmc},      {"lgdt", do_lgdt},         {"lidt", do_lidt},         {"lldt", do_lldt},
    {"ltr", do_ltr},          {"lmsw", do_lmsw},         {"clts", do_clts},         {"invd", do_invd},
    {"wbinvd", do_wbinvd},    {"invlpg", do_invlpg},     {"swapgs", do_swapgs},     {"sysret", do_sysret},
    {"sysexit", do_sysexit},  {"sysenter", do_sysenter}, {"xsetbv", do_xsetbv},     {"stac", do_stac},
    {"clac", do_clac},        {"rdfsbase", do_rdfsbase}, {"wrgsbase", do_wrgsbase}, {"vmmcall", do_vmmcall},
    {"monitor", do_monitor},
};

TEST("processor/C8 an instruction that is allowed does not end the process") {
    EXPECT_EQ(child_run(nothing), SURVIVED);
}

TEST("processor/C8 privileged instructions") { expect_all_crash(privileged, COUNT(privileged)); }

static const struct attempt debug_registers[] = {
    {"read dr0", read_dr0}, {"write dr0", write_dr0}, {"write dr6", write_dr6}, {"write dr7", write_dr7}};

TEST("processor/C9 debug registers are out of reach") { expect_all_crash(debug_registers, COUNT(debug_registers)); }

ATTEMPT(do_sidt, "sidt (%0)" ::"r"(board) : "memory")
ATTEMPT(do_sgdt, "sgdt (%0)" ::"r"(board) : "memory")
ATTEMPT(do_sldt, "sldt %%eax" ::: "rax")
ATTEMPT(do_str, "str %%eax" ::: "rax")
ATTEMPT(do_smsw, "smsw %%eax" ::: "rax")

static const struct attempt umip[] = {
    {"sidt", do_sidt}, {"sgdt", do_sgdt}, {"sldt", do_sldt}, {"str", do_str}, {"smsw", do_smsw}};

TEST("processor/C1 where the processor has UMIP, the kernel's tables cannot be asked for") {
    uint32_t eax, ebx, ecx, edx;
    bool offered = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx >> 2 & 1);
    for (size_t i = 0; i < COUNT(umip); i++) expect_ends(&umip[i], 0, offered ? CRASHED : SURVIVED);
}

struct [[gnu::packed]] table_place {
    uint16_t limit;
    uint64_t base;
};

/* In the last GiB the kernel has what is placed by number, on every machine alike: no frame's address shows there. */
static bool place_is_told(const struct table_place *place) { return place->base >> 30 != 0x3ffffffff; }

TEST("processor/C1 where the processor lacks UMIP, the addresses of the kernel's tables say nothing") {
    uint32_t eax, ebx, ecx, edx;
    struct table_place idt, gdt;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx >> 2 & 1)) return;
    /* On whatever processors these threads get to. */
    for (unsigned i = 0; i < 200; i++) {
        __asm__ volatile("sidt %0\n\tsgdt %1" : "=m"(idt), "=m"(gdt));
        if (place_is_told(&idt) || place_is_told(&gdt)) break;
        zx_nanosleep(zx_deadline_after(ZX_USEC(100)));
    }
    EXPECT(!place_is_told(&idt) && !place_is_told(&gdt));
}

ATTEMPT(do_int3, "int3")
ATTEMPT(do_int3_long, "int $3")
ATTEMPT(do_int1, "int $1")
ATTEMPT(do_icebp, ".byte 0xf1")
ATTEMPT(do_ud2, "ud2")
ATTEMPT(do_ud0, ".byte 0x0f, 0xff, 0xc0")
ATTEMPT(do_invalid, ".byte 0x06")
ATTEMPT(do_far_call, ".byte 0x9a, 0, 0, 0, 0, 8, 0")
ATTEMPT(do_int80, "int $0x80")
ATTEMPT(do_int2, "int $2")
ATTEMPT(do_int4, "int $4")
ATTEMPT(do_int8, "int $8")
ATTEMPT(do_int14, "int $14")
ATTEMPT(do_int18, "int $18")
ATTEMPT(do_int32, "int $32")
ATTEMPT(do_int_alarm, "int $0xe0")
ATTEMPT(do_int255, "int $255")
ATTEMPT(do_lock, ".byte 0xf0, 0x90")
ATTEMPT(do_long, ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90")

static const struct attempt software[] = {
    {"int3", do_int3},      {"int 3", do_int3_long}, {"int 1", do_int1},    {"icebp", do_icebp},
    {"ud2", do_ud2},        {"ud0", do_ud0},         {"0x06", do_invalid},  {"far call", do_far_call},
    {"int 0x80", do_int80}, {"int 2", do_int2},      {"int 4", do_int4},    {"int 8", do_int8},
    {"int 14", do_int14},   {"int 18", do_int18},    {"int 32", do_int32},  {"int 0xe0", do_int_alarm},
    {"int 255", do_int255}, {"lock nop", do_lock},   {"too long", do_long},
};

TEST("processor/C8 breakpoints, software interrupts of every kind, and what is no instruction") {
    expect_all_crash(software, COUNT(software));
}

ATTEMPT(divide, "xor %%ecx, %%ecx\n\tmov $1, %%eax\n\txor %%edx, %%edx\n\tdiv %%ecx" ::: "rax", "rcx", "rdx")
ATTEMPT(overflow_division, "mov $1, %%ecx\n\tmov $1, %%edx\n\tdiv %%ecx" ::: "rax", "rcx", "rdx")
ATTEMPT(x87_error, "fninit\n\tpushq $0x340\n\tfldcw (%%rsp)\n\tfldz\n\tfld1\n\tfdivp\n\tfwait" ::: "memory")
ATTEMPT(unaligned_sse, "movaps 1(%0), %%xmm0" ::"r"(board))
ATTEMPT(bad_xrstor, "mov $-1, %%eax\n\tmov $-1, %%edx\n\tmovq $-1, 512(%0)\n\txrstor64 (%0)" ::"r"(board)
        : "rax", "rdx", "memory")
ATTEMPT(kernel_data, "mov $0x08, %%eax\n\tmov %%eax, %%ds" ::: "rax")
ATTEMPT(kernel_stack, "mov $0x10, %%eax\n\tmov %%eax, %%ss" ::: "rax")
ATTEMPT(task_segment, "mov $0x33, %%eax\n\tmov %%eax, %%es" ::: "rax")
ATTEMPT(no_segment, "mov $0x43, %%eax\n\tmov %%eax, %%fs" ::: "rax")
ATTEMPT(return_to_kernel, "pushq $8\n\tpushq $1f\n\tlretq\n1:" ::: "memory")
ATTEMPT(iret_to_kernel, "pushq $0x10\n\tpushq %%rsp\n\tpushq $0x2\n\tpushq $8\n\tpushq $1f\n\tiretq\n1:" ::: "memory")

static const struct attempt errors[] = {
    {"division by zero", divide},
    {"division overflow", overflow_division},
    {"x87 exception", x87_error},
    {"unaligned SSE access", unaligned_sse},
    {"xrstor of rubbish", bad_xrstor},
    {"kernel's code segment as ds", kernel_data},
    {"kernel's stack segment", kernel_stack},
    {"task segment", task_segment},
    {"no segment", no_segment},
    {"far return to the kernel", return_to_kernel},
    {"iret to the kernel", iret_to_kernel},
};

TEST("processor/C8 arithmetic and vector exceptions, and segments that are not the user's") {
    expect_all_crash(errors, COUNT(errors));
}

/* Places. */

ATTEMPT(load, "mov (%0), %%rax" ::"r"(word) : "rax")
ATTEMPT(store, "movq $0, (%0)" ::"r"(word) : "memory")
ATTEMPT(push_there, "mov %0, %%rsp\n\tpush $0" ::"r"(word) : "memory")
ATTEMPT(jump, "jmp *%0" ::"r"(word))
ATTEMPT(call_there, "call *%0" ::"r"(word))
ATTEMPT(return_there, "push %0\n\tret" ::"r"(word))
ATTEMPT(iret_there,
        "mov %%rsp, %%rax\n\tpushq $0x23\n\tpush %%rax\n\tpushfq\n\tpushq $0x2b\n\tpush %0\n\tiretq" ::"r"(word)
        : "rax", "memory")

static const struct attempt uses[] = {{"load", load}, {"store", store}, {"push", push_there}};
static const struct attempt jumps[] = {
    {"jump", jump}, {"call", call_there}, {"return", return_there}, {"iret", iret_there}};

static const uint64_t places[] = {0,
                                  8,
                                  USER_BASE - 16,
                                  USER_END + 8,
                                  NON_CANONICAL,
                                  NON_CANONICAL + 0x1000,
                                  0xffff7fffffffff00,
                                  PHYSMAP,
                                  PHYSMAP + 0x100000,
                                  KERNEL_TEXT,
                                  KERNEL_TEXT + 0x1000,
                                  UINT64_MAX - 4095};

TEST("processor/A7 A8 A9 addresses of the kernel, of the physmap, of nobody, and those that are none: use") {
    for (size_t p = 0; p < COUNT(places); p++) {
        for (size_t i = 0; i < COUNT(uses); i++) expect_ends(&uses[i], places[p], CRASHED);
    }
    EXPECT_OK(kernel_command("check"));
}

TEST("processor/C3 addresses of the kernel, of the physmap, of nobody, and those that are none: jump and return") {
    for (size_t p = 0; p < COUNT(places); p++) {
        for (size_t i = 0; i < COUNT(jumps); i++) expect_ends(&jumps[i], places[p], CRASHED);
    }
    EXPECT_OK(kernel_command("check"));
}

TEST("processor/C3 a program may begin at an address that is none, and crashes") {
    for (size_t p = 0; p < COUNT(places); p++) {
        struct child child;
        NEED(child_make(&child));
        NEED_OK(zx_process_start(child.process, child.thread, places[p], child.stack, 0, 0));
        EXPECT_EQ(child_wait(&child), CRASHED);
        child_close(&child);
    }
}

TEST("processor/C3 the last bytes of user space can hold a system call, which returns to no address") {
    static const unsigned char code[] = {0x0f, 0x05}; /* syscall */
    struct child child;
    zx_handle_t vmo = vmo_make(PAGE);
    MUST(zx_vmo_write(vmo, code, PAGE - sizeof(code), sizeof(code)));
    NEED(child_make(&child));
    vmar_map_at(child.vmar, USER_END - PAGE, vmo, 0, PAGE, PERM_RX);
    zx_vaddr_t addr;
    EXPECT_STATUS(zx_vmar_map(child.vmar, PERM_RX | ZX_VM_SPECIFIC, USER_END - USER_BASE, vmo, 0, PAGE, &addr),
                  ZX_ERR_INVALID_ARGS);
    NEED_OK(zx_process_start(child.process, child.thread, USER_END - sizeof(code), 0, 0, 0));
    EXPECT_EQ(child_wait(&child), CRASHED);
}

/* A stack for all these calls would be larger than memory. */
static uint64_t recurse(volatile const uint64_t *caller) {
    volatile uint64_t here = *caller + 1;
    return here >> 40 ? 0 : recurse(&here) + here;
}
static void overflow_stack(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    volatile uint64_t start = 0;
    zx_process_exit((int64_t)recurse(&start));
}

TEST("processor/a thread whose stack overflows ends its process") { EXPECT_EQ(child_run(overflow_stack), CRASHED); }

static void write_text(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    *(volatile unsigned char *)(uintptr_t)write_text = 0xc3;
    zx_process_exit(SURVIVED);
}
static const uint64_t read_only = 7;
static void write_constant(zx_handle_t handle, uintptr_t there) {
    (void)handle;
    (void)there;
    *(volatile uint64_t *)(uintptr_t)&read_only = 8;
    zx_process_exit(SURVIVED);
}
static void execute_data(zx_handle_t handle, uintptr_t there) {
    static unsigned char code[] = {0xc3};
    (void)handle;
    (void)there;
    __asm__ volatile("call *%0" ::"r"(code));
    zx_process_exit(SURVIVED);
}
static void execute_stack(zx_handle_t handle, uintptr_t there) {
    volatile unsigned char code[] = {0xc3};
    (void)handle;
    (void)there;
    __asm__ volatile("call *%0" ::"r"(code));
    zx_process_exit(SURVIVED);
}
static const struct attempt segments[] = {{"store to text", write_text},
                                          {"store to a constant", write_constant},
                                          {"execute data", execute_data},
                                          {"execute the stack", execute_stack}};

TEST("processor/a program's text and constants cannot be stored to, its data and stack not executed") {
    expect_all_crash(segments, COUNT(segments));
    EXPECT_EQ(*(volatile const uint64_t *)&read_only, 7);
}

/* Flags that user code may set, met by an exception instead of a call. */
ATTEMPT(fault_with_flags, "pushfq\n\torq $0x244400, (%%rsp)\n\tpopfq\n\tmov (%0), %%rax" ::"r"(word)
        : "rax", "cc", "memory")
ATTEMPT(crash_with_trap_flag, "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" ::: "cc", "memory")
ATTEMPT(trap_flag_and_stack_segment, "mov $0x23, %%ecx\n\tmov $0x10000, %%eax\n\tpushfq\n\torq $0x100, (%%rsp)\n\t"
                                     "popfq\n\tmov %%ecx, %%ss\n\tsyscall" ::
            : "rax", "rcx", "r11", "cc", "memory")

static const struct attempt flags[] = {{"flags and a page fault", fault_with_flags},
                                       {"trap flag", crash_with_trap_flag},
                                       {"trap flag held back by a stack segment", trap_flag_and_stack_segment}};

TEST("processor/C2 DF, AC, NT, ID and TF set by user code, then an exception") {
    expect_all_crash(flags, COUNT(flags));
    struct attempt resolved = {"flags and a fault that is resolved", fault_with_flags};
    zx_handle_t vmo = vmo_make(PAGE);
    struct child child;
    NEED(child_make(&child));
    vmar_map_at(child.vmar, PLACE, vmo, 0, PAGE, PERM_RW);
    child.board->words[0] = PLACE;
    NEED_OK(child_start(&child, resolved.run, ZX_HANDLE_INVALID));
    EXPECT_EQ(child_wait(&child), SURVIVED);
    EXPECT_OK(kernel_command("check"));
}

/* The processor's counter goes by as many ticks for each second of the clock. */
static double counter_rate(zx_duration_t sleep) {
    zx_time_t start = zx_clock_get_monotonic();
    uint64_t ticks = __builtin_ia32_rdtsc();
    zx_nanosleep(start + sleep);
    return (double)(__builtin_ia32_rdtsc() - ticks) / (double)(zx_clock_get_monotonic() - start);
}

/* Longer than any counter of 24 bits takes for a turn. Only where sleeping costs nothing. */
TEST("clock_get_monotonic/keeps step with the processor's counter, asleep for a second or for twenty") {
    if (!times_are_exact()) return;
    double ratio = counter_rate(ZX_SEC(1)) / counter_rate(ZX_SEC(20));
    EXPECT(ratio > 0.99 && ratio < 1.01);
}
