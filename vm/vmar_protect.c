/*
 * Changing permissions; see vmar.h. The whole range is checked before anything changes, and then what it takes to cut
 * mappings at its ends is allocated. Of many regions a part is checked, and later changed, in one hold of the address
 * space's lock. What others put into the range or take away between two parts is as if it came after the call: so to
 * change the rest cannot fail.
 */
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "vm/heap.h"
#include "vm/vmar_change.h"

struct protecting {
    uint32_t perms;
    size_t len;
    vaddr_t addr, end;
    vaddr_t at; /* it is checked, and then changed, up to here */
    bool checked;
    struct mapping *upper[2]; /* for what is cut off at `addr`, and at `end`; NULL: nothing is, or it has been */
    zx_status_t status;
};

static zx_status_t check_range(const struct vmar *vmar, const struct protecting *p) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    return range_within(p->addr, p->len, vmar->region.base, vmar->region.len) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Checks a part of the regions. ZX_OK before `checked`: so far nothing is wrong. */
static zx_status_t check_some(struct vmar *vmar, struct protecting *p, unsigned left) REQUIRES(&vmar->aspace->lock) {
    zx_status_t status = check_range(vmar, p);
    if (status != ZX_OK) return status;
    if (p->at == p->addr && !region_find(&vmar->children, p->addr)) return ZX_ERR_NOT_FOUND;
    FOREACH_REGION(r, vmar, p->at, p->end) {
        if (left-- == 0) return ZX_OK;
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        if (r->base > p->at) return ZX_ERR_NOT_FOUND;
        if (p->perms & ~mapping_from_region(r)->ceiling) return ZX_ERR_ACCESS_DENIED;
        p->at = region_end(r);
    }
    p->checked = true;
    return p->at < p->end ? ZX_ERR_NOT_FOUND : ZX_OK;
}

/* A mapping for the upper part, if one has to be cut in two at `at`. */
static zx_status_t prepare_split(struct vmar *vmar, vaddr_t at, struct mapping **spare) REQUIRES(&vmar->aspace->lock) {
    struct region *r = region_find(&vmar->children, at);
    if (!r || r->kind == REGION_VMAR || r->base == at) return ZX_OK;
    *spare = heap_new(struct mapping);
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/* What it takes to begin to change. */
static zx_status_t prepare(struct vmar *vmar, struct protecting *p) REQUIRES(&vmar->aspace->lock) {
    p->at = p->addr;
    zx_status_t status = prepare_split(vmar, p->addr, &p->upper[0]);
    return status == ZX_OK ? prepare_split(vmar, p->end, &p->upper[1]) : status;
}

static struct mapping *split(struct mapping *m, vaddr_t at, struct mapping **spare) {
    struct mapping *upper = *spare;
    *spare = NULL;
    mapping_split(m, at, upper);
    return upper;
}

/* What of a region is to be changed, cut off from the rest; NULL if the region is newer than the check. */
static struct mapping *cut_out(struct region *r, struct protecting *p) {
    if (r->kind == REGION_VMAR) return NULL;
    struct mapping *m = mapping_from_region(r);
    const bool low = r->base < p->at;
    const bool high = region_end(r) > p->end;
    if ((p->perms & ~m->ceiling) || (low && !p->upper[0]) || (high && !p->upper[1])) return NULL;
    if (low) m = split(m, p->at, &p->upper[0]);
    if (high) (void)split(m, p->end, &p->upper[1]);
    return m;
}

static bool protect_some(struct vmar *vmar, struct parts *parts, void *arg) {
    struct protecting *p = arg;
    mutex_assert_held(&vmar->aspace->lock);
    if (!p->checked) {
        p->status = check_some(vmar, p, parts->left);
        if (p->status == ZX_OK && p->checked) p->status = prepare(vmar, p);
        if (p->status != ZX_OK || !p->checked) return p->status != ZX_OK;
    }
    for (struct region *r; (r = region_first_above(&vmar->children, p->at)) && r->base < p->end;) {
        if (parts->left-- == 0) return false;
        const vaddr_t above = min_u64(region_end(r), p->end);
        struct mapping *m = cut_out(r, p);
        if (m) mapping_protect(m, p->perms);
        p->at = above;
    }
    return true;
}

zx_status_t vmar_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, uint64_t len) {
    if ((perms & (PERM_WRITE | PERM_EXECUTE)) && !(perms & PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if (!page_aligned(addr) || (perms & ~(uint32_t)PERM_ALL)) return ZX_ERR_INVALID_ARGS;
    if (!page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    struct protecting p = {.perms = perms, .len = len, .addr = addr, .end = addr + len, .at = addr};
    zx_status_t done = vmar_each_part(vmar, protect_some, &p);
    heap_free(p.upper[0]);
    heap_free(p.upper[1]);
    return p.status == ZX_OK ? done : p.status;
}
