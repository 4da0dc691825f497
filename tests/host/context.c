/*
 * See context.h. The compiler's own way to jump saves little: a function that others jump back to has all registers
 * saved by itself. AddressSanitizer must not see the jumps: it would forget what it knows of the stack.
 */
#include "tests/host/context.h"

#define UNSEEN __attribute__((noinline, no_sanitize("address", "undefined")))

UNSEEN void host_context_init(struct host_context *context, void *stack, size_t size, void (*entry)(void)) {
    context->stopped = false;
    getcontext(&context->beginning);
    context->beginning.uc_stack.ss_sp = stack;
    context->beginning.uc_stack.ss_size = size;
    makecontext(&context->beginning, entry, 0);
}

UNSEEN _Noreturn static void go_on(struct host_context *to) {
    if (to->stopped) __builtin_longjmp(to->where, 1);
    setcontext(&to->beginning);
    __builtin_trap();
}

UNSEEN void host_context_switch(struct host_context *save, struct host_context *to) {
    save->stopped = true;
    if (__builtin_setjmp(save->where) == 0) go_on(to);
}
