/*
 * Signals within a process: handlers, masks, the processor's exceptions as signals, and threads that are cancelled.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>
#include <zircon/threads.h>

#include "tests/user/child.h"
#include "tests/user/harness.h"

#define TICK ZX_MSEC(2)

static volatile sig_atomic_t handled, handled_code;
static sigjmp_buf back;

static void note(int number) { handled = number; }

static void note_and_leave(int number, siginfo_t *info, void *context) {
    (void)context;
    handled = number;
    handled_code = info->si_code;
    siglongjmp(back, 1);
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    EXPECT_EQ(sigaction(number, &action, NULL), 0);
}

static void handle_and_leave(int number) {
    struct sigaction action = {.sa_sigaction = note_and_leave, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    EXPECT_EQ(sigaction(number, &action, NULL), 0);
}

TEST("libc/raise runs the handler before it returns, and every register is as it was") {
    double x = 1.5, y = 2.5;
    handle(SIGUSR1, note, 0);
    for (int i = 0; i < 1000; i++) {
        handled = 0;
        x *= y / 2.5;
        EXPECT_EQ(raise(SIGUSR1), 0);
        EXPECT_EQ(handled, SIGUSR1);
    }
    EXPECT(x == 1.5);
    EXPECT(signal(SIGUSR1, SIG_IGN) == note);
    handled = 0;
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
    EXPECT_EQ(raise(SIGCHLD), 0);
    EXPECT_EQ(handled, 0);
}

TEST("libc/a blocked signal is pending until it is unblocked or waited for") {
    sigset_t set, seen;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    handle(SIGUSR2, note, 0);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    EXPECT_EQ(raise(SIGUSR2), 0);
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(sigpending(&seen), 0);
    EXPECT_EQ(sigismember(&seen, SIGUSR2), 1);
    EXPECT_EQ(sigtimedwait(&set, NULL, &(struct timespec){0}), SIGUSR2);
    EXPECT_EQ(sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = 1000000}), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(raise(SIGUSR2), 0);
    sigemptyset(&seen);
    EXPECT_EQ(sigsuspend(&seen), -1);
    EXPECT_EQ(errno, EINTR);
    EXPECT_EQ(handled, SIGUSR2);
    handled = 0;
    EXPECT_EQ(raise(SIGUSR2), 0);
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    EXPECT_EQ(handled, SIGUSR2);
}

static volatile int depth, deepest;

static void nest(int number) {
    if (++depth > deepest) deepest = depth;
    if (deepest < 3) raise(number);
    depth--;
}

static volatile int left = 100000;

static void count_down(int number) {
    if (++depth > deepest) deepest = depth;
    if (--left > 0) raise(number);
    depth--;
}

TEST("libc/a signal is blocked in its own handler, unless SA_NODEFER says otherwise; SA_RESETHAND is for once") {
    handle(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    EXPECT_EQ(deepest, 3);
    deepest = 0;
    handle(SIGUSR1, count_down, 0);
    raise(SIGUSR1);
    EXPECT_EQ(left, 0);
    EXPECT_EQ(deepest, 1);
    struct sigaction action;
    handle(SIGUSR2, note, (int)SA_RESETHAND);
    raise(SIGUSR2);
    EXPECT_EQ(sigaction(SIGUSR2, NULL, &action), 0);
    EXPECT(action.sa_handler == SIG_DFL);
}

static volatile uintptr_t handler_frame;
static void note_frame(int number) { handler_frame = (uintptr_t)__builtin_frame_address(0) + (number == 0); }

TEST("libc/a handler with SA_ONSTACK runs on the other stack, and only then") {
    static char stack[SIGSTKSZ];
    const stack_t wanted = {.ss_sp = stack, .ss_size = sizeof(stack)};
    stack_t before;
    EXPECT_EQ(sigaltstack(&wanted, &before), 0);
    EXPECT(before.ss_flags & SS_DISABLE);
    handle(SIGUSR1, note_frame, SA_ONSTACK);
    raise(SIGUSR1);
    EXPECT(handler_frame - (uintptr_t)stack < sizeof(stack));
    handle(SIGUSR1, note_frame, 0);
    raise(SIGUSR1);
    EXPECT(handler_frame - (uintptr_t)stack >= sizeof(stack));
    EXPECT_EQ(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 100}, NULL), -1);
    EXPECT_EQ(errno, ENOMEM);
}

/* --- the processor's exceptions --- */

static int zero;
static char *volatile nowhere = (char *)16;

static void fault(int number) {
    switch (number) {
    case SIGSEGV: *(volatile char *)nowhere = 1; break;
    case SIGFPE: __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; divl %0" ::"m"(zero) : "eax", "edx"); break;
    case SIGILL: __asm__ volatile("ud2"); break;
    case SIGTRAP: __asm__ volatile("int3"); break;
    default: break;
    }
}

TEST("libc/a handler of SIGSEGV, SIGFPE, SIGILL or SIGTRAP gets the processor's exceptions, and may leave by longjmp") {
    static const int numbers[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP};
    for (size_t i = 0; i < 4; i++) handle_and_leave(numbers[i]);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            handled = 0;
            if (sigsetjmp(back, 1) == 0) fault(numbers[i]);
            EXPECT_EQ(handled, numbers[i]);
        }
    }
    if (sigsetjmp(back, 1) == 0) fault(SIGSEGV);
    EXPECT_EQ(handled_code, SEGV_MAPERR);
}

static char *page;

static void let_write(int number, siginfo_t *info, void *context) {
    (void)context;
    handled += number;
    if (info->si_addr == page + 100) mprotect(page, ZX_PAGE_SIZE, PROT_READ | PROT_WRITE);
}

TEST("libc/a handler that mends the fault lets the instruction go on, with the vector registers as they were") {
    struct sigaction action = {.sa_sigaction = let_write, .sa_flags = SA_SIGINFO};
    page = mmap(NULL, ZX_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    NEED_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        mprotect(page, ZX_PAGE_SIZE, PROT_READ);
        page[100] = (char)(i + 1);
        sum += sqrt(page[100] * page[100]);
    }
    EXPECT_EQ(handled, 10 * SIGSEGV);
    EXPECT(sum == 55);
}

/* A compiler need not know that it never ends. */
static int deeper = 1;
static int dive(volatile char *above) {
    volatile char here[4096];
    here[0] = *above;
    return deeper ? dive(here) + here[0] : 0;
}

TEST("libc/a stack that has run over is a signal that can be handled on another stack") {
    static char stack[SIGSTKSZ];
    char above = 0;
    EXPECT_EQ(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL), 0);
    handle_and_leave(SIGSEGV);
    if (sigsetjmp(back, 1) == 0) dive(&above);
    EXPECT_EQ(handled, SIGSEGV);
}

static void *fault_in_turn(void *arg) {
    static _Thread_local volatile int own;
    struct sigaction action;
    own = (int)(uintptr_t)arg;
    for (int i = 0; i < 50; i++) __asm__ volatile("int3");
    sigaction(SIGTRAP, NULL, &action);
    return (void *)(uintptr_t)own;
}

static atomic_int traps;
static void count_trap(int number) { traps += number == SIGTRAP; }

TEST("libc/threads that fault at once each handle their own") {
    pthread_t threads[4];
    handle(SIGTRAP, count_trap, 0);
    for (uintptr_t i = 0; i < 4; i++) NEED_EQ(pthread_create(&threads[i], NULL, fault_in_turn, (void *)(i + 1)), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        void *result;
        EXPECT_EQ(pthread_join(threads[i], &result), 0);
        EXPECT_EQ((uintptr_t)result, i + 1);
    }
    EXPECT_EQ(traps, 200);
}

TEST("libc/a process that serves its exception channel itself has no handlers of exceptions") {
    zx_handle_t channel;
    NEED_OK(zx_task_create_exception_channel(zx_process_self(), 0, &channel));
    EXPECT(signal(SIGSEGV, note) == SIG_ERR);
    EXPECT_EQ(errno, EBUSY);
    EXPECT(signal(SIGABRT, note) == SIG_DFL);
    zx_handle_close(channel);
    EXPECT(signal(SIGSEGV, note) == SIG_DFL);
    EXPECT_STATUS(zx_task_create_exception_channel(zx_process_self(), 0, &channel), ZX_ERR_ALREADY_BOUND);
}

/* --- other threads --- */

static atomic_bool spinning, stop;
static atomic_int elsewhere;
static pthread_t handled_by;

static void note_thread(int number) {
    handled_by = pthread_self();
    elsewhere = number;
}

static void *spin(void *arg) {
    double x = 1;
    spinning = true;
    while (!stop) x = x * 3 / 3;
    return x == 1 ? arg : NULL;
}

static void wait_for_handler(void) {
    for (int i = 0; i < 1000 && elsewhere == 0; i++) zx_nanosleep(zx_deadline_after(TICK));
}

TEST("libc/pthread_kill runs the handler in a thread that computes, and its registers are as they were") {
    pthread_t thread;
    void *result = NULL;
    handle(SIGUSR1, note_thread, 0);
    NEED_EQ(pthread_create(&thread, NULL, spin, &spinning), 0);
    while (!spinning) zx_nanosleep(zx_deadline_after(TICK));
    for (int i = 0; i < 50; i++) {
        elsewhere = 0;
        EXPECT_EQ(pthread_kill(thread, SIGUSR1), 0);
        wait_for_handler();
        EXPECT_EQ(elsewhere, SIGUSR1);
    }
    EXPECT(pthread_equal(handled_by, thread));
    stop = true;
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT(result == &spinning);
}

static sem_t semaphore;
static void *wait_with_errno(void *arg) { return sem_wait(&semaphore) == 0 ? arg : (void *)(uintptr_t)errno; }

static void interrupt_waiting(int flags, uintptr_t want) {
    pthread_t thread;
    void *result = NULL;
    elsewhere = 0;
    sem_init(&semaphore, 0, 0);
    handle(SIGUSR1, note_thread, flags);
    NEED_EQ(pthread_create(&thread, NULL, wait_with_errno, NULL), 0);
    NEED(thread_waits(thrd_get_zx_handle(thread)));
    EXPECT_EQ(pthread_kill(thread, SIGUSR1), 0);
    wait_for_handler();
    EXPECT(pthread_equal(handled_by, thread));
    sem_post(&semaphore);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ((uintptr_t)result, want);
}

TEST("libc/a signal breaks a wait off with EINTR, or lets it go on with SA_RESTART") {
    interrupt_waiting(SA_RESTART, 0);
    interrupt_waiting(0, EINTR);
}

static void *sleep_long(void *arg) {
    struct timespec rest = {0};
    if (nanosleep(&(struct timespec){.tv_sec = 1000}, &rest) == 0 || errno != EINTR) return NULL;
    return rest.tv_sec >= 990 && rest.tv_sec < 1000 ? arg : NULL;
}

TEST("libc/a sleep that is broken off says how much was left") {
    pthread_t thread;
    void *result = NULL;
    handle(SIGUSR1, note, SA_RESTART);
    NEED_EQ(pthread_create(&thread, NULL, sleep_long, &elsewhere), 0);
    NEED(thread_waits(thrd_get_zx_handle(thread)));
    EXPECT_EQ(pthread_kill(thread, SIGUSR1), 0);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT(result == &elsewhere);
}

/* --- cancelling --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static atomic_int cleaned;
static pthread_t joined;

static void clean(void *arg) { cleaned += *(int *)arg; }
static void unlock_mutex(void *arg) { pthread_mutex_unlock(arg); }

static void at_semaphore(void) { sem_wait(&semaphore); }
static void at_sleep(void) { sleep(1000); }
static void at_join(void) { pthread_join(joined, NULL); }
static void at_pause(void) { pause(); }
static void at_read(void) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) == 0) cleaned += 100;
}
static void at_test(void) {
    for (;;) pthread_testcancel();
}
static void at_condition(void) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock_mutex, &mutex);
    for (;;) pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
}
static void at_nothing(void) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) __asm__ volatile("pause");
}
static void after_disabled(void) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    for (int i = 0; i < 2; i++) cleaned += sem_wait(&semaphore) == 0 ? 50 : 0;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    sleep(1000);
}

static void *run_cancelled(void *arg) {
    static int one = 1;
    pthread_cleanup_push(clean, &one);
    ((void (*)(void))arg)();
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel(void (*at)(void), zx_duration_t after, int want) {
    pthread_t thread;
    void *result = NULL;
    cleaned = 0;
    NEED_EQ(pthread_create(&thread, NULL, run_cancelled, (void *)at), 0);
    if (after) zx_nanosleep(zx_deadline_after(after));
    EXPECT_EQ(pthread_cancel(thread), 0);
    for (int i = 0; i < 2 && want > 1; i++) sem_post(&semaphore);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT(result == PTHREAD_CANCELED);
    EXPECT_EQ(cleaned, want);
}

TEST("libc/pthread_cancel ends a thread where it waits, with its clean-up, whenever it comes") {
    static void (*const places[])(void) = {at_semaphore, at_sleep, at_join,      at_pause,
                                           at_read,      at_test,  at_condition, at_nothing};
    joined = pthread_self();
    sem_init(&semaphore, 0, 0);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        cancel(places[i], TICK, 1);
        for (zx_duration_t after = 0; after < ZX_USEC(40); after += 2500)
            if (places[i] != at_nothing) cancel(places[i], after, 1);
    }
    EXPECT_EQ(pthread_mutex_trylock(&mutex), 0);
}

TEST("libc/a thread that may not be cancelled waits on, and is cancelled when it may") {
    sem_init(&semaphore, 0, 0);
    handle(SIGUSR1, note, 0);
    for (int i = 0; i < 5; i++) cancel(after_disabled, i ? TICK : 0, 101);
}

/* --- robust mutexes --- */

static pthread_mutex_t robust;
static void *lock_and_end(void *arg) {
    pthread_mutex_lock(&robust);
    return arg;
}

TEST("libc/a robust mutex whose holder has ended is EOWNERDEAD, and can be made consistent") {
    pthread_mutexattr_t attr;
    pthread_t thread;
    pthread_mutexattr_init(&attr);
    EXPECT_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
    NEED_EQ(pthread_mutex_init(&robust, &attr), 0);
    for (int i = 0; i < 2; i++) {
        NEED_EQ(pthread_create(&thread, NULL, lock_and_end, NULL), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
        EXPECT_EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
        EXPECT_EQ(pthread_mutex_consistent(&robust), 0);
        EXPECT_EQ(pthread_mutex_unlock(&robust), 0);
    }
}

/* --- what there is not --- */

TEST("libc/signals that nobody could send or obey are refused") {
    struct sigaction action = {.sa_handler = note};
    EXPECT_EQ(sigaction(SIGKILL, &action, NULL), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(kill(1, SIGTERM), -1);
    EXPECT_EQ(errno, ENOSYS);
    EXPECT_EQ(raise(SIGSTOP), -1);
    EXPECT_EQ(errno, ENOSYS);
    EXPECT_EQ(raise(99), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(kill(getpid(), 0), 0);
    EXPECT_EQ(pthread_kill(pthread_self(), 0), 0);
}
