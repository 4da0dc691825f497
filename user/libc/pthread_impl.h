/*
 * musl's own picture of a thread, as far as the port has to know it. It is the same from musl 1.2.2 on; the tests of
 * threads in tests/user would notice a change.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

#include "libc_inline/machine.h"

enum detach_state { DT_EXITED, DT_EXITING, DT_JOINABLE, DT_DETACHED };

/* What pthread_cleanup_push puts on the stack. */
struct cleanup {
    void (*run)(void *arg);
    void *arg;
    struct cleanup *next;
};

struct port_pthread {
    struct port_pthread *self; /* where the thread pointer points */
    uintptr_t *dtv;
    struct port_pthread *prev, *next; /* all threads, in a ring */
    uintptr_t sysinfo;
    uintptr_t canary;
    int tid;
    int errno_val;
    volatile int detach_state;
    volatile int cancel;
    uint8_t flags[8];
    void *map_base; /* what the one who joins unmaps */
    size_t map_size;
    void *stack; /* its top */
    size_t stack_size;
    size_t guard_size;
    void *result;
    struct cleanup *cleanups;
    void **tsd;
    struct {
        volatile void *volatile head;
        long off;
        volatile void *volatile pending;
    } robust_list;
    int h_errno_val;
    volatile int timer_id;
    void *locale;
    int killlock[1];
    char *dlerror_buf;
    void *stdio_locks;

    /* From here on the port's own. */
    uint8_t room[0x100 - 0xc8];
    zx_handle_t handle;
    void *(*entry)(void *arg);
    void *arg;
    struct port_pthread *next_dead;
};

_Static_assert(offsetof(struct port_pthread, tid) == 0x30, "musl's tid");
_Static_assert(offsetof(struct port_pthread, detach_state) == 0x38, "musl's detach_state");
_Static_assert(offsetof(struct port_pthread, map_base) == 0x48, "musl's map_base");
_Static_assert(offsetof(struct port_pthread, result) == 0x70, "musl's result");
_Static_assert(offsetof(struct port_pthread, robust_list) == 0x88, "musl's robust_list");
_Static_assert(offsetof(struct port_pthread, locale) == 0xa8, "musl's locale");
_Static_assert(offsetof(struct port_pthread, handle) == 0x100, "the first field of the port's own");

/* The calling thread's. */
static inline struct port_pthread *pthread_current(void) { return machine_thread_pointer(); }

/* The beginning of musl's struct of global state. */
struct port_libc {
    char can_do_threads;
    char threaded;
    char secure;
    volatile signed char need_locks; /* malloc and others lock only if this is set */
    int threads_minus_1;
};
extern struct port_libc __libc __attribute__((visibility("hidden")));
