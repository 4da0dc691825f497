/*
 * The portable part of a processor's own data. Fields are touched only by that processor, with interrupts off,
 * unless marked otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "kernel/base/compiler.h"

#define MAX_CPUS 64

struct lock_stack; /* kernel/base/lockrank.h */

struct cpu {
    unsigned id;
    unsigned irq_off_depth;   /* how many spinlocks (and irq_off() calls) keep interrupts off */
    bool irq_were_on;         /* whether they were on before the first of them */
    bool reschedule;          /* a better thread is ready: switch at the next chance */
    struct lock_stack *locks; /* what the running thread holds; debug builds */
    struct thread *idle;
};

/* Interrupts off and on again, nesting. The bodies of spinlocks; also for touching per-processor data. */
static inline void irq_off(void) {
    bool were_on = arch_irq_disable();
    struct cpu *cpu = arch_this_cpu();
    if (cpu->irq_off_depth++ == 0) cpu->irq_were_on = were_on;
}

static inline void irq_restore(void) {
    struct cpu *cpu = arch_this_cpu();
    if (--cpu->irq_off_depth == 0 && cpu->irq_were_on) arch_irq_enable();
}
