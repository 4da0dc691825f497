/*
 * Every way in which a program ends: the first argument says which, the second is a number for it.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>
#include <zircon/assert.h>
#include <zircon/syscalls.h>

static int number;

/* So few that they do not fill what they are rounded up to. */
static _Thread_local volatile char locals[3] = {1, 2, 39};

/* Handlers, of which the last one registered is the first to run. */
static void handler_last(void) { _Exit(number == 6 ? 42 : 1); }
static void handler_first(void) { number *= 2; }

__attribute__((destructor)) static void destroy(void) {
    if (number == 77) _Exit(78);
}

static void end_by_handlers(void) {
    atexit(handler_last);
    atexit(handler_first);
    exit(99);
}

/* A kilobyte of stack for each level. */
static int recurse(int depth) {
    volatile char frame[1024];
    frame[depth % 1024] = 0;
    return depth == 0 ? 0 : recurse(depth - 1) + frame[depth % 1024];
}

static void quick_handler(void) { _Exit(55); }

static int in_thread(void *depth) { return recurse(*(int *)depth); }

/* In a thread with a stack of a megabyte. */
static int recurse_in_thread(int depth) {
    thrd_t thread;
    int result = -1;
    if (thrd_create(&thread, in_thread, &depth) != thrd_success) return 102;
    return thrd_join(thread, &result) == thrd_success ? result : 103;
}

/* Leaves the process to others, of which the last ends it with 0. */
static int later(void *unused) {
    (void)unused;
    zx_nanosleep(zx_deadline_after(2000000));
    return 7;
}
static int leave_others(void) {
    thrd_t thread;
    for (int i = 0; i < 3; i++) {
        if (thrd_create(&thread, later, NULL) != thrd_success) return 104;
    }
    thrd_exit(8);
}

int main(int argc, char **argv) {
    if (argc != 3) return 100;
    number = atoi(argv[2]);
    const char *how = argv[1];
    if (strcmp(how, "return") == 0) return number;
    if (strcmp(how, "exit") == 0) exit(number);
    if (strcmp(how, "_exit") == 0) _exit(number);
    if (strcmp(how, "_Exit") == 0) _Exit(number);
    if (strcmp(how, "atexit") == 0) end_by_handlers();
    if (strcmp(how, "quick_exit") == 0 && at_quick_exit(quick_handler) == 0) quick_exit(number);
    if (strcmp(how, "process_exit") == 0) zx_process_exit((int64_t)number << 32);
    if (strcmp(how, "thread_exit") == 0) zx_thread_exit();
    if (strcmp(how, "abort") == 0) abort();
    if (strcmp(how, "raise") == 0) return raise(number);
    if (strcmp(how, "assert") == 0) assert(number == 1);
    if (strcmp(how, "ZX_ASSERT") == 0) ZX_ASSERT(number == 1);
    if (strcmp(how, "ZX_PANIC") == 0) ZX_PANIC("panic %d\n", number);
    if (strcmp(how, "recurse") == 0) return recurse(1 << 20);
    if (strcmp(how, "recurse_in_thread") == 0) return recurse_in_thread(number);
    if (strcmp(how, "thrd_exit") == 0) return leave_others();
    if (strcmp(how, "locals") == 0) return locals[0] + locals[1] + locals[2];
    if (strcmp(how, "write") == 0) *(volatile int *)(uintptr_t)main = 1;
    return 101;
}
