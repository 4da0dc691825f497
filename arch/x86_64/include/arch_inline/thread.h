/* The machine's part of a thread. Machine code knows the offsets of the first two fields. */
#pragma once

#define KSTACK_PAGES 4
#define ARCH_STATE_MAX 2176

struct arch_thread {
    uint64_t sp;                /* where it stopped; valid while it does not run */
    _Atomic uint32_t attention; /* [a] ATTENTION_* */
    void *vector;               /* [I] where the vector state is kept while it does not run; NULL: it has none */
    uint64_t kernel_sp;         /* [I] where its stack begins on entry from user mode */
    vaddr_t fs_base;            /* user mode's; changed only by the thread itself, or while it is parked */
    vaddr_t gs_base;
    uint64_t dr[4]; /* its own breakpoints; changed only while it is parked */
    uint64_t dr7;
    uint64_t dr6; /* why it last stopped */
};
