/*
 * GDB's agent expressions: the byte code in which a debugger sends the condition of a breakpoint, to be evaluated
 * beside the program. Numbers of 64 bits on a stack. Pure code.
 *
 * The code is not trusted. An unknown or truncated instruction, a stack that under- or overflows, a jump out of the
 * code, a division by zero, a register or memory that cannot be read, and more than AGENT_STEPS instructions are
 * errors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/gdbserver/text.h"

#define AGENT_STACK 64u
#define AGENT_STEPS 4096u

/* The thread for which an expression is evaluated. Either function returns false if it cannot be read. */
struct agent_thread {
    bool (*read_register)(void *context, uint64_t number, uint64_t *value);
    bool (*read_memory)(void *context, uint64_t addr, void *out, size_t len);
    void *context;
};

/* True: `value` is what the code left on top of the stack. */
bool agent_evaluate(const uint8_t *code, size_t len, const struct agent_thread *thread, uint64_t *value);

/* The code of one `XLEN,DIGITS`, taken from a request into `out`. False: it makes no sense, or has no room. */
bool take_agent_code(struct request *from, uint8_t *out, size_t room, size_t *len);
