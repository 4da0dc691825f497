/*
 * What becomes of a signal; see signals.h. A thread handles its own signals at the end of an answer. Another's it makes
 * pending, stops that thread, and lets it go on in the handler, unless it is in an answer: then it sees by itself.
 *
 * By default a signal ends the process, with 128 and its number, and says so; some are ignored; none stops it.
 */
#include "user/libc/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "libc_inline/machine.h"

#define NEVER_BLOCKED (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define IGNORED (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define STOPPING (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define EXCEPTIONS \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP))

/* The one with which musl cancels a thread. */
#define SIGNAL_CANCEL 33

/* What musl gives to rt_sigaction. */
struct action {
    void (*handler)(int number, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    signal_bits mask;
};

static zx_futex_t changing;
static struct action actions[_NSIG];

/* Counts what was sent, for those who wait for it. */
static zx_futex_t sent;

static bool is_default(const struct action *action) { return action->handler == (void *)SIG_DFL; }

static bool is_ignored(const struct action *action, int number) {
    return action->handler == (void *)SIG_IGN || (is_default(action) && (SIGNAL_BIT(number) & IGNORED));
}

static struct action action_of(int number) {
    __port_lock(&changing);
    struct action action = actions[number];
    __port_unlock(&changing);
    return action;
}

/* The same, to be carried out: with SA_RESETHAND this once. */
static struct action action_begin(int number) {
    __port_lock(&changing);
    struct action action = actions[number];
    if (action.flags & SA_RESETHAND) actions[number].handler = (void *)SIG_DFL;
    __port_unlock(&changing);
    return action;
}

/* Takes the first of the pending ones that `wanted` has; 0 if there is none. */
static int take(struct signals *signals, signal_bits wanted) {
    for (signal_bits found; (found = signals->pending & wanted);) {
        signal_bits first = found & -found;
        if (atomic_fetch_and(&signals->pending, ~first) & first) return __builtin_ctzll(first) + 1;
    }
    return 0;
}

/* The next that a thread in an answer handles; 0: none, and it is out of the answer. */
static int take_or_leave(struct signals *signals) {
    for (;;) {
        int number = take(signals, ~signals->blocked);
        if (number) return number;
        signals->inside = false;
        if (!(signals->pending & ~signals->blocked)) return 0;
        signals->inside = true;
    }
}

static _Noreturn void end_by(int number) {
    const char *name = strsignal(number);
    __port_terminal_write(name, strlen(name));
    __port_terminal_write("\n", 1);
    zx_process_exit(128 + number);
}

/* In musl's place: a debugger sees who called it, for which it stops before musl's raise(), where no frame is found. */
_Noreturn void abort(void) {
    zx_info_process_t info = {0};
    zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    struct action action = action_of(SIGABRT);
    if (info.debugger_attached && is_default(&action)) machine_breakpoint();
    raise(SIGABRT);
    end_by(SIGABRT);
}

/* The top of the other stack, if the handler wants that and the thread is not there yet. */
static uintptr_t handler_stack(const struct signals *signals, const struct action *action, uintptr_t now) {
    const stack_t *other = &signals->alternate;
    uintptr_t base = (uintptr_t)other->ss_sp;
    bool wanted = (action->flags & SA_ONSTACK) && other->ss_size > 0;
    return wanted && now - base >= other->ss_size ? base + other->ss_size : 0;
}

/* --- handling --- */

/* Runs a handler, with `inside` before and after. */
static void run(struct signals *signals, const struct action *action, struct signal_frame *frame) {
    const int number = frame->info.si_signo;
    const signal_bits before = signals->blocked;
    signal_bits after;
    frame->context.uc_stack = signals->alternate;
    memcpy(&frame->context.uc_sigmask, &before, sizeof(before));
    signals->blocked = before | action->mask | (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(number));
    signals->inside = false;
    action->handler(number, &frame->info, &frame->context);
    signals->inside = true;
    memcpy(&after, &frame->context.uc_sigmask, sizeof(after));
    signals->blocked = after & ~NEVER_BLOCKED;
}

/* What comes while a handler runs, and must wait for its end, is handled on the same frame. */
void __port_signal_handle(struct signal_frame *frame) {
    struct signals *signals = __port_signals();
    signals->inside = true;
    do {
        struct action action = action_begin(frame->info.si_signo);
        if (is_default(&action) && !is_ignored(&action, frame->info.si_signo)) end_by(frame->info.si_signo);
        if (!is_ignored(&action, frame->info.si_signo)) run(signals, &action, frame);
        frame->info = (siginfo_t){.si_code = SI_TKILL};
    } while ((frame->info.si_signo = take_or_leave(signals)));
}

/* Linux repeats a wait that has no end of its own; musl knows the others by EINTR. */
static bool may_repeat(unsigned long number, const long *args) {
    return number == SYS_read || number == SYS_readv || (number == SYS_futex && args[3] == 0);
}

bool __port_signals_leave(unsigned long number, const long *args, long result) {
    struct signals *signals = __port_signals();
    if (!signals) return false;
    bool again = result == -EINTR && may_repeat(number & ~PORT_CANCELS, args);
    for (int next; (next = take_or_leave(signals));) {
        struct action action = action_of(next);
        if (next == SIGNAL_CANCEL ? number & PORT_CANCELS : !(action.flags & SA_RESTART)) again = false;
        __port_signal_here(next, handler_stack(signals, &action, (uintptr_t)__builtin_frame_address(0)));
        signals->inside = true;
    }
    signals->inside = again;
    return again;
}

void __port_signals_enter(void) {
    struct signals *signals = __port_signals();
    if (signals) signals->inside = true;
}

bool __port_signal_inject(struct signals *signals, zx_thread_state_general_regs_t *regs, const siginfo_t *info) {
    struct action action = action_of(info->si_signo);
    if (action.handler == (void *)SIG_DFL || action.handler == (void *)SIG_IGN) return false;
    if (signals->blocked & SIGNAL_BIT(info->si_signo)) return false;
    if (!__port_machine_inject(regs, handler_stack(signals, &action, machine_stack(regs)), info)) return false;
    signals->inside = false;
    return true;
}

/* --- sending --- */

/* A stopped thread goes on in a handler, or looks by itself. */
static void interrupt_stopped(zx_handle_t thread, struct signals *signals) {
    zx_thread_state_general_regs_t regs;
    if (zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs)) != ZX_OK) return;
    if (signals->inside) {
        __port_machine_look_again(&regs);
    } else {
        siginfo_t info = {.si_code = SI_TKILL, .si_pid = (pid_t)__port_koid(zx_process_self())};
        info.si_signo = take(signals, ~signals->blocked);
        if (info.si_signo == 0) return;
        if (!__port_signal_inject(signals, &regs, &info)) {
            atomic_fetch_or(&signals->pending, SIGNAL_BIT(info.si_signo));
            return;
        }
    }
    zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
}

static void interrupt(zx_handle_t thread, struct signals *signals) {
    zx_handle_t token;
    zx_signals_t seen;
    if (zx_task_suspend_token(thread, &token) != ZX_OK) return;
    zx_status_t status =
        zx_object_wait_one(thread, ZX_THREAD_SUSPENDED | ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, &seen);
    if (status == ZX_OK && (seen & ZX_THREAD_SUSPENDED)) interrupt_stopped(thread, signals);
    zx_handle_close(token);
}

/*
 * A thread that stops blocking it meanwhile sees that it is pending, or is seen here to block it no more: each changes
 * its word before it looks at the other's.
 */
static void send(zx_handle_t thread, struct signals *signals, int number) {
    struct action action = action_of(number);
    const bool waits = signals->blocked & SIGNAL_BIT(number);
    if (!waits && is_ignored(&action, number)) return;
    if (!waits && is_default(&action)) end_by(number);
    atomic_fetch_or(&signals->pending, SIGNAL_BIT(number));
    atomic_fetch_add(&sent, 1);
    zx_futex_wake(&sent, UINT32_MAX);
    if (!(signals->blocked & SIGNAL_BIT(number)) && signals != __port_signals()) interrupt(thread, signals);
}

static bool can_be_sent(long number) { return number > 0 && number < _NSIG && !(SIGNAL_BIT(number) & STOPPING); }

long __port_signal_send(int thread, long number) {
    if (number < 0 || number >= _NSIG) return -EINVAL;
    if (number != 0 && !can_be_sent(number)) return -ENOSYS;
    return __port_thread_find(thread, number ? send : NULL, (int)number) ? 0 : -ESRCH;
}

LINUX_CALL(tkill) { return __port_signal_send((int)args[0], args[1]); }

/* To the process: the thread that sends it is as good as any. */
LINUX_CALL(kill) {
    if (args[0] != __port_process_id()) return -ENOSYS;
    return __port_signal_send(__port_thread_id(), args[1]);
}

/* --- what a thread wants to be done --- */

LINUX_CALL(rt_sigaction) {
    const long number = args[0];
    const struct action *wanted = (const struct action *)args[1];
    if (number < 1 || number >= _NSIG || (wanted && (SIGNAL_BIT(number) & NEVER_BLOCKED))) return -EINVAL;
    if (wanted && wanted->handler != (void *)SIG_DFL && wanted->handler != (void *)SIG_IGN) {
        __port_machine_signals_prepare();
        if ((SIGNAL_BIT(number) & EXCEPTIONS) && __port_faults_start() != ZX_OK) return -EBUSY;
    }
    const struct action copy = wanted ? *wanted : (struct action){0};
    __port_lock(&changing);
    const struct action before = actions[number];
    if (wanted) actions[number] = copy;
    __port_unlock(&changing);
    if (args[2]) *(struct action *)args[2] = before;
    return 0;
}

LINUX_CALL(rt_sigprocmask) {
    struct signals *signals = __port_signals();
    const signal_bits before = signals->blocked, *set = (const signal_bits *)args[1];
    if (set) {
        switch (args[0]) {
        case SIG_BLOCK: signals->blocked = (before | *set) & ~NEVER_BLOCKED; break;
        case SIG_UNBLOCK: signals->blocked = before & ~*set; break;
        case SIG_SETMASK: signals->blocked = *set & ~NEVER_BLOCKED; break;
        default: return -EINVAL;
        }
    }
    if (args[2]) *(signal_bits *)args[2] = before;
    return 0;
}

LINUX_CALL(rt_sigpending) {
    struct signals *signals = __port_signals();
    *(signal_bits *)args[0] = signals->pending & signals->blocked;
    return 0;
}

/* Until a signal is handled. */
static void wait_for_signal(void) {
    const zx_futex_t never = 0;
    while (__port_futex_wait(__port_signals(), &never, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE) == ZX_OK) continue;
}

LINUX_CALL(pause) {
    wait_for_signal();
    return -EINTR;
}

/* What is handled is so under the mask for the wait, and the mask from before comes back. */
LINUX_CALL(rt_sigsuspend) {
    struct signals *signals = __port_signals();
    const signal_bits before = signals->blocked;
    signals->blocked = *(const signal_bits *)args[0] & ~NEVER_BLOCKED;
    wait_for_signal();
    __port_signals_leave(SYS_rt_sigsuspend, args, 0);
    signals->inside = true;
    signals->blocked = before;
    return -EINTR;
}

LINUX_CALL(rt_sigtimedwait) {
    struct signals *signals = __port_signals();
    siginfo_t *info = (siginfo_t *)args[1];
    const struct timespec *limit = (const struct timespec *)args[2];
    const zx_time_t deadline = limit ? zx_deadline_after(__port_duration(limit)) : ZX_TIME_INFINITE;
    for (;;) {
        const int seen = sent, number = take(signals, *(const signal_bits *)args[0]);
        if (number && info) *info = (siginfo_t){.si_signo = number, .si_code = SI_TKILL};
        if (number) return number;
        zx_status_t status = __port_futex_wait(signals, &sent, seen, ZX_HANDLE_INVALID, deadline);
        if (status == ZX_ERR_TIMED_OUT) return -EAGAIN;
        if (status == ZX_ERR_INTERNAL_INTR_RETRY) return -EINTR;
    }
}

LINUX_CALL(sigaltstack) {
    struct signals *signals = __port_signals();
    const stack_t *wanted = (const stack_t *)args[0];
    const stack_t none = {0};
    stack_t before = signals->alternate;
    bool there = (uintptr_t)args - (uintptr_t)before.ss_sp < before.ss_size;
    before.ss_flags = before.ss_size == 0 ? SS_DISABLE : there ? SS_ONSTACK : 0;
    if (wanted) {
        if (there) return -EPERM;
        if (wanted->ss_flags & ~SS_DISABLE) return -EINVAL;
        if (!(wanted->ss_flags & SS_DISABLE) && wanted->ss_size < MINSIGSTKSZ) return -ENOMEM;
        signals->alternate = wanted->ss_flags & SS_DISABLE ? none : *wanted;
    }
    if (args[1]) *(stack_t *)args[1] = before;
    return 0;
}
