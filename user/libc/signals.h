/*
 * Signals of the process's own making: what raise(), pthread_kill(), abort() and pthread_cancel() send, and what the
 * processor's exceptions become if the program handles them. Nothing outside can send one.
 *
 * The port answers musl as a kernel would: a handler runs between the program's own instructions, and never in the
 * midst of an answer (`inside`), whose locks it could not take. A signal that comes meanwhile breaks off the wait that
 * the answer is in, if any, and is handled when the answer is there.
 */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "user/libc/port.h"

/* Bit n - 1 is signal n. The machine's code knows the order of the first two. */
typedef uint64_t signal_bits;
#define SIGNAL_BIT(number) ((signal_bits)1 << ((number)-1))

/* With a call's number: the thread may be cancelled at it. The machine's code knows it. */
#define PORT_CANCELS (1ul << 30)

/* One thread's. */
struct signals {
    _Atomic signal_bits pending;
    _Atomic signal_bits blocked; /* changed by the thread alone */
    atomic_bool inside;          /* it is in an answer; set and cleared by itself, read by others while it is stopped */
    stack_t alternate;
};

/* What lies on the stack of a thread that handles a signal: its registers, and why. */
struct signal_frame {
    ucontext_t context;
    siginfo_t info;
};

/* signals.c: before an answer, and after it: handles what came meanwhile. True: the answer is to be given again. */
void __port_signals_enter(void);
bool __port_signals_leave(unsigned long number, const long *args, long result);

/*
 * signals.c: makes a stopped thread, by its registers, handle a signal next. False if there is no handler for it, it is
 * blocked, or there is no stack.
 */
bool __port_signal_inject(struct signals *signals, zx_thread_state_general_regs_t *regs, const siginfo_t *info);

/* signals.c: called on the frame that was made. */
void __port_signal_handle(struct signal_frame *frame);

/* faults.c: has exceptions become signals, from now on; ZX_ERR_ALREADY_BOUND if the program serves them itself. */
zx_status_t __port_faults_start(void);

/* threads.c: the caller's; and those of a thread that is stopped, NULL if it is none of the C library's. */
struct signals *__port_signals(void);
struct signals *__port_signals_of(const zx_thread_state_general_regs_t *regs, zx_koid_t koid);

/*
 * threads.c: `tell`s a thread of the process, by its id, of a signal; no thread ends meanwhile. False: there is none.
 */
bool __port_thread_find(int id, void (*tell)(zx_handle_t thread, struct signals *signals, int number), int number);

/* signals.c: sends a thread of the process a signal; 0: asks whether there is one. 0, or the negative of an error. */
long __port_signal_send(int thread, long number);

/* --- the machine's --- */

/* Asks how much room the vector registers need; before the first handler runs. */
void __port_machine_signals_prepare(void);

/* Handles a signal of the calling thread's at once, with a frame below `top`, or below the caller's. */
void __port_signal_here(int number, uintptr_t top);

/* Makes a frame below `top`, or, if that is 0, below the thread's own, and has the registers begin the handler. */
bool __port_machine_inject(zx_thread_state_general_regs_t *regs, uintptr_t top, const siginfo_t *info);

/* A thread that has looked for signals and is about to wait looks again. */
void __port_machine_look_again(zx_thread_state_general_regs_t *regs);

/* The signal that an exception is, 0 if none, with its address. */
int __port_machine_signal(const zx_exception_report_t *report, siginfo_t *info);

/*
 * Calls that wait, for the calling thread with these signals: ZX_ERR_INTERNAL_INTR_RETRY if there is, or comes, one
 * that is not blocked. NULL: no signals.
 */
zx_status_t __port_futex_wait(const struct signals *signals, const zx_futex_t *word, int value, zx_handle_t owner,
                              zx_time_t deadline);
zx_status_t __port_nanosleep(const struct signals *signals, zx_time_t deadline);
zx_status_t __port_object_wait_one(const struct signals *signals, zx_handle_t handle, zx_signals_t wanted,
                                   zx_time_t deadline, zx_signals_t *seen);
zx_status_t __port_debug_read(const struct signals *signals, zx_handle_t resource, void *buffer, size_t *size);
