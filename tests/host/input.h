/*
 * The bytes that a fuzzer gives, read as choices. At their end there are only zeros.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *at, *end;
};

static inline bool input_ended(const struct input *in) { return in->at == in->end; }
static inline uint8_t input_byte(struct input *in) { return input_ended(in) ? 0 : *in->at++; }
static inline unsigned input_below(struct input *in, unsigned count) { return input_byte(in) % count; }
/* True once in `n` times, more or less, and never for zeros. */
static inline bool input_rarely(struct input *in, unsigned n) { return input_byte(in) % n == n - 1; }
