/*
 * The transfer engine; see transfer.h.
 *
 * Locks: the target's address space, until the VMO's store is locked too; that for the length of a window, with page
 * faults off. So windows into different VMOs of one address space go on side by side.
 * The caller's own faults are resolved between windows, by the same routine that serves any fault.
 *
 * What a window returns is ZX_OK as far as it was meant to go; or a demand: what must be done, with no lock held,
 * before the next can go on from there; or else the error that the transfer ends with.
 *
 * `write` is x->write, given as a constant: so each direction has code of its own, with no question of it left inside.
 */
#include "vm/transfer.h"

#include "arch/cpu.h"
#include "arch/usercopy.h"
#include "kernel/base/arith.h"
#include "kernel/base/string.h"
#include "kernel/base/switch_point.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"

/* The most that is moved before the locks are let go. */
#define WINDOW ((size_t)64 << 10)

/* Errors are negative. */
enum demand {
    BUFFER_FAULTED = 1, /* the thread's own fault is to be resolved */
    MUST_SNAPSHOT,      /* a write that would reach others: the mapping needs a private snapshot */
};

/*
 * Moves `len` bytes, at least one, at `offset` of a store; they are within its size, and the buffer within user space.
 */
static ALWAYS_INLINE zx_status_t copy_pages(struct transfer *x, bool write, struct vmo *store, uint64_t offset,
                                            size_t len) REQUIRES(&store->lock) {
    struct vmo_run run = {.end = offset + len};
    while (len > 0) {
        size_t within = offset & PAGE_MASK, chunk = min_u64(len, PAGE_SIZE - within), left;
        struct vmo_page page;
        zx_status_t status = vmo_get_page_of(store, offset, write, &run, &page);
        if (unlikely(status != ZX_OK)) return status;
        char *data = (char *)arch_phys_to_virt(page.pa) + within;
        vaddr_t user = x->buffer + x->done;
        left = write ? arch_copy_from_user(data, user, chunk) : arch_copy_to_user(user, data, chunk);
        x->done += chunk - left;
        if (unlikely(left != 0)) return BUFFER_FAULTED;
        offset += chunk;
        len -= chunk;
    }
    return ZX_OK;
}

/*
 * The same for text that others may be executing, up to the end of a page, or all of it if that is no more than a page
 * holds: while no other processor runs, after all has been read, so that nobody meets an instruction in pieces.
 */
static NOINLINE zx_status_t patch_text(struct transfer *x, struct vmo *store, uint64_t offset, size_t len)
    REQUIRES(&store->lock) {
    static char bytes[PAGE_SIZE]; /* of whoever holds the processors */
    size_t first = min_u64(len, PAGE_SIZE - (offset & PAGE_MASK));
    struct vmo_page pages[2];
    if (len > PAGE_SIZE) len = first;
    zx_status_t status = vmo_get_page(store, offset, true, &pages[0]);
    if (status == ZX_OK && len > first) status = vmo_get_page(store, offset + first, true, &pages[1]);
    if (status != ZX_OK) return status;
    arch_cpus_hold();
    if (arch_copy_from_user(bytes, x->buffer + x->done, len) == 0) {
        memcpy((char *)arch_phys_to_virt(pages[0].pa) + (offset & PAGE_MASK), bytes, first);
        if (len > first) memcpy(arch_phys_to_virt(pages[1].pa), bytes + first, len - first);
        x->done += len;
    } else {
        status = BUFFER_FAULTED;
    }
    arch_cpus_release();
    return status;
}

/* How much of the buffer's rest lies in user space. */
static ALWAYS_INLINE size_t buffer_reach(const struct transfer *x) {
    size_t into = x->buffer + x->done - USER_BASE, all = USER_END - USER_BASE;
    return into < all ? min_u64(x->len - x->done, all - into) : 0;
}

/* One window into a VMO of which [offset, offset + len) is wanted. OUT_OF_RANGE: it ends here. */
static ALWAYS_INLINE zx_status_t window_locked(struct transfer *x, bool write, struct vmo *vmo, uint64_t offset,
                                               uint64_t len) REQUIRES(&vmo->store->lock) {
    struct vmo *store = vmo->store;
    len = min_u64(min_u64(len, WINDOW), buffer_reach(x));
    if (unlikely(!vmo_is_cached(store))) return ZX_ERR_BAD_STATE;
    if (unlikely(offset >= vmo->size)) return ZX_ERR_OUT_OF_RANGE;
    if (unlikely(len == 0)) return ZX_ERR_INVALID_ARGS;
    mutex_assert_held(&store->lock);
    thread_current()->faults_off = true;
    len = min_u64(len, vmo->size - offset);
    offset += vmo->store_offset;
    zx_status_t status = write && unlikely(store->text_count != 0) ? patch_text(x, store, offset, len)
                                                                   : copy_pages(x, write, store, offset, len);
    thread_current()->faults_off = false;
    return status;
}

/* If others wait for the lock they come before the next window, if there is to be one. */
static ALWAYS_INLINE void window_unlock(bool last, struct mutex *lock) RELEASE(lock) {
    if (likely(last))
        mutex_unlock(lock);
    else
        mutex_unlock_fair(lock);
}

static ALWAYS_INLINE zx_status_t vmo_window(struct transfer *x, bool write, struct vmo *vmo, uint64_t offset,
                                            uint64_t len) {
    mutex_lock(&vmo->store->lock);
    zx_status_t status = window_locked(x, write, vmo, offset, len);
    window_unlock(x->done == x->len, &vmo->store->lock);
    return status;
}

/* May a window begin at `addr`, and in which mapping? */
static ALWAYS_INLINE zx_status_t find_target(bool write, struct aspace *target, vaddr_t addr, struct mapping **out)
    REQUIRES(&target->lock) {
    if (unlikely(target->state != ASPACE_ALIVE)) return ZX_ERR_BAD_STATE;
    struct mapping *m = *out = aspace_find(target, addr);
    if (unlikely(!m)) return ZX_ERR_NO_MEMORY;
    /* Whatever the VMO's size is now: it may be another when the VMO is locked. */
    return write && unlikely(mapping_must_snapshot(m)) ? (zx_status_t)MUST_SNAPSHOT : ZX_OK;
}

/* One window into an address space. Its lock is only held until the store's is. */
static ALWAYS_INLINE zx_status_t aspace_window(struct transfer *x, bool write, struct aspace *target, vaddr_t addr) {
    struct mapping *m;
    mutex_lock(&target->lock);
    zx_status_t status = find_target(write, target, addr, &m);
    if (unlikely(status != ZX_OK)) {
        mutex_unlock(&target->lock);
        return status;
    }
    struct vmo *vmo = m->vmo;
    const size_t within = addr - m->region.base, rest = m->region.len - within;
    mutex_lock(&vmo->store->lock);
    window_unlock(x->len - x->done <= min_u64(rest, WINDOW), &target->lock);
    status = window_locked(x, write, vmo, m->offset + within, rest);
    window_unlock(x->done == x->len, &vmo->store->lock);
    return status;
}

/* Gives the mapping at `addr` its private snapshot, if it is still one that must have it. */
static zx_status_t snapshot_mapping(struct aspace *target, vaddr_t addr) {
    struct vmo *orphan = NULL;
    zx_status_t status = ZX_OK;
    mutex_lock(&target->lock);
    struct mapping *m = target->state == ASPACE_ALIVE ? aspace_find(target, addr) : NULL;
    if (m && mapping_must_snapshot(m)) status = mapping_snapshot(m, addr - m->region.base, &orphan);
    mutex_unlock(&target->lock);
    if (orphan) vmo_unref(orphan);
    return status;
}

/* After a window that was not the last: ZX_OK if the next may begin, or what the transfer ends with. */
static zx_status_t go_on(zx_status_t status) {
    switch_point_between_windows();
    struct thread *self = thread_current();
    if (status == BUFFER_FAULTED) {
        status = aspace_fault(self->aspace, self->fault_addr, self->fault_flags);
        switch_point_between_windows();
        /* If there is no page to be had the buffer is good all the same, and it is as with a page of the target. */
        if (status != ZX_OK && status != ZX_ERR_NO_MEMORY) status = ZX_ERR_INVALID_ARGS;
    }
    return status == ZX_OK && thread_killed() ? ZX_ERR_CANCELED : status;
}

static ALWAYS_INLINE zx_status_t aspace_windows(struct transfer *x, bool write, struct aspace *target, vaddr_t addr) {
    zx_status_t status;
    do {
        status = aspace_window(x, write, target, addr + x->done);
        if (x->done == x->len) return ZX_OK;
        if (status == MUST_SNAPSHOT) status = snapshot_mapping(target, addr + x->done);
        status = go_on(status);
    } while (status == ZX_OK);
    if (x->done > 0 && status != ZX_ERR_INVALID_ARGS) return ZX_OK;
    return status == ZX_ERR_OUT_OF_RANGE ? ZX_ERR_NO_MEMORY : status;
}

zx_status_t transfer_aspace(struct transfer *x, struct aspace *target, vaddr_t addr) {
    return x->write ? aspace_windows(x, true, target, addr) : aspace_windows(x, false, target, addr);
}

static ALWAYS_INLINE zx_status_t vmo_windows(struct transfer *x, bool write, struct vmo *vmo, uint64_t offset) {
    zx_status_t status;
    do {
        status = vmo_window(x, write, vmo, offset + x->done, x->len - x->done);
        if (x->done == x->len) return ZX_OK;
        status = go_on(status);
    } while (status == ZX_OK);
    return status;
}

zx_status_t transfer_vmo(struct transfer *x, struct vmo *vmo, uint64_t offset) {
    zx_status_t status = vmo_check_transfer(vmo, offset, x->len);
    if (status != ZX_OK || x->len == 0) return status;
    return x->write ? vmo_windows(x, true, vmo, offset) : vmo_windows(x, false, vmo, offset);
}
