/*
 * The simulated machine's write-back cache, as hostile as a real one may be.
 *
 * The physmap is what loads and stores through the cache see: the kernel's, and user mode's through cached
 * translations. They are plain accesses and cost nothing. Memory is a second image, which only accesses past the cache
 * see. A third keeps each line as the cache last loaded it or wrote it back: a line of the physmap that differs from it
 * is dirty.
 *
 * A frame is tracked from its first flush or access past the cache. Until then the cache may have written any of its
 * lines back or not, by chance: memory holds half of them, and old bytes for the rest. Before each
 * access past the cache, lines in its way are written back if they are dirty, or forgotten if they are clean, or stay,
 * by chance. So a frame that was not flushed shows old bytes, or loses stores to a late write-back.
 */
#include "tests/host/cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cache.h"
#include "arch/mmu.h"
#include "kernel/base/arith.h"
#include "tests/host/host.h"
#include "tests/host/memory.h"

#define LINE ((size_t)64)

static char *memory;
static char *loaded; /* what the cache last loaded, or wrote back */
static bool *tracked;
static size_t memory_size;
static uint64_t random_state = 1;

void host_cache_init(size_t size) {
    memory = host_map(size);
    loaded = host_map(size);
    tracked = host_map(size >> PAGE_SHIFT);
    memory_size = size;
}

void host_cache_memory(void (*add)(void *start, size_t size)) {
    add(memory, memory_size);
    add(loaded, memory_size);
    add(tracked, memory_size >> PAGE_SHIFT);
}

void host_cache_restart(uint64_t seed) {
    random_state = seed | 1;
    memset(tracked, 0, memory_size >> PAGE_SHIFT);
}

static uint32_t chance(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static bool line_dirty(uint64_t at) { return memcmp(host_physmap + at, loaded + at, LINE) != 0; }

static void line_write_back(uint64_t at) {
    memcpy(memory + at, host_physmap + at, LINE);
    memcpy(loaded + at, host_physmap + at, LINE);
}

/* The next access through the cache loads it again. */
static void line_forget(uint64_t at) {
    memcpy(host_physmap + at, memory + at, LINE);
    memcpy(loaded + at, memory + at, LINE);
}

static void line_make_old(uint64_t at) {
    for (size_t i = 0; i < LINE; i++) memory[at + i] = loaded[at + i] = (char)chance();
}

static void track(uint64_t pa) {
    uint64_t frame = pa >> PAGE_SHIFT, at = frame << PAGE_SHIFT;
    if (tracked[frame]) return;
    tracked[frame] = true;
    for (uint64_t end = at + PAGE_SIZE; at < end; at += LINE) {
        if (chance() & 1)
            line_write_back(at);
        else
            line_make_old(at);
    }
}

/* What a cache may do of its own. */
static void line_happens(uint64_t at) {
    if (chance() & 1) return;
    if (line_dirty(at))
        line_write_back(at);
    else
        line_forget(at);
}

typedef void line_fn(uint64_t at);

/* What is beyond memory is a device, and in no cache. */
static void each_line(paddr_t pa, size_t len, line_fn *act) {
    if (pa.raw >= memory_size) return;
    for (uint64_t at = pa.raw & ~(LINE - 1), end = pa.raw + len; at < end; at += LINE) {
        track(at);
        act(at);
    }
}

void host_uncached_load(void *to, paddr_t pa, size_t len) {
    each_line(pa, len, line_happens);
    memcpy(to, memory + pa.raw, len);
}

void host_uncached_store(paddr_t pa, const void *from, size_t len) {
    each_line(pa, len, line_happens);
    memcpy(memory + pa.raw, from, len);
}

static void line_clean(uint64_t at) {
    if (line_dirty(at)) line_write_back(at);
}

static void line_flush(uint64_t at) {
    line_clean(at);
    line_forget(at);
}

void arch_cache_clean(paddr_t pa, size_t len) { each_line(pa, len, line_clean); }
void arch_cache_flush(paddr_t pa, size_t len) { each_line(pa, len, line_flush); }
void arch_cache_sync(void) {}
