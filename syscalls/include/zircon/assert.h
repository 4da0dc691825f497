/*
 * Assertions. A failed one says where on the console and crashes the program. The debug ones are compiled out
 * where NDEBUG is defined.
 */
#pragma once

#include <zircon/compiler.h>

__BEGIN_CDECLS

/* Prints to the console as printf does and crashes. Supplied by the C runtime. */
void __zx_panic(const char *format, ...) __NO_RETURN __attribute__((format(printf, 1, 2)));

__END_CDECLS

#define ZX_PANIC(fmt, ...) __zx_panic((fmt), ##__VA_ARGS__)

#define ZX_ASSERT(x)                                                              \
    do {                                                                          \
        if (!(x)) ZX_PANIC("%s:%d: ASSERT FAILED: %s\n", __FILE__, __LINE__, #x); \
    } while (0)

#define ZX_ASSERT_MSG(x, msg, msgargs...)                                                             \
    do {                                                                                              \
        if (!(x)) ZX_PANIC("%s:%d: ASSERT FAILED: %s\n" msg "\n", __FILE__, __LINE__, #x, ##msgargs); \
    } while (0)

#ifdef NDEBUG
#define ZX_DEBUG_ASSERT_IMPLEMENTED 0
#else
#define ZX_DEBUG_ASSERT_IMPLEMENTED 1
#endif

/* With NDEBUG the condition is still compiled, but never evaluated. */
#define ZX_DEBUG_ASSERT(x)                             \
    do {                                               \
        if (ZX_DEBUG_ASSERT_IMPLEMENTED) ZX_ASSERT(x); \
    } while (0)

#define ZX_DEBUG_ASSERT_MSG(x, msg, msgargs...)                            \
    do {                                                                   \
        if (ZX_DEBUG_ASSERT_IMPLEMENTED) ZX_ASSERT_MSG(x, msg, ##msgargs); \
    } while (0)
