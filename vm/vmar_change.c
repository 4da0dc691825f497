/*
 * Changing what a VMAR holds: unmap, protect, destroy; see vmar.h.
 *
 * Each call first checks the whole range and allocates what cutting mappings may need, then acts and cannot fail. Depth
 * of nesting is the user's to choose, so destruction walks down and up again instead of recursing.
 *
 * Unmapping and destroying do so many regions in one hold of the lock, and free them after it. What others put between
 * two parts where all is gone already is as if it came after the call, and stays.
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
    lock_rank_assert_held(&vmar->aspace->lock);
    ASSERT(RB_EMPTY(&vmar->children));
    vmar->dead = true;
    if (!vmar->region.parent) return;
    if (vmar->aspace->near == vmar) vmar->aspace->near = vmar->region.parent;
    region_remove(&vmar->region.parent->children, &vmar->region);
    vmar->region.parent = NULL;
    LIST_INSERT_HEAD(&dead->vmars, vmar, dead_link);
}

/* So many regions are removed, or gone down into, in one hold of the lock. */
#define PART 64

/* How far clearing has got. */
struct clearing {
    bool begun;
    unsigned left;         /* of this part */
    struct vmar *near;     /* where it is to go on, with a reference, if that is still in the tree; or NULL */
    struct vmar *top;      /* which VMAR is being destroyed there: in it as long as `near` is in the tree */
    struct graveyard dead; /* of this part */
};

static void near_set(struct clearing *c, struct vmar *top, struct vmar *vmar) {
    c->top = top;
    if (c->near == vmar) return;
    object_ref(&vmar->object);
    c->near = vmar;
}

/* A part of destroying `top`. True: all of it has gone. */
static bool destroy_part(struct vmar *top, struct clearing *c) {
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

/* Does a part in one hold of the address space's lock; true: it was the last. Each releases what it took out. */
typedef bool part_fn(struct vmar *vmar, struct clearing *c, void *arg);

/*
 * All parts, unless the thread is killed between two of them: CANCELED then. What is left of a process is cleared by
 * its last thread, killed or not.
 */
static zx_status_t each_part(struct vmar *vmar, part_fn *act, void *arg) {
    struct clearing c = {0};
    bool last = false, dying = false;
    while (!last && (!c.begun || dying || !thread_killed())) {
        struct vmar *before = c.near;
        c.left = PART;
        c.dead = (struct graveyard){0};
        mutex_lock(&vmar->aspace->lock);
        dying = vmar->aspace->state == ASPACE_DEAD;
        last = act(vmar, &c, arg);
        mutex_unlock_fair(&vmar->aspace->lock);
        c.begun = true;
        if (before && before != c.near) object_unref(&before->object);
        graveyard_release(&c.dead);
    }
    if (c.near) object_unref(&c.near->object);
    return last ? ZX_OK : ZX_ERR_CANCELED;
}

static bool destroy_some(struct vmar *vmar, struct clearing *c, void *arg) {
    zx_status_t *status = arg;
    lock_rank_assert_held(&vmar->aspace->lock);
    /* Others may destroy it too, and be done before. */
    if (vmar->dead && !c->begun) *status = ZX_ERR_BAD_STATE;
    return vmar->dead || destroy_part(vmar, c);
}

zx_status_t vmar_destroy(struct vmar *vmar) {
    zx_status_t status = ZX_OK, done = each_part(vmar, destroy_some, &status);
    return status == ZX_OK ? done : status;
}

#define FOREACH_REGION(r, vmar, from, to) \
    for (struct region *r = region_first_above(&(vmar)->children, (from)); r && r->base < (to); r = region_next(r))

zx_status_t vmar_check_overwrite(struct vmar *vmar, vaddr_t base, size_t len) {
    FOREACH_REGION(r, vmar, base, base + len) {
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

/* Is no VMAR in the range in part? It would lie across one end. */
static zx_status_t check_unmap(struct vmar *vmar, vaddr_t base, size_t len) REQUIRES(&vmar->aspace->lock) {
    const vaddr_t ends[2] = {base, base + len - 1};
    for (unsigned i = 0; i < 2; i++) {
        struct region *r = region_find(&vmar->children, ends[i]);
        if (r && r->kind == REGION_VMAR && !range_within(r->base, r->len, base, len)) return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

/* Removes [base, end) from one mapping that overlaps it. */
static void mapping_cut(struct mapping *m, vaddr_t base, vaddr_t end, struct mapping **spare, struct graveyard *dead) {
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

void vmar_clear_range(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare, struct graveyard *dead) {
    vaddr_t end = base + len;
    struct region *next;
    for (struct region *r = region_first_above(&vmar->children, base); r && r->base < end; r = next) {
        next = region_next(r);
        mapping_cut(mapping_from_region(r), base, end, spare, dead);
    }
}

void vmar_map_undo(struct vmar *vmar, const struct vmar_map *args, vaddr_t base) {
    struct graveyard dead = {0};
    mutex_lock(&vmar->aspace->lock);
    struct region *next;
    for (struct region *r = region_first_above(&vmar->children, base); r && r->base < base + args->len; r = next) {
        next = region_next(r);
        if (r->kind == REGION_MAPPING && mapping_from_region(r)->id == args->id)
            mapping_detach(mapping_from_region(r), &dead.mappings);
    }
    mutex_unlock(&vmar->aspace->lock);
    graveyard_release(&dead);
}

/* Only cutting the middle out of a mapping takes memory: everything else can be cleared when there is none. */
zx_status_t vmar_prepare_clear(struct vmar *vmar, vaddr_t base, size_t len, struct mapping **spare) {
    struct region *r = region_find(&vmar->children, base);
    if (!r || r->base == base || region_end(r) <= base + len) return ZX_OK;
    *spare = heap_new(struct mapping);
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/* What is still to be unmapped, and with what. */
struct unmapping {
    size_t len; /* at first */
    vaddr_t at, end;
    struct mapping *spare;
    zx_status_t status;
};

static zx_status_t unmap_begin(struct vmar *vmar, struct unmapping *u) REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    if (!range_within(u->at, u->len, vmar->region.base, vmar->region.len)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check_unmap(vmar, u->at, u->len);
    return status == ZX_OK ? vmar_prepare_clear(vmar, u->at, u->len, &u->spare) : status;
}

/* Is it to be unmapped? What lies across where the last part ended, or is a VMAR across the end, is newer than that. */
static bool is_meant(const struct region *r, const struct unmapping *u, bool begun) {
    if (r->kind == REGION_VMAR) return range_within(r->base, r->len, u->at, u->end - u->at);
    return !begun || r->base >= u->at;
}

static bool unmap_some(struct vmar *vmar, struct clearing *c, void *arg) {
    struct unmapping *u = arg;
    struct region *next;
    mutex_assert_held(&vmar->aspace->lock);
    if (!c->begun && (u->status = unmap_begin(vmar, u)) != ZX_OK) return true;
    for (struct region *r = region_first_above(&vmar->children, u->at); r && r->base < u->end; r = next) {
        const vaddr_t above = region_end(r);
        next = region_next(r);
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
    zx_status_t done = each_part(vmar, unmap_some, &u);
    heap_free(u.spare);
    return u.status == ZX_OK ? done : u.status;
}

static zx_status_t check_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, size_t len)
    REQUIRES(&vmar->aspace->lock) {
    if (vmar->dead) return ZX_ERR_BAD_STATE;
    if (!range_within(addr, len, vmar->region.base, vmar->region.len)) return ZX_ERR_INVALID_ARGS;
    if (!region_find(&vmar->children, addr)) return ZX_ERR_NOT_FOUND;
    vaddr_t reached = addr, end = addr + len;
    FOREACH_REGION(r, vmar, addr, end) {
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        if (r->base > reached) return ZX_ERR_NOT_FOUND;
        if (perms & ~mapping_from_region(r)->ceiling) return ZX_ERR_ACCESS_DENIED;
        reached = region_end(r);
    }
    return reached < end ? ZX_ERR_NOT_FOUND : ZX_OK;
}

/* A mapping for the upper part, if one has to be cut in two at `at`. */
static zx_status_t prepare_split(struct vmar *vmar, vaddr_t at, struct mapping **spare) REQUIRES(&vmar->aspace->lock) {
    struct region *r = region_find(&vmar->children, at);
    if (!r || r->base == at) return ZX_OK;
    *spare = heap_new(struct mapping);
    return *spare ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static void protect_range(struct vmar *vmar, uint32_t perms, vaddr_t addr, size_t len, struct mapping *upper[2])
    REQUIRES(&vmar->aspace->lock) {
    for (unsigned i = 0; i < 2; i++) {
        vaddr_t at = i ? addr + len : addr;
        if (upper[i]) mapping_split(mapping_from_region(region_find(&vmar->children, at)), at, upper[i]);
    }
    FOREACH_REGION(r, vmar, addr, addr + len) mapping_protect(mapping_from_region(r), perms);
}

zx_status_t vmar_protect(struct vmar *vmar, uint32_t perms, vaddr_t addr, uint64_t len) {
    if ((perms & (PERM_WRITE | PERM_EXECUTE)) && !(perms & PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if (!page_aligned(addr) || (perms & ~(uint32_t)PERM_ALL)) return ZX_ERR_INVALID_ARGS;
    if (!page_round_up(len, &len) || len == 0) return ZX_ERR_INVALID_ARGS;
    struct mapping *upper[2] = {0};
    mutex_lock(&vmar->aspace->lock);
    zx_status_t status = check_protect(vmar, perms, addr, len);
    if (status == ZX_OK) status = prepare_split(vmar, addr, &upper[0]);
    if (status == ZX_OK) status = prepare_split(vmar, addr + len, &upper[1]);
    if (status == ZX_OK) protect_range(vmar, perms, addr, len, upper);
    mutex_unlock(&vmar->aspace->lock);
    if (status != ZX_OK) heap_free(upper[0]);
    return status;
}
