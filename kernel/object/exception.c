/*
 * Exceptions: what user code does that it cannot do. Nobody handles them yet, so each ends its process.
 */
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/name.h"

static const char *exception_name(const struct arch_exception *e) {
    switch (e->type) {
    case ZX_EXCP_FATAL_PAGE_FAULT:
        return "page fault";
    case ZX_EXCP_UNDEFINED_INSTRUCTION:
        return "undefined instruction";
    case ZX_EXCP_SW_BREAKPOINT:
        return "breakpoint";
    case ZX_EXCP_HW_BREAKPOINT:
        return "hardware breakpoint";
    case ZX_EXCP_UNALIGNED_ACCESS:
        return "unaligned access";
    default:
        return "general exception";
    }
}

/*
 * The first crash of a process is logged; it ends the process, and process_finish() logs how many more threads crashed
 * before they noticed. Names come last: a line that is too long loses part of them and nothing else.
 */
void upcall_exception(const struct arch_exception *e) {
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->process;
    if (atomic_fetch_add(&process->crashes, 1) == 0)
        log_line("crash: %s (%s) at pc %#lx, sp %#lx, address %#lx, process %lu '%s', thread %lu '%s'",
                 exception_name(e), e->detail, e->pc, e->sp, e->fault_addr, process->object.koid,
                 object_printable_name(&process->object).text, thread->object.koid,
                 object_printable_name(&thread->object).text);
    process_kill(process, ZX_TASK_RETCODE_EXCEPTION_KILL);
}
