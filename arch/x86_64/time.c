/*
 * The clock: the time-stamp counter, scaled. Its rate and the alarm timer's are measured together at boot, against
 * the only old timer whose rate every PC agrees on.
 *
 * A counter that changes its rate, or differs between processors, is no clock. Then it is ACPI's timer, which all
 * share; it is slow to read, and turns over every few seconds, so that somebody must look at it in between.
 */
#include "arch/time.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/time.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/string.h"

#define NS_PER_SECOND 1000000000u

#define PIT_HZ 1193182u
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_LOAD_CHANNEL2 0xb0  /* both bytes, count down once */
#define PIT_LATCH_CHANNEL2 0x80 /* hold the count until it has been read */
#define PIT_GATES 0x61
#define PIT_GATE2 0x01
#define PIT_SPEAKER 0x02

#define WINDOW (PIT_HZ / 100) /* 10 ms */
#define SAMPLE_TRIES 4
#define PATIENCE ((uint64_t)1 << 34) /* in TSC ticks: seconds on any processor */

#define PM_HZ 3579545u
#define PM_MASK 0xffffffu /* what all of these timers have; 4.7 s */
#define COMPARISONS 2     /* by each processor; where the emulator has to share its own, each takes milliseconds */

/* What time is made from. */
struct clock {
    uint16_t port;           /* of ACPI's timer; 0: it is the TSC */
    uint64_t zero;           /* the count at time 0 */
    uint64_t rate;           /* in a second */
    uint64_t ns_per_tick_32; /* 32 bits of fraction; 0 until measured */
};

static struct clock tsc;
static _Atomic(const struct clock *) clock = &tsc;
bool time_is_acpis;
static _Atomic uint64_t pm_last; /* ACPI's timer at the last look, with the turns that it has made */

/* By how much the test kernel wants a new processor's TSC to be behind. */
static uint64_t provoked_skew(void) {
#ifdef KERNEL_TESTS
    char mistake[5];
    if (option_string("test.provoke", mistake, sizeof(mistake)) && strcmp(mistake, "skew") == 0) return tsc.rate;
#endif
    return 0;
}

/* All three counters as of one moment, as nearly as possible. */
struct sample {
    uint64_t tsc;
    uint16_t pit;
    uint32_t apic;
};

static uint16_t pit_read(void) {
    out8(PIT_COMMAND, PIT_LATCH_CHANNEL2);
    uint16_t low = in8(PIT_CHANNEL2);
    return (uint16_t)(low | in8(PIT_CHANNEL2) << 8);
}

static void pit_start(void) {
    out8(PIT_GATES, (uint8_t)((in8(PIT_GATES) & ~PIT_SPEAKER) | PIT_GATE2));
    out8(PIT_COMMAND, PIT_LOAD_CHANNEL2);
    out8(PIT_CHANNEL2, 0xff);
    out8(PIT_CHANNEL2, 0xff);
}

/* The quickest of several tries: an interruption of the virtual processor cannot spoil them all. */
static struct sample sample_take(void) {
    struct sample best = {0};
    uint64_t best_took = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = rdtsc();
        struct sample s = {.pit = pit_read(), .apic = apic_counter()};
        s.tsc = rdtsc();
        if (s.tsc - before >= best_took) continue;
        best_took = s.tsc - before;
        best = s;
    }
    return best;
}

void time_init(void) {
    tsc.zero = rdtsc();
    pit_start();
    apic_counter_start();
    struct sample start = sample_take();
    while ((uint16_t)(start.pit - pit_read()) < WINDOW) {
        if (rdtsc() - start.tsc > PATIENCE) panic("the interval timer stands still: cannot tell the time");
    }
    struct sample end = sample_take();
    uint64_t pit_ticks = (uint16_t)(start.pit - end.pit);
    tsc.rate = (end.tsc - start.tsc) * PIT_HZ / pit_ticks;
    tsc.ns_per_tick_32 = ((uint64_t)NS_PER_SECOND << 32) / tsc.rate;
    apic_set_rate((uint64_t)(start.apic - end.apic) * PIT_HZ / pit_ticks);
}

static uint64_t pm_read(uint16_t port) {
    uint64_t last = atomic_load_explicit(&pm_last, memory_order_acquire), gone;
    do {
        gone = (in32(port) - last) & PM_MASK;
        if (gone > PM_MASK / 2) gone = 0; /* backwards, a little: not all of these timers are steady */
    } while (!atomic_compare_exchange_weak(&pm_last, &last, last + gone));
    return last + gone;
}

static uint64_t ticks(const struct clock *c) { return unlikely(c->port) ? pm_read(c->port) : rdtsc_ordered(); }

static zx_time_t time_of(const struct clock *c) {
    return (zx_time_t)((unsigned __int128)(ticks(c) - c->zero) * c->ns_per_tick_32 >> 32);
}

static const struct clock *clock_now(void) { return atomic_load_explicit(&clock, memory_order_acquire); }

zx_time_t arch_time_now(void) { return time_of(clock_now()); }

uint64_t arch_ticks(void) { return ticks(clock_now()); }

uint64_t arch_ticks_per_second(void) { return clock_now()->rate; }

bool time_wants_looks(void) { return clock_now()->port != 0; }

/* Goes on from the time by the TSC, and a microsecond: others may have read it meanwhile. */
static void clock_change(const char *why) {
    static struct clock pm = {.rate = PM_HZ, .ns_per_tick_32 = ((uint64_t)NS_PER_SECOND << 32) / PM_HZ};
    if (time_wants_looks()) return;
    pm.port = acpi_timer_port();
    if (pm.port == 0) {
        log_line("clock: %s, but there is no ACPI timer", why);
        return;
    }
    uint64_t ns = (uint64_t)arch_time_now() + 1000;
    pm.zero = pm_read(pm.port) - ns * PM_HZ / NS_PER_SECOND - 1;
    time_is_acpis = true;
    atomic_store_explicit(&clock, &pm, memory_order_release);
    arch_alarm_set(percpu_this()->alarm);
    log_line("clock: ACPI's timer, because %s", why);
}

void time_settle(void) {
    char wanted[4];
    bool invariant = cpuid(0x80000000, 0).eax >= 0x80000007 && (cpuid(0x80000007, 0).edx >> 8 & 1);
    bool emulated = cpuid(1, 0).ecx >> 31;
    if (option_string("kernel.clock", wanted, sizeof(wanted)) && strcmp(wanted, "pm") == 0)
        clock_change("the command line says so");
    else if (!invariant && !emulated)
        clock_change("the processor's counter does not keep its rate");
}

static void turn_wait(const atomic_uint *turn, unsigned whose) {
    while (atomic_load_explicit(turn, memory_order_acquire) % 2 != whose) arch_pause();
}

/* Each looks after it has seen what the other saw. The new one continues once the clock is chosen. */
void time_compare(bool newcomer) {
    static atomic_uint turn;
    static uint64_t seen; /* both belong to whose turn it is */
    static bool differ;
    for (unsigned i = 0; i < COMPARISONS; i++) {
        turn_wait(&turn, newcomer);
        uint64_t now = rdtsc_ordered() - (newcomer ? provoked_skew() : 0);
        if (now < seen) differ = true;
        seen = now;
        atomic_fetch_add_explicit(&turn, 1, memory_order_release);
    }
    turn_wait(&turn, newcomer);
    if (!newcomer && (differ || rdtsc_ordered() < seen)) clock_change("the processors' counters differ");
    atomic_fetch_add_explicit(&turn, 1, memory_order_release);
}
