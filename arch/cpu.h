/*
 * What the kernel may ask of a processor: interrupts on and off, who am I, wait. The bodies are inline
 * and come from the machine's own arch_inline/cpu.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;    /* kernel/base/cpu.h */
struct thread; /* kernel/sched/thread.h */

/* The processor this code runs on. Meaningful only while interrupts are off: the thread may move otherwise. */
static inline struct cpu *arch_this_cpu(void);

/* The running thread; right at any time, since it travels with the thread. */
static inline struct thread *arch_current_thread(void);

/* Turns interrupts off and returns whether they were on. */
static inline bool arch_irq_disable(void);
static inline void arch_irq_enable(void);
static inline bool arch_irq_enabled(void);

/* Eases a spin loop. */
static inline void arch_pause(void);

/* Turns interrupts on and sleeps until one arrives, with no gap between the two. Returns with them on. */
static inline void arch_wait_for_interrupt(void);

/* Stops this processor for good. */
_Noreturn void arch_halt(void);

/*
 * Starts the other processors, until `max` of them run, this one included. Each has an id, counted from 0, this
 * one's, and has returned from upcall_cpu_join() when the next is started. Returns how many run now. Once, when there
 * is memory to be had.
 */
unsigned arch_cpus_start(unsigned max);

/* Has another processor call upcall_kick() soon, and whatever runs there look at its attention. */
void arch_cpu_kick(unsigned id);

/*
 * Between these two no other processor executes anything but its wait for the second, with interrupts off; nor does
 * this one take interrupts. Text that is written in between is seen whole by all, this processor included. No
 * spinlock is held; mutexes may be. It is for work of known size, that of a page: everything else waits.
 */
void arch_cpus_hold(void);
void arch_cpus_release(void);

/* Stops all others for good, as soon as they take interrupts. For panics. */
void arch_stop_others(void);

/* Collects up to `max` return addresses from `frame` (NULL: the caller's) outwards; returns how many. Never faults. */
size_t arch_backtrace(uintptr_t *pcs, size_t max, const void *frame);

/* Logs the registers, as they were at the trap that proved fatal or else at the first call of panic(). For panics. */
void arch_registers_log(void);

/* 64 bits of what randomness the machine has. Not cryptographic where it has no generator. */
uint64_t arch_entropy(void);

/* Is the processor in the state in which the kernel always runs? User code's choices must not show. For self-tests. */
bool arch_invariants_hold(void);

#include "arch_inline/cpu.h"
