/*
 * The transfer engine: moves bytes between the calling program's buffer and another address space, or a VMO.
 *
 * It works in windows of at most 64 KiB that never cross the end of a mapping or VMO. A window happens under the
 * target's locks, as one piece before or after anything else that is done to the target; between windows no lock is
 * held, and each starts in whatever the target then holds. Within a window bytes go straight between the buffer and the
 * physical page, through the kernel's view of it; the buffer may fault only with all locks released, so a window also
 * ends, at any byte, where the buffer is not there yet.
 *
 * Text that a thread may be executing (its VMO is mapped executable where a thread was started) is written in windows
 * of at most a page, which move all or none, while no other processor runs: no thread executes a half-written
 * instruction.
 */
#pragma once

#include "kernel/base/userptr.h"
#include "vm/window.h"

/* The most that one call of process_read_memory or process_write_memory may ask for. */
#define TRANSFER_MAX ((size_t)64 << 20)

/* What has become of a transfer: whatever the status is, the first `done` bytes have moved. */
struct transferred {
    zx_status_t status;
    size_t done;
};

/*
 * `len` bytes, at least one, to or from the target's memory at `addr`, whatever its mappings allow. Writes change the
 * VMOs behind the mappings, except that a mapping which can never be writable first gets a private snapshot. The buffer
 * is in the running thread's address space.
 *
 * ZX_OK with at least one byte done: all of it, or up to where memory ends. BAD_STATE: the target is dying, or the
 * memory at `addr` is not cached. NO_MEMORY: nothing is there, or no page can be had. INVALID_ARGS: the buffer is bad.
 */
MUST_CHECK static inline struct transferred transfer_to_aspace(struct aspace *target, vaddr_t addr, user_in_t buffer,
                                                               size_t len);
MUST_CHECK static inline struct transferred transfer_from_aspace(struct aspace *target, vaddr_t addr, user_out_t buffer,
                                                                 size_t len);

/* All of it, at `offset` of a VMO. OUT_OF_RANGE: nothing moved unless it shrank. BAD_STATE, NO_MEMORY, INVALID_ARGS. */
MUST_CHECK struct transferred transfer_to_vmo(struct vmo *vmo, uint64_t offset, user_in_t buffer, size_t len);
MUST_CHECK struct transferred transfer_from_vmo(struct vmo *vmo, uint64_t offset, user_out_t buffer, size_t len);

/* --- what is inlined --- */

/* What is left of one after a window that returned `status`, which was not all of it. */
MUST_CHECK struct transferred transfer_rest_to(struct aspace *target, vaddr_t addr, vaddr_t buffer, size_t len,
                                               size_t done, zx_status_t status);
MUST_CHECK struct transferred transfer_rest_from(struct aspace *target, vaddr_t addr, vaddr_t buffer, size_t len,
                                                 size_t done, zx_status_t status);

/* If one window in one page is enough, that is tried first. */
static ALWAYS_INLINE struct transferred transfer_aspace(struct transfer x, bool write, struct aspace *target,
                                                        vaddr_t addr) {
    zx_status_t status =
        window_is_all(&x, addr) ? aspace_window(&x, write, true, target, addr) : (zx_status_t)NOT_WHOLE;
    if (likely(status == ZX_OK)) return (struct transferred){ZX_OK, x.len};
    return write ? transfer_rest_to(target, addr, x.buffer, x.len, x.done, status)
                 : transfer_rest_from(target, addr, x.buffer, x.len, x.done, status);
}

static inline struct transferred transfer_to_aspace(struct aspace *target, vaddr_t addr, user_in_t buffer, size_t len) {
    return transfer_aspace((struct transfer){buffer.addr, len, 0}, true, target, addr);
}

static inline struct transferred transfer_from_aspace(struct aspace *target, vaddr_t addr, user_out_t buffer,
                                                      size_t len) {
    return transfer_aspace((struct transfer){buffer.addr, len, 0}, false, target, addr);
}
