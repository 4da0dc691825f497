/*
 * Threads on a PC: their stacks, vector state and segment bases. All of it is exchanged at every switch, whoever comes
 * next, so that nothing of one thread is ever left in a register for another to find.
 */
#include "arch/thread.h"

#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define VECTOR_ALIGN 64u

/* Where the legacy area keeps the two registers whose reset value is not 0. */
#define VECTOR_FCW 0
#define VECTOR_MXCSR 24
#define RESET_FCW 0x037fu
#define RESET_MXCSR 0x1f80u

extern void thread_switch_stack(uint64_t *old_sp, uint64_t new_sp); /* switch.asm */
extern void thread_begin(void);

static void vector_save(void *area) {
    if (cpu_has.xsave) {
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
    }
}

/*
 * Some processors keep x87's pointers to its last instruction and operand where the area has none: another thread's,
 * unless they are cleared first.
 */
static void vector_load(const void *area) {
    if (cpu_has.x87_stays) __asm__ volatile("fninit");
    if (cpu_has.xsave) {
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
    }
}

/* An area of zeroes has no component in use, which xrstor takes as all in their reset state. */
static void vector_reset(char *area) {
    memset(area, 0, cpu_has.vector_size);
    *(uint16_t *)(area + VECTOR_FCW) = RESET_FCW;
    *(uint32_t *)(area + VECTOR_MXCSR) = RESET_MXCSR;
}

/*
 * Selectors back to 0, then the bases: loading a selector, which user code may do too, can change a base. GS is
 * the kernel's own meanwhile, so user mode's is swapped in to be loaded.
 */
static void segments_load(const struct arch_thread *at) {
    __asm__ volatile("movl %0, %%ds\n\t"
                     "movl %0, %%es\n\t"
                     "movl %0, %%fs\n\t"
                     "swapgs\n\t"
                     "movl %0, %%gs\n\t"
                     "swapgs" ::"r"(0)
                     : "memory");
    wrmsr(MSR_FS_BASE, at->fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, at->gs_base);
}

/* Breakpoints of one thread never stop another. What the address registers hold matters only while one is on. */
static void breakpoints_switch(const struct arch_thread *from, const struct arch_thread *to) {
    if (!((from->dr7 | to->dr7) & DR7_ENABLED)) return;
    dr7_write(DR7_NONE);
    if (!(to->dr7 & DR7_ENABLED)) return;
    dr0_write(to->dr[0]);
    dr1_write(to->dr[1]);
    dr2_write(to->dr[2]);
    dr3_write(to->dr[3]);
    dr7_write(to->dr7);
}

void arch_thread_init(struct arch_thread *at, void *stack, size_t stack_size, void (*entry)(void *arg), void *arg) {
    char *top = (char *)stack + stack_size - cpu_has.vector_size;
    top -= (uintptr_t)top % VECTOR_ALIGN;
    vector_reset(top);
    uint64_t *sp = (uint64_t *)top;
    sp -= 2;                        /* zeroes of a fresh stack's alignment */
    *--sp = (uint64_t)thread_begin; /* where thread_switch_stack() returns to */
    *--sp = 0;                      /* rbp */
    *--sp = 0;                      /* rbx */
    *--sp = (uint64_t)entry;        /* r12 */
    *--sp = (uint64_t)arg;          /* r13 */
    *--sp = 0;                      /* r14 */
    *--sp = 0;                      /* r15 */
    *at = (struct arch_thread){
        .sp = (uint64_t)sp, .vector = top, .kernel_sp = (uint64_t)top, .dr7 = DR7_NONE, .dr6 = DR6_NONE};
}

/* A boot stack has no room for vector state, and who runs on it no use for it: it never runs user code. */
void arch_thread_adopt(struct thread *t) {
    ((struct arch_thread *)t)->vector = NULL;
    percpu_this()->current = t;
}

void arch_thread_switch(struct thread *prev, struct thread *next, struct arch_aspace *next_aspace) {
    struct arch_thread *from = (struct arch_thread *)prev, *to = (struct arch_thread *)next;
    ASSERT(!arch_irq_enabled());
    struct percpu *cpu = percpu_this();
    if (from->vector) vector_save(from->vector);
    if (to->vector) vector_load(to->vector);
    segments_load(to);
    breakpoints_switch(from, to);
    cpu->current = next;
    cpu->kernel_sp = to->kernel_sp;
    cpu->tss->rsp[0] = to->kernel_sp;
    if (next_aspace && next_aspace != cpu->aspace) mmu_load(next_aspace);
    thread_switch_stack(&from->sp, to->sp);
}

void arch_leave_aspace(void) {
    bool were_on = arch_irq_disable();
    if (percpu_this()->aspace) mmu_load(NULL);
    if (were_on) arch_irq_enable();
}

bool arch_is_register(uint32_t property) { return property == ZX_PROP_REGISTER_FS || property == ZX_PROP_REGISTER_GS; }

zx_status_t arch_register_set(uint32_t property, uint64_t value) {
    struct arch_thread *self = (struct arch_thread *)arch_current_thread();
    if (!is_user_address(value)) return ZX_ERR_INVALID_ARGS;
    bool were_on = arch_irq_disable();
    *(property == ZX_PROP_REGISTER_FS ? &self->fs_base : &self->gs_base) = value;
    wrmsr(property == ZX_PROP_REGISTER_FS ? MSR_FS_BASE : MSR_KERNEL_GS_BASE, value);
    if (were_on) arch_irq_enable();
    return ZX_OK;
}
