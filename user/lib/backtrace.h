/*
 * Who called whom in another process. Frames are found by the chain of frame pointers, which our compilers keep; where
 * code keeps none, as musl's and what others have compiled, or the chain is broken, by a look through the stack for
 * what a call has left there. That may be an older call's: such a frame is a guess, and says so.
 *
 * The process is not trusted: there are at most so many frames as the caller has room for, each higher on the stack.
 */
#pragma once

#include "user/lib/symbols.h"

struct frame {
    zx_vaddr_t pc; /* where it continues: for all but the first, after its call */
    bool guessed;
};

/* Where a thread is that does not run. */
struct frame_place {
    zx_vaddr_t pc, sp, fp;
};

/* Fills in frames from the innermost on; returns how many, at least one. Without `module`, NULL, it guesses more. */
size_t backtrace(zx_handle_t process, const struct process_maps *maps, const struct module *module,
                 const struct frame_place *place, struct frame *out, size_t room);

/* The address that is within a frame's call: what its function and line are to be looked up by. */
static inline zx_vaddr_t frame_address(const struct frame *frames, size_t i) { return frames[i].pc - (i > 0); }
