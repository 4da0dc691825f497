/*
 * Small tools for tests of system calls: pointers that are no good, a handle of each type, what memory may be used for,
 * and the kernel's own account of what is in use.
 */
#pragma once

#include "tests/user/memory.h"

#define KERNEL_TEXT ((uintptr_t)0xffffffff80100000)
#define PHYSMAP ((uintptr_t)0xffff800000000000)
#define NON_CANONICAL ((uintptr_t)0x0000800000000000)

#define CAN_RW (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define CAN_RWX (CAN_RW | ZX_VM_CAN_MAP_EXECUTE)

/* Places that nobody may read: NULL, unmapped, past the end of user space, the kernel's, non-canonical, wrapping. */
extern const uintptr_t bad_sources[];
extern const size_t bad_source_count;

/* The same and memory that is read-only: places that nobody may write. */
extern const uintptr_t bad_targets[];
extern const size_t bad_target_count;

/* A value that no call gives: what an output holds if nobody wrote it. */
#define UNTOUCHED 0xdeadbee0u

/* A handle of each type there is, made when first asked for. To be borrowed, not closed. */
enum kind {
    KIND_VMO,
    KIND_VMAR,
    KIND_CHANNEL,
    KIND_EVENT,
    KIND_EVENTPAIR,
    KIND_PROCESS,
    KIND_THREAD,
    KIND_JOB,
    KIND_TIMER,
    KIND_PORT,
    KIND_RESOURCE,
    KIND_INTERRUPT,
    KIND_COUNT,
};
zx_handle_t handle_of(enum kind kind);

/*
 * Tries a call with values that are no handles, and with a handle of each type but its own, with and without rights: it
 * must answer BAD_HANDLE and WRONG_TYPE.
 */
void check_handles(enum kind own, zx_status_t (*call)(zx_handle_t handle));
/* The first half of that. */
void check_bad_handles(zx_status_t (*call)(zx_handle_t handle));
/* The call needs these rights of the handle's, each of them, and no other. */
void check_rights(zx_handle_t handle, zx_rights_t needed, zx_status_t (*call)(zx_handle_t handle));

zx_info_handle_basic_t basic_info(zx_handle_t handle);
bool is_handle(zx_handle_t handle);
zx_signals_t signals_of(zx_handle_t handle);

zx_info_vmar_t vmar_info(zx_handle_t vmar);
zx_info_vmo_t vmo_info(zx_handle_t vmo);
zx_info_process_t process_info(zx_handle_t process);

/* Two ends of a channel. */
struct pair {
    zx_handle_t a, b;
};
struct pair pair_make(void);
/* Sends one handle; it must go. */
void send_handle(zx_handle_t channel, zx_handle_t handle);
/* An event, and the two of a pair. */
zx_handle_t event_make(void);
struct pair eventpair_make(void);

/* May the byte there be read, or written, by this process? What was there stays. */
bool can_read(zx_vaddr_t addr);
bool can_write(zx_vaddr_t addr);

/* Eight bytes of a VMO, by the calls. */
uint64_t peek(zx_handle_t vmo, uint64_t offset);
void poke(zx_handle_t vmo, uint64_t offset, uint64_t value);

/* A command to the kernel's own checks. */
zx_status_t kernel_command(const char *text);

/* Counts what the kernel has in use. What has ended is given back in its own time: it is waited for. */
void baseline_take(void);

/* Is as much in use as then, or will it be soon? A leak stays. */
bool all_given_back(void);

/* Runs `act` three times: after the last time nothing more must be in use than after the one before. */
void check_gives_back(void (*act)(void));

/*
 * Lets each allocation that `act` makes fail in turn: it must answer NO_MEMORY, keep nothing, and succeed in the end.
 * When it succeeds it gives back what it made. There must be at least one such allocation.
 */
void check_out_of_memory(zx_status_t (*act)(void));

/* How many times longer than on an idle host the machine takes for what it does, at this moment. */
zx_duration_t host_load(void);
