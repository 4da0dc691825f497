/*
 * The command line: words `name=value` in Zircon's dotted style. All names that the kernel understands are listed in
 * options.c; a name given twice takes its last value; unknown names are left for init.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void options_init(const char *cmdline);

/* The whole line, as the boot loader gave it. */
const char *options_line(void);

/* "true", "1", "on", and the bare name are true; "false", "0" and "off" false; anything else the fallback. */
bool option_bool(const char *name, bool fallback);

/* A decimal number; anything else is the fallback. */
uint64_t option_number(const char *name, uint64_t fallback);

/* Copies the value to `out`, cut to size; false if the name is not given. */
bool option_string(const char *name, char *out, size_t size);

/* A yes or no that is asked for often: the line is searched once, or, by two at the same moment, twice. */
struct option_flag {
    const char *name;
    bool fallback;
    atomic_int answer;
};

#define OPTION_FLAG(name_, fallback_) \
    { .name = (name_), .fallback = (fallback_), .answer = -1 }

bool option_flag_search(struct option_flag *flag);
static inline bool option_flag(struct option_flag *flag) {
    int answer = atomic_load_explicit(&flag->answer, memory_order_relaxed);
    return answer > 0 || (answer < 0 && option_flag_search(flag));
}
