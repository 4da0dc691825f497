/*
 * Text chosen by programs, made safe for a terminal: printable ASCII is unchanged; every other byte, and the backslash,
 * becomes \xHH. So a name cannot move the cursor, clear the screen, or end a line of the log.
 *
 * Pure code, for the kernel and for programs.
 */
#pragma once

#include <stddef.h>
#include <zircon/types.h>

/* The most characters that one byte becomes. */
#define PRINTABLE_MAX 4

/* Writes at most `size` - 1 characters, never part of an escape, and a NUL if size > 0. Returns how many. */
size_t printable(char *out, size_t size, const char *text, size_t len);

/* An object's name. Returned by value, to be used in the very call that shows it. */
struct printable_name {
    char text[PRINTABLE_MAX * (ZX_MAX_NAME_LEN - 1) + 1];
};
struct printable_name printable_name(const char name[ZX_MAX_NAME_LEN]);
