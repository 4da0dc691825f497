/*
 * Bare loops that copy memory within one process: what no call that copies can be faster than.
 */
#pragma once

#include <stddef.h>

struct copy {
    unsigned char *to;
    const unsigned char *from;
    size_t len;
};

struct copy_loop {
    const char *name;
    void (*run)(const struct copy *copy);
    size_t unit; /* it copies multiples of so many bytes */
};

extern const struct copy_loop copy_loops[];
extern const size_t copy_loop_count;
