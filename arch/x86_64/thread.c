/*
 * Threads on a PC: their stacks, vector state and segment bases. A thread's is saved whenever it is left, and loaded
 * when another comes that may run user code, so that nothing of one thread is left in a register for another to find.
 * The idle thread never does: it comes with less, and what was there stays till the next.
 */
#include "arch/thread.h"

#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "arch/x86_64/features.h"
#include "arch/x86_64/mmu_tables.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"

#define VECTOR_ALIGN 64u

/* Where the legacy area keeps the two registers whose reset value is not 0. */
#define VECTOR_FCW 0
#define VECTOR_MXCSR 24
#define RESET_MXCSR 0x1f80u
#define XSAVE_COMPONENTS 576u /* where those begin that are looked at only if the header says that they are in use */

extern void thread_switch_stack(uint64_t *old_sp, uint64_t new_sp); /* switch.asm */
extern void thread_begin(void);

/* XSAVEOPT leaves out what is as it was loaded, or in its reset state: of that the area holds anything (state.c). */
static void vector_save(void *area) {
    if (likely(cpu_has.xsaveopt)) {
        __asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    } else if (cpu_has.xsave) {
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

/* A header of zeroes has no component in use, which xrstor takes as all in their reset state. */
static void vector_reset(char *area) {
    arch_zero(area, cpu_has.xsave ? XSAVE_COMPONENTS : cpu_has.vector_size);
    *(uint16_t *)(area + VECTOR_FCW) = VECTOR_RESET_FCW;
    *(uint32_t *)(area + VECTOR_MXCSR) = RESET_MXCSR;
}

/* User code can load selectors, but hardly any does. The kernel's own GS has a base of its own, and no selector. */
static bool selectors_loaded(void) {
    uint32_t ds, es, fs, gs;
    __asm__ volatile("movl %%ds, %0\n\tmovl %%es, %1\n\tmovl %%fs, %2\n\tmovl %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | es | fs | gs;
}

/* Back to 0. GS is the kernel's own meanwhile, so user mode's is swapped in to be loaded. */
static NOINLINE void selectors_clear(void) {
    __asm__ volatile("movl %0, %%ds\n\t"
                     "movl %0, %%es\n\t"
                     "movl %0, %%fs\n\t"
                     "swapgs\n\t"
                     "movl %0, %%gs\n\t"
                     "swapgs" ::"r"(0)
                     : "memory");
}

/* A base of 0 stays 0, whatever selector is loaded; another may have become 0 with that, and is loaded again. */
static void base_load(uint32_t msr, vaddr_t *loaded, vaddr_t base) {
    if (!(*loaded | base)) return;
    wrmsr(msr, base);
    *loaded = base;
}

/* First the selectors: loading one can change a base. */
static void segments_load(struct percpu *cpu, const struct arch_thread *at) {
    if (unlikely(selectors_loaded())) selectors_clear();
    base_load(MSR_FS_BASE, &cpu->fs_base, at->fs_base);
    base_load(MSR_KERNEL_GS_BASE, &cpu->gs_base, at->gs_base);
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
    if (likely(from->vector)) vector_save(from->vector);
    if (likely(to->vector)) {
        vector_load(to->vector);
        segments_load(cpu, to);
    }
    breakpoints_switch(from, to);
    const uint64_t sp = to->kernel_sp;
    cpu->current = next;
    cpu->call_sp = sp - CALL_ROOM;
    cpu->tss->rsp[0] = sp;
    if (next_aspace && next_aspace != cpu->aspace) mmu_load(next_aspace);
    thread_switch_stack(&from->sp, to->sp);
}

void arch_leave_aspace(void) {
    bool were_on = arch_irq_disable();
    if (percpu_this()->aspace) mmu_load_kernel();
    if (were_on) arch_irq_enable();
}

bool arch_is_register(uint32_t property) { return property == ZX_PROP_REGISTER_FS || property == ZX_PROP_REGISTER_GS; }

zx_status_t arch_register_set(uint32_t property, uint64_t value) {
    struct arch_thread *self = (struct arch_thread *)arch_current_thread();
    if (!is_user_address(value)) return ZX_ERR_INVALID_ARGS;
    bool were_on = arch_irq_disable();
    if (property == ZX_PROP_REGISTER_FS) {
        self->fs_base = value;
        base_load(MSR_FS_BASE, &percpu_this()->fs_base, value);
    } else {
        self->gs_base = value;
        base_load(MSR_KERNEL_GS_BASE, &percpu_this()->gs_base, value);
    }
    if (were_on) arch_irq_enable();
    return ZX_OK;
}
