/*
 * Assertions. A failed one says where on the console and crashes the program. The debug ones are compiled out
 * where NDEBUG is defined.
 */
#pragma once

#include <zircon/compiler.h>

__BEGIN_CDECLS

/* Supplied by the C runtime: print as printf does and crash. The second begins with the place and the condition. */
void __zx_panic(const char *format, ...) __NO_RETURN __attribute__((format(printf, 1, 2)));
void __zx_assert_failed(const char *file, int line, const char *condition, const char *format, ...) __NO_RETURN
    __attribute__((format(printf, 4, 5)));

__END_CDECLS

/* ZX_PANIC(format, …) */
#define ZX_PANIC(...) __zx_panic(__VA_ARGS__)

#define ZX_ASSERT(x)                                                    \
    do {                                                                \
        if (!(x)) __zx_assert_failed(__FILE__, __LINE__, #x, "%s", ""); \
    } while (0)

/* ZX_ASSERT_MSG(condition, format, …) */
#define ZX_ASSERT_MSG(x, ...)                                              \
    do {                                                                   \
        if (!(x)) __zx_assert_failed(__FILE__, __LINE__, #x, __VA_ARGS__); \
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

#define ZX_DEBUG_ASSERT_MSG(x, ...)                                     \
    do {                                                                \
        if (ZX_DEBUG_ASSERT_IMPLEMENTED) ZX_ASSERT_MSG(x, __VA_ARGS__); \
    } while (0)

/* The same, but that with NDEBUG the condition is not even compiled: it may be about what is only there without. */
#if ZX_DEBUG_ASSERT_IMPLEMENTED
#define ZX_DEBUG_ASSERT_COND(x) ZX_ASSERT(x)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) ZX_ASSERT_MSG(x, __VA_ARGS__)
#else
#define ZX_DEBUG_ASSERT_COND(x) ((void)0)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) ((void)0)
#endif
