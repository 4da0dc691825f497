/*
 * Forced switches; see force.h. Choices come from one counter that all processors draw from, mixed with the seed: no
 * lock, and with one processor no chance. How often a switch point switches is the seed's choice too, every second
 * time down to every 64th, because some mistakes want many switches in a row, and others a long run before one.
 */
#include "kernel/sched/force.h"

#ifdef DEBUG

#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "kernel/base/switch_point.h"
#include "kernel/sched/sched.h"

#define RATES 6 /* 1 in 2, in 4, … in 64 */

bool switch_points_on;
static uint64_t seed, key;
static unsigned one_in;
static _Atomic uint64_t draws;

static _Atomic uint64_t switches, digest; /* the digest says something with one processor only */

/* A permutation of 64-bit words in which each bit of the input moves every bit of the output (Stafford's 13th mix). */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void force_init(void) {
    seed = option_number("kernel.sched.force", 0);
    if (seed == 0) return;
    key = mix(seed);
    one_in = 2u << key % RATES;
    switch_points_on = true;
    log_line("forced switches: seed %lu, at one of %u switch points", seed, one_in);
}

void switch_point_reached(void) {
    if (!arch_irq_disable()) return;
    uint64_t random = mix(key + atomic_fetch_add_explicit(&draws, 1, memory_order_relaxed));
    if (random % one_in == 0) sched_yield_past((unsigned)(random >> 32));
    arch_irq_enable();
}

void switch_window_reached(void) { switch_point_reached(); }

void force_number_thread(struct thread *t) {
    static _Atomic uint64_t numbers;
    t->number = 1 + atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed);
}

void force_note_switch(const struct thread *next) {
    if (!switch_points_on) return;
    atomic_fetch_add_explicit(&switches, 1, memory_order_relaxed);
    digest = mix(digest ^ next->number ^ (uint64_t)next->started_running << 20);
}

void force_report(void) {
    if (!switch_points_on) return;
    report_line("# forced switches: seed %lu, %lu switches, digest %lx", seed, switches, digest);
}

#endif
