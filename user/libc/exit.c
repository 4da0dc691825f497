/* How a program ends that notices a fault of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <zircon/assert.h>

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
