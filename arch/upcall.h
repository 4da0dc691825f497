/*
 * The other direction: what a machine's code asks of the kernel above it. These are defined in the rooms named
 * beside them, and nothing else above kernel/base is known to arch/.
 */
#pragma once

#include <zircon/syscalls/exception.h>

#include "arch/types.h"

struct arch_aspace;

/* kernel/main.c: on the boot processor, boot stack, interrupts off, kernel half mapped for good. */
_Noreturn void upcall_start(void);

/* kernel/main.c: the same on another processor, on its own stack: it joins the others, then runs what they have. */
void upcall_cpu_join(void);
_Noreturn void upcall_cpu_run(void);

/* kernel/sched: another processor has changed something that concerns this one; interrupts are off. */
void upcall_kick(void);

/* vm/kstack.c: a kernel stack, its lowest address; NULL when there is no memory. */
void *upcall_stack_alloc(void);

/* vm/page.c: where tables for translations come from. Zeroed pages; may be called from the first line on. */
[[gnu::warn_unused_result]] zx_status_t upcall_table_alloc(paddr_t *out);
void upcall_table_free(paddr_t table);
void upcall_table_free_zero(paddr_t table); /* it is all zero */

/* How a page fault came about. */
#define FAULT_WRITE (1u << 0)
#define FAULT_EXECUTE (1u << 1)
#define FAULT_USER (1u << 2)    /* taken in user mode; else in a user copy */
#define FAULT_NO_WAIT (1u << 3) /* interrupts are off, or there is no resolving it: somebody may want to know */

/*
 * vm/aspace.c: resolves a fault on a user address. Interrupts are on, except with FAULT_NO_WAIT, when the fault is only
 * recorded. ZX_OK: try again. Anything else ends the copy, or leads to upcall_exception() if it came from user mode.
 */
[[gnu::warn_unused_result]] zx_status_t upcall_page_fault(vaddr_t addr, unsigned flags);

/* kernel/object/exception.c: user code did what it cannot do. Returns when the thread may go on. Interrupts on. */
struct arch_exception {
    uint32_t type; /* ZX_EXCP_* */
    zx_exception_context_t context;
    char detail[40];    /* what the processor says of it, for the log */
    vaddr_t fault_addr; /* page faults only, else 0 */
    vaddr_t pc;
    vaddr_t sp;
};
void upcall_exception(const struct arch_exception *e);

/* kernel/object/interrupt.c: a device's source fired that exists; interrupts are off. */
void upcall_irq(unsigned num);

/* kernel/sched: the alarm went off; interrupts are off. */
void upcall_alarm(void);

/* kernel/sched: the last thing an interrupt does before it returns to where interrupts were on. */
void upcall_interrupt_done(void);

/* kernel/object/user_thread.c: attention is set and the thread is about to run user code. Interrupts are on. */
void upcall_attention(void);

/*
 * syscalls/dispatch.c: the table that the system-call entry indexes, of which the first `count` places are calls; what
 * all other numbers get. Interrupts are on.
 */
#define UPCALL_SYSCALLS_MAX 128 /* places that the table has */
typedef uint64_t syscall_fn(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                            uint64_t a8);
extern syscall_fn *const upcall_syscall_table[];
extern const uint64_t upcall_syscall_count;
uint64_t upcall_bad_syscall(void);

/*
 * So many of them the machine calls itself: all, or, while calls are recorded, none. Those between this number and the
 * count it makes through upcall_syscall_traced(), which takes the number behind the arguments.
 */
extern uint64_t upcall_syscall_direct;
uint64_t upcall_syscall_traced(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                               uint64_t a7, uint64_t a8, uint64_t number);
void upcall_trace_syscalls(bool on);
