/* What an entry into the kernel leaves on the stack, and the C side of entry.asm. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All of the interrupted code's general registers, in the order in which entry.asm pushes them. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rbx, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;
    uint64_t err_code; /* 0 if the processor gives none */
    uint64_t rip, cs, rflags, rsp, ss;
};

enum trap_vector {
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_BREAKPOINT = 3,
    VECTOR_OVERFLOW = 4,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_INTERRUPTS = 32, /* the first that is no exception */
    VECTOR_PIC = 32,        /* 16 of them; masked, but a masked PIC may still cry wolf */
    VECTOR_IRQ = 48,        /* IRQ_VECTORS of them: devices', by the number of the source */
    VECTOR_ALARM = 0xe0,
    VECTOR_KICK = 0xe1,
    VECTOR_SHOOTDOWN = 0xe2,
    VECTOR_STOP = 0xe3,
    VECTOR_HOLD = 0xe4,
    VECTOR_SPURIOUS = 0xff,
};

#define IRQ_VECTORS (VECTOR_ALARM - VECTOR_IRQ)

/* entry.asm: one entry every 16 bytes. */
extern const char vector_entries[256][16];

static inline bool frame_is_user(const struct trap_frame *frame) { return (frame->cs & 3) != 0; }

/* Any vector; for vectors with a stack of their own only when they came from user mode. Interrupts are off. */
void trap_handle(struct trap_frame *frame);

/* A vector with a stack of its own, from kernel mode. */
void trap_handle_ist(struct trap_frame *frame);

/* Does what must be done before `frame` may run in user mode. Returns with interrupts off. */
void user_return(struct trap_frame *frame);
