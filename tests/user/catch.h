/*
 * Handling exceptions: a child that does something wrong, a channel on it, and what comes out of that.
 */
#pragma once

#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "tests/user/agent.h"
#include "tests/user/probe.h"

#define DEBUGGER ZX_EXCEPTION_CHANNEL_DEBUGGER
#define CRASHED ZX_TASK_RETCODE_EXCEPTION_KILL
#define KILLED ZX_TASK_RETCODE_SYSCALL_KILL

/* An address where nothing ever is. */
#define NOTHING_THERE 0x10u

/* A message, and the handle that came with it; 0: none came. */
struct caught {
    zx_exception_info_t info;
    zx_handle_t exception;
};

/* The end of a new channel; it must work. */
zx_handle_t channel_on(zx_handle_t task, uint32_t options);

/* The next exception of a channel, waited for. `pid` and `tid` must be that child's first thread's. */
struct caught catch_any(zx_handle_t channel);
struct caught catch_of(zx_handle_t channel, const struct child *child, zx_excp_type_t type);

/* Has nothing come, after a while? */
bool nothing_comes(zx_handle_t channel);

/* Says what shall become of it, and closes it. */
void release(struct caught caught, uint32_t state);

/* Sets one of the two properties. */
zx_status_t exception_set(zx_handle_t exception, uint32_t property, uint32_t value);

zx_info_thread_t thread_info(zx_handle_t thread);
zx_thread_state_general_regs_t registers_of(zx_handle_t thread);
void registers_set(zx_handle_t thread, const zx_thread_state_general_regs_t *regs);

/* What a child does: loads from where nothing is, and exits with what it finds; rax is the address. */
void load_nothing(zx_handle_t handle, uintptr_t there);
/* A child that has done so, and what the channel on its process says of it. */
bool child_stops(struct child *child, zx_handle_t *channel, struct caught *caught);
/* Has that child find a word of its board instead. */
void lead_to_board(const struct child *child, zx_handle_t thread, uint64_t word);
