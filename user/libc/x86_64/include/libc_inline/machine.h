/*
 * What the C library's port has to know of the processor, as the PC's ABI has it: the thread pointer is the base of the
 * FS segment, and the word that it points to holds the pointer itself.
 */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <zircon/syscalls.h>

/* The relocation that adds the program's own place to an address; a static-PIE program has no other. */
#define MACHINE_RELOCATION_RELATIVE R_X86_64_RELATIVE

/* The calling thread's. */
static inline void *machine_thread_pointer(void) {
    void *pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

/* `self` is a handle to the calling thread, which alone may change its pointer. */
static inline zx_status_t machine_thread_pointer_set(zx_handle_t self, const void *pointer) {
    uintptr_t base = (uintptr_t)pointer;
    return zx_object_set_property(self, ZX_PROP_REGISTER_FS, &base, sizeof(base));
}
