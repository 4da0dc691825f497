/*
 * A processor, simulated, whose interrupts are function calls made wherever kernel code turns interrupts on. There is
 * one (tests/host/cpu.c), or there are several of which one runs at a time (tests/host/explore/cpus.c).
 */
#pragma once

extern struct cpu *host_cpu;
extern struct thread *host_current;
extern bool host_irq_on;

/* Delivers the alarm if its time has come, and what else waits for interrupts to be on. */
void host_interrupt(void);

static inline struct cpu *arch_this_cpu(void) { return host_cpu; }
static inline struct thread *arch_current_thread(void) { return host_current; }
static inline bool arch_irq_enabled(void) { return host_irq_on; }

static inline bool arch_irq_disable(void) {
    bool were_on = host_irq_on;
    host_irq_on = false;
    return were_on;
}

static inline void arch_irq_enable(void) {
    host_irq_on = true;
    host_interrupt();
}

/* What is waited for in a loop only another processor can do. */
void host_pause(void);
static inline void arch_pause(void) { host_pause(); }

void host_wait(void);
static inline void arch_wait_for_interrupt(void) { host_wait(); }
