/*
 * The kernel as an ordinary Linux program: what tests and fuzzers of it may ask of the simulated machine.
 *
 * There is one processor and no real concurrency: everything runs on one Linux thread, kernel threads are contexts,
 * time is a counter. So a run is repeated exactly by its seed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch/upcall.h"

/*
 * Makes the machine with so much memory, and boots the kernel; `body` then runs on a kernel thread, and ends the
 * program.
 */
_Noreturn void host_boot(size_t memory, void (*body)(void));

/* The same in two steps, for programs that begin and end otherwise. The Linux thread that calls is the idle thread. */
void host_start(size_t memory);
/* Runs `body` on a kernel thread, and all other threads as they come, until it returns. */
void host_run(void (*body)(void *arg), void *arg);

/* Ends the program, as a power-off does. */
_Noreturn void host_exit(int code);

/* What is typed at the console, which it returns at the second look; what was not read by then is lost. */
void host_type(const char *text, size_t len);

/* Where the report goes instead of standard output, as much as there is room for; NULL: there again. */
void host_take_report(char *into, size_t size);

/* The kernel log's last line. */
const char *host_log_line(void);
/* What the kernel said as it panicked, or nothing. */
const char *host_panic_line(void);
/* How many bytes the log's device takes at a time from now on. */
void host_log_takes(size_t most);

/* What the machine's clock shows, in seconds since the beginning of 1970. */
#define HOST_WALL_SECONDS 1545654896

/* Time by now, which a look does not change; and time goes by until then, if it is not so late yet. */
zx_time_t host_time(void);
void host_time_pass(zx_time_t until);

/* What arch_entropy() gives from now on follows from this. */
void host_seed(uint64_t seed);

/* The cache forgets which frames it knows; what it does by chance from now on follows from the seed. */
void host_cache_restart(uint64_t seed);

/*
 * Simulated user mode. A program is a function at an entry address; to "jump" elsewhere is a fault. It
 * reaches its memory only by the copies below, which fault as loads and stores would, and the kernel only by
 * host_syscall().
 */
typedef void host_program(uint64_t arg1, uint64_t arg2);
vaddr_t host_program_entry(host_program *program);

/* An entry without a program: a thread that begins there meets an exception of that type. */
#define HOST_FAULT_ENTRY ((vaddr_t)0x600000000000)
#define HOST_FAULT_TYPES 0x10000u
static inline vaddr_t host_fault_entry(uint32_t type) { return HOST_FAULT_ENTRY + type % HOST_FAULT_TYPES; }

/* Numbers of system calls: their places in the list. */
enum host_syscall_number {
#define SYSCALL(name, ...) HOST_SYS_##name,
#include "syscalls/list.h"
#undef SYSCALL
    HOST_SYSCALLS,
};

uint64_t host_syscall(unsigned number, const uint64_t args[8]);

/* Loads and stores of the running program: ZX_OK, or what the fault could not be resolved for. Nobody is killed. */
zx_status_t host_user_load(void *dst, vaddr_t user, size_t len);
zx_status_t host_user_store(vaddr_t user, const void *src, size_t len);
