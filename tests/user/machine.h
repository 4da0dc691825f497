/*
 * Below C: system calls with every register chosen, and the vector state as the processor stores it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zircon/zx-syscall-numbers.h>

enum call_number {
    CALL_BASE = ZX_SYS_handle_close - 1,
#define SYSCALL(name, ...) CALL_##name = ZX_SYS_##name,
#include "syscalls/list.h"
#undef SYSCALL
    CALL_END,
};

/* All that a system call can see or change, but r15. The arguments go into rdi rsi rdx r10 r8 r9 r12 r13. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, rflags;
    uint64_t stack; /* the function's own */
};

#define FLAG_CF (1u << 0)
#define FLAG_FIXED (1u << 1)
#define FLAG_TF (1u << 8)
#define FLAG_IF (1u << 9)
#define FLAG_DF (1u << 10)
#define FLAG_IOPL (3u << 12)
#define FLAG_NT (1u << 14)
#define FLAG_AC (1u << 18)
#define FLAG_ID (1u << 21)

/*
 * Loads the registers, the stack pointer too, makes the call that rax names, and stores them as they then are. The
 * call returns to `machine_return`.
 */
void machine_call(struct registers *registers);
extern const char machine_return[];

/* The processor's vector registers, as xsave stores them, or fxsave where there is no xsave. */
struct vector_state {
    _Alignas(64) unsigned char bytes[1024];
};

/* Is there more than the 16 registers of 128 bits? */
bool vector_has_avx(void);

/* A state that differs from any other seed's in all registers there are: x87, SSE, AVX, and their control words. */
void vector_fill(struct vector_state *state, uint64_t seed);
/* The state that a thread begins with. */
void vector_fill_reset(struct vector_state *state);
/* Do the two hold the same registers? A remark says where not. */
bool vector_same(const struct vector_state *actual, const struct vector_state *want);

/* Stores the processor's state. */
void vector_store(struct vector_state *state);
/* Loads `in`, makes the call with one argument, spins for as many rounds, and stores to `out`. Returns the result. */
uint64_t vector_call(const struct vector_state *in, struct vector_state *out, uint64_t number, uint64_t arg,
                     uint64_t spins);
