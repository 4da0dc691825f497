/*
 * The machine's part of a thread: saved stack pointer, vector state, segment bases, and the word that the way
 * back to user mode looks at. `struct arch_thread` is the first member of struct thread and is defined by
 * the machine in arch_inline/thread.h. There too is KSTACK_PAGES, the size of the kernel stacks it wants.
 */
#pragma once

#include "arch/types.h"

struct arch_thread;
struct arch_aspace;
struct thread;

/*
 * Bits of arch_thread.attention: something wants this thread before it next runs user code. Set from anywhere,
 * atomically; the way back to user mode calls upcall_attention() while any is set.
 */
#define ATTENTION_KILL (1u << 0)
#define ATTENTION_SUSPEND (1u << 1)

/*
 * Prepares a thread that will run entry(arg) on the given kernel stack the first time it is switched to, with
 * interrupts off. The vector state, at its reset value, is carved from the stack's top.
 */
void arch_thread_init(struct arch_thread *at, void *stack, size_t stack_size, void (*entry)(void *arg), void *arg);

/* Makes the code that calls it, on this processor's boot stack, the thread `t`. */
void arch_thread_adopt(struct thread *t);

/* Leaves `prev` for `next`. Interrupts are off. Loads next's address space if it has one and it is another. */
void arch_thread_switch(struct thread *prev, struct thread *next, struct arch_aspace *next_aspace);

/* Begins user code with a fresh register state: arg1 and arg2 as the C ABI passes them, everything else zero. */
_Noreturn void arch_enter_user(vaddr_t entry, vaddr_t sp, uint64_t arg1, uint64_t arg2);

/* This processor stops using the user address space that is loaded; the kernel half stays. */
void arch_leave_aspace(void);

/* The running thread's user segment bases (the thread pointer of the C library). The address is a user one. */
void arch_set_user_fs(vaddr_t base);
void arch_set_user_gs(vaddr_t base);

/*
 * The user registers of a thread that is blocked at the boundary to user mode. A kind is a ZX_THREAD_STATE_* of
 * <zircon/syscalls/debug.h>, which has its type too; arch_state_size() is 0 for what is none. arch_state_write():
 * INVALID_ARGS, with nothing changed, for values that user code must not have.
 */
size_t arch_state_size(uint32_t kind);
void arch_state_read(struct thread *t, uint32_t kind, void *state);
[[gnu::warn_unused_result]] zx_status_t arch_state_write(struct thread *t, uint32_t kind, const void *state);

#include "arch_inline/thread.h"
