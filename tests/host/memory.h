/* Between the parts of the simulated machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch/types.h"

/* So much physical memory, and the boot information that describes it. */
void host_memory_init(size_t size);

/* So many bytes of zeros that take no memory until they are touched. Ends the program if there are none. */
void *host_map(size_t len);

/* The stack that the running processor began on. */
void host_boot_stack(void **stack, size_t *size);

/*
 * What the running processor takes for the translation of a page, which may be what it once looked up; false if there
 * is none, or none that allows to write. And forgetting, on all processors, once the tables have been changed.
 */
struct arch_aspace;
bool host_translate(const struct arch_aspace *as, vaddr_t va, bool write, paddr_t *pa, uint32_t *cache);
void host_forget(const struct arch_aspace *as, vaddr_t va, size_t len);

/* User memory is about to be looked at by a program, or by the kernel for it. */
void host_touch(vaddr_t va, bool write);
