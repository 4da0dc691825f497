/*
 * The kernel's log, its formatting, and the end of everything.
 *
 * Formats are printf's: d u x p s c and %%, with l, ll, z, width, precision, '-' and '0'. Nothing else.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/base/compiler.h"

/* Appends a line, stamped with the time, to the log. A newline is added. May be called from anywhere. */
void log_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The same, unstamped, for the report: what tests read. */
void report_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Formats into `out` of `size` bytes, always NUL-terminated if size > 0. Returns the untruncated length. */
size_t format(char *out, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t format_args(char *out, size_t size, const char *fmt, va_list args);

/*
 * The kernel is wrong about itself: says why, prints registers and a symbolised backtrace to the log, stops the other
 * processors, and switches the machine off with POWER_PANIC. Never on account of anything a user did.
 */
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Whether it has begun, and locks mean nothing any more. Does not return on any processor but the one that panics. */
bool panic_begun(void);

/* For panics: lets another processor end its line, but does not wait for ever. */
void log_take(void);

/* One line "  name+0x12" per address; for panics and crash reports. */
void log_backtrace(const void *frame);

/* CHECK: too dangerous to go on when false, in every build. ASSERT: our own mistakes, in debug builds. */
#define CHECK(cond) ((cond) ? (void)0 : panic("%s:%d: %s", __FILE__, __LINE__, #cond))
#ifdef DEBUG
#define ASSERT(cond) CHECK(cond)
#else
#define ASSERT(cond) ((void)sizeof(!(cond)))
#endif
