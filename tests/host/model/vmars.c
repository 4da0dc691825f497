/*
 * The model's address spaces: a list of mappings and a list of VMARs, each of which knows the VMAR that it is in.
 */
#include "tests/host/model/model.h"

#include <stdlib.h>
#include <zircon/errors.h>

#define PERMS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define CAN_MAPS (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)
#define EITHER_SPECIFIC (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)

/* A child of a VMAR: one or the other. */
struct child {
    uint64_t base, end;
    struct model_mapping *mapping;
    struct model_vmar *vmar;
};

static void consider(struct child *best, uint64_t addr, struct child candidate) {
    if (candidate.end > addr && (!best->end || candidate.base < best->base)) *best = candidate;
}

/* The lowest child of `v` that ends above `addr`; false if there is none. */
static bool child_above(struct model *m, struct model_vmar *v, uint64_t addr, struct child *out) {
    *out = (struct child){0};
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) {
        struct model_mapping *map = &v->process->mappings[i];
        if (map->vmar == v) consider(out, addr, (struct child){map->base, map->base + map->len, map, NULL});
    }
    for (unsigned i = 0; i < m->vmar_count; i++) {
        struct model_vmar *sub = &m->vmars[i];
        if (sub->parent == v && !sub->dead)
            consider(out, addr, (struct child){sub->base, sub->base + sub->len, NULL, sub});
    }
    return out->end != 0;
}

struct model_mapping *model_mapping_at(struct model_process *p, uint64_t addr) {
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) {
        struct model_mapping *map = &p->mappings[i];
        if (map->vmar && addr >= map->base && addr - map->base < map->len) return map;
    }
    return NULL;
}

struct model_vmar *model_vmar_new(struct model *m, struct model_process *p, struct model_vmar *parent, uint64_t base,
                                  uint64_t len, uint32_t can) {
    if (m->vmar_count == MODEL_VMARS) abort();
    struct model_vmar *v = &m->vmars[m->vmar_count++];
    *v = (struct model_vmar){
        .object.type = ZX_OBJ_TYPE_VMAR, .process = p, .parent = parent, .base = base, .len = len, .can = can};
    return v;
}

struct model_mapping *model_mapping_add(struct model_vmar *v, uint64_t base, uint64_t len, struct model_vmo *vmo,
                                        uint64_t offset, uint32_t perms, uint32_t ceiling) {
    struct model_mapping *map = v->process->mappings;
    while (map->vmar) {
        if (++map == v->process->mappings + MODEL_MAPPINGS) abort();
    }
    *map = (struct model_mapping){v, base, len, vmo, offset, perms, ceiling, false};
    vmo->mappings++;
    return map;
}

static void mapping_remove(struct model_mapping *map) {
    map->vmo->mappings--;
    map->vmar = NULL;
}

/* Cuts a mapping in two at `at`; it keeps the lower part. */
static void mapping_split(struct model_mapping *map, uint64_t at) {
    if (at <= map->base || at >= map->base + map->len) return;
    uint64_t lower = at - map->base;
    struct model_mapping *upper =
        model_mapping_add(map->vmar, at, map->len - lower, map->vmo, map->offset + lower, map->perms, map->ceiling);
    upper->private = map->private;
    map->len = lower;
}

void model_vmar_kill(struct model *m, struct model_vmar *v) {
    struct child c;
    while (child_above(m, v, 0, &c)) {
        if (c.mapping)
            mapping_remove(c.mapping);
        else
            model_vmar_kill(m, c.vmar);
    }
    v->dead = true;
}

/* Removes everything within [base, base + len) of `v`. */
static void clear(struct model *m, struct model_vmar *v, uint64_t base, uint64_t len) {
    struct child c;
    while (child_above(m, v, base, &c) && c.base < base + len) {
        if (c.vmar) {
            model_vmar_kill(m, c.vmar);
            continue;
        }
        mapping_split(c.mapping, base + len);
        if (c.base < base)
            mapping_split(c.mapping, base);
        else
            mapping_remove(c.mapping);
    }
}

static zx_status_t get_vmar(struct model_process *p, zx_handle_t value, zx_rights_t rights, struct model_vmar **out) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_VMAR, rights, &h);
    if (status == ZX_OK) *out = (struct model_vmar *)h->object;
    return status;
}

/*
 * READ, WRITE and EXECUTE are bits 2, 3 and 4 of rights, 0, 1 and 2 of permissions, 7, 8 and 9 of what can be mapped.
 */
static zx_rights_t rights_of_perms(uint32_t perms) { return (perms & PERMS) << 2; }
static uint32_t perms_of_rights(zx_rights_t rights) { return rights >> 2 & PERMS; }
static uint32_t perms_of_can(uint32_t can) { return can >> 7 & PERMS; }

/* The lowest gap that fits. */
static zx_status_t find_gap(struct model *m, struct model_vmar *v, uint64_t len, uint64_t *base) {
    struct child c;
    *base = v->base;
    while (child_above(m, v, *base, &c)) {
        if (c.base > *base && c.base - *base >= len) return ZX_OK;
        *base = c.end;
    }
    return v->base + v->len - *base >= len ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/* Where a new child goes, but for what may be there already. */
static zx_status_t place(struct model *m, struct model_vmar *v, uint32_t options, uint64_t offset, uint64_t len,
                         uint64_t *base) {
    if (offset != 0 && !(options & EITHER_SPECIFIC)) return ZX_ERR_INVALID_ARGS;
    if ((options & EITHER_SPECIFIC) && !(v->can & ZX_VM_CAN_MAP_SPECIFIC)) return ZX_ERR_ACCESS_DENIED;
    if (offset >= v->len || len > v->len - offset) return ZX_ERR_INVALID_ARGS;
    if (!(options & EITHER_SPECIFIC)) return find_gap(m, v, len, base);
    *base = v->base + offset;
    return model_aligned(offset) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static bool occupied(struct model *m, struct model_vmar *v, uint64_t base, uint64_t len) {
    struct child c;
    return child_above(m, v, base, &c) && c.base < base + len;
}

static zx_status_t allocate_check(struct model *m, struct model_vmar *v, uint32_t options, uint64_t offset,
                                  uint64_t size, uint64_t *base) {
    const uint32_t known = ZX_VM_COMPACT | ZX_VM_SPECIFIC | ZX_VM_CAN_MAP_SPECIFIC | CAN_MAPS;
    if ((options & ~known) || !model_aligned(size)) return ZX_ERR_INVALID_ARGS;
    if (v->dead) return ZX_ERR_BAD_STATE;
    if (size == 0) return ZX_ERR_INVALID_ARGS;
    if (options & CAN_MAPS & ~v->can) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = place(m, v, options, offset, size, base);
    return status == ZX_OK && occupied(m, v, *base, size) ? ZX_ERR_NO_MEMORY : status;
}

zx_status_t model_vmar_allocate(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options,
                                uint64_t offset, uint64_t size, uint64_t out, uint64_t out_addr, zx_handle_t made) {
    struct model_vmar *v;
    uint64_t base;
    uint32_t perms = perms_of_can(options);
    zx_status_t status = get_vmar(p, h, rights_of_perms(perms), &v);
    if (status == ZX_OK) status = allocate_check(m, v, options, offset, size, &base);
    if (status == ZX_OK) status = model_put(p, out_addr, &base, sizeof(base));
    if (status == ZX_OK) status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    v = model_vmar_new(m, v->process, v, base, size, options & (CAN_MAPS | ZX_VM_CAN_MAP_SPECIFIC));
    model_give(p, made, &v->object, ZX_DEFAULT_VMAR_RIGHTS | rights_of_perms(perms));
    return ZX_OK;
}

/* The checks of vmar_map that look at options and handles. */
static zx_status_t map_check_options(uint32_t options, const struct model_handle *vmar,
                                     const struct model_handle *vmo) {
    const uint32_t known = PERMS | EITHER_SPECIFIC | ZX_VM_MAP_RANGE | ZX_VM_REQUIRE_NON_RESIZABLE;
    if (!(vmo->rights & ZX_RIGHT_MAP)) return ZX_ERR_ACCESS_DENIED;
    if ((options & PERMS) && !(options & ZX_VM_PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if ((options & ZX_VM_MAP_RANGE) && (options & ZX_VM_SPECIFIC_OVERWRITE)) return ZX_ERR_INVALID_ARGS;
    if (options & CAN_MAPS) return ZX_ERR_INVALID_ARGS;
    if (rights_of_perms(options) & ~(vmar->rights & vmo->rights)) return ZX_ERR_ACCESS_DENIED;
    if (options & ~(known | ZX_VM_COMPACT | ZX_VM_CAN_MAP_SPECIFIC)) return ZX_ERR_INVALID_ARGS;
    if ((options & ZX_VM_REQUIRE_NON_RESIZABLE) && ((struct model_vmo *)vmo->object)->resizable)
        return ZX_ERR_NOT_SUPPORTED;
    if (options & ~known) return ZX_ERR_INVALID_ARGS;
    return options & PERMS & ~perms_of_can(((struct model_vmar *)vmar->object)->can) ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

static bool holds_vmar(struct model *m, struct model_vmar *v, uint64_t base, uint64_t len) {
    for (unsigned i = 0; i < m->vmar_count; i++) {
        struct model_vmar *sub = &m->vmars[i];
        if (sub->parent == v && !sub->dead && sub->base < base + len && sub->base + sub->len > base) return true;
    }
    return false;
}

static zx_status_t map_place(struct model *m, struct model_vmar *v, const struct model_map *a, uint32_t ceiling,
                             uint64_t *base) {
    uint64_t len = model_round_up(a->len);
    if (!model_aligned(a->vmo_offset) || a->vmo_offset + len < a->vmo_offset) return ZX_ERR_INVALID_ARGS;
    if (v->dead) return ZX_ERR_BAD_STATE;
    if (len == 0) return ZX_ERR_INVALID_ARGS;
    if (ceiling & ~perms_of_can(v->can)) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = place(m, v, a->options, a->vmar_offset, len, base);
    if (status != ZX_OK) return status;
    if (a->options & ZX_VM_SPECIFIC_OVERWRITE) return holds_vmar(m, v, *base, len) ? ZX_ERR_INVALID_ARGS : ZX_OK;
    return occupied(m, v, *base, len) ? ZX_ERR_NO_MEMORY : ZX_OK;
}

zx_status_t model_vmar_map(struct model *m, struct model_process *p, const struct model_map *a) {
    struct model_handle *vmar, *vmo;
    uint64_t base;
    zx_status_t status = model_get(p, a->vmar, ZX_OBJ_TYPE_VMAR, 0, &vmar);
    if (status == ZX_OK) status = model_get(p, a->vmo, ZX_OBJ_TYPE_VMO, 0, &vmo);
    if (status == ZX_OK) status = map_check_options(a->options, vmar, vmo);
    if (status != ZX_OK) return status;
    struct model_vmar *v = (struct model_vmar *)vmar->object;
    uint32_t ceiling = perms_of_rights(vmar->rights & vmo->rights);
    status = map_place(m, v, a, ceiling, &base);
    if (status != ZX_OK) return status;
    clear(m, v, base, model_round_up(a->len));
    struct model_mapping *map = model_mapping_add(v, base, model_round_up(a->len), (struct model_vmo *)vmo->object,
                                                  a->vmo_offset, a->options & PERMS, ceiling);
    status = model_put(p, a->out, &base, sizeof(base));
    if (status != ZX_OK) mapping_remove(map);
    return status;
}

/* What unmap and protect check first. */
static zx_status_t range_check(const struct model_vmar *v, uint64_t addr, uint64_t len) {
    if (v->dead) return ZX_ERR_BAD_STATE;
    return addr >= v->base && model_within(addr - v->base, len, v->len) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t model_vmar_unmap(struct model *m, struct model_process *p, zx_handle_t h, uint64_t addr, uint64_t len) {
    struct model_vmar *v;
    zx_status_t status = get_vmar(p, h, 0, &v);
    if (status != ZX_OK) return status;
    len = model_round_up(len);
    if (!model_aligned(addr) || len == 0) return ZX_ERR_INVALID_ARGS;
    status = range_check(v, addr, len);
    if (status != ZX_OK) return status;
    for (unsigned i = 0; i < m->vmar_count; i++) {
        struct model_vmar *sub = &m->vmars[i];
        if (sub->parent != v || sub->dead || sub->base >= addr + len || sub->base + sub->len <= addr) continue;
        if (sub->base < addr || sub->base + sub->len > addr + len) return ZX_ERR_INVALID_ARGS;
    }
    clear(m, v, addr, len);
    return ZX_OK;
}

static zx_status_t protect_check(struct model *m, struct model_vmar *v, uint32_t perms, uint64_t addr, uint64_t len) {
    struct child c;
    uint64_t reached = addr;
    while (reached < addr + len) {
        bool any = child_above(m, v, reached, &c) && c.base < addr + len;
        if (!any || (reached == addr && c.base > addr)) return ZX_ERR_NOT_FOUND;
        if (c.vmar) return ZX_ERR_INVALID_ARGS;
        if (c.base > reached) return ZX_ERR_NOT_FOUND;
        if (perms & ~c.mapping->ceiling) return ZX_ERR_ACCESS_DENIED;
        reached = c.end;
    }
    return ZX_OK;
}

zx_status_t model_vmar_protect(struct model *m, struct model_process *p, zx_handle_t h, uint32_t options, uint64_t addr,
                               uint64_t len) {
    struct model_vmar *v;
    zx_status_t status = get_vmar(p, h, rights_of_perms(options), &v);
    if (status != ZX_OK) return status;
    if ((options & PERMS) && !(options & ZX_VM_PERM_READ)) return ZX_ERR_INVALID_ARGS;
    if (!model_aligned(addr) || (options & ~PERMS) || model_round_up(len) == 0) return ZX_ERR_INVALID_ARGS;
    len = model_round_up(len);
    status = range_check(v, addr, len);
    if (status == ZX_OK) status = protect_check(m, v, options, addr, len);
    if (status != ZX_OK) return status;
    for (uint64_t at = addr; at < addr + len;) {
        struct model_mapping *map = model_mapping_at(v->process, at);
        mapping_split(map, at);
        map = model_mapping_at(v->process, at);
        mapping_split(map, addr + len);
        map->perms = options;
        at = map->base + map->len;
    }
    return ZX_OK;
}

zx_status_t model_vmar_destroy(struct model *m, struct model_process *p, zx_handle_t h) {
    struct model_vmar *v;
    zx_status_t status = get_vmar(p, h, 0, &v);
    if (status != ZX_OK) return status;
    if (v->dead) return ZX_ERR_BAD_STATE;
    model_vmar_kill(m, v);
    return ZX_OK;
}

/* What is wrong with a range for op_range, from its beginning on. */
static zx_status_t op_check(struct model *m, struct model_vmar *v, uint32_t op, uint64_t addr, uint64_t len) {
    struct child c;
    bool changes = op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_ZERO;
    for (uint64_t reached = addr; reached < addr + len; reached = c.end) {
        if (!child_above(m, v, reached, &c) || c.base > reached) return ZX_ERR_BAD_STATE;
        if (c.vmar) return ZX_ERR_INVALID_ARGS;
        if (changes && !(c.mapping->ceiling & ZX_VM_PERM_WRITE)) return ZX_ERR_ACCESS_DENIED;
    }
    return ZX_OK;
}

zx_status_t model_vmar_op_range(struct model *m, struct model_process *p, zx_handle_t h, uint32_t op, uint64_t addr,
                                uint64_t len, uint64_t buffer, uint64_t buffer_size) {
    struct model_vmar *v;
    if (buffer || buffer_size) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = get_vmar(p, h, 0, &v);
    if (status != ZX_OK) return status;
    len = model_round_up(len);
    if (!model_aligned(addr) || len == 0) return ZX_ERR_INVALID_ARGS;
    if (addr < v->base || !model_within(addr - v->base, len, v->len)) return ZX_ERR_OUT_OF_RANGE;
    if (v->dead) return ZX_ERR_BAD_STATE;
    status = op_check(m, v, op, addr, len);
    if (status != ZX_OK) return status;
    if (op == 0 || (op > ZX_VMAR_OP_MAP_RANGE && op != ZX_VMAR_OP_ZERO && op < ZX_VMAR_OP_DONT_NEED) ||
        op > ZX_VMAR_OP_PREFETCH)
        return ZX_ERR_INVALID_ARGS;
    /* The others do nothing that can be seen. */
    if (op != ZX_VMAR_OP_COMMIT && op != ZX_VMAR_OP_DECOMMIT && op != ZX_VMAR_OP_ZERO) return ZX_OK;
    for (uint64_t at = addr, n; at < addr + len && status == ZX_OK; at += n) {
        struct model_mapping *map = model_mapping_at(v->process, at);
        n = model_min(addr + len, map->base + map->len) - at;
        status = model_vmo_op(map->vmo, op, map->offset + (at - map->base), n);
    }
    return status;
}
