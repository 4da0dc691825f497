/*
 * The command line: words `name=value` in Zircon's dotted style. All names that the kernel understands are listed in
 * options.c; a name given twice takes its last value; unknown names are left for init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void options_init(const char *cmdline);

/* The whole line, as the boot loader gave it. */
const char *options_line(void);

/* "true", "1", "on", and the bare name are true; "false", "0" and "off" false; anything else the fallback. */
bool option_bool(const char *name, bool fallback);

/* Copies the value to `out`, cut to size; false if the name is not given. */
bool option_string(const char *name, char *out, size_t size);
