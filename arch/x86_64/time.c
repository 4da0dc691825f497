/*
 * The clock: the time-stamp counter, scaled. Its rate and the alarm timer's are measured together at boot, against the
 * only old timer whose rate every PC agrees on.
 */
#include "arch/time.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/time.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"

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

static uint64_t ticks_at_boot;
static uint64_t ticks_rate;
static uint64_t ns_per_tick_32; /* 32 bits of fraction; 0 until measured */

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

/* Of several tries the quickest: whoever takes the processor away from us in between cannot spoil them all. */
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
    ticks_at_boot = rdtsc();
    pit_start();
    apic_counter_start();
    struct sample start = sample_take();
    while ((uint16_t)(start.pit - pit_read()) < WINDOW) {
        if (rdtsc() - start.tsc > PATIENCE) panic("the interval timer stands still: cannot tell the time");
    }
    struct sample end = sample_take();
    uint64_t pit_ticks = (uint16_t)(start.pit - end.pit);
    ticks_rate = (end.tsc - start.tsc) * PIT_HZ / pit_ticks;
    ns_per_tick_32 = ((uint64_t)NS_PER_SECOND << 32) / ticks_rate;
    apic_set_rate((uint64_t)(start.apic - end.apic) * PIT_HZ / pit_ticks);
}

zx_time_t arch_time_now(void) {
    uint64_t ticks = rdtsc() - ticks_at_boot;
    return (zx_time_t)((unsigned __int128)ticks * ns_per_tick_32 >> 32);
}

uint64_t arch_ticks(void) { return rdtsc(); }

uint64_t arch_ticks_per_second(void) { return ticks_rate; }
