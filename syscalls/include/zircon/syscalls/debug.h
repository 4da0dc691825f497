/* The registers of a thread, as thread_read_state and thread_write_state give and take them. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* What is read or written, each with its type. */
typedef uint32_t zx_thread_state_topic_t;
#define ZX_THREAD_STATE_GENERAL_REGS ((zx_thread_state_topic_t)0u) /* zx_thread_state_general_regs_t */
#define ZX_THREAD_STATE_FP_REGS ((zx_thread_state_topic_t)1u)      /* zx_thread_state_fp_regs_t */
#define ZX_THREAD_STATE_VECTOR_REGS ((zx_thread_state_topic_t)2u)  /* zx_thread_state_vector_regs_t */
#define ZX_THREAD_STATE_DEBUG_REGS ((zx_thread_state_topic_t)4u)   /* zx_thread_state_debug_regs_t */
#define ZX_THREAD_STATE_SINGLE_STEP ((zx_thread_state_topic_t)5u)  /* zx_thread_state_single_step_t */
#define ZX_THREAD_X86_REGISTER_FS ((zx_thread_state_topic_t)6u)    /* uint64_t: the base of the segment */
#define ZX_THREAD_X86_REGISTER_GS ((zx_thread_state_topic_t)7u)    /* uint64_t */

typedef struct zx_thread_state_general_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags, fs_base, gs_base;
} zx_thread_state_general_regs_t;

/* The x87 unit, or MMX. */
typedef struct zx_thread_state_fp_regs {
    uint16_t fcw, fsw;
    uint8_t ftw; /* one bit for each register in use */
    uint8_t reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    struct {
        uint64_t low;
        uint64_t high; /* 16 bits of it */
    } st[8] __ALIGNED(16);
} zx_thread_state_fp_regs_t;

/* SSE in the first two words of the first sixteen, AVX in the first four, AVX-512 in all. */
typedef struct zx_thread_state_vector_regs {
    struct {
        uint64_t v[8];
    } zmm[32];
    uint64_t opmask[8];
    uint32_t mxcsr;
    uint8_t padding1[4];
} zx_thread_state_vector_regs_t;

typedef struct zx_thread_state_debug_regs {
    uint64_t dr[4];
    uint64_t dr6; /* why the thread last stopped; not to be written */
    uint64_t dr7;
    uint64_t dr6_status, dr7_control; /* unused, 0 */
} zx_thread_state_debug_regs_t;

/* 1: the thread stops after each instruction. */
typedef uint32_t zx_thread_state_single_step_t;

__END_CDECLS
