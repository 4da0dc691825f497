/*
 * The processor as GDB's protocol has it: its registers in the order of their description, and what its faults are as
 * signals. Each machine's folder has the answers. A thread is one whose registers can be had.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>

/* All registers, one after the other, with no gaps. */
#define REGISTERS_MAX 1024
size_t registers_len(void);

/* The n-th: where it is among them, and its length. False: there is none. */
bool register_find(uint64_t number, size_t *at, size_t *len);

zx_status_t registers_get(zx_handle_t thread, uint8_t out[REGISTERS_MAX]);

/* Sets those in [from, to) of them, and with each its kind; the others must be as they were got. */
zx_status_t registers_set(zx_handle_t thread, const uint8_t in[REGISTERS_MAX], size_t from, size_t to);

/* Where the thread has its copy of the program's thread-local variables, which are that segment. */
zx_status_t thread_variables(zx_handle_t thread, const Elf64_Phdr *segment, zx_vaddr_t *out);

/* What a stop reports at once, for debuggers always ask for it; ended by -1. */
extern const int registers_expedited[];

/* The description of the target in XML; the same each time. */
const char *registers_description(void);

/* The machine's name to LLDB. */
extern const char machine_triple[];

/* GDB's numbers of signals, which are nobody's but its own. */
enum gdb_signal {
    GDB_SIGNAL_NONE = 0,
    GDB_SIGNAL_INT = 2,
    GDB_SIGNAL_ILL = 4,
    GDB_SIGNAL_TRAP = 5,
    GDB_SIGNAL_FPE = 8,
    GDB_SIGNAL_KILL = 9,
    GDB_SIGNAL_BUS = 10,
    GDB_SIGNAL_SEGV = 11,
    GDB_SIGNAL_SYS = 12,
};

/* A fault as a signal, with the code and the address that a siginfo has. */
struct fault {
    enum gdb_signal signal;
    int32_t code;
    uint64_t addr;
};
struct fault fault_of(const zx_exception_report_t *report);

/* The siginfo_t of it, as GDB reads it on this machine. */
#define SIGINFO_LEN 128
void siginfo_make(const struct fault *fault, uint8_t out[SIGINFO_LEN]);
