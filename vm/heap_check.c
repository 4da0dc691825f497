/*
 * Fences of heap objects; see heap_check.h. The seal, the last word of an object's room, holds the requested size in
 * bytes, twice. Any damage is a kernel bug, and panics.
 */
#include "vm/heap_check.h"

#ifdef POISON_FILLS

#include <stdint.h>

#include "arch/types.h"
#include "kernel/base/log.h"

#define FENCE_BYTE 0xfe
#define SEAL_MAGIC ((uint64_t)0x5ea15ea15ea15ea1)
#define POISON_WORD (POISON_BYTE * (UINT64_MAX / 0xff))

static uint64_t *seal_of(const void *object, size_t room) { return (uint64_t *)((uintptr_t)object + room) - 1; }

static uint64_t seal_for(size_t size) { return (size << 32 | size) ^ SEAL_MAGIC; }

void heap_fence_raise(void *object, size_t size, size_t room) {
    uint64_t *seal = seal_of(object, room);
    memset((char *)object + size, FENCE_BYTE, room - size - sizeof(*seal));
    *seal = seal_for(size);
}

void heap_fence_check(void *object, size_t room) {
    uint64_t seal = *seal_of(object, room);
    size_t size = (uint32_t)(seal ^ SEAL_MAGIC);
    if (seal == POISON_WORD) panic("heap: %p, room for %zu bytes: freed while it was free", object, room);
    if (seal != seal_for(size) || size > room - HEAP_FENCE)
        panic("heap: %p, room for %zu bytes: its end was overwritten", object, room);
    const unsigned char *bytes = object;
    for (size_t i = size; i < room - sizeof(seal); i++) {
        if (bytes[i] != FENCE_BYTE) panic("heap: %p, %zu bytes: written behind its end, at byte %zu", object, size, i);
    }
}

void heap_free_check(const void *object, const void *next, size_t room) {
    const size_t link = sizeof(next);
    size_t touched = link + memory_touched((const char *)object + link, room - link);
    if (next && ((uintptr_t)next ^ (uintptr_t)object) >= PAGE_SIZE) touched = 0;
    if (touched < room)
        panic("heap: %p, room for %zu bytes: written at byte %zu while it was free", object, room, touched);
}

#endif
