/*
 * The transfer engine, from window to window; see transfer.h, and window.h for what happens within one. No lock is held
 * in between. The caller's own faults are resolved there, by the same routine that serves any fault.
 */
#include "vm/transfer.h"

#include "arch/cpu.h"
#include "arch/upcall.h"
#include "kernel/base/string.h"
#include "kernel/base/switch_point.h"

static ALWAYS_INLINE zx_status_t copy_pages(struct transfer *x, bool write, struct vmo *store, uint64_t offset,
                                            size_t len) REQUIRES(&store->lock) {
    struct vmo_run run = {.end = offset + len};
    vaddr_t user = x->buffer + x->done;
    const vaddr_t end = user + len;
    size_t within = offset & PAGE_MASK, chunk = min_u64(len, PAGE_SIZE - within), left = 0;
    for (;;) {
        void *data;
        if (unlikely(!vmo_near_page(store, offset, write, &data)) &&
            !(data = vmo_find_data(store, offset, write, &run)))
            break;
        data = (char *)data + within;
        left = write ? arch_copy_from_user(data, user, chunk) : arch_copy_to_user(user, data, chunk);
        user += chunk;
        if (unlikely(left != 0) || user == end) break;
        offset += chunk;
        within = 0;
        chunk = min_u64(end - user, PAGE_SIZE);
    }
    user -= left;
    x->done = user - x->buffer;
    return user == end ? ZX_OK : left != 0 ? (zx_status_t)BUFFER_FAULTED : ZX_ERR_NO_MEMORY;
}

zx_status_t window_copy_pages(struct transfer *x, bool write, struct vmo *store, uint64_t offset, size_t len) {
    return write ? copy_pages(x, true, store, offset, len) : copy_pages(x, false, store, offset, len);
}

zx_status_t window_patch_text(struct transfer *x, struct vmo *store, uint64_t offset, size_t len) {
    static char bytes[PAGE_SIZE]; /* owned by the thread that holds the processors */
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

/* Gives the mapping at `addr` its private snapshot, if it is still one that must have it. */
static zx_status_t snapshot_mapping(struct aspace *target, vaddr_t addr) {
    struct vmo *orphan = NULL;
    zx_status_t status = ZX_OK;
    aspace_lock(target);
    struct mapping *m = target->state == ASPACE_ALIVE ? aspace_find(target, addr) : NULL;
    if (m && mapping_must_snapshot(m)) status = mapping_snapshot(m, addr - m->region.base, &orphan);
    mutex_unlock(&target->lock);
    if (orphan) vmo_unref(orphan);
    return status;
}

/* After a window that was not the last: ZX_OK if the next may begin, or what the transfer ends with. */
static zx_status_t go_on(zx_status_t status) {
    if (status == NOT_WHOLE) return ZX_OK;
    switch_point_between_windows();
    struct thread *self = thread_current();
    if (status == BUFFER_FAULTED) {
        status = aspace_fault(self->aspace, self->fault_addr, self->fault_flags);
        if (unlikely(status == ZX_ERR_NO_MEMORY))
            status = upcall_page_fault(self->fault_addr, self->fault_flags & ~FAULT_NO_WAIT);
        switch_point_between_windows();
        /* If there is no page to be had the buffer is good all the same, and it is as with a page of the target. */
        if (status != ZX_OK && status != ZX_ERR_NO_MEMORY) status = ZX_ERR_INVALID_ARGS;
    }
    return status == ZX_OK && thread_killed() ? ZX_ERR_CANCELED : status;
}

static ALWAYS_INLINE struct transferred aspace_rest(struct transfer x, bool write, struct aspace *target, vaddr_t addr,
                                                    zx_status_t status) {
    while (x.done < x.len) {
        if (status == MUST_SNAPSHOT) status = snapshot_mapping(target, addr + x.done);
        status = go_on(status);
        if (status != ZX_OK) break;
        mutex_let_pass(&target->lock);
        status = aspace_window(&x, write, false, target, addr);
    }
    if (x.done == x.len || (x.done > 0 && status != ZX_ERR_INVALID_ARGS)) return (struct transferred){ZX_OK, x.done};
    return (struct transferred){status == ZX_ERR_OUT_OF_RANGE ? ZX_ERR_NO_MEMORY : status, x.done};
}

struct transferred transfer_rest_to(struct aspace *target, vaddr_t addr, vaddr_t buffer, size_t len, size_t done,
                                    zx_status_t status) {
    return aspace_rest((struct transfer){buffer, len, done}, true, target, addr, status);
}

struct transferred transfer_rest_from(struct aspace *target, vaddr_t addr, vaddr_t buffer, size_t len, size_t done,
                                      zx_status_t status) {
    return aspace_rest((struct transfer){buffer, len, done}, false, target, addr, status);
}

static NOINLINE struct transferred vmo_rest(struct transfer x, bool write, struct vmo *vmo, uint64_t offset,
                                            zx_status_t status) {
    while (x.done < x.len) {
        status = go_on(status);
        if (status != ZX_OK) return (struct transferred){status, x.done};
        status = write ? vmo_window(&x, true, false, vmo, offset) : vmo_window(&x, false, false, vmo, offset);
    }
    return (struct transferred){ZX_OK, x.done};
}

static ALWAYS_INLINE struct transferred transfer_vmo(struct transfer x, bool write, struct vmo *vmo, uint64_t offset) {
    zx_status_t status = vmo_check_transfer(vmo, offset, x.len);
    if (status != ZX_OK || x.len == 0) return (struct transferred){status, 0};
    status = window_is_all(&x, offset) ? vmo_window(&x, write, true, vmo, offset) : (zx_status_t)NOT_WHOLE;
    return likely(status == ZX_OK) ? (struct transferred){ZX_OK, x.len} : vmo_rest(x, write, vmo, offset, status);
}

struct transferred transfer_to_vmo(struct vmo *vmo, uint64_t offset, user_in_t buffer, size_t len) {
    return transfer_vmo((struct transfer){buffer.addr, len, 0}, true, vmo, offset);
}

struct transferred transfer_from_vmo(struct vmo *vmo, uint64_t offset, user_out_t buffer, size_t len) {
    return transfer_vmo((struct transfer){buffer.addr, len, 0}, false, vmo, offset);
}
