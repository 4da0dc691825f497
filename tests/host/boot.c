/*
 * Booting the kernel on the host: the same first steps as kernel/main.c, then the test's own body in place of init. Console
 * and log go to standard error when HOST_LOG is set, the report to standard output.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/boot.h"
#include "arch/console.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/symbols.h"
#include "kernel/sched/sched.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"
#include "vm/kstack.h"
#include "vm/page.h"
#include "vm/vmo.h"

void arch_console_write(const char *text, size_t len) {
    if (getenv("HOST_LOG")) fwrite(text, 1, len, stderr);
}

void arch_log_write(const char *text, size_t len) {
    if (getenv("HOST_LOG")) fwrite(text, 1, len, stderr);
}

void arch_report_write(const char *text, size_t len) { fwrite(text, 1, len, stdout); }

const char *symbol_find(uintptr_t pc, size_t *offset) {
    Dl_info info;
    bool known = dladdr((void *)pc, &info) && info.dli_sname;
    *offset = known ? pc - (uintptr_t)info.dli_saddr : 0;
    return known ? info.dli_sname : "?";
}

void host_exit(int code) {
    fflush(stdout);
    _Exit(code);
}

static void (*host_body)(void);

static void body_entry(void *arg UNUSED) {
    host_body();
    host_exit(0);
}

static void start(struct thread *thread, void (*entry)(void *)) {
    thread_init(thread, kstack_alloc(), KSTACK_SIZE, entry, NULL, NULL);
    thread_start(thread);
}

void host_boot(size_t memory, void (*body)(void)) {
    static struct thread reaper, main_thread;
    host_body = body;
    host_memory_init(memory);
    options_init(arch_boot_info()->cmdline);
    sched_init();
    pages_init(arch_boot_info());
    vmo_init();
    start(&reaper, sched_reaper);
    start(&main_thread, body_entry);
    sched_idle();
}
