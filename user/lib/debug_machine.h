/*
 * What a debugger has to know of the processor; each machine's folder has the answers. A thread is one whose registers
 * can be had: it is suspended, or in an exception.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>

/* The instruction that is a breakpoint, and how far past its beginning the pc of a thread is that has met it. */
#define MACHINE_BREAK_MAX 4
extern const uint8_t machine_break[MACHINE_BREAK_MAX];
extern const size_t machine_break_len;
extern const size_t machine_break_advance;

/* Where a thread is: pc, stack pointer, and frame pointer. */
struct machine_place {
    zx_vaddr_t pc, sp, fp;
};
zx_status_t machine_place_get(zx_handle_t thread, struct machine_place *out);
zx_status_t machine_pc_set(zx_handle_t thread, zx_vaddr_t pc);

/* Writes the general registers to standard output, in lines. */
void machine_registers_show(zx_handle_t thread);

/* A step by one instruction. */
struct machine_step {
    zx_vaddr_t pc; /* where it begins */
    bool own;      /* the program steps itself, and continues to */
    uint8_t trace; /* where the instruction leaves a trace of being stepped */
};

/* `code` is what is at the thread's pc, as the program has it. */
#define MACHINE_CODE_MAX 16
zx_status_t machine_step_begin(zx_handle_t thread, const uint8_t *code, size_t len, struct machine_step *out);
/* After it, or if it never came to it: the thread steps no more, and nothing shows that it ever did. */
void machine_step_end(zx_handle_t process, zx_handle_t thread, const struct machine_step *step);

/* Can the instruction wait for something, being a call of the kernel? */
bool machine_code_waits(const uint8_t *code, size_t len);

/* Breakpoints of the processor's own. */
#define MACHINE_WATCHES 4
enum machine_watch_kind { WATCH_NONE, WATCH_EXECUTE, WATCH_WRITE, WATCH_ACCESS };
struct machine_watch {
    enum machine_watch_kind kind;
    zx_vaddr_t addr;
    size_t len;
};
/* Can the processor do that? */
bool machine_watch_possible(const struct machine_watch *watch);
zx_status_t machine_watches_set(zx_handle_t thread, const struct machine_watch watches[MACHINE_WATCHES]);

/* What a ZX_EXCP_HW_BREAKPOINT was: the watch that was hit, or -1; and whether a step was done. */
void machine_trap(zx_handle_t thread, const struct machine_watch watches[MACHINE_WATCHES], int *watch, bool *stepped);
