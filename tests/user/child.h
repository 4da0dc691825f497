/*
 * Processes and threads to try things on.
 *
 * A child is a process made by the test that runs a function of this same program: from the shared text, with data of
 * its own as the program's file has them (so no variable of the test shows there), and with no C library started.
 * Its function may use system calls, its arguments, and the board: a page that the test and the child both see.
 *
 *     static void answer(zx_handle_t handle, uintptr_t board) { zx_process_exit(42); }
 *     EXPECT_EQ(child_run(answer), 42);
 *
 * A worker is one more thread of the test itself. The C library knows nothing of it: system calls, plain memory and the
 * harness are all that it may use.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

typedef void child_entry(zx_handle_t arg1, uintptr_t arg2);

/* Words that only the test and its child agree on. */
struct board {
    _Atomic uint64_t words[512];
};

struct child {
    zx_handle_t process;
    zx_handle_t vmar;
    zx_handle_t thread;     /* the first, not started yet */
    zx_vaddr_t stack;       /* its stack pointer, as a called function finds it */
    struct board *board;    /* in the test's memory … */
    zx_vaddr_t board_there; /* … and in the child's */
};

/*
 * Reads the program that children are, which the first one does otherwise. It is kept: who compares what there is
 * before and after a child reads it first.
 */
bool child_read(void);

/* Makes a child up to, not including, its start. False, and a failure of the test, if that does not work. */
bool child_make(struct child *child);
/* The same in another job than the default one. */
bool child_make_in(struct child *child, zx_handle_t job);

/* Starts it; `arg1` moves to it, and `arg2` is the address of the board there. */
zx_status_t child_start(struct child *child, child_entry *entry, zx_handle_t arg1);

/* Waits for its end and tells its return code; INT64_MIN if it cannot be waited for. */
int64_t child_wait(struct child *child);

/* Closes all that the test holds of it: one that was never started ends with that. */
void child_close(struct child *child);

/* The whole life of a child in one: returns the return code. */
int64_t child_run(child_entry *entry);

/* The same with something on its board. */
int64_t child_run_with(child_entry *entry, uint64_t word);

/* In a child: leaves with code 0 if the condition holds, else with `code`, which tells where it was. */
#define CHILD_NEED(cond, code)              \
    do {                                    \
        if (!(cond)) zx_process_exit(code); \
    } while (0)

#define WORKER_STACK 16384

struct worker {
    zx_handle_t thread;
    void (*run)(void *arg);
    void *arg;
    uintptr_t area[64]; /* where its thread pointer leads: enough for EXPECT to print with */
    _Alignas(16) char stack[WORKER_STACK];
};

/* Lets `run(arg)` begin in a thread of its own. The worker must stay until it is joined. */
bool worker_start(struct worker *worker, void (*run)(void *arg), void *arg);

/* Waits until it has ended, for ten seconds at most. */
bool worker_join(struct worker *worker);

/*
 * Waits until a thread has begun a wait in the kernel. False, and a failure of the test, if it does not in ten seconds.
 */
bool thread_waits(zx_handle_t thread);

/* Gives others the time to do what they should not do. */
void settle(void);
