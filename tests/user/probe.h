/*
 * Small tools that many tests share: pointers that are no good, memory to map, ways to find out what memory may be used
 * for, and the kernel's own account of what is in use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/types.h>

#define PAGE ((uint64_t)4096)
#define READ ZX_VM_PERM_READ
#define WRITE ZX_VM_PERM_WRITE
#define EXECUTE ZX_VM_PERM_EXECUTE
#define CAN_MAP_RW (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define CAN_MAP_RWX (CAN_MAP_RW | ZX_VM_CAN_MAP_EXECUTE)

/* What user mode may use at most: everything else can never be mapped. */
#define USER_FIRST ((uintptr_t)0x1000000)
#define USER_LAST ((uintptr_t)0x7fffffffefff)
#define KERNEL_TEXT ((uintptr_t)0xffffffff80100000)
#define PHYSMAP ((uintptr_t)0xffff800000000000)
#define NON_CANONICAL ((uintptr_t)0x0000800000000000)

/* Places that nobody may read: NULL, unmapped, past the end of user space, the kernel's, non-canonical, wrapping. */
extern const uintptr_t bad_sources[];
extern const size_t bad_source_count;

/* The same, and memory that is read-only: nobody may write there. */
extern const uintptr_t bad_targets[];
extern const size_t bad_target_count;

#define FOR_EACH_BAD(kind, type, name)                                                          \
    for (size_t name##_at = 0; name##_at < bad_##kind##_count; name##_at++)                     \
        for (type name = (type)bad_##kind##s[name##_at], *name##_once = &name; name##_once; name##_once = NULL)
#define FOR_EACH_BAD_TARGET(type, name) FOR_EACH_BAD(target, type, name)
#define FOR_EACH_BAD_SOURCE(type, name) FOR_EACH_BAD(source, type, name)

/* A value that no call gives: what an output holds if nobody wrote it. */
#define UNTOUCHED ((zx_handle_t)0xdeadbeef)

/* New objects; ZX_HANDLE_INVALID and a failure of the test if that does not work. */
zx_handle_t make_vmo(uint64_t size);
zx_handle_t make_vmo_with(uint64_t size, uint32_t options);
zx_handle_t make_vmar(zx_vm_option_t options, uint64_t size, zx_vaddr_t *addr);
zx_handle_t make_duplicate(zx_handle_t handle, zx_rights_t rights);
/* One end of a new channel; the other is closed with the process. */
zx_handle_t make_channel_end(void);
/* Maps all of a VMO in the test's root region. */
zx_vaddr_t make_mapping(zx_handle_t vmo, uint64_t size, zx_vm_option_t perms);

/* A handle of each type there is, borrowed, made when first asked for. Not for closing. */
enum kind { KIND_VMO, KIND_VMAR, KIND_CHANNEL, KIND_PROCESS, KIND_THREAD, KIND_JOB, KIND_RESOURCE, KIND_COUNT };
zx_handle_t handle_of(enum kind kind);
zx_handle_t handle_closed(void);

/*
 * Tries a call with handles that are none, and with each type but its own. The call is a function of the handle; it must
 * answer BAD_HANDLE and WRONG_TYPE.
 */
void check_handles(enum kind own, zx_status_t (*call)(zx_handle_t handle));

zx_info_handle_basic_t basic_info(zx_handle_t handle);
zx_koid_t koid_of(zx_handle_t handle);
zx_rights_t rights_of(zx_handle_t handle);
bool is_handle(zx_handle_t handle);
zx_signals_t signals_of(zx_handle_t handle);

/* May the byte there be read, or written, by this process? A write leaves what was there. */
bool can_read(zx_vaddr_t addr);
bool can_write(zx_vaddr_t addr);
/* What the machine says when a child, for which the memory is mapped, does it. */
bool can_execute(zx_handle_t vmo);

uint64_t peek(zx_handle_t vmo, uint64_t offset);
void poke(zx_handle_t vmo, uint64_t offset, uint64_t value);

/* Runs `act` twice: after the second time nothing more must be in use than after the first. */
void check_gives_back(void (*act)(void));

/*
 * Lets each allocation that `act` makes fail in turn: it must answer NO_MEMORY, keep nothing, and succeed in the end. It
 * gives back what it made. Returns how many allocations there were.
 */
size_t check_out_of_memory(zx_status_t (*act)(void));
