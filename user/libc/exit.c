/*
 * How a program ends. exit() has run its handlers and flushed its streams when it comes here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/assert.h>
#include <zircon/syscalls.h>

#include "user/libc/port.h"

_Noreturn void _Exit(int status) { zx_process_exit(status); }

/* An end that whoever waits for the process sees as a crash. There are no signals, and so no SIGABRT first. */
_Noreturn void abort(void) { __builtin_trap(); }

void __zx_panic(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(stdout);
    vfprintf(stderr, format, args);
    va_end(args);
    __builtin_trap();
}

void __zx_assert_failed(const char *file, int line, const char *condition, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%s:%d: ASSERT FAILED: %s\n", file, line, condition);
    vfprintf(stderr, format, args);
    va_end(args);
    __builtin_trap();
}
