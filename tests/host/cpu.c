/*
 * The simulated processor: interrupts, time, threads. See host.h.
 *
 * Time goes on by a little at each look at the clock, and jumps to the alarm when the processor waits. The alarm goes
 * off at the next place where interrupts are turned on.
 */
#define _GNU_SOURCE
#include "arch/cpu.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/errors.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "arch/power.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/sched/thread.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"

#define TIME_STEP 50 /* nanoseconds for a look at the clock */
#define MAX_PROGRAMS 64

static struct lock_stack boot_locks;
static struct cpu the_cpu = {.irq_off_depth = 0, .locks = &boot_locks};
static struct thread boot_thread;
struct cpu *host_cpu = &the_cpu;
struct thread *host_current = &boot_thread;
bool host_irq_on;

static zx_time_t now;
static zx_time_t alarm_at = ZX_TIME_INFINITE;
static uint64_t entropy = 1;
static uint64_t switches; /* from one thread to another, so far */

zx_time_t arch_time_now(void) { return now += TIME_STEP; }
uint64_t arch_ticks(void) { return (uint64_t)arch_time_now(); }
uint64_t arch_ticks_per_second(void) { return 1000000000; }
void arch_alarm_set(zx_time_t deadline) { alarm_at = deadline; }

zx_time_t host_time(void) { return now; }
void host_time_pass(zx_time_t until) { now = until > now ? until : now; }

void host_interrupt(void) {
    if (now < alarm_at) return;
    alarm_at = ZX_TIME_INFINITE;
    host_irq_on = false;
    upcall_alarm();
    upcall_interrupt_done();
    host_irq_on = true;
}

void host_wait(void) {
    if (alarm_at == ZX_TIME_INFINITE) {
        fprintf(stderr, "host: every thread waits, and nothing will ever happen\n");
        abort();
    }
    if (now < alarm_at) now = alarm_at;
    arch_irq_enable();
}

void host_idle(void) {
    uint64_t before = switches;
    thread_yield();
    if (switches != before) return;
    arch_irq_disable();
    host_wait();
}

/* One is all there is. */
unsigned arch_cpus_start(unsigned max UNUSED) { return 1; }
void arch_cpu_kick(unsigned id UNUSED) {}
void arch_stop_others(void) {}

void arch_halt(void) { abort(); }
size_t arch_backtrace(uintptr_t *pcs UNUSED, size_t max UNUSED, const void *frame UNUSED) { return 0; }
bool arch_invariants_hold(void) { return host_irq_on; }
void arch_registers_log(void) {}
void arch_power_off(enum power_code code) {
    if (code == POWER_PANIC) abort();
    host_exit(code == POWER_OK ? 0 : 1);
}

void host_seed(uint64_t seed) { entropy = seed | 1; }

/* A linear congruential step is random enough for handle values that must repeat. */
uint64_t arch_entropy(void) { return entropy = entropy * 6364136223846793005u + 1442695040888963407u; }

/* --- threads --- */

/*
 * The C library's own swapcontext(): AddressSanitizer's forgets, at each switch, what it knows of the stack that is
 * switched to. It is told of the switch instead.
 */
static int context_switch(ucontext_t *save, const ucontext_t *to) {
    static int (*real)(ucontext_t *, const ucontext_t *);
    if (!real) real = (int (*)(ucontext_t *, const ucontext_t *))dlsym(RTLD_NEXT, "swapcontext");
    return real(save, to);
}

static void switch_begun(void **save, const void *stack, size_t size) {
    __sanitizer_start_switch_fiber(save, stack, size);
}

static void thread_main(void) {
    struct arch_thread *self = &thread_current()->arch;
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    self->entry(self->arg);
}

void arch_thread_init(struct arch_thread *at, void *stack, size_t stack_size, void (*entry)(void *), void *arg) {
    *at = (struct arch_thread){.stack = stack, .stack_size = stack_size, .entry = entry, .arg = arg};
    getcontext(&at->context);
    at->context.uc_stack.ss_sp = stack;
    at->context.uc_stack.ss_size = stack_size;
    makecontext(&at->context, thread_main, 0);
}

/* The stack of the Linux thread that the program began on. */
void arch_thread_adopt(struct thread *t) {
    pthread_attr_t attr;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &t->arch.stack, &t->arch.stack_size);
    pthread_attr_destroy(&attr);
    host_current = t;
}

void arch_thread_switch(struct thread *prev, struct thread *next, struct arch_aspace *next_aspace UNUSED) {
    host_current = next;
    switches++;
    switch_begun(prev->state == THREAD_DEAD ? NULL : &prev->arch.sanitizer_stack, next->arch.stack,
                 next->arch.stack_size);
    context_switch(&prev->arch.context, &next->arch.context);
    __sanitizer_finish_switch_fiber(prev->arch.sanitizer_stack, NULL, NULL);
}

void arch_leave_aspace(void) {}

/* Programs do not use the registers, which are there from the start to be read and written. */
size_t arch_state_size(uint32_t kind) {
    return kind == ZX_THREAD_STATE_GENERAL_REGS ? sizeof(zx_thread_state_general_regs_t) : 0;
}
void arch_state_read(struct thread *t, uint32_t kind UNUSED, void *state) {
    *(zx_thread_state_general_regs_t *)state = t->arch.registers;
}
zx_status_t arch_state_write(struct thread *t, uint32_t kind UNUSED, const void *state) {
    const zx_thread_state_general_regs_t *registers = state;
    if (registers->rip < USER_BASE || registers->rip >= USER_END) return ZX_ERR_INVALID_ARGS;
    t->arch.registers = *registers;
    return ZX_OK;
}

/* Two, as on a PC, which nobody ever reads. */
bool arch_is_register(uint32_t property) { return property == ZX_PROP_REGISTER_FS || property == ZX_PROP_REGISTER_GS; }
zx_status_t arch_register_set(uint32_t property UNUSED, uint64_t value) {
    return value >= USER_BASE && value < USER_END ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* --- user mode --- */

static host_program *programs[MAX_PROGRAMS];

vaddr_t host_program_entry(host_program *program) {
    size_t i = 0;
    while (programs[i] && programs[i] != program) i++;
    programs[i] = program;
    return USER_BASE + i;
}

static void run_attention(void) {
    while (thread_interrupted()) upcall_attention();
}

/* A program that returns falls off its end: a fault, as on a real machine. */
_Noreturn void arch_enter_user(vaddr_t entry, vaddr_t sp, uint64_t arg1, uint64_t arg2) {
    thread_current()->arch.registers =
        (zx_thread_state_general_regs_t){.rip = entry, .rsp = sp, .rdi = arg1, .rsi = arg2};
    run_attention();
    size_t i = entry - USER_BASE;
    if (i < MAX_PROGRAMS && programs[i]) programs[i](arg1, arg2);
    uint64_t type = entry - HOST_FAULT_ENTRY;
    const struct arch_exception fault = {
        .type = type < HOST_FAULT_TYPES ? (uint32_t)type : ZX_EXCP_FATAL_PAGE_FAULT, .pc = entry, .sp = sp};
    for (;;) {
        upcall_exception(&fault);
        run_attention();
    }
}

uint64_t host_syscall(unsigned number, const uint64_t a[8]) {
    uint64_t result = number < upcall_syscall_count
                          ? upcall_syscall_table[number](a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7])
                          : upcall_bad_syscall();
    lock_rank_assert_none();
    run_attention();
    return result;
}
