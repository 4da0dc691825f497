/*
 * The meters; see meter.h.
 */
#include "tests/bench/meter.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#include "tests/bench/system.h"

#define WARM_UP 3
#define CALIBRATION 16
#define SPAN 3e6      /* nanoseconds: long beside what the clock costs, short beside a host's time slice */
#define TIME_ALL 60e6 /* and what all spans may take */
#define SPANS 3       /* at least */

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

static double span_of(operation *act, const void *arg, unsigned long calls) {
    double begin = clock_now();
    for (unsigned long i = 0; i < calls; i++) act(arg);
    return clock_now() - begin;
}

/*
 * The shortest of many spans is the one in which the host had least else to do. Finding how many calls fill one warms
 * up. Before each another process runs for a moment: that empties the translation buffer, and only then does the
 * emulator give it the size that what ran before would have needed.
 */
double meter_time(operation *act, const void *arg) {
    unsigned long calls = 1;
    while (span_of(act, arg, calls) < SPAN) calls *= 2;
    double least = 1e18, all = 0;
    for (int i = 0; i < SPANS || all < TIME_ALL; i++) {
        echo_round();
        double span = span_of(act, arg, calls);
        if (span < least) least = span;
        all += span;
    }
    return least / (double)calls;
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
