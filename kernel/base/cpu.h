/* The portable part of a processor's own data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "kernel/base/compiler.h"
#include "kernel/base/irq_watch.h"

#define MAX_CPUS 64

struct lock_stack; /* kernel/base/lockrank.h */
struct run_queue;  /* kernel/sched/run_queue.h */
struct trace_ring; /* kernel/object/ktrace.c */

struct cpu {
    /* [T] */
    unsigned id;
    unsigned irq_off_depth;   /* how many spinlocks (and irq_off() calls) keep interrupts off */
    bool irq_were_on;         /* whether they were on before the first of them */
    bool reschedule;          /* a better thread is ready: switch at the next chance */
    struct lock_stack *locks; /* what the running thread holds; debug builds */
    struct run_queue *queue;  /* its own */
    struct trace_ring *trace; /* its own */
    int64_t irq_off_since;    /* the time, if it is watched: kernel/base/irq_watch.h */
};

/*
 * What all processors would contend for is there several times, and each uses one of these. The number is only a guess,
 * since the thread may move meanwhile, so each still has a lock or is atomic.
 */
#define CPU_PARTS 2u
static inline unsigned cpu_part(void) { return arch_this_cpu()->id % CPU_PARTS; }

/* Interrupts off and on again, nesting. The bodies of spinlocks; also for touching per-processor data. */
static inline void irq_off(void) {
    bool were_on = arch_irq_disable();
    struct cpu *cpu = arch_this_cpu();
    if (cpu->irq_off_depth++ > 0) return;
    cpu->irq_were_on = were_on;
    if (unlikely(irq_watch_on)) irq_watch_begin(cpu);
}

static inline void irq_restore(void) {
    struct cpu *cpu = arch_this_cpu();
    if (--cpu->irq_off_depth > 0) return;
    if (unlikely(irq_watch_on)) irq_watch_end(cpu);
    if (cpu->irq_were_on) arch_irq_enable();
}
