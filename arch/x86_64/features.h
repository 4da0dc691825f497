/*
 * What this processor can do beyond the x86-64 that every one of them can, as far as the kernel uses it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
    bool smap; /* first: entry.asm and usercopy.asm look at it */
    bool nx, smep, umip, global_pages, huge_pages, xsave, rdrand, x2apic;
    uint32_t vector_size; /* bytes that a thread's vector state takes */
    uint32_t phys_bits;   /* of a physical address; a translation to more faults for good */
};

extern struct cpu_features cpu_has;

/* Finds out, and switches on what there is: protections, page attributes, vector state, system calls. */
void cpu_init(void);

/* The same for another processor, which is like the first. */
void cpu_init_this(void);

void features_log(void);
