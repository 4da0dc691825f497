/*
 * The machine's part of a thread, on the host: a context of its own on a simulated kernel stack.
 */
#pragma once

#include <stdatomic.h>
#include <ucontext.h>

/* Sanitizers want more of a stack than the kernel does. */
#define KSTACK_PAGES 64

/* There are no registers to be read. */
#define ARCH_STATE_MAX 16

struct arch_thread {
    _Atomic uint32_t attention;
    ucontext_t context;
    void *stack;
    size_t stack_size;
    void *sanitizer_stack; /* what AddressSanitizer remembers while the thread does not run */
    void (*entry)(void *arg);
    void *arg;
};
