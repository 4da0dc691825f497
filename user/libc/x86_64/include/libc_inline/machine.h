/*
 * What programs and the C library's port have to know of the processor, as the PC's ABI has it: the thread pointer is
 * the base of the FS segment.
 */
#pragma once

#include <cpuid.h>
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>

/* The relocation that adds the program's own place to an address; a static-PIE program has no other. */
#define MACHINE_RELOCATION_RELATIVE R_X86_64_RELATIVE

/* `self` is a handle to the calling thread, which alone may change its pointer. */
static inline zx_status_t machine_thread_pointer_set(zx_handle_t self, const void *pointer) {
    uintptr_t base = (uintptr_t)pointer;
    return zx_object_set_property(self, ZX_PROP_REGISTER_FS, &base, sizeof(base));
}

/* A stopped thread's. */
static inline uintptr_t machine_thread_pointer(const zx_thread_state_general_regs_t *regs) { return regs->fs_base; }

static inline uintptr_t machine_stack(const zx_thread_state_general_regs_t *regs) { return regs->rsp; }

/* Stops for a debugger. */
static inline void machine_breakpoint(void) { __asm__ volatile("int3"); }

/* The stack pointer, below `top`, with which a thread begins that enters a C function: as if called, from nowhere. */
static inline zx_vaddr_t machine_stack_pointer(zx_vaddr_t top) { return top - sizeof(uint64_t); }

/* Bytes that are flushed at once; the processor counts in units of eight, and some hypervisors hide it. */
static inline uint32_t machine_cache_line(void) {
    uint32_t eax, ebx, ecx, edx;
    __cpuid(1, eax, ebx, ecx, edx);
    return ebx >> 8 & 0xff ? (ebx >> 8 & 0xff) * 8 : 64;
}

/* Writes the lines of [data, data + size), which does not wrap, back; with `invalidate` the caches forget them. */
void machine_cache_flush(const void *data, size_t size, bool invalidate);

/* Lets the calling thread execute what was written before. */
void machine_cache_sync(void);
