/*
 * What is measured, by topic. Each function tells its results under names that begin with the topic: call/…, copy/…,
 * write/… and so on.
 */
#pragma once

#include <stddef.h>

/* In instructions. */
void measure_calls(void);
void measure_copies(void);
void measure_transfers(void);
void measure_mappings(void);
void measure_generations(void);
void measure_buffers(void);

/* In time: the copies and the transfers that matter most; and two writers at once, beside one. */
void time_copies(void);
void time_transfers(void);
void time_together(void);

/* The sizes of transfers and copies, in bytes. */
extern const size_t sizes[];
extern const size_t size_count;
