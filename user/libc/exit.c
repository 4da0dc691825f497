/* How a program ends that notices a fault of its own. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/assert.h>

/* In musl's place, which has no frame that a debugger could find the caller by. */
_Noreturn void __assert_fail(const char *condition, const char *file, int line, const char *function) {
    fprintf(stderr, "Assertion failed: %s (%s: %s: %d)\n", condition, file, function, line);
    abort();
}

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
