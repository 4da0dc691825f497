/*
 * What the portable code asks of a processor most often, inline. GS points at this processor's struct percpu
 * (arch/x86_64/percpu.h) whenever the kernel runs; its first two words are the ones read here, each by a single
 * instruction, so that no interrupt can fall between finding the processor and asking it.
 */
#pragma once

#define X86_FLAGS_IF 0x200u

static inline struct cpu *arch_this_cpu(void) {
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

static inline struct thread *arch_current_thread(void) {
    struct thread *thread;
    __asm__ volatile("mov %%gs:8, %0" : "=r"(thread));
    return thread;
}

static inline bool arch_irq_enabled(void) {
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(flags)::"memory");
    return (flags & X86_FLAGS_IF) != 0;
}

static inline bool arch_irq_disable(void) {
    bool were_on = arch_irq_enabled();
    __asm__ volatile("cli" ::: "memory");
    return were_on;
}

static inline void arch_irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }

static inline void arch_pause(void) { __asm__ volatile("pause" ::: "memory"); }

/* The processor takes no interrupt between `sti` and the instruction after it. */
static inline void arch_wait_for_interrupt(void) { __asm__ volatile("sti\n\thlt" ::: "memory"); }
