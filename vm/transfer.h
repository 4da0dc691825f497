/*
 * The transfer engine: moves bytes between the calling program's buffer and another address space, or a VMO.
 *
 * It works in windows of at most 64 KiB that never cross the end of a mapping or VMO. A window happens under the
 * target's locks, as one piece before or after anything else that is done to the target; between windows no lock is
 * held, and each starts in whatever the target then holds. Within a window bytes go straight between the buffer and the
 * physical page, through the kernel's view of it; the buffer may fault only with all locks released, so a window also
 * ends, at any byte, where the buffer is not there yet.
 *
 * Text that somebody may be executing (its VMO is mapped executable where a thread was started) is written in windows
 * of a page's bytes, which move all or none, while no other processor runs: nobody meets an instruction in pieces.
 */
#pragma once

#include "kernel/base/userptr.h"
#include "vm/aspace.h"
#include "vm/vmo.h"

/* The most that one call of process_read_memory or process_write_memory may ask for. */
#define TRANSFER_MAX ((size_t)64 << 20)

/* The caller's side: in `buffer` when it is the source, out `buffer` when it is the destination. */
struct transfer {
    bool write;     /* into the target */
    vaddr_t buffer; /* in the running thread's address space */
    size_t len;
    size_t done; /* bytes moved so far */
};

static inline struct transfer transfer_write(user_in_t buffer, size_t len) {
    return (struct transfer){.write = true, .buffer = buffer.addr, .len = len};
}
static inline struct transfer transfer_read(user_out_t buffer, size_t len) {
    return (struct transfer){.write = false, .buffer = buffer.addr, .len = len};
}

/*
 * To or from the target's memory at `addr`, whatever its mappings allow. Writing goes to the VMOs behind the mappings,
 * except that a mapping which can never be writable first gets a private snapshot.
 *
 * ZX_OK with at least one byte done: all of it, or up to where memory ends. BAD_STATE: the target is dying, or the
 * memory at `addr` is not cached. NO_MEMORY: nothing is there, or no page can be had. INVALID_ARGS: the buffer is bad.
 */
MUST_CHECK zx_status_t transfer_aspace(struct transfer *x, struct aspace *target, vaddr_t addr);

/* All of it, at `offset` of a VMO. OUT_OF_RANGE: nothing moved unless it shrank. BAD_STATE, NO_MEMORY, INVALID_ARGS. */
MUST_CHECK zx_status_t transfer_vmo(struct transfer *x, struct vmo *vmo, uint64_t offset);
