/*
 * Memory that must not be touched: what the allocators hold free. AddressSanitizer reports a touch at once. Other debug
 * builds (POISON_FILLS) fill it, so that a reader finds an address that does not exist, and a write is found when the
 * memory is given out again. memory_is_poisoned() is for tests of debug builds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/base/compiler.h"
#include "kernel/base/string.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISON_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ASAN 1
#endif
#endif

#ifdef POISON_ASAN
#include <sanitizer/asan_interface.h>
static inline void memory_poison(void *memory, size_t len) { __asan_poison_memory_region(memory, len); }
static inline void memory_unpoison(void *memory, size_t len) { __asan_unpoison_memory_region(memory, len); }
static inline bool memory_is_poisoned(const void *byte) { return __asan_address_is_poisoned(byte); }
#elif defined(DEBUG)
#define POISON_FILLS 1
#define POISON_BYTE 0xde
static inline void memory_poison(void *memory, size_t len) { memset(memory, POISON_BYTE, len); }
static inline void memory_unpoison(void *memory UNUSED, size_t len UNUSED) {}
static inline bool memory_is_poisoned(const void *byte) { return *(const unsigned char *)byte == POISON_BYTE; }
/* The first byte of poisoned memory that is no longer what it was; `len` if all are. Both are aligned to 8 bytes. */
size_t memory_touched(const void *memory, size_t len);
#else
static inline void memory_poison(void *memory UNUSED, size_t len UNUSED) {}
static inline void memory_unpoison(void *memory UNUSED, size_t len UNUSED) {}
#endif
