/*
 * Where bytes leave the machine, and come in. Three streams that never mix: the console belongs to user programs, the
 * log to the kernel, and the report to the tests, so that no program's output can forge or cut a result. A machine that
 * lacks a log port logs to the console.
 */
#pragma once

#include <stddef.h>

/* Takes up to `size` bytes that have arrived on the console; returns how many. Never waits. */
size_t arch_console_read(char *text, size_t size);

/* Return how many bytes the device took: fewer than `len` if it stalls, as when nobody reads. 25 ms at most. */
size_t arch_console_write(const char *text, size_t len);
size_t arch_log_write(const char *text, size_t len);

/* Takes everything at once. */
void arch_report_write(const char *text, size_t len);
