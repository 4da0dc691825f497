/*
 * Taking out of a VMAR what it holds, a part at a time: unmap, destroy; see vmar.h.
 *
 * Each call first checks the whole range and allocates what cutting mappings may need, then acts and cannot fail. Depth
 * of nesting is the user's to choose, so destruction walks down and up again instead of recursing. What other threads
 * put into an already cleared part counts as made after the call, and stays.
 */
#include "vm/vmar_change.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/sched/thread.h"
#include "vm/heap.h"

void graveyard_release(struct graveyard *dead) {
    struct vmar *vmar;
    mapping_release(&dead->mappings);
    while ((vmar = LIST_FIRST(&dead->vmars))) {
        LIST_REMOVE(vmar, dead_link);
        object_unref(&vmar->object);
    }
}

/* Takes an empty VMAR out of its parent. */
static void vmar_detach(struct vmar *vmar, struct graveyard *dead) {
    mutex_assert_held(&vmar->aspace->lock);
    ASSERT(RB_EMPTY(&vmar->children));
    vmar->dead = true;
    if (!vmar->region.parent) return;
    aspace_forget_vmar(vmar->aspace, vmar);
    region_remove(&vmar->region.parent->children, &vmar->region);
    vmar->region.parent = NULL;
    LIST_INSERT_HEAD(&dead->vmars, vmar, dead_link);
}

/* How many regions are checked, changed, or descended into in one hold of the lock. */
#define PART 64

static void near_set(struct parts *c, struct vmar *top, struct vmar *vmar) {
    c->top = top;
    if (c->near == vmar) return;
    object_ref(&vmar->object);
    c->near = vmar;
}

/* Destroys a part of `top`. True: all of it is destroyed. */
static bool destroy_part(struct vmar *top, struct parts *c) {
    struct vmar *vmar = c->near && c->near->region.parent && c->top == top ? c->near : top;
    while (c->left > 0) {
        c->left--;
        struct region *r = region_first(&vmar->children);
        if (r && r->kind == REGION_MAPPING) {
            mapping_detach(mapping_from_region(r), &c->dead.mappings);
        } else if (r) {
            vmar = vmar_from_region(r);
        } else {
            struct vmar *parent = vmar->region.parent;
            vmar_detach(vmar, &c->dead);
            if (vmar == top) return true;
            vmar = parent;
        }
    }
    near_set(c, top, vmar);
    return false;
}

zx_status_t vmar_each_part(struct vmar *vmar, part_fn *act, void *arg) {
    struct parts c = {0};
    bool last = false, dying = false;
    while (!last && (!c.begun || dying || !thread_killed())) {
        struct vmar *before = c.near;
        c.left = PART;
        c.dead = (struct graveyard){0};
        aspace_lock(vmar->aspace);
        dying = vmar->aspace->state == ASPACE_DEAD;
        last = act(vmar, &c, arg);
        mutex_unlock_part(&vmar->aspace->lock, last);
        c.begun = true;
        if (before && before != c.near) object_unref(&before->object);
        graveyard_release(&c.dead);
    }
    if (c.near) object_unref(&c.near->object);
    return last ? ZX_OK : ZX_ERR_CANCELED;
}

static bool destroy_some(struct vmar *vmar, struct parts *c, void *arg) {
    zx_status_t *status = arg;
    lock_rank_assert_held(&vmar->aspace->lock);
    /* Others may destroy it too, and be done before. */
    if (vmar->dead && !c->begun) *status = ZX_ERR_BAD_STATE;
    return vmar->dead || destroy_part(vmar, c);
}

zx_status_t vmar_destroy(struct vmar *vmar) {
    zx_status_t status = ZX_OK, done = vmar_each_part(vmar, destroy_some, &status);
    return status == ZX_OK ? done : status;
}

/* Is it a VMAR that lies across an end of the range? */
static bool across(const struct region *r, vaddr_t base, size_t len) {
    return r->kind == REGION_VMAR && r->base < base + len && !range_within(r->base, r->len, base, len);
}

/* Is no VMAR in the range in part? `lowest`: the first region that ends above `base`, or NULL. */
static zx_status_t check_unmap(struct vmar *vmar, const struct region *lowest, vaddr_t base, size_t len)
    REQUIRES(&vmar->aspace->lock) {
    if (!lowest) return ZX_OK;
    if (across(lowest, base, len)) return ZX_ERR_INVALID_ARGS;
    if (region_end(lowest) >= base + len) return ZX_OK;
    const struct region *last = region_find(&vmar->children, base + len - 1);
    return last && across(last, base, len) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

void mapping_cut(struct mapping *m, vaddr_t base, vaddr_t end, struct mapping **spare, struct graveyard *dead) {
    vaddr_t low = m->region.base, high = region_end(&m->region);
    if (base <= low && high <= end) {
        mapping_detach(m, &dead->mappings);
    } else if (base <= low) {
        mapping_trim(m, end, high - end);
    } else {
        if (end < high) {
            mapping_split(m, end, *spare);
            *spare = NULL;
        }
        mapping_trim(m, low, base - low);
    }
}

struct undoing {
    uint64_t id;
    vaddr_t at, end;
};

static bool undo_some(struct vmar *vmar, struct parts *c, void *arg) {
    struct undoing *u = arg;
    struct region *next;
    mutex_assert_held(&vmar->aspace->lock);
    for (struct region *r = region_first_above(&vmar->children, u->at); r && r->base < u->end; r = next) {
        if (c->left-- == 0) return false;
        next = region_next(r);
        u->at = region_end(r);
        if (r->kind == REGION_MAPPING && mapping_from_region(r)->id == u->id)
            mapping_detach(mapping_from_region(r), &c->dead.mappings);
    }
    return true;
}

/* A killed thread may leave some of it, as it may leave all of what it has mapped. */
void vmar_map_undo(struct vmar *vmar, const struct vmar_map *args, vaddr_t base) {
    struct undoing u = {.id = args->id, .at = base, .end = base + args->len};
    (void)!vmar_each_part(vmar, undo_some, &u);
}

zx_status_t vmar_prepare_cut(const struct region *lowest, vaddr_t base, size_t len, struct mapping **spare) {
    if (!lowest || lowest->base >= base || region_end(lowest) <= base + len) return ZX_OK;
    *spare = heap_alloc(sizeof(struct mapping));
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/* What is still to be unmapped, and with what. */
struct unmapping {
    size_t len; /* at first */
    vaddr_t at, end;
    struct mapping *spare;
    zx_status_t status;
};

static zx_status_t unmap_begin(struct vmar *vmar, const struct region *lowest, struct unmapping *u)
    REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    if (!range_within(u->at, u->len, vmar->region.base, vmar->region.len)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check_unmap(vmar, lowest, u->at, u->len);
    return status == ZX_OK ? vmar_prepare_cut(lowest, u->at, u->len, &u->spare) : status;
}

/* Is it to be unmapped? A mapping across the end of the last part, or a VMAR across the range's end, is newer. */
static bool is_meant(const struct region *r, const struct unmapping *u, bool begun) {
    if (r->kind == REGION_VMAR) return range_within(r->base, r->len, u->at, u->end - u->at);
    return !begun || r->base >= u->at;
}

static bool unmap_some(struct vmar *vmar, struct parts *c, void *arg) {
    struct unmapping *u = arg;
    mutex_assert_held(&vmar->aspace->lock);
    struct region *next, *r = region_first_above(&vmar->children, u->at);
    if (!c->begun && (u->status = unmap_begin(vmar, r, u)) != ZX_OK) return true;
    for (; r && r->base < u->end; r = next) {
        const vaddr_t above = region_end(r);
        next = above < u->end ? region_next(r) : NULL;
        if (c->left == 0) return false;
        if (is_meant(r, u, c->begun) && r->kind == REGION_VMAR) {
            if (!destroy_part(vmar_from_region(r), c)) return false;
        } else {
            if (is_meant(r, u, c->begun)) mapping_cut(mapping_from_region(r), u->at, u->end, &u->spare, &c->dead);
            c->left--;
        }
        u->at = min_u64(above, u->end);
    }
    return true;
}

zx_status_t vmar_unmap(struct vmar *vmar, vaddr_t addr, uint64_t len) {
    if (!page_aligned(addr) || !page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    struct unmapping u = {.len = len, .at = addr, .end = addr + len};
    zx_status_t done = vmar_each_part(vmar, unmap_some, &u);
    heap_free(u.spare);
    return u.status == ZX_OK ? done : u.status;
}
