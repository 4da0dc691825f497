/*
 * Words for the compiler, and for clang's thread-safety analysis (-Wthread-safety). In C the analysis checks locks
 * that are static, or named by a function's parameter; which lock guards a field is said by the field's mark
 * (lockrank.h).
 *
 * Where a lock comes to a function by a way that the analysis does not see, as to a callback, the function asserts
 * that it is held: that satisfies the analysis, and debug builds check it. NO_THREAD_SAFETY is for what cannot be said
 * at all; a sentence beside it says why.
 */
#pragma once

#include <stddef.h>

#define MUST_CHECK [[gnu::warn_unused_result]]
#define NORETURN _Noreturn
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define NO_SANITIZE __attribute__((no_sanitize("undefined")))

#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Bytes. What several processors write is kept that far apart, whatever the alignment. */
#define CACHE_LINE 64

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define countof(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#ifdef __clang__
#define CAPABILITY(name) __attribute__((capability(name)))
#define ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define ACQUIRE_SHARED(...) __attribute__((acquire_shared_capability(__VA_ARGS__)))
#define RELEASE_SHARED(...) __attribute__((release_shared_capability(__VA_ARGS__)))
#define REQUIRES_SHARED(...) __attribute__((requires_shared_capability(__VA_ARGS__)))
#define GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define ASSERTS_HELD(...) __attribute__((assert_capability(__VA_ARGS__)))
#define NO_THREAD_SAFETY __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(name)
#define ACQUIRE(...)
#define RELEASE(...)
#define REQUIRES(...)
#define ACQUIRE_SHARED(...)
#define RELEASE_SHARED(...)
#define REQUIRES_SHARED(...)
#define GUARDED_BY(lock)
#define ASSERTS_HELD(...)
#define NO_THREAD_SAFETY
#endif
