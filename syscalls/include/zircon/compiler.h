/* Words for the compiler, under the names that programs for Zircon use. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#define __CONSTEXPR constexpr
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#define __CONSTEXPR
#endif

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#define __CONCAT1(a, b) a##b
#ifndef __CONCAT
#define __CONCAT(a, b) __CONCAT1(a, b)
#endif

/* Of functions. */
#define __NO_RETURN __attribute__((noreturn))
#define __WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#define __ALWAYS_INLINE __attribute__((always_inline))
#define __NO_INLINE __attribute__((noinline))
#define __GNU_INLINE __attribute__((gnu_inline))
#define __PURE __attribute__((pure))
#define __CONST __attribute__((const))
#define __LEAF_FN __attribute__((leaf))
#define __MALLOC __attribute__((malloc))
#define __NONNULL(x) __attribute__((nonnull x))
#define __PRINTFLIKE(format_arg, varargs) __attribute__((format(printf, format_arg, varargs)))
#define __SCANFLIKE(format_arg, varargs) __attribute__((format(scanf, format_arg, varargs)))
#define __CONSTRUCTOR __attribute__((constructor))
#define __DESTRUCTOR __attribute__((destructor))
#define __NAKED __attribute__((naked))

/* Of names, and of what they name. */
#define __EXPORT __attribute__((visibility("default")))
#define __LOCAL __attribute__((visibility("hidden")))
#define __WEAK __attribute__((weak))
#define __ALIAS(x) __attribute__((alias(x)))
#define __WEAK_ALIAS(x) __attribute__((weak, alias(x)))
#define __SECTION(x) __attribute__((section(x)))
#define __DEPRECATE __attribute__((deprecated))
#define __UNUSED __attribute__((unused))
#define __USED __attribute__((used))
#define __THREAD __thread

/* Of types and variables. */
#define __ALIGNED(x) __attribute__((aligned(x)))
#define __PACKED __attribute__((packed))
#define __MAY_ALIAS __attribute__((may_alias))
#define __RESTRICT __restrict

/* In function bodies. */
#define __FALLTHROUGH __attribute__((fallthrough))
#define __UNREACHABLE __builtin_unreachable()
#define __ISCONSTANT(x) __builtin_constant_p(x)
#define __GET_CALLER(level) __builtin_return_address(level)
#define __GET_FRAME(level) __builtin_frame_address(level)
#ifndef __offsetof
#define __offsetof(type, field) offsetof(type, field)
#endif

#ifdef __clang__
#define __OPTIMIZE(x)
#define __EXTERNALLY_VISIBLE
#define __NO_SAFESTACK __attribute__((no_sanitize("safe-stack")))
#define __THREAD_ANNOTATION(x) __attribute__((x))
#else
#define __OPTIMIZE(x) __attribute__((optimize(x)))
#define __EXTERNALLY_VISIBLE __attribute__((externally_visible))
#define __NO_SAFESTACK
#define __THREAD_ANNOTATION(x)
#endif

/* Clang's thread-safety analysis; nothing to other compilers. */
#define __TA_CAPABILITY(x) __THREAD_ANNOTATION(__capability__(x))
#define __TA_SCOPED_CAPABILITY __THREAD_ANNOTATION(__scoped_lockable__)
#define __TA_GUARDED(x) __THREAD_ANNOTATION(__guarded_by__(x))
#define __TA_ACQUIRE(...) __THREAD_ANNOTATION(__acquire_capability__(__VA_ARGS__))
#define __TA_TRY_ACQUIRE(...) __THREAD_ANNOTATION(__try_acquire_capability__(__VA_ARGS__))
#define __TA_RELEASE(...) __THREAD_ANNOTATION(__release_capability__(__VA_ARGS__))
#define __TA_REQUIRES(...) __THREAD_ANNOTATION(__requires_capability__(__VA_ARGS__))
#define __TA_EXCLUDES(...) __THREAD_ANNOTATION(__locks_excluded__(__VA_ARGS__))
#define __TA_ACQUIRED_BEFORE(...) __THREAD_ANNOTATION(__acquired_before__(__VA_ARGS__))
#define __TA_ACQUIRED_AFTER(...) __THREAD_ANNOTATION(__acquired_after__(__VA_ARGS__))
#define __TA_RETURN_CAPABILITY(x) __THREAD_ANNOTATION(__lock_returned__(x))
#define __TA_ASSERT(x) __THREAD_ANNOTATION(__assert_capability__(x))
#define __TA_NO_THREAD_SAFETY_ANALYSIS __THREAD_ANNOTATION(__no_thread_safety_analysis__)

/* The kernel has its own words for these. */
#ifndef _KERNEL
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef countof
#define countof(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef add_overflow
#define add_overflow(a, b, c) __builtin_add_overflow(a, b, c)
#define sub_overflow(a, b, c) __builtin_sub_overflow(a, b, c)
#define mul_overflow(a, b, c) __builtin_mul_overflow(a, b, c)
#endif
#endif
