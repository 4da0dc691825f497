/*
 * The meters; see meter.h.
 */
#include "tests/bench/meter.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define WARM_UP 3
#define CALIBRATION 16
#define TIME_SPAN 40e6 /* nanoseconds: long beside the clock's own cost, short beside the patience of whoever waits */

static uint64_t overhead;

static uint64_t now(void) {
    _mm_lfence();
    return __rdtsc();
}

static void nothing(const void *arg) { (void)arg; }

/* Never inlined, so that what is taken off is what was added. */
static __attribute__((noinline)) uint64_t count(operation *act, const void *arg) {
    uint64_t begin = now();
    act(arg);
    return now() - begin;
}

void meter_start(void) {
    overhead = UINT64_MAX;
    for (int i = 0; i < CALIBRATION; i++) {
        uint64_t cost = count(nothing, NULL);
        if (cost < overhead) overhead = cost;
    }
}

uint64_t meter_once(operation *act, const void *arg) { return count(act, arg) - overhead; }

uint64_t meter_least(operation *act, const void *arg, unsigned tries) {
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < WARM_UP; i++) act(arg);
    for (unsigned i = 0; i < tries; i++) {
        uint64_t cost = meter_once(act, arg);
        if (cost < least) least = cost;
    }
    return least;
}

static double clock_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* As many calls at once as take the span, found by doubling; the first ones warm up. */
double meter_time(operation *act, const void *arg) {
    for (unsigned long calls = 1;; calls *= 2) {
        double begin = clock_now();
        for (unsigned long i = 0; i < calls; i++) act(arg);
        double span = clock_now() - begin;
        if (span >= TIME_SPAN) return span / (double)calls;
    }
}

void tell(double value, const char *name, ...) {
    va_list args;
    va_start(args, name);
    printf("= ");
    vprintf(name, args);
    printf(" %.15g\n", value);
    va_end(args);
    fflush(stdout);
}
