/* What a crash report has to know of the processor; each machine's folder has the answers. */
#pragma once

#include <stdbool.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "user/lib/backtrace.h"
#include "user/lib/crash_report.h"

enum crash_access { CRASH_READS, CRASH_WRITES, CRASH_EXECUTES };

struct crash_fault {
    const char *what; /* in words */
    bool at_address;  /* it is about memory: */
    zx_vaddr_t addr;
    enum crash_access access;
};

struct crash_fault crash_machine_fault(const zx_exception_report_t *report);
struct frame_place crash_machine_place(const zx_thread_state_general_regs_t *regs);
void crash_machine_registers(const zx_thread_state_general_regs_t *regs, crash_line *line);
