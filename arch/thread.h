/*
 * The machine's part of a thread: what it keeps of the registers while the thread does not run, and the word that the
 * way back to user mode looks at. `struct arch_thread` is the first member of struct thread and is defined by the
 * machine in arch_inline/thread.h. There too are KSTACK_PAGES, the size of the kernel stacks it wants, and
 * ARCH_STATE_MAX, the most that arch_state_size() returns.
 */
#pragma once

#include <stdatomic.h>

#include "arch/types.h"

struct arch_thread;
struct arch_aspace;
struct thread;

/*
 * Attention: something wants this thread before it next runs user code. Bits are set and cleared from anywhere; the
 * way back to user mode calls upcall_attention() while any is set. Every machine's struct arch_thread has them in
 * `attention`, an _Atomic uint32_t.
 */
#define ATTENTION_KILL (1u << 0)
#define ATTENTION_SUSPEND (1u << 1)
#define ATTENTION_EXCEPTION (1u << 2)
#define ATTENTION_TELL (1u << 3)

static inline unsigned arch_attention(const struct arch_thread *at);
static inline void arch_attention_raise(struct arch_thread *at, unsigned bits);
static inline void arch_attention_lower(struct arch_thread *at, unsigned bits);

/*
 * Prepares a thread that will run entry(arg) on the given kernel stack the first time it is switched to, with
 * interrupts off. Its user registers have their reset values; what memory they need is carved from the stack's top.
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

/* Does this register, a ZX_PROP_REGISTER_*, exist? Threads set it for themselves, as the C library does. */
bool arch_is_register(uint32_t property);
/* Sets the running thread's. INVALID_ARGS: a value that user code must not have. */
[[gnu::warn_unused_result]] zx_status_t arch_register_set(uint32_t property, uint64_t value);

/*
 * The user registers of a thread that is blocked at the boundary to user mode. A kind is a ZX_THREAD_STATE_* of
 * <zircon/syscalls/debug.h>, which has its type too; arch_state_size() is 0 for what is none. arch_state_write():
 * INVALID_ARGS, with nothing changed, for values that user code must not have.
 */
size_t arch_state_size(uint32_t kind);
void arch_state_read(struct thread *t, uint32_t kind, void *state);
[[gnu::warn_unused_result]] zx_status_t arch_state_write(struct thread *t, uint32_t kind, const void *state);

#include "arch_inline/thread.h"

static inline unsigned arch_attention(const struct arch_thread *at) {
    return atomic_load_explicit(&at->attention, memory_order_relaxed);
}

static inline void arch_attention_raise(struct arch_thread *at, unsigned bits) {
    atomic_fetch_or(&at->attention, bits);
}
static inline void arch_attention_lower(struct arch_thread *at, unsigned bits) {
    atomic_fetch_and(&at->attention, ~bits);
}
