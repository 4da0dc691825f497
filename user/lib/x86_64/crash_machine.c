/* x86-64 in words; see crash_machine.h. */
#include "user/lib/crash_machine.h"

#include <stdio.h>

#define VECTOR_DIVIDE 0
#define VECTOR_STACK 12
#define VECTOR_PROTECTION 13
#define VECTOR_X87 16
#define VECTOR_ALIGNMENT 17
#define VECTOR_SIMD 19
#define FAULT_WRITES (1u << 1)
#define FAULT_FETCHES (1u << 4)

static const char *general_words(uint64_t vector) {
    switch (vector) {
    case VECTOR_DIVIDE: return "a division by zero, or whose result has no room";
    case VECTOR_STACK: return "a stack address that cannot be";
    case VECTOR_PROTECTION: return "an address that cannot be, or an instruction that is not for programs";
    case VECTOR_X87:
    case VECTOR_SIMD: return "a floating-point exception that is not masked";
    case VECTOR_ALIGNMENT: return "an address that is not aligned";
    default: return "an exception of the processor's";
    }
}

static const char *words(const zx_exception_report_t *report) {
    switch (report->header.type) {
    case ZX_EXCP_FATAL_PAGE_FAULT: return "a page fault";
    case ZX_EXCP_UNDEFINED_INSTRUCTION: return "an undefined instruction";
    case ZX_EXCP_SW_BREAKPOINT: return "a breakpoint instruction, and no debugger";
    case ZX_EXCP_HW_BREAKPOINT: return "a breakpoint or step of the processor's, and no debugger";
    case ZX_EXCP_UNALIGNED_ACCESS: return "an address that is not aligned";
    case ZX_EXCP_POLICY_ERROR: return "a system call that the policy of its job forbids";
    default: return general_words(report->context.arch.u.x86_64.vector);
    }
}

struct crash_fault crash_machine_fault(const zx_exception_report_t *report) {
    const zx_x86_64_exc_data_t *data = &report->context.arch.u.x86_64;
    enum crash_access access = data->err_code & FAULT_FETCHES  ? CRASH_EXECUTES
                               : data->err_code & FAULT_WRITES ? CRASH_WRITES
                                                               : CRASH_READS;
    return (struct crash_fault){words(report), report->header.type == ZX_EXCP_FATAL_PAGE_FAULT, data->cr2, access};
}

struct frame_place crash_machine_place(const zx_thread_state_general_regs_t *regs) {
    return (struct frame_place){regs->rip, regs->rsp, regs->rbp};
}

void crash_machine_registers(const zx_thread_state_general_regs_t *r, crash_line *line) {
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"rax", r->rax}, {"rbx", r->rbx}, {"rcx", r->rcx},      {"rdx", r->rdx},    {"rsi", r->rsi},
               {"rdi", r->rdi}, {"rbp", r->rbp}, {"rsp", r->rsp},      {"r8", r->r8},      {"r9", r->r9},
               {"r10", r->r10}, {"r11", r->r11}, {"r12", r->r12},      {"r13", r->r13},    {"r14", r->r14},
               {"r15", r->r15}, {"rip", r->rip}, {"flags", r->rflags}, {"fs", r->fs_base}, {"gs", r->gs_base}};
    const size_t per_line = 4, count = sizeof(all) / sizeof(*all);
    for (size_t i = 0; i < count; i += per_line) {
        char text[CRASH_LINE_MAX];
        size_t used = 0;
        for (size_t j = i; j < i + per_line && j < count; j++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "  %5s %016llx", all[j].name,
                                     (unsigned long long)all[j].value);
        line(text);
    }
}
