/*
 * Memory, simulated: physical memory is one block, and kernel stacks lie in an area of their own. User translations
 * are tables that only the simulated user copies look at.
 */
#pragma once

#include <stdint.h>

#define KERNEL_DYNAMIC_SIZE ((size_t)5 << 30)

#define MMU_LARGE_PAGE ((size_t)2 << 20)

extern char *host_physmap;
extern vaddr_t host_dynamic_base;
#define KERNEL_DYNAMIC_BASE host_dynamic_base

struct arch_aspace {
    paddr_t root;
    paddr_t ports; /* stands for the memory that they take; 0: none were asked for */
};

static inline void *arch_phys_to_virt(paddr_t pa) { return host_physmap + pa.raw; }
static inline paddr_t arch_virt_to_phys(const void *va) {
    return (paddr_t){(uint64_t)((const char *)va - host_physmap)};
}
