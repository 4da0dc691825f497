/* The faults of a PC's processor as the signals that they are elsewhere; see machine.h. */
#include <string.h>

#include "user/gdbserver/machine.h"

enum vector { VECTOR_DIVIDE = 0, VECTOR_X87 = 16, VECTOR_ALIGNMENT = 17, VECTOR_SIMD = 19 };

#define ERR_PRESENT 1u

/* Codes of a siginfo. */
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define FPE_INTDIV 1
#define ILL_ILLOPN 2
#define BUS_ADRALN 1
#define SI_KERNEL 0x80

static struct fault general_fault(uint64_t vector) {
    switch (vector) {
    case VECTOR_DIVIDE: return (struct fault){GDB_SIGNAL_FPE, FPE_INTDIV, 0};
    case VECTOR_X87:
    case VECTOR_SIMD: return (struct fault){GDB_SIGNAL_FPE, SI_KERNEL, 0};
    case VECTOR_ALIGNMENT: return (struct fault){GDB_SIGNAL_BUS, BUS_ADRALN, 0};
    default: return (struct fault){GDB_SIGNAL_SEGV, SI_KERNEL, 0};
    }
}

struct fault fault_of(const zx_exception_report_t *report) {
    const zx_x86_64_exc_data_t *data = &report->context.arch.u.x86_64;
    switch (report->header.type) {
    case ZX_EXCP_FATAL_PAGE_FAULT:
        return (struct fault){GDB_SIGNAL_SEGV, data->err_code & ERR_PRESENT ? SEGV_ACCERR : SEGV_MAPERR, data->cr2};
    case ZX_EXCP_UNDEFINED_INSTRUCTION: return (struct fault){GDB_SIGNAL_ILL, ILL_ILLOPN, 0};
    case ZX_EXCP_SW_BREAKPOINT:
    case ZX_EXCP_HW_BREAKPOINT: return (struct fault){GDB_SIGNAL_TRAP, SI_KERNEL, 0};
    case ZX_EXCP_POLICY_ERROR: return (struct fault){GDB_SIGNAL_SYS, SI_KERNEL, 0};
    case ZX_EXCP_UNALIGNED_ACCESS: return (struct fault){GDB_SIGNAL_BUS, BUS_ADRALN, 0};
    default: return general_fault(data->vector);
    }
}

/* Linux's numbers of signals, which differ from GDB's. */
static int32_t linux_signal(enum gdb_signal signal) {
    switch (signal) {
    case GDB_SIGNAL_BUS: return 7;
    case GDB_SIGNAL_SYS: return 31;
    default: return (int32_t)signal;
    }
}

/* si_signo, si_errno, si_code; and from the sixteenth byte on si_addr. */
void siginfo_make(const struct fault *fault, uint8_t out[SIGINFO_LEN]) {
    const int32_t head[3] = {linux_signal(fault->signal), 0, fault->code};
    memset(out, 0, SIGINFO_LEN);
    memcpy(out, head, sizeof(head));
    memcpy(out + 16, &fault->addr, sizeof(fault->addr));
}
