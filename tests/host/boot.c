/*
 * Booting the kernel on the host: the same first steps as kernel/main.c, then the test's own body in place of init.
 * Console and log go to standard error when HOST_LOG is set, the report to standard output.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/boot.h"
#include "arch/console.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/poison.h"
#include "kernel/base/random.h"
#include "kernel/base/symbols.h"
#include "kernel/base/utc.h"
#include "kernel/object/ktrace.h"
#include "kernel/object/oom.h"
#include "kernel/object/user_timer.h"
#include "kernel/sched/sched.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"
#include "vm/budget.h"
#include "vm/kstack.h"
#include "vm/page.h"
#include "vm/vmo.h"

static const char *typed;
static size_t typed_len;
static bool typed_late;

void host_type(const char *text, size_t len) {
    typed = text;
    typed_len = len;
    typed_late = true;
}

size_t arch_console_read(char *text, size_t size) {
    size_t len = typed_late ? 0 : min_u64(size, typed_len);
    typed_late = false;
    if (len) memcpy(text, typed, len);
    typed += len;
    typed_len -= len;
    return len;
}

/* A slow device, so that longer texts have to be tried again. */
#define CONSOLE_TAKES 100

size_t arch_console_write(const char *text, size_t len) {
    len = min_u64(len, CONSOLE_TAKES);
    if (getenv("HOST_LOG")) fwrite(text, 1, len, stderr);
    return len;
}

static char log_line_text[512];
static size_t log_line_len;
static bool log_line_ended;
static size_t log_takes = SIZE_MAX;

const char *host_log_line(void) { return log_line_text; }

static char panic_text[sizeof(log_line_text)];

const char *host_panic_line(void) { return panic_text; }

void host_log_takes(size_t most) { log_takes = most; }

size_t arch_log_write(const char *text, size_t len) {
    len = min_u64(len, log_takes);
    if (getenv("HOST_LOG")) fwrite(text, 1, len, stderr);
    for (size_t i = 0; i < len; i++) {
        if (log_line_ended) log_line_len = 0;
        log_line_ended = text[i] == '\n';
        if (log_line_ended && strstr(log_line_text, "PANIC: ")) memcpy(panic_text, log_line_text, log_line_len + 1);
        if (log_line_len < sizeof(log_line_text) - 1) log_line_text[log_line_len++] = text[i];
        log_line_text[log_line_len] = '\0';
    }
    return len;
}

static char *report_to;
static size_t report_room;

void host_take_report(char *into, size_t size) {
    report_to = into;
    report_room = size;
}

void arch_report_write(const char *text, size_t len) {
    if (!report_to) {
        fwrite(text, 1, len, stdout);
        return;
    }
    len = min_u64(len, report_room);
    memcpy(report_to, text, len);
    report_to += len;
    report_room -= len;
}

const char *symbol_find(uintptr_t pc, size_t *offset) {
    Dl_info info;
    bool known = dladdr((void *)pc, &info) && info.dli_sname;
    *offset = known ? pc - (uintptr_t)info.dli_saddr : 0;
    return known ? info.dli_sname : "?";
}

/* There only when coverage is measured. */
extern void __gcov_dump(void) __attribute__((weak));

void host_exit(int code) {
    fflush(stdout);
    if (__gcov_dump) __gcov_dump();
    _Exit(code);
}

static struct thread reaper, timers, oom;

static void start_kernel_thread(struct thread *thread, void (*entry)(void *)) {
    thread_init(thread, entry, NULL, NULL);
    thread_give_stack(thread, kstack_alloc(&root_budget), KSTACK_SIZE);
    thread_start(thread);
}

void host_start(size_t memory) {
    host_memory_init(memory);
    options_init(arch_boot_info()->cmdline);
    sched_init();
    ktrace_cpu_init();
    (void)budget_assume(&root_budget);
    pages_init(arch_boot_info());
    kstack_init();
    vmo_init();
    random_init();
    utc_init();
    start_kernel_thread(&reaper, sched_reaper);
    start_kernel_thread(&timers, user_timers_keeper);
    start_kernel_thread(&oom, oom_keeper);
}

struct run {
    struct thread thread;
    void (*body)(void *arg);
    void *arg;
    bool ended;
};

static void run_entry(void *arg) {
    struct run *run = arg;
    run->body(run->arg);
}

static void run_reap(struct thread *t) { container_of(t, struct run, thread)->ended = true; }

/* The thread's stack is none of the kernel's, and stays: what a body takes from the kernel can be counted around it. */
void host_run(void (*body)(void *arg), void *arg) {
    static char stack[KSTACK_SIZE] __attribute__((aligned(PAGE_SIZE)));
    struct run run = {.body = body, .arg = arg};
    memory_unpoison(stack, sizeof(stack));
    thread_init(&run.thread, run_entry, &run, run_reap);
    thread_give_stack(&run.thread, stack, sizeof(stack));
    thread_start(&run.thread);
    while (!run.ended) sched_idle_once();
}

static void call_body(void *arg) { (*(void (**)(void))arg)(); }

void host_boot(size_t memory, void (*body)(void)) {
    host_start(memory);
    host_run(call_body, &body);
    host_exit(0);
}
