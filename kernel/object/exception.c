/*
 * Exceptions: what user code does that it cannot do. Nobody handles them yet, so each ends its process.
 */
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "arch/upcall.h"
#include "kernel/base/log.h"
#include "kernel/object/name.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"

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

void upcall_exception(const struct arch_exception *e) {
    struct user_thread *thread = user_thread_current();
    struct process *process = thread->process;
    char process_name[ZX_MAX_NAME_LEN], thread_name[ZX_MAX_NAME_LEN];
    object_get_name(&process->object, process_name);
    object_get_name(&thread->object, thread_name);
    log_line("crash: process %lu '%s', thread %lu '%s': %s (%s) at pc %#lx, sp %#lx, address %#lx",
             process->object.koid, process_name, thread->object.koid, thread_name, exception_name(e), e->detail, e->pc,
             e->sp, e->fault_addr);
    process_kill(process, ZX_TASK_RETCODE_EXCEPTION_KILL);
}
