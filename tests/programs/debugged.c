/*
 * What debuggers are tried on: each of its arguments names a thing that it does. It is compiled as `make gdb` does it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "user/lib/launch.h"

/* A function of its own, called with the arguments that it has here; clang makes no other of it. */
#ifdef __clang__
#define KEEP __attribute__((noinline))
#else
#define KEEP __attribute__((noinline, noclone))
#endif

struct point {
    int x, y;
    const char *name;
};

static struct point where = {3, 4, "here"};
static volatile int total;
static volatile bool go_on = true;
static volatile long counts[8];
static char *space;
static volatile char scratch[16];

#define SPACE (16 << 20)

KEEP static int add(int a, int b) { return a + b; }

KEEP static int fifth(struct point *at, int n) {
    at->x += n;
    total = add(total, n);
    return at->x;
}
KEEP static int fourth(int n) { return fifth(&where, n + 1) + 4; }
KEEP static int third(int n) { return fourth(n + 1) + 3; }
KEEP static int second(int n) { return third(n + 1) + 2; }
KEEP static int first(int n) { return second(n + 1) + 1; }

static void calls(void) {
    int result = first(10);
    result = add(result, 1);
    printf("result %d\n", result);
}

KEEP static void tick(int i) { total += i & 1; }

static void loop(void) {
    for (int i = 0; i < 1000; i++) tick(i);
    for (int i = 0; i < 3; i++) tick(i);
}

KEEP static void spin(void) {
    while (go_on) counts[0]++;
}

static _Thread_local char *volatile padding = "before";
static _Thread_local volatile long own = -1;

static int worker(void *arg) {
    volatile long *count = arg;
    own = count - counts + (padding[0] == 'b');
    while (go_on) {
        ++*count;
        ++*count;
    }
    return 0;
}

KEEP static void threads_meet(void) { total = 1; }

static void threads(size_t count) {
    thrd_t made[8];
    for (size_t i = 0; i < count; i++) thrd_create_with_name(&made[i], worker, (void *)&counts[i], "worker");
    while (counts[0] == 0 || counts[count - 1] == 0) zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    threads_meet();
    for (size_t i = 0; i < count; i++) thrd_join(made[i], NULL);
    printf("joined\n");
}

KEEP static void blocked(void) {
    zx_handle_t event;
    zx_event_create(0, &event);
    zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
}

KEEP static int crash(volatile int *at) { return *at; }

KEEP static uint64_t flags(void) {
    uint64_t pushed = 0;
    for (int i = 0; i < 3; i++) pushed |= __builtin_ia32_readeflags_u64();
    return pushed;
}

KEEP static void memory_filled(void) { total = space[0] + space[SPACE - 1] + scratch[0]; }

static void memory(void) {
    space = calloc(1, SPACE);
    if (!space) return;
    memset(space + (8 << 20), 'x', 1 << 20);
    memory_filled();
    printf("sum %d\n", total);
    free(space);
}

KEEP static double vectors(double x) {
    static double out[4];
    for (int i = 0; i < 4; i++) out[i] = x * i;
    long double wide = x;
    return out[3] + (double)(wide / 2);
}

/* What the segments are based on is for a debugger to set. */
static volatile uint64_t bases[2] = {0x11, 0x22}, based[2];
KEEP static void segments(void) {
    __asm__ volatile("mov %%fs:0, %0\n\tmov %%gs:0, %1" : "=&r"(based[0]), "=r"(based[1]));
}

/* Threads that come to one place at once, each several times. */
#define BURST_THREADS 4
#define BURST_ROUNDS 3
static atomic_int burst_ready;
KEEP static void burst_hit(int who, int round) { counts[who] += round; }

static int burst_thread(void *arg) {
    const int who = (int)(intptr_t)arg;
    for (int round = 0; round < BURST_ROUNDS; round++) {
        atomic_fetch_add(&burst_ready, 1);
        while (burst_ready < BURST_THREADS * (round + 1)) thrd_yield();
        burst_hit(who, round);
    }
    return 0;
}

static void burst(void) {
    thrd_t made[BURST_THREADS];
    for (intptr_t i = 0; i < BURST_THREADS; i++) thrd_create_with_name(&made[i], burst_thread, (void *)i, "burst");
    for (size_t i = 0; i < BURST_THREADS; i++) thrd_join(made[i], NULL);
}

/* Faults of which a handler of the program's own handles all but the third. */
static zx_handle_t exceptions;
static int handled;

static int handler(void *unused) {
    zx_exception_info_t info;
    zx_handle_t exception, thread;
    zx_thread_state_general_regs_t regs;
    const uint32_t state = ZX_EXCEPTION_STATE_HANDLED;
    (void)unused;
    for (handled = 0; handled < 3; handled++) {
        zx_object_wait_one(exceptions, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
        zx_channel_read(exceptions, 0, &info, &exception, sizeof(info), 1, NULL, NULL);
        zx_exception_get_thread(exception, &thread);
        zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
        regs.rip += 2;
        zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof(regs));
        if (handled < 2) zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof(state));
        zx_handle_close(thread);
        zx_handle_close(exception);
    }
    return 0;
}

static void handles(void) {
    thrd_t made;
    zx_task_create_exception_channel(zx_process_self(), 0, &exceptions);
    thrd_create(&made, handler, NULL);
    for (int i = 0; i < 3; i++) __asm__ volatile("ud2");
    printf("three are handled\n");
}

static void child(const char *path) {
    const char *const args[] = {path, "calls", NULL};
    zx_handle_t process;
    int64_t code = -1;
    if (launch_program(path, args, &process, NULL) == ZX_OK) launch_wait(process, &code);
    printf("child %d\n", (int)code);
}

static void act(const char *what, char **argv) {
    if (strcmp(what, "calls") == 0) calls();
    if (strcmp(what, "loop") == 0) loop();
    if (strcmp(what, "spin") == 0) spin();
    if (strcmp(what, "threads") == 0) threads(2);
    if (strcmp(what, "crowd") == 0) threads(8);
    if (strcmp(what, "wait") == 0) blocked();
    if (strcmp(what, "crash") == 0) crash((volatile int *)16);
    if (strcmp(what, "flags") == 0) printf("flags %d\n", (int)(flags() >> 8 & 1));
    if (strcmp(what, "memory") == 0) memory();
    if (strcmp(what, "vectors") == 0) printf("%g\n", vectors(1.5));
    if (strcmp(what, "segments") == 0) {
        segments();
        printf("segments %d\n", based[0] == bases[0] && based[1] == bases[1]);
    }
    if (strcmp(what, "trap") == 0) __asm__ volatile("int3");
    if (strcmp(what, "burst") == 0) burst();
    if (strcmp(what, "handles") == 0) handles();
    if (strcmp(what, "child") == 0) child(argv[0]);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) act(argv[i], argv);
    return 42;
}
