/*
 * Where a thread of the simulated machine stopped, or the program outside it. The C library's contexts save the signal
 * mask, which is a system call at each switch; here they serve only to begin.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct host_context {
    ucontext_t beginning; /* of one that has never run */
    bool stopped;
    void *where[5]; /* it stopped */
};

/* Begins on that stack, with that function, which never returns. */
void host_context_init(struct host_context *context, void *stack, size_t size, void (*entry)(void));
/* Leaves one context for another. */
void host_context_switch(struct host_context *save, struct host_context *to);
