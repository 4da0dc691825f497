/*
 * What debug builds check of the heap: that nothing was written beyond an object, nor into a free one. `room` is all
 * that an object has, its slot or its run of pages: at least HEAP_FENCE bytes more than were requested.
 *
 *     in use:  | what was wanted | fence … | seal |
 *     free:    | link | poison …                  |
 *
 * AddressSanitizer does all of it, given where an object ends.
 */
#pragma once

#include <stddef.h>

#include "kernel/base/compiler.h"
#include "kernel/base/poison.h"

#ifdef DEBUG
#define HEAP_FENCE ((size_t)16)
#else
#define HEAP_FENCE ((size_t)0)
#endif

#ifdef POISON_FILLS
/* An object of `size` bytes is given out; it comes back. */
void heap_fence_raise(void *object, size_t size, size_t room);
void heap_fence_check(void *object, size_t room);
/* A free object is taken from its slab, where it has lain untouched; `next` is what its link leads to. */
void heap_free_check(const void *object, const void *next, size_t room);
#else
static inline void heap_fence_raise(void *object, size_t size, size_t room) {
    memory_poison((char *)object + size, room - size);
}
static inline void heap_fence_check(void *object, size_t room) { memory_unpoison(object, room); }
static inline void heap_free_check(const void *object UNUSED, const void *next UNUSED, size_t room UNUSED) {}
#endif
