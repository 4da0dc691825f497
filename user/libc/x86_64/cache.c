/*
 * The caches, by the instructions that any program may use: each writes a line back, and all but CLWB forget it. Only
 * fences order CLFLUSHOPT and CLWB. The processor is asked once which of them it has; threads that ask at the same time
 * get the same answer.
 */
#include <stdatomic.h>

#include "libc_inline/machine.h"

#define CPUID_7_EBX_CLFLUSHOPT (1u << 23)
#define CPUID_7_EBX_CLWB (1u << 24)
#define KNOWN 1u /* not a bit of the processor's that matters here */

static unsigned instructions(void) {
    static atomic_uint found;
    unsigned have = atomic_load_explicit(&found, memory_order_relaxed), eax, ecx, edx;
    if (have) return have;
    if (!__get_cpuid_count(7, 0, &eax, &have, &ecx, &edx)) have = 0;
    have |= KNOWN;
    atomic_store_explicit(&found, have, memory_order_relaxed);
    return have;
}

void machine_cache_flush(const void *data, size_t size, bool invalidate) {
    const unsigned have = instructions();
    const uintptr_t line = machine_cache_line(), end = (uintptr_t)data + size;
    uintptr_t at = (uintptr_t)data & ~(line - 1);
    __asm__ volatile("mfence" ::: "memory");
    if (!invalidate && (have & CPUID_7_EBX_CLWB))
        for (; at < end; at += line) __asm__ volatile("clwb (%0)" ::"r"(at) : "memory");
    else if (have & CPUID_7_EBX_CLFLUSHOPT)
        for (; at < end; at += line) __asm__ volatile("clflushopt (%0)" ::"r"(at) : "memory");
    else
        for (; at < end; at += line) __asm__ volatile("clflush (%0)" ::"r"(at) : "memory");
    __asm__ volatile("mfence" ::: "memory");
}

void machine_cache_sync(void) {
    unsigned eax, ebx, ecx, edx;
    __cpuid(0, eax, ebx, ecx, edx);
}
