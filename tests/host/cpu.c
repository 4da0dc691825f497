/*
 * The simulated processor: interrupts and time. See host.h; threads are in thread.c.
 *
 * Time advances a little at each look at the clock, and jumps to the alarm when the processor waits. The alarm goes
 * off at the next place where interrupts are turned on.
 */
#define _GNU_SOURCE
#include "arch/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/mmu.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/sched/thread.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"

#define TIME_STEP 50 /* nanoseconds for a look at the clock */

static struct lock_stack boot_locks;
static struct cpu the_cpu = {.irq_off_depth = 0, .locks = &boot_locks};
struct cpu *host_cpu = &the_cpu;
bool host_irq_on;

static zx_time_t now;
static zx_time_t alarm_at = ZX_TIME_INFINITE;

zx_time_t arch_time_now(void) { return now += TIME_STEP; }
int64_t arch_wall_seconds(void) { return HOST_WALL_SECONDS; }
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

void host_pause(void) {}
void host_touch(vaddr_t va UNUSED, bool write UNUSED) {}

/* The tables are looked up each time: nothing is remembered. */
bool host_translate(const struct arch_aspace *as, vaddr_t va, bool write, paddr_t *pa, uint32_t *cache) {
    unsigned prot;
    return arch_mmu_query(as, va, pa, &prot, cache) && (!write || (prot & MMU_WRITE));
}
void host_forget(const struct arch_aspace *as UNUSED, vaddr_t va UNUSED, size_t len UNUSED) {}

/* One is all there is. */
unsigned arch_cpus_start(unsigned max UNUSED) { return 1; }
void arch_cpu_kick(unsigned id UNUSED) {}
void arch_stop_others(void) {}
void arch_cpus_hold(void) { irq_off(); }
void arch_cpus_release(void) { irq_restore(); }

/* The stack of the Linux thread that the program began on. */
void host_boot_stack(void **stack, size_t *size) {
    pthread_attr_t attr;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, stack, size);
    pthread_attr_destroy(&attr);
}
