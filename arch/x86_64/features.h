/* What this processor can do beyond the x86-64 that every one of them can, as far as the kernel uses it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What vector state consists of, by the processor's numbers. */
enum vector_component {
    VECTOR_X87 = 0,
    VECTOR_SSE = 1,
    VECTOR_AVX = 2, /* the second 16 bytes of 16 registers */
    VECTOR_OPMASK = 5,
    VECTOR_UPPER_HALVES = 6,   /* the other 32 bytes of them */
    VECTOR_HIGH_REGISTERS = 7, /* 16 more registers */
    VECTOR_COMPONENTS = 8,
};

#define VECTOR_RESET_FCW 0x037fu /* of x87, whose other registers are 0 then */

struct cpu_features {
    bool smap;       /* first: entry.asm looks at it */
    bool wide_moves; /* second, for memory.asm: AVX, and no wider registers that its moves would cut */
    bool nx, smep, umip, global_pages, pcid, huge_pages, xsave, xsaveopt, rdrand, x2apic, clflushopt, clwb, verw;
    bool x87_stays;       /* loading vector state leaves x87's pointers as they were, unless an exception is pending */
    uint32_t cache_line;  /* bytes that one of these instructions, or CLFLUSH, acts on */
    uint32_t vector_size; /* bytes that a thread's vector state takes */
    uint32_t vector_at[VECTOR_COMPONENTS]; /* offsets in it of those beyond SSE; 0: there is no such component */
    uint32_t mxcsr_mask;                   /* the bits of MXCSR that may be set */
    uint32_t phys_bits;                    /* of a physical address; a translation to more faults for good */
};

extern struct cpu_features cpu_has;

/* Finds out, and switches on what there is: protections, page attributes, vector state, system calls. */
void cpu_init(void);

/* The same for another processor, which is like the first. */
void cpu_init_this(void);

void features_log(void);
