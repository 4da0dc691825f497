/*
 * One window of a transfer; see transfer.h.
 *
 * Locks: the target's address space is shared until the VMO's store is locked; that for the length of the window, with
 * page faults off. So windows into different VMOs of one address space run in parallel.
 *
 * All of it is inlined, and `write` is a constant wherever it is: so each direction has its own code, without a test of
 * it inside. So is `whole`: most transfers lie within one page, of the target's or the VMO's. Mappings and sizes are
 * whole pages, so such a transfer has no other end to check, and is one window, in which nothing is checked twice.
 */
#pragma once

#include "arch/usercopy.h"
#include "kernel/base/arith.h"
#include "kernel/base/trace.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"
#include "vm/usercopy.h"

/* The most that is moved before the locks are let go. */
#define WINDOW ((size_t)64 << 10)

/* The caller's side: in `buffer` when it is the source, out `buffer` when it is the destination. */
struct transfer {
    vaddr_t buffer;
    size_t len;
    size_t done; /* bytes moved so far */
};

/*
 * What a window returns is ZX_OK as far as it was meant to go; or a demand: what must be done, with no lock held,
 * before the next can go on from there; or else the error that the transfer ends with, which is negative.
 */
enum window_demand {
    BUFFER_FAULTED = 1, /* the thread's own fault is to be resolved */
    MUST_SNAPSHOT,      /* a write that would reach others: the mapping needs a private snapshot */
    NOT_WHOLE,          /* nothing: one window is not enough, or cannot be that simple */
};

/* Moves `len` bytes at `offset` of a store, in one page; they are within its size, and the buffer within user space. */
static ALWAYS_INLINE zx_status_t window_copy_page(struct transfer *x, bool write, struct vmo *store, uint64_t offset,
                                                  size_t len) REQUIRES(&store->lock) {
    void *data;
    if (unlikely(!vmo_near_page(store, offset, write, &data)) && !(data = vmo_find_data(store, offset, write, NULL)))
        return ZX_ERR_NO_MEMORY;
    data = (char *)data + (offset & PAGE_MASK);
    const size_t left =
        write ? arch_copy_from_user(data, x->buffer + x->done, len) : arch_copy_to_user(x->buffer + x->done, data, len);
    x->done += len - left;
    return likely(left == 0) ? ZX_OK : (zx_status_t)BUFFER_FAULTED;
}

/* The same for any number of bytes but none. */
zx_status_t window_copy_pages(struct transfer *x, bool write, struct vmo *store, uint64_t offset, size_t len)
    REQUIRES(&store->lock);

/*
 * The same for text that others may be executing, up to the end of a page, or all of it if that is no more than a page
 * holds: while no other processor runs, after all has been read, so that no thread executes a half-written instruction.
 */
zx_status_t window_patch_text(struct transfer *x, struct vmo *store, uint64_t offset, size_t len)
    REQUIRES(&store->lock);

/* How much of the buffer's rest lies in user space. */
static inline size_t window_buffer_reach(const struct transfer *x) {
    size_t into = x->buffer + x->done - USER_BASE, all = USER_END - USER_BASE;
    return into < all ? min_u64(x->len - x->done, all - into) : 0;
}

/* One window into a VMO of which [offset, offset + len) is wanted. OUT_OF_RANGE: it ends here. */
static ALWAYS_INLINE zx_status_t window_locked(struct transfer *x, bool write, bool whole, struct vmo *vmo,
                                               struct vmo *store, uint64_t offset, uint64_t len)
    REQUIRES(&store->lock) {
    if (!whole) len = min_u64(min_u64(len, WINDOW), window_buffer_reach(x));
    if (unlikely(!vmo_is_cached(store))) return ZX_ERR_BAD_STATE;
    if (unlikely(offset >= vmo->size)) return ZX_ERR_OUT_OF_RANGE;
    if (!whole && unlikely(len == 0)) return ZX_ERR_INVALID_ARGS;
    if (whole && write && unlikely(store->text_count != 0)) return (zx_status_t)NOT_WHOLE;
    if (whole && tracing(KTRACE_GRP_MEMORY)) return (zx_status_t)NOT_WHOLE; /* it is recorded there */
    thread_current()->faults_off = true;
    if (!whole) len = min_u64(len, vmo->size - offset);
    if (!whole) trace(KTRACE_GRP_MEMORY, KTRACE_WINDOW, write, vmo->object.koid, len);
    offset += vmo->store_offset;
    zx_status_t status;
    if (!whole && write && unlikely(store->text_count != 0))
        status = window_patch_text(x, store, offset, len);
    else if (whole || (offset & PAGE_MASK) + len <= PAGE_SIZE)
        status = window_copy_page(x, write, store, offset, len);
    else
        status = window_copy_pages(x, write, store, offset, len);
    thread_current()->faults_off = false;
    return status;
}

static ALWAYS_INLINE zx_status_t vmo_window(struct transfer *x, bool write, bool whole, struct vmo *vmo,
                                            uint64_t offset) {
    struct vmo *store = vmo->store;
    mutex_lock(&store->lock);
    zx_status_t status = window_locked(x, write, whole, vmo, store, offset + x->done, x->len - x->done);
    mutex_unlock_part(&store->lock, whole ? status == ZX_OK : x->done == x->len);
    return status;
}

/* May a window begin at `addr`, and in which mapping? */
static ALWAYS_INLINE zx_status_t window_find(bool write, struct aspace *target, struct aspace_part *part, vaddr_t addr,
                                             struct mapping **out) REQUIRES_SHARED(&target->lock) {
    if (unlikely(target->state != ASPACE_ALIVE)) return ZX_ERR_BAD_STATE;
    struct mapping *m = *out = aspace_find_by(target, part, addr);
    if (unlikely(!m)) return ZX_ERR_NO_MEMORY;
    /* Whatever the VMO's size is now: it may be another when the VMO is locked. */
    return write && unlikely(mapping_must_snapshot(m)) ? (zx_status_t)MUST_SNAPSHOT : ZX_OK;
}

/* One window into an address space. Its lock is only shared until the store's is held. */
static ALWAYS_INLINE zx_status_t aspace_window(struct transfer *x, bool write, bool whole, struct aspace *target,
                                               vaddr_t addr) {
    struct mapping *m;
    addr += x->done;
    struct aspace_part *part = aspace_share(target);
    zx_status_t status = window_find(write, target, part, addr, &m);
    if (unlikely(status != ZX_OK)) {
        aspace_unshare(target, part);
        return status;
    }
    struct vmo *vmo = m->vmo, *store = vmo->store;
    const size_t left = x->len - x->done, within = addr - m->region.base, rest = m->region.len - within;
    mutex_lock(&store->lock);
    aspace_unshare(target, part);
    status = window_locked(x, write, whole, vmo, store, m->offset + within, whole ? left : rest);
    mutex_unlock_part(&store->lock, whole ? status == ZX_OK : x->done == x->len);
    return status;
}

/* May it be done as one window in one page? (No length that lies in user space makes the sum wrap.) */
static ALWAYS_INLINE bool window_is_all(const struct transfer *x, uint64_t place) {
    return likely((place & PAGE_MASK) + x->len <= PAGE_SIZE && user_range(x->buffer, x->len));
}
