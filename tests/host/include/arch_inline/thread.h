/*
 * The machine's part of a thread, on the host: a context of its own on a simulated kernel stack.
 */
#pragma once

#include <stdatomic.h>
#include <zircon/syscalls/debug.h>

#include "tests/host/context.h"

/* Sanitizers want more of a stack than the kernel does. */
#ifndef KSTACK_PAGES
#define KSTACK_PAGES 64
#endif

#define ARCH_STATE_MAX sizeof(zx_thread_state_general_regs_t)

struct arch_thread {
    _Atomic uint32_t attention;
    struct host_context context;
    void *stack;
    size_t stack_size;
    void *sanitizer_stack; /* what AddressSanitizer remembers while the thread does not run */
    void (*entry)(void *arg);
    void *arg;
    zx_thread_state_general_regs_t registers; /* of user mode */
};
