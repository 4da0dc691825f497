/*
 * The model; see memory_model.h.
 */
#include "tests/user/memory_model.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>

static unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }

unsigned model_size(const struct model_vmo *vmo) { return vmo->slice ? vmo->slice_size : vmo->store->size; }

uint64_t *model_cell(const struct model_vmo *vmo, unsigned cell) {
    return &vmo->store->cells[vmo->first * CELLS_PER_PAGE + cell];
}

static unsigned *page_of(const struct model_vmo *vmo, unsigned page) { return &vmo->store->page[vmo->first + page]; }

/* Is the page of the store the very one that its parent has there? */
static bool is_parents(const struct model_store *store, unsigned page) {
    unsigned there = store->parent_first + page;
    return store->parent && there < STORE_PAGES && store->parent->page[there] == store->page[page];
}

uint64_t model_committed(const struct model_vmo *vmo) {
    uint64_t bytes = 0;
    if (vmo->slice) return 0;
    for (unsigned page = 0; page < model_size(vmo); page++)
        bytes += *page_of(vmo, page) && !is_parents(vmo->store, page) ? ZX_PAGE_SIZE : 0;
    return bytes;
}

void model_touch(const struct model_vmo *vmo, unsigned page) {
    static unsigned last;
    *page_of(vmo, page) = ++last;
}

static void share(struct model_vmo *to, const struct model_vmo *from) {
    *to = *from;
    to->store->refs++;
}

/* The children of a store that is gone are its parent's. */
static void children_leave(struct model *m, const struct model_store *gone) {
    for (struct model_store *store = m->stores; store < m->stores + STORES; store++) {
        if (store->parent != gone) continue;
        store->parent = gone->parent;
        store->parent_first += gone->parent_first;
    }
}

void model_close(struct model *m, struct model_vmo *vmo) {
    if (--vmo->store->refs == 0) children_leave(m, vmo->store);
    vmo->store = NULL;
}

void model_create(struct model *m, struct model_vmo *out, unsigned size, bool resizable, bool contiguous) {
    struct model_store *store = m->stores;
    while (store < m->stores + STORES && store->refs > 0) store++;
    if (store == m->stores + STORES) abort();
    memset(store, 0, sizeof(*store));
    store->refs = 1;
    store->size = size;
    store->resizable = resizable;
    store->contiguous = contiguous;
    *out = (struct model_vmo){.store = store};
    for (unsigned page = 0; contiguous && page < size; page++) model_touch(out, page);
}

/* Makes a page of the VMO absent. */
static void drop(const struct model_vmo *vmo, unsigned page) {
    for (unsigned i = 0; i < CELLS_PER_PAGE; i++) *model_cell(vmo, page * CELLS_PER_PAGE + i) = 0;
    if (!vmo->store->contiguous) *page_of(vmo, page) = 0;
}

zx_status_t model_set_size(struct model_vmo *vmo, unsigned size) {
    if (vmo->slice || !vmo->store->resizable) return ZX_ERR_UNAVAILABLE;
    for (unsigned page = size; page < vmo->store->size; page++) drop(vmo, page);
    vmo->store->size = size;
    return ZX_OK;
}

zx_status_t model_snapshot(struct model *m, const struct model_vmo *vmo, unsigned offset, unsigned size, bool resizable,
                           struct model_vmo *out) {
    model_create(m, out, size, resizable, false);
    out->store->parent = vmo->store;
    out->store->parent_first = vmo->first + offset;
    for (unsigned page = 0; page < size && offset + page < model_size(vmo); page++) {
        *page_of(out, page) = *page_of(vmo, offset + page);
        if (vmo->store->contiguous) model_touch(out, page);
        memcpy(model_cell(out, page * CELLS_PER_PAGE), model_cell(vmo, (offset + page) * CELLS_PER_PAGE),
               CELLS_PER_PAGE * sizeof(uint64_t));
    }
    return ZX_OK;
}

zx_status_t model_slice(const struct model_vmo *vmo, unsigned offset, unsigned size, struct model_vmo *out) {
    if (offset + size > model_size(vmo)) return ZX_ERR_INVALID_ARGS;
    if (!vmo->slice && vmo->store->resizable) return ZX_ERR_NOT_SUPPORTED;
    share(out, vmo);
    out->slice = true;
    out->first += offset;
    out->slice_size = size;
    return ZX_OK;
}

static zx_status_t check_range(const struct model_vmo *vmo, unsigned at, unsigned len) {
    return at + len <= model_size(vmo) * CELLS_PER_PAGE ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

zx_status_t model_commit(const struct model_vmo *vmo, unsigned at, unsigned len) {
    if (check_range(vmo, at, len) != ZX_OK) return ZX_ERR_OUT_OF_RANGE;
    for (unsigned cell = at; cell < at + len; cell++) model_touch(vmo, cell / CELLS_PER_PAGE);
    return ZX_OK;
}

zx_status_t model_decommit(const struct model_vmo *vmo, unsigned at, unsigned len) {
    if (vmo->store->contiguous) return ZX_ERR_NOT_SUPPORTED;
    if (at % CELLS_PER_PAGE || len % CELLS_PER_PAGE) return ZX_ERR_INVALID_ARGS;
    if (check_range(vmo, at, len) != ZX_OK) return ZX_ERR_OUT_OF_RANGE;
    for (unsigned page = at / CELLS_PER_PAGE; page < (at + len) / CELLS_PER_PAGE; page++) drop(vmo, page);
    return ZX_OK;
}

zx_status_t model_zero(const struct model_vmo *vmo, unsigned at, unsigned len) {
    if (check_range(vmo, at, len) != ZX_OK) return ZX_ERR_OUT_OF_RANGE;
    for (unsigned cell = at; cell < at + len; cell++) {
        *model_cell(vmo, cell) = 0;
        if (*page_of(vmo, cell / CELLS_PER_PAGE)) model_touch(vmo, cell / CELLS_PER_PAGE);
    }
    unsigned first = (at + CELLS_PER_PAGE - 1) / CELLS_PER_PAGE;
    for (unsigned page = first; page < (at + len) / CELLS_PER_PAGE; page++) drop(vmo, page);
    return ZX_OK;
}

zx_status_t model_write(const struct model_vmo *vmo, unsigned at, unsigned len, uint64_t word) {
    if (check_range(vmo, at, len) != ZX_OK) return ZX_ERR_OUT_OF_RANGE;
    for (unsigned i = 0; i < len; i++) {
        *model_cell(vmo, at + i) = word + i;
        model_touch(vmo, (at + i) / CELLS_PER_PAGE);
    }
    return ZX_OK;
}

/* --- the arena --- */

struct model_mapping *model_at(struct model *m, unsigned page) {
    for (struct model_mapping *r = m->mappings; r < m->mappings + MAPPINGS; r++) {
        if (r->used && page >= r->base && page < r->base + r->len) return r;
    }
    return NULL;
}

static struct model_mapping *entry_new(struct model *m) {
    struct model_mapping *r = m->mappings;
    while (r->used) r++;
    return r;
}

bool model_can(struct model *m, unsigned page, uint32_t perm) {
    const struct model_mapping *r = model_at(m, page);
    return r && !r->is_region && (r->perms & perm) && page - r->base + r->offset < model_size(&r->vmo);
}

static bool is_free(struct model *m, unsigned base, unsigned len) {
    for (unsigned page = base; page < base + len; page++) {
        if (model_at(m, page)) return false;
    }
    return true;
}

unsigned model_room(struct model *m, unsigned len) {
    for (unsigned base = 0; base + len <= ARENA; base++) {
        if (is_free(m, base, len)) return base;
    }
    return ARENA;
}

zx_status_t model_allocate(struct model *m, unsigned base, unsigned len, unsigned id) {
    if (base + len > ARENA) return ZX_ERR_INVALID_ARGS;
    if (!is_free(m, base, len)) return ZX_ERR_NO_MEMORY;
    *entry_new(m) = (struct model_mapping){.used = true, .is_region = true, .base = base, .len = len, .id = id};
    return ZX_OK;
}

/* Cuts a mapping in two at a page within it. */
static void split(struct model *m, unsigned page) {
    struct model_mapping *r = model_at(m, page), *upper;
    if (!r || r->is_region || r->base == page) return;
    upper = entry_new(m);
    *upper = *r;
    upper->vmo.store->refs++;
    upper->base = page;
    upper->len = r->base + r->len - page;
    upper->offset += page - r->base;
    r->len = page - r->base;
}

/* Removes all that lies wholly in the range. */
static void clear(struct model *m, unsigned base, unsigned len) {
    split(m, base);
    split(m, base + len);
    for (struct model_mapping *r = m->mappings; r < m->mappings + MAPPINGS; r++) {
        if (!r->used || r->base < base || r->base >= base + len) continue;
        if (!r->is_region) model_close(m, &r->vmo);
        r->used = false;
    }
}

zx_status_t model_map(struct model *m, unsigned base, unsigned len, const struct model_vmo *vmo, unsigned offset,
                      uint32_t perms, uint32_t ceiling, bool overwrite) {
    if (perms & ~ceiling) return ZX_ERR_ACCESS_DENIED;
    if (base + len > ARENA) return ZX_ERR_INVALID_ARGS;
    for (unsigned page = base; page < base + len; page++) {
        const struct model_mapping *r = model_at(m, page);
        if (r && !overwrite) return ZX_ERR_NO_MEMORY;
        if (r && r->is_region) return ZX_ERR_INVALID_ARGS;
    }
    clear(m, base, len);
    struct model_mapping *r = entry_new(m);
    *r = (struct model_mapping){
        .used = true, .base = base, .len = len, .offset = offset, .perms = perms, .ceiling = ceiling};
    share(&r->vmo, vmo);
    return ZX_OK;
}

zx_status_t model_unmap(struct model *m, unsigned base, unsigned len) {
    if (base + len > ARENA) return ZX_ERR_INVALID_ARGS;
    for (unsigned page = base; page < base + len; page++) {
        const struct model_mapping *r = model_at(m, page);
        if (r && r->is_region && (r->base < base || r->base + r->len > base + len)) return ZX_ERR_INVALID_ARGS;
    }
    clear(m, base, len);
    return ZX_OK;
}

/* The first thing wrong with a range, going up: a region or a gap, or a ceiling without one of `perms`. */
static zx_status_t check_mapped(struct model *m, unsigned base, unsigned len, uint32_t perms, zx_status_t gap) {
    for (unsigned page = base; page < base + len; page++) {
        const struct model_mapping *r = page < ARENA ? model_at(m, page) : NULL, *next = r;
        /* A gap before a region: the region is met first. */
        for (unsigned above = page; !next && above < base + len && above < ARENA; above++) next = model_at(m, above);
        if (gap == ZX_ERR_NOT_FOUND && page > base && next && next->is_region) return ZX_ERR_INVALID_ARGS;
        if (!r) return gap;
        if (r->is_region) return ZX_ERR_INVALID_ARGS;
        if (perms & ~r->ceiling) return ZX_ERR_ACCESS_DENIED;
    }
    return ZX_OK;
}

zx_status_t model_protect(struct model *m, unsigned base, unsigned len, uint32_t perms) {
    if (base + len > ARENA) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check_mapped(m, base, len, perms, ZX_ERR_NOT_FOUND);
    if (status != ZX_OK) return status;
    split(m, base);
    split(m, base + len);
    for (unsigned page = base; page < base + len; page++) model_at(m, page)->perms = perms;
    return ZX_OK;
}

zx_status_t model_op(struct model *m, uint32_t op, unsigned base, unsigned len) {
    bool changes = op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_ZERO;
    if (base + len > ARENA) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = check_mapped(m, base, len, changes ? ZX_VM_PERM_WRITE : 0, ZX_ERR_BAD_STATE);
    for (unsigned page = base; changes && page < base + len && status == ZX_OK;) {
        struct model_mapping *r = model_at(m, page);
        unsigned end = min(base + len, r->base + r->len), at = (page - r->base + r->offset) * CELLS_PER_PAGE;
        unsigned cells = (end - page) * CELLS_PER_PAGE;
        status = op == ZX_VMAR_OP_COMMIT     ? model_commit(&r->vmo, at, cells)
                 : op == ZX_VMAR_OP_DECOMMIT ? model_decommit(&r->vmo, at, cells)
                                             : model_zero(&r->vmo, at, cells);
        page = end;
    }
    return status;
}

uint64_t *model_arena_cell(struct model *m, unsigned at) {
    unsigned page = at / CELLS_PER_PAGE;
    struct model_mapping *r = page < ARENA ? model_at(m, page) : NULL;
    if (!r || r->is_region || page - r->base + r->offset >= model_size(&r->vmo)) return NULL;
    return model_cell(&r->vmo, at - (r->base - r->offset) * CELLS_PER_PAGE);
}

unsigned model_process_reach(struct model *m, unsigned at, unsigned len) {
    unsigned moved = 0;
    while (moved < len && model_arena_cell(m, at + moved)) moved++;
    return moved;
}

/* What a write through a mapping that can never be writable does first. */
static void make_private(struct model *m, struct model_mapping *r) {
    struct model_vmo own;
    unsigned size = model_size(&r->vmo);
    (void)model_snapshot(m, &r->vmo, r->offset, min(r->len, size - min(size, r->offset)), false, &own);
    model_close(m, &r->vmo);
    r->vmo = own;
    r->offset = 0;
    r->private = true;
}

unsigned model_process_write(struct model *m, unsigned at, unsigned len, uint64_t word) {
    unsigned moved = 0;
    for (; moved < len && model_arena_cell(m, at + moved); moved++) {
        unsigned page = (at + moved) / CELLS_PER_PAGE;
        struct model_mapping *r = model_at(m, page);
        if (!(r->ceiling & ZX_VM_PERM_WRITE) && !r->private) make_private(m, r);
        *model_arena_cell(m, at + moved) = word + moved;
        model_touch(&r->vmo, page - r->base + r->offset);
    }
    return moved;
}
