/*
 * What is measured, by topic. Each function reports its results under names that begin with the topic: call/…, copy/…,
 * write/… and so on.
 */
#pragma once

#include <stddef.h>

/* In instructions. */
void measure_calls(void);
void measure_call(const char *name, void (*call)(void), unsigned tries); /* one of them; the least of the tries */
void measure_copies(void);
void measure_transfers(void);
void measure_mappings(void);
void measure_generations(void);
void measure_buffers(void);
void measure_words(void);

/* In time: the transfers that matter most, beside copies of the same size; and two writers at once, beside one. */
void time_transfers(void);
void time_copy(size_t len);
void time_together(void);
void time_small(void);

/*
 * The emulator's translation buffer is direct-mapped, and pages that share an entry of it evict each other at every
 * access. So two buffers are an odd number of pages apart; and whatever is measured by time is, where the place of the
 * other side is unknown, tried with a buffer at several places, so far from each other, and the best of them counts.
 */
#define APART ((size_t)293 << 12)
#define PLACES 3

/* The sizes of transfers and copies, in bytes. */
extern const size_t sizes[];
extern const size_t size_count;
