/* The frames of signal.S as C sees them, and what the processor's exceptions are called. */
#include <cpuid.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "user/libc/signals.h"

extern const char __port_wait_begin[], __port_wait_end[], __port_signal_enter[];
extern uint64_t __port_vector_len;
extern bool __port_vector_xsave;

#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_XSAVE 0xdu
#define LEGACY_LEN 512u
#define FLAG_DIRECTION (1u << 10)
#define FLAG_TRAP (1u << 8)

/* signal.S: where a frame begins below the stack pointer, what it takes, and where it has what. */
#define KEEP (128 + 24)
#define FRAME_LEN 1072
_Static_assert(sizeof(struct signal_frame) <= FRAME_LEN && FRAME_LEN % 16 == 0, "signal.S");
_Static_assert(offsetof(struct signal_frame, context.uc_mcontext.gregs) == 40, "signal.S");
_Static_assert(offsetof(struct signal_frame, info.si_signo) == 936, "signal.S");
_Static_assert(offsetof(struct signals, pending) == 0 && offsetof(struct signals, blocked) == 8, "signal.S");

uint64_t __port_vector_len = LEGACY_LEN;
bool __port_vector_xsave;

void __port_machine_signals_prepare(void) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_1_ECX_OSXSAVE)) return;
    if (!__get_cpuid_count(CPUID_XSAVE, 0, &eax, &ebx, &ecx, &edx)) return;
    __port_vector_len = ebx;
    __port_vector_xsave = true;
}

bool __port_machine_inject(zx_thread_state_general_regs_t *r, uintptr_t top, const siginfo_t *info) {
    if (!top) top = r->rsp - KEEP;
    struct signal_frame frame = {.info = *info};
    const uint64_t registers[] = {r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rdi,
                                  r->rsi, r->rbp, r->rbx, r->rdx, r->rax, r->rcx, r->rsp, r->rip, r->rflags};
    memcpy(frame.context.uc_mcontext.gregs, registers, sizeof(registers));
    uintptr_t at = (top - FRAME_LEN) & ~(uintptr_t)15;
    size_t actual;
    zx_status_t status = zx_process_write_memory(zx_process_self(), at, &frame, sizeof(frame), &actual);
    if (status != ZX_OK || actual != sizeof(frame)) return false;
    r->rsp = at;
    r->rip = (uint64_t)__port_signal_enter;
    r->rflags &= ~(uint64_t)(FLAG_DIRECTION | FLAG_TRAP);
    return true;
}

void __port_machine_look_again(zx_thread_state_general_regs_t *regs) {
    uint64_t begin = (uint64_t)__port_wait_begin;
    if (regs->rip - begin < (uint64_t)__port_wait_end - begin) regs->rip = begin;
}

#define VECTOR_DIVIDE 0
#define VECTOR_X87 16
#define VECTOR_SIMD 19
#define FAULT_PROTECTION 1u

int __port_machine_signal(const zx_exception_report_t *report, siginfo_t *info) {
    const zx_x86_64_exc_data_t *data = &report->context.arch.u.x86_64;
    switch (report->header.type) {
    case ZX_EXCP_FATAL_PAGE_FAULT:
        info->si_code = data->err_code & FAULT_PROTECTION ? SEGV_ACCERR : SEGV_MAPERR;
        info->si_addr = (void *)data->cr2;
        return SIGSEGV;
    case ZX_EXCP_UNDEFINED_INSTRUCTION: info->si_code = ILL_ILLOPN; return SIGILL;
    case ZX_EXCP_SW_BREAKPOINT: info->si_code = SI_KERNEL; return SIGTRAP;
    case ZX_EXCP_HW_BREAKPOINT: info->si_code = TRAP_TRACE; return SIGTRAP;
    case ZX_EXCP_UNALIGNED_ACCESS: info->si_code = BUS_ADRALN; return SIGBUS;
    case ZX_EXCP_GENERAL: break;
    default: return 0;
    }
    bool divides = data->vector == VECTOR_DIVIDE;
    info->si_code = divides ? FPE_INTDIV : SI_KERNEL;
    return divides || data->vector == VECTOR_X87 || data->vector == VECTOR_SIMD ? SIGFPE : SIGSEGV;
}
