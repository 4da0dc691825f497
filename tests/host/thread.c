/*
 * Threads of the simulated machine, and what they do in simulated user mode; see host.h.
 *
 * A kernel thread is a context of its own on its kernel stack, all on one Linux thread.
 */
#include "arch/thread.h"

#include <sanitizer/common_interface_defs.h>
#include <zircon/errors.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>

#include "arch/upcall.h"
#include "kernel/base/lockrank.h"
#include "kernel/sched/thread.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"

#define MAX_PROGRAMS 64

/* Before the processor has a thread. */
static struct thread boot_thread;
struct thread *host_current = &boot_thread;

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
    host_context_init(&at->context, stack, stack_size, thread_main);
}

void arch_thread_adopt(struct thread *t) {
    host_boot_stack(&t->arch.stack, &t->arch.stack_size);
    host_current = t;
}

void arch_thread_switch(struct thread *prev, struct thread *next, struct arch_aspace *next_aspace UNUSED) {
    host_current = next;
    switch_begun(prev->state == THREAD_DEAD ? NULL : &prev->arch.sanitizer_stack, next->arch.stack,
                 next->arch.stack_size);
    host_context_switch(&prev->arch.context, &next->arch.context);
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
