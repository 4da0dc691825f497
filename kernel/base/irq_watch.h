/*
 * How long interrupts stay off: debug builds remember the longest time and who ended it, if option kernel.irq.watch
 * asks for it. Counts from the first irq_off() (a spinlock's, most of all) to the last irq_restore(), switches of
 * threads included.
 */
#pragma once

#include <stdbool.h>

#include "kernel/base/compiler.h"

struct cpu;

#ifdef DEBUG
extern bool irq_watch_on;

/* Looks at the option. */
void irq_watch_init(void);
/* Called once interrupts are off, and before they are enabled again. */
void irq_watch_begin(struct cpu *cpu);
void irq_watch_end(struct cpu *cpu);
/* Reports it. */
void irq_watch_report(void);
#else
#define irq_watch_on false
static inline void irq_watch_init(void) {}
static inline void irq_watch_begin(struct cpu *cpu UNUSED) {}
static inline void irq_watch_end(struct cpu *cpu UNUSED) {}
static inline void irq_watch_report(void) {}
#endif
