/*
 * The simulated processors, several of them, of which one runs at a time: interrupts, time, and giving way to each
 * other. See explore.h; arch_inline/cpu.h is what the kernel sees.
 *
 * A processor that does not run is saved in `context`, wherever its code was. All this is the machine's, and goes back
 * with it at each snapshot; only the place that the program left the machine from is not.
 */
#define _GNU_SOURCE
#include "arch/cpu.h"

#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arch/power.h"
#include "arch/thread.h"
#include "arch/time.h"
#include "arch/upcall.h"
#include "kernel/base/cpu.h"
#include "kernel/base/lockrank.h"
#include "kernel/object/ktrace.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/thread.h"
#include "tests/host/explore/explore.h"
#include "tests/host/memory.h"
#include "vm/budget.h"

#define TIME_STEP 50 /* nanoseconds for a look at the clock */
#define BOOT_STACK ((size_t)64 << 10)

static struct processor {
    struct cpu cpu;
    struct lock_stack boot_locks;
    struct host_context context;
    void *sanitizer_stack;
    struct thread *current;
    bool irq_on;
    bool started;
    bool waits; /* for an interrupt */
    bool kicked;
    bool gated;
    const volatile void *spins_on; /* what must be stored to before it looks again; NULL: nothing */
    zx_time_t alarm;
    void *boot_stack;
} processors[CPUS];

static unsigned running;
static zx_time_t now;
static bool settling;
static bool held; /* the running one holds all others */

struct cpu *host_cpu = &processors[0].cpu;
bool host_irq_on;

/* The program's context while the machine runs, and the machine's memory while it does not. */
static struct {
    struct host_context context;
    void *sanitizer_stack, *stack;
    size_t stack_size;
} * outside;

static void (*director_body)(void);
static size_t memory_size;
static unsigned cpu_count;

unsigned cpus_running(void) { return running; }

zx_time_t arch_time_now(void) {
    schedule_looked_at_time(false);
    return now += TIME_STEP;
}
uint64_t arch_ticks(void) { return (uint64_t)arch_time_now(); }
int64_t arch_wall_seconds(void) { return 0; }
uint64_t arch_ticks_per_second(void) { return 1000000000; }
void arch_alarm_set(zx_time_t deadline) {
    schedule_looked_at_time(false);
    processors[running].alarm = deadline;
}
zx_time_t host_time(void) { return now; }
void host_time_pass(zx_time_t until) { now = until > now ? until : now; }

void arch_stop_others(void) {}
void arch_cpu_kick(unsigned id) {
    schedule_kicked(id);
    processors[id].kicked = true;
}

/* No two hold at once: while one does, no other gets that far. */
void arch_cpus_hold(void) {
    irq_off();
    held = true;
}

void arch_cpus_release(void) {
    held = false;
    irq_restore();
}

static bool has_interrupt(const struct processor *p) { return p->kicked || now >= p->alarm; }

/* --- giving way --- */

static void stack_of(const struct processor *p, const void **stack, size_t *size) {
    *stack = p->current ? p->current->arch.stack : p->boot_stack;
    *size = p->current ? p->current->arch.stack_size : BOOT_STACK;
}

/* Leaves the running processor, or the outside, for a processor. */
static void enter(struct host_context *save, void **sanitizer_stack, unsigned id) {
    struct processor *to = &processors[id];
    const void *stack;
    size_t size;
    running = id;
    host_cpu = &to->cpu;
    host_irq_on = to->irq_on;
    if (to->current) host_current = to->current;
    stack_of(to, &stack, &size);
    __sanitizer_start_switch_fiber(sanitizer_stack, stack, size);
    host_context_switch(save, &to->context);
    __sanitizer_finish_switch_fiber(*sanitizer_stack, NULL, NULL);
}

static void put_away(struct processor *p) {
    p->current = host_current;
    p->irq_on = host_irq_on;
}

void cpus_switch(unsigned id) {
    struct processor *self = &processors[running];
    put_away(self);
    enter(&self->context, &self->sanitizer_stack, id);
}

void cpus_leave(void) {
    struct processor *self = &processors[running];
    put_away(self);
    __sanitizer_start_switch_fiber(&self->sanitizer_stack, outside->stack, outside->stack_size);
    host_context_switch(&self->context, &outside->context);
    __sanitizer_finish_switch_fiber(self->sanitizer_stack, NULL, NULL);
}

void cpus_resume(void) { enter(&outside->context, &outside->sanitizer_stack, running); }

bool cpus_can_run(unsigned id) {
    const struct processor *p = &processors[id];
    if (held && id != running) return false;
    return p->started && !p->gated && !p->spins_on && (!p->waits || has_interrupt(p));
}

/* While nothing is explored: the next that can run, or the director once all others have come to rest. */
static void give_way_in_turn(void) {
    for (unsigned i = 1; i <= CPUS; i++) {
        unsigned id = (running + i) % CPUS;
        if (!cpus_can_run(id)) continue;
        if (id != running) cpus_switch(id);
        return;
    }
    if (settling) {
        processors[DIRECTOR_CPU].gated = false;
        cpus_switch(DIRECTOR_CPU);
    } else if (cpus_next_alarm()) {
        give_way_in_turn();
    } else {
        fprintf(stderr, "every processor waits, and nothing will ever happen\n");
        abort();
    }
}

static void give_way(void) {
    if (schedule_is_exploring())
        schedule_blocked();
    else
        give_way_in_turn();
}

void cpus_gate(void) {
    processors[running].gated = true;
    while (processors[running].gated) give_way();
}

void cpus_open_gate(unsigned id) { processors[id].gated = false; }

void cpus_settle(void) {
    settling = true;
    cpus_gate();
    settling = false;
}

void cpus_explore(void) { cpus_gate(); }

void cpus_stored(const volatile void *address) {
    for (unsigned id = 0; id < CPUS; id++) {
        if (processors[id].spins_on == address) processors[id].spins_on = NULL;
    }
}

void cpus_spin(const volatile void *address) {
    processors[running].spins_on = address;
    give_way();
    processors[running].spins_on = NULL;
}

/* --- interrupts --- */

/* One that waits at a gate takes its alarm when that opens. */
static bool takes_alarms(const struct processor *p) { return p->started && !p->gated; }

bool cpus_alarm_pending(void) {
    for (unsigned id = 0; id < CPUS; id++) {
        if (takes_alarms(&processors[id]) && processors[id].alarm != ZX_TIME_INFINITE) return true;
    }
    return false;
}

bool cpus_has_alarm(unsigned id) { return now >= processors[id].alarm; }

bool cpus_next_alarm(void) {
    zx_time_t first = ZX_TIME_INFINITE;
    for (unsigned id = 0; id < CPUS; id++) {
        if (takes_alarms(&processors[id]) && processors[id].alarm < first) first = processors[id].alarm;
    }
    host_time_pass(first == ZX_TIME_INFINITE ? 0 : first);
    return first != ZX_TIME_INFINITE;
}

/* Which processor it runs on an interrupt's code knows anew each time: its end may bring another thread. */
void host_interrupt(void) {
    while (host_irq_on && has_interrupt(&processors[running])) {
        struct processor *self = &processors[running];
        host_irq_on = false;
        if (self->kicked) {
            self->kicked = false;
            upcall_kick();
        } else {
            self->alarm = ZX_TIME_INFINITE;
            upcall_alarm();
        }
        upcall_interrupt_done();
        host_irq_on = true;
    }
}

void cpus_take_interrupts(void) { host_interrupt(); }

void host_wait(void) {
    struct processor *self = &processors[running];
    self->waits = true;
    while (!has_interrupt(self)) give_way();
    self->waits = false;
    arch_irq_enable();
}

/* --- the beginning --- */

void host_boot_stack(void **stack, size_t *size) {
    *stack = processors[running].boot_stack;
    *size = BOOT_STACK;
}

static void prepare(unsigned id, void (*entry)(void)) {
    struct processor *p = &processors[id];
    p->cpu.id = id;
    p->cpu.locks = &p->boot_locks;
    p->alarm = ZX_TIME_INFINITE;
    p->boot_stack = mmap(NULL, BOOT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->boot_stack == MAP_FAILED) abort();
    snapshot_add(p->boot_stack, BOOT_STACK);
    host_context_init(&p->context, p->boot_stack, BOOT_STACK, entry);
}

static void other_main(void) {
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    sched_init();
    ktrace_cpu_init();
    (void)budget_assume(&root_budget);
    sched_idle();
}

unsigned arch_cpus_start(unsigned max) {
    for (unsigned id = 1; id < max; id++) {
        prepare(id, other_main);
        processors[id].started = true;
        cpus_settle();
    }
    return max;
}

static void call_body(void *arg) {
    (void)arg;
    director_body();
}

static void director_main(void) {
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    host_start(memory_size);
    (void)!arch_cpus_start(cpu_count);
    host_run(call_body, NULL);
    cpus_leave();
}

void cpus_start(unsigned count, size_t memory, void (*body)(void)) {
    pthread_attr_t attr;
    outside = mmap(NULL, sizeof(*outside), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (outside == MAP_FAILED) abort();
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &outside->stack, &outside->stack_size);
    pthread_attr_destroy(&attr);
    cpu_count = count;
    memory_size = memory;
    director_body = body;
    prepare(DIRECTOR_CPU, director_main);
    processors[DIRECTOR_CPU].started = true;
    cpus_resume();
}
