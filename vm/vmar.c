/*
 * Making VMARs and mappings: the checks in Zircon's order, placement, and the joining of what was made; see vmar.h.
 *
 * A mapping that replaces many others grows over them, so many in one hold of the lock. What others put into the range
 * meanwhile is replaced like what was there before, if it comes before its turn; a VMAR cannot be, and stays as if it
 * had come after the call.
 */
#include "vm/vmar.h"

#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/options.h"
#include "vm/heap.h"
#include "vm/vmar_change.h"

#define CAN_MAP_ALL (CAN_MAP_PERMS | ZX_VM_CAN_MAP_SPECIFIC)
#define SPECIFIC_ANY (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)

static uint32_t vmar_perms(const struct vmar *vmar) { return (vmar->can & CAN_MAP_PERMS) >> CAN_MAP_SHIFT; }

static void vmar_free(struct object *object) {
    struct vmar *vmar = vmar_from_object(object);
    struct aspace *as = vmar->aspace;
    ASSERT(RB_EMPTY(&vmar->children) && !vmar->region.parent);
    if (vmar != as->root) heap_free(vmar);
    aspace_unref(as);
}

static const struct object_ops vmar_ops = {
    .type = ZX_OBJ_TYPE_VMAR,
    .default_rights = ZX_DEFAULT_VMAR_RIGHTS,
    .free = vmar_free,
};

static void vmar_init(struct vmar *vmar, struct aspace *as, uint32_t can, size_t len) {
    object_init(&vmar->object, &vmar_ops, 0);
    aspace_ref(as);
    vmar->aspace = as;
    vmar->can = can;
    vmar->region.kind = REGION_VMAR;
    vmar->region.len = len;
    RB_INIT(&vmar->children);
}

void vmar_init_root(struct vmar *root, struct aspace *as) {
    vmar_init(root, as, CAN_MAP_ALL, USER_END - USER_BASE);
    root->region.base = USER_BASE;
}

/* The lowest gap; with random placement, the lowest above a random address if there is one. */
static bool find_room(struct vmar *vmar, size_t len, vaddr_t *out) REQUIRES(&vmar->aspace->lock) {
    static struct option_flag lowest = OPTION_FLAG("aslr.disable", true);
    vaddr_t base = vmar->region.base, end = region_end(&vmar->region);
    if (!option_flag(&lowest)) {
        vaddr_t from = base + page_round_down(arch_entropy() % vmar->region.len);
        if (region_find_room(&vmar->children, from, end, len, out)) return true;
    }
    return region_find_room(&vmar->children, base, end, len, out);
}

/* Where the VMO has its frames in one run: room that lies to large pages as the frames do, if there is any. */
static bool find_large_room(struct vmar *vmar, const struct vmar_map *args, size_t len, vaddr_t *out)
    REQUIRES(&vmar->aspace->lock) {
    uint64_t frame = args->vmo->frames.raw + args->vmo->store_offset + args->vmo_offset;
    vaddr_t at;
    if (!find_room(vmar, len, out)) return false;
    if (len < MMU_LARGE_PAGE || (*out - frame) % MMU_LARGE_PAGE == 0) return true;
    if (find_room(vmar, len + MMU_LARGE_PAGE - PAGE_SIZE, &at)) *out = at + (frame - at) % MMU_LARGE_PAGE;
    return true;
}

/*
 * Room for `len` bytes: a gap, or where the caller says, which may overlap others: see overlaps(). `map`: NULL for a
 * VMAR.
 */
static zx_status_t place(struct vmar *vmar, zx_vm_option_t options, uint64_t offset, const struct vmar_map *map,
                         size_t len, vaddr_t *out) REQUIRES(&vmar->aspace->lock) {
    if (offset != 0 && !(options & SPECIFIC_ANY)) return ZX_ERR_INVALID_ARGS;
    if ((options & SPECIFIC_ANY) && !(vmar->can & ZX_VM_CAN_MAP_SPECIFIC)) return ZX_ERR_ACCESS_DENIED;
    if (offset >= vmar->region.len || len > vmar->region.len - offset) return ZX_ERR_INVALID_ARGS;
    if (!(options & SPECIFIC_ANY)) {
        bool run = map && map->vmo->kind != VMO_PAGED;
        bool found = run ? find_large_room(vmar, map, len, out) : find_room(vmar, len, out);
        return found ? ZX_OK : ZX_ERR_NO_MEMORY;
    }
    if (!page_aligned(offset)) return ZX_ERR_INVALID_ARGS;
    *out = vmar->region.base + offset;
    return ZX_OK;
}

static bool overlaps(struct vmar *vmar, zx_vm_option_t options, vaddr_t base, size_t len)
    REQUIRES(&vmar->aspace->lock) {
    struct region *r = options & SPECIFIC_ANY ? region_first_above(&vmar->children, base) : NULL;
    return r && r->base < base + len;
}

/* Nothing comes into an address space that is being destroyed, or that would never end. */
static bool is_dead(const struct vmar *vmar) REQUIRES(&vmar->aspace->lock) {
    return vmar->dead || vmar->aspace->state == ASPACE_DEAD;
}

static zx_status_t allocate_place(struct vmar *parent, zx_vm_option_t options, uint64_t offset, uint64_t size,
                                  vaddr_t *base) REQUIRES(&parent->aspace->lock) {
    if (is_dead(parent)) return ZX_ERR_BAD_STATE;
    if (size == 0) return ZX_ERR_INVALID_ARGS;
    if (options & CAN_MAP_PERMS & ~parent->can) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = place(parent, options, offset, NULL, size, base);
    return status == ZX_OK && overlaps(parent, options, *base, size) ? ZX_ERR_NO_MEMORY : status;
}

zx_status_t vmar_allocate(struct vmar *parent, zx_vm_option_t options, uint64_t offset, uint64_t size,
                          struct vmar **out) {
    if ((options & ~(ZX_VM_COMPACT | ZX_VM_SPECIFIC | CAN_MAP_ALL)) || !page_aligned(size)) return ZX_ERR_INVALID_ARGS;
    vaddr_t base;
    struct vmar *child = NULL;
    aspace_lock(parent->aspace);
    zx_status_t status = allocate_place(parent, options, offset, size, &base);
    if (status == ZX_OK && !(child = heap_new(struct vmar))) status = ZX_ERR_NO_MEMORY;
    if (status == ZX_OK) {
        vmar_init(child, parent->aspace, options & CAN_MAP_ALL, size);
        child->region.base = base;
        child->region.parent = parent;
        region_insert(&parent->children, &child->region);
        object_ref(&child->object);
        *out = child;
    }
    mutex_unlock(&parent->aspace->lock);
    return status;
}

static zx_status_t map_check(const struct vmar *vmar, const struct vmar_map *args, size_t *len) {
    const zx_vm_option_t known = PERM_ALL | SPECIFIC_ANY | ZX_VM_MAP_RANGE | ZX_VM_REQUIRE_NON_RESIZABLE;
    uint64_t rounded, end;
    if (args->options & ~(known | ZX_VM_COMPACT | ZX_VM_CAN_MAP_SPECIFIC)) return ZX_ERR_INVALID_ARGS;
    if ((args->options & ZX_VM_REQUIRE_NON_RESIZABLE) && args->vmo->resizable) return ZX_ERR_NOT_SUPPORTED;
    if (args->options & ~known) return ZX_ERR_INVALID_ARGS;
    if (args->options & PERM_ALL & ~vmar_perms(vmar)) return ZX_ERR_ACCESS_DENIED;
    if (!page_round_up(args->len, &rounded)) rounded = 0;
    if (!page_aligned(args->vmo_offset) || __builtin_add_overflow(args->vmo_offset, rounded, &end))
        return ZX_ERR_INVALID_ARGS;
    *len = rounded;
    return ZX_OK;
}

static zx_status_t map_place(struct vmar *vmar, struct vmar_map *args, size_t len, vaddr_t *base)
    REQUIRES(&vmar->aspace->lock) {
    args->id = ++vmar->aspace->map_count;
    if (is_dead(vmar)) return ZX_ERR_BAD_STATE;
    if (len == 0) return ZX_ERR_INVALID_ARGS;
    if (args->ceiling & ~vmar_perms(vmar)) return ZX_ERR_ACCESS_DENIED;
    return place(vmar, args->options, args->offset, args, len, base);
}

/* The mapping that `args` are about from its byte `into` on. */
static void mapping_join(struct mapping *m, struct vmar *vmar, const struct vmar_map *args, uint64_t into, vaddr_t base,
                         size_t len) REQUIRES(&vmar->aspace->lock) {
    *m = (struct mapping){
        .region = {.kind = REGION_MAPPING, .parent = vmar, .base = base, .len = len},
        .aspace = vmar->aspace,
        .vmo = args->vmo,
        .offset = args->vmo_offset + into,
        .perms = args->options & PERM_ALL,
        .ceiling = args->ceiling,
        .id = args->id,
    };
    vmo_ref(m->vmo);
    mapping_attach(m);
}

static zx_status_t map_where_free(struct vmar *vmar, struct vmar_map *args, size_t len, vaddr_t *base) {
    struct mapping *m;
    aspace_lock(vmar->aspace);
    zx_status_t status = map_place(vmar, args, len, base);
    if (status == ZX_OK && (overlaps(vmar, args->options, *base, len) || !(m = heap_alloc(sizeof(*m)))))
        status = ZX_ERR_NO_MEMORY;
    if (status == ZX_OK) mapping_join(m, vmar, args, 0, *base, len);
    mutex_unlock(&vmar->aspace->lock);
    return status;
}

/* A map over others, and how far it has got. */
struct overmap {
    struct vmar_map *args;
    size_t len;
    vaddr_t base, end;
    vaddr_t at;            /* up to here there is no VMAR, and later: up to here others have given way */
    bool checked;          /* there was none in all of the range */
    struct mapping *fresh; /* will be the mapping */
    struct mapping *spare; /* for the upper part of one that is cut in its middle */
    zx_status_t status;
};

static bool over_begin(struct vmar *vmar, struct overmap *o) REQUIRES(&vmar->aspace->lock) {
    o->status = map_place(vmar, o->args, o->len, &o->base);
    o->at = o->base;
    o->end = o->base + o->len;
    return o->status == ZX_OK;
}

/* Looks for VMARs in a part of the range, and at its end makes all that the first change may take. */
static zx_status_t over_check(struct vmar *vmar, struct overmap *o, unsigned left) REQUIRES(&vmar->aspace->lock) {
    FOREACH_REGION(r, vmar, o->at, o->end) {
        if (left-- == 0) return ZX_OK;
        if (r->kind == REGION_VMAR) return ZX_ERR_INVALID_ARGS;
        o->at = min_u64(region_end(r), o->end);
    }
    o->checked = true;
    o->at = o->base;
    zx_status_t status = vmar_prepare_cut(region_first_above(&vmar->children, o->base), o->base, o->len, &o->spare);
    if (status == ZX_OK && !(o->fresh = heap_alloc(sizeof(struct mapping)))) status = ZX_ERR_NO_MEMORY;
    return status;
}

/* Removes what lies at `at`. Returns up to where: the next VMAR, or the first region that is too many. */
static vaddr_t over_clear(struct vmar *vmar, struct overmap *o, struct parts *parts) REQUIRES(&vmar->aspace->lock) {
    struct region *next;
    for (struct region *r = region_first_above(&vmar->children, o->at); r && r->base < o->end; r = next) {
        next = region_next(r);
        if (parts->left == 0 || r->kind == REGION_VMAR) return max_u64(r->base, o->at);
        parts->left--;
        mapping_cut(mapping_from_region(r), o->at, o->end, &o->spare, &parts->dead);
    }
    return o->end;
}

/* What is there of the mapping, right below `at`, and is still what it was made as; or NULL. */
static struct mapping *over_so_far(struct vmar *vmar, const struct overmap *o) REQUIRES(&vmar->aspace->lock) {
    struct region *r = o->at > o->base ? region_find(&vmar->children, o->at - 1) : NULL;
    if (!r || r->kind == REGION_VMAR || region_end(r) != o->at) return NULL;
    struct mapping *m = mapping_from_region(r);
    bool same = m->id == o->args->id && m->vmo == o->args->vmo && m->perms == (o->args->options & PERM_ALL);
    return same ? m : NULL;
}

/* The mapping's part at [at, to), where nothing is. If others have changed what there was of it, it gets two. */
static zx_status_t over_put(struct vmar *vmar, struct overmap *o, vaddr_t to) REQUIRES(&vmar->aspace->lock) {
    struct mapping *m = over_so_far(vmar, o);
    if (m) {
        mapping_extend(m, to - o->at);
        return ZX_OK;
    }
    m = o->fresh ? o->fresh : heap_alloc(sizeof(*m));
    o->fresh = NULL;
    if (!m) return ZX_ERR_NO_MEMORY;
    mapping_join(m, vmar, o->args, o->at - o->base, o->at, to - o->at);
    return ZX_OK;
}

/* Cannot it give way, because it has come after the check? */
static bool is_newer(const struct region *r, const struct overmap *o) {
    return r->kind == REGION_VMAR ? r->base <= o->at : o->at > o->base && r->base < o->at;
}

/*
 * A part in one hold of the lock: some mappings give way to the new one, which is there from `base` up to where they
 * were. So no address is ever without.
 */
static bool over_some(struct vmar *vmar, struct parts *parts, void *arg) {
    struct overmap *o = arg;
    mutex_assert_held(&vmar->aspace->lock);
    if (!parts->begun && !over_begin(vmar, o)) return true;
    if (is_dead(vmar)) {
        if (!o->checked) o->status = ZX_ERR_BAD_STATE;
        return true;
    }
    if (!o->checked) o->status = over_check(vmar, o, parts->left);
    if (o->status != ZX_OK || !o->checked) return o->status != ZX_OK;
    struct region *r = region_first_above(&vmar->children, o->at);
    if (r && is_newer(r, o)) {
        o->at = min_u64(region_end(r), o->end);
    } else {
        const vaddr_t to = over_clear(vmar, o, parts);
        o->status = over_put(vmar, o, to);
        o->at = to;
    }
    return o->status != ZX_OK || o->at == o->end;
}

static zx_status_t map_over(struct vmar *vmar, struct vmar_map *args, size_t len, vaddr_t *base) {
    struct overmap o = {.args = args, .len = len};
    zx_status_t done = vmar_each_part(vmar, over_some, &o);
    heap_free(o.fresh);
    heap_free(o.spare);
    if (o.status != ZX_OK && o.checked && o.at > o.base) vmar_map_undo(vmar, args, o.base);
    *base = o.base;
    return o.status == ZX_OK ? done : o.status;
}

zx_status_t vmar_map(struct vmar *vmar, struct vmar_map *args, vaddr_t *out) {
    size_t len;
    vaddr_t base = 0;
    zx_status_t status = map_check(vmar, args, &len);
    if (status != ZX_OK) return status;
    const bool over = args->options & ZX_VM_SPECIFIC_OVERWRITE;
    status = over ? map_over(vmar, args, len, &base) : map_where_free(vmar, args, len, &base);
    *out = base;
    if (status != ZX_OK || !(args->options & ZX_VM_MAP_RANGE)) return status;
    status = vmar_preload(vmar, base, base + len, args->id);
    if (status == ZX_ERR_BAD_STATE) return ZX_OK; /* others have unmapped it already */
    if (status != ZX_OK) vmar_map_undo(vmar, args, base);
    return status;
}
