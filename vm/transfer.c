/*
 * The transfer engine; see transfer.h.
 *
 * Locks: the target's address space, then the VMO's store, both only for the length of a window, with page faults off. The
 * caller's own faults are resolved between windows, by the same routine that serves any fault.
 */
#include "vm/transfer.h"

#include "arch/usercopy.h"
#include "kernel/base/arith.h"
#include "kernel/base/switch_point.h"
#include "kernel/sched/thread.h"
#include "vm/mapping.h"

/* The most that is moved before the locks are let go. */
#define WINDOW ((size_t)64 << 10)

/* How a window ended. */
enum window {
    WINDOW_DONE,    /* as far as it was meant to go */
    WINDOW_FAULT,   /* the buffer faulted: resolve, and go on from there */
    WINDOW_BAD,     /* the buffer lies outside user space */
    WINDOW_STOPPED, /* the target ends here; the status says why */
};

/* Moves bytes between the buffer and one page. Page faults are off. */
static enum window copy_page(struct transfer *x, char *data, size_t len) {
    vaddr_t user = x->buffer + x->done;
    if (user < USER_BASE || user >= USER_END) return WINDOW_BAD;
    size_t reach = min_u64(len, USER_END - user);
    size_t moved = x->write ? arch_copy_from_user(data, user, reach) : arch_copy_to_user(user, data, reach);
    x->done += moved;
    return moved == len ? WINDOW_DONE : moved == reach ? WINDOW_BAD : WINDOW_FAULT;
}

/* Moves `len` bytes at `offset` of a store, whose lock is held; they are within its size. */
static enum window copy_pages(struct transfer *x, struct vmo *store, uint64_t offset, size_t len, zx_status_t *status)
    REQUIRES(&store->lock) {
    enum window end = WINDOW_DONE;
    thread_current()->faults_off = true;
    while (len > 0 && end == WINDOW_DONE) {
        size_t within = offset & PAGE_MASK, chunk = min_u64(len, PAGE_SIZE - within);
        struct vmo_page page;
        *status = vmo_get_page(store, offset, x->write, &page);
        if (*status != ZX_OK) {
            end = WINDOW_STOPPED;
            break;
        }
        end = copy_page(x, (char *)arch_phys_to_virt(page.pa) + within, chunk);
        offset += chunk;
        len -= chunk;
    }
    thread_current()->faults_off = false;
    return end;
}

/* One window into a VMO of which [offset, offset + len) is wanted; `beyond` is the status where it ends. */
static enum window vmo_window(struct transfer *x, struct vmo *vmo, uint64_t offset, uint64_t len, zx_status_t beyond,
                              zx_status_t *status) {
    struct vmo *store = vmo->store;
    enum window end = WINDOW_STOPPED;
    mutex_lock(&store->lock);
    if (!vmo_is_cached(store)) {
        *status = ZX_ERR_BAD_STATE;
    } else if (offset >= vmo->size) {
        *status = beyond;
    } else {
        len = min_u64(min_u64(len, WINDOW), min_u64(vmo->size - offset, x->len - x->done));
        end = copy_pages(x, store, vmo->store_offset + offset, len, status);
    }
    mutex_unlock(&store->lock);
    return end;
}

/* One window into an address space, whose lock is held. `*orphan`: see mapping_make_private(). */
static enum window mapping_window(struct transfer *x, struct aspace *target, vaddr_t addr, struct vmo **orphan,
                                  zx_status_t *status) REQUIRES(&target->lock) {
    struct mapping *m = aspace_find(target, addr);
    *status = m ? ZX_OK : ZX_ERR_NO_MEMORY;
    if (!m) return WINDOW_STOPPED;
    size_t within = addr - m->region.base;
    if (x->write && mapping_must_fork(m) && m->offset + within < vmo_size(m->vmo))
        *status = mapping_make_private(m, orphan);
    if (*status != ZX_OK) return WINDOW_STOPPED;
    return vmo_window(x, m->vmo, m->offset + within, m->region.len - within, ZX_ERR_NO_MEMORY, status);
}

static enum window aspace_window(struct transfer *x, struct aspace *target, vaddr_t addr, zx_status_t *status) {
    struct vmo *orphan = NULL;
    enum window end = WINDOW_STOPPED;
    mutex_lock(&target->lock);
    if (target->state == ASPACE_ALIVE)
        end = mapping_window(x, target, addr, &orphan, status);
    else
        *status = ZX_ERR_BAD_STATE;
    mutex_unlock(&target->lock);
    if (orphan) vmo_unref(orphan);
    return end;
}

/* After a window: may the next begin? If not, `*status` is what the transfer ends with. */
static bool go_on(enum window end, zx_status_t *status) {
    switch_point();
    struct thread *self = thread_current();
    switch (end) {
    case WINDOW_DONE:
        break;
    case WINDOW_FAULT:
        *status = aspace_fault(self->aspace, self->fault_addr, self->fault_flags);
        if (*status == ZX_OK) break;
        /* The buffer is good; it is like a target's page that cannot be had. */
        if (*status == ZX_ERR_NO_MEMORY) return false;
        [[fallthrough]];
    case WINDOW_BAD:
        *status = ZX_ERR_INVALID_ARGS;
        return false;
    case WINDOW_STOPPED:
        return false;
    }
    *status = thread_killed() ? ZX_ERR_CANCELED : ZX_OK;
    return *status == ZX_OK;
}

zx_status_t transfer_aspace(struct transfer *x, struct aspace *target, vaddr_t addr) {
    zx_status_t status = ZX_OK;
    while (x->done < x->len) {
        enum window end = aspace_window(x, target, addr + x->done, &status);
        if (!go_on(end, &status)) break;
    }
    return x->done > 0 && status != ZX_ERR_INVALID_ARGS ? ZX_OK : status;
}

zx_status_t transfer_vmo(struct transfer *x, struct vmo *vmo, uint64_t offset) {
    zx_status_t status = vmo_check_transfer(vmo, offset, x->len);
    while (status == ZX_OK && x->done < x->len) {
        uint64_t at = offset + x->done;
        enum window end = vmo_window(x, vmo, at, x->len - x->done, ZX_ERR_OUT_OF_RANGE, &status);
        if (!go_on(end, &status)) break;
    }
    return status;
}
