/*
 * For programs that measure how a call's cost grows with what there is: a clock that counts instructions, where the
 * time-stamp counter does, and lines of a name, a number and a cost. What must work ends the program if it does not.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>
#include <zircon/status.h>

/* The least of so many is the cost: now and then a clock interrupt comes between. */
#define TRIES 9

#define MUST(call) must((call), __LINE__)

static inline void must(zx_status_t status, int line) {
    if (status == ZX_OK) return;
    printf("line %d: %s\n", line, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

static inline uint64_t now(void) {
    _mm_lfence();
    return __rdtsc();
}

static inline uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static inline void tell(const char *what, unsigned long n, uint64_t cost) {
    printf("%s %lu %llu\n", what, n, (unsigned long long)cost);
}
