/*
 * The model's VMOs: a size, and a list of the pages that are committed. A snapshot is a copy of them; by their numbers
 * one can tell which are still the parent's.
 */
#include "tests/host/model/model.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>

static struct model_page *spare_pages;

static struct model_page *page_new(uint64_t index) {
    struct model_page *page = spare_pages;
    if (page)
        spare_pages = page->next;
    else
        page = malloc(sizeof(*page));
    if (!page) abort();
    memset(page->bytes, 0, sizeof(page->bytes));
    page->index = index;
    return page;
}

static uint64_t page_number(void) {
    static uint64_t last;
    return ++last;
}

struct model_page *model_page(struct model_vmo *store, uint64_t index, bool commit) {
    struct model_page *page;
    for (page = store->pages; page && page->index != index; page = page->next) continue;
    if (!commit) return page;
    if (!page) {
        page = page_new(index);
        page->next = store->pages;
        store->pages = page;
    }
    page->number = page_number();
    return page;
}

/* Removes the pages whose index is in [first, end). */
static void pages_remove(struct model_vmo *store, uint64_t first, uint64_t end) {
    struct model_page **at = &store->pages, *page;
    while ((page = *at)) {
        if (page->index < first || page->index >= end) {
            at = &page->next;
            continue;
        }
        *at = page->next;
        page->next = spare_pages;
        spare_pages = page;
    }
}

void model_reset(struct model *m) {
    for (unsigned i = 0; i < m->vmo_count; i++) pages_remove(&m->vmos[i], 0, UINT64_MAX);
    memset(m, 0, sizeof(*m));
    (void)model_job_new(m, NULL);
    m->resource.type = ZX_OBJ_TYPE_RESOURCE;
    strcpy(m->resource.name, "root");
}

static unsigned mappings_unused(const struct model_process *p) {
    unsigned count = 0;
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) count += !p->mappings[i].vmar;
    return count;
}

bool model_has_room(const struct model *m, const struct model_process *p) {
    for (unsigned i = 0; i < m->process_count; i++) {
        if (mappings_unused(&m->processes[i]) < 4) return false;
    }
    return m->vmo_count + MODEL_MAPPINGS < MODEL_VMOS && m->vmar_count + 2 <= MODEL_VMARS &&
           m->channel_count + 2 <= MODEL_CHANNELS && m->event_count + 2 <= MODEL_EVENTS &&
           m->thread_count < MODEL_THREADS && m->process_count < MODEL_PROCESSES && m->job_count < MODEL_JOBS &&
           m->token_count < MODEL_TOKENS && m->timer_count < MODEL_TIMERS && m->port_count < MODEL_PORTS &&
           m->watch_count < MODEL_WATCHES && p->handle_count + MODEL_SENT <= MODEL_HANDLES;
}

struct model_vmo *model_vmo_new(struct model *m, uint64_t size, bool resizable) {
    if (m->vmo_count == MODEL_VMOS) abort();
    struct model_vmo *vmo = &m->vmos[m->vmo_count++];
    *vmo = (struct model_vmo){.object.type = ZX_OBJ_TYPE_VMO, .store = vmo, .size = size, .resizable = resizable};
    return vmo;
}

bool model_vmo_alive(const struct model *m, const struct model_vmo *vmo) {
    return vmo->object.handles > 0 || vmo->mappings > 0 || model_vmo_has_children(m, vmo);
}

bool model_vmo_has_children(const struct model *m, const struct model_vmo *vmo) {
    for (unsigned i = 0; i < m->vmo_count; i++) {
        if (m->vmos[i].parent == vmo && model_vmo_alive(m, &m->vmos[i])) return true;
    }
    return false;
}

zx_status_t model_vmo_create(struct model *m, struct model_process *p, uint64_t size, uint32_t options, uint64_t out,
                             zx_handle_t made) {
    if (options > ZX_VMO_RESIZABLE) return ZX_ERR_INVALID_ARGS;
    if (size > 0 && model_round_up(size) == 0) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_vmo *vmo = model_vmo_new(m, model_round_up(size), options != ZX_VMO_NON_RESIZABLE);
    model_give(p, made, &vmo->object, ZX_DEFAULT_VMO_RIGHTS);
    return ZX_OK;
}

static zx_status_t get_vmo(struct model_process *p, zx_handle_t value, zx_rights_t rights, struct model_vmo **out) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_VMO, rights, &h);
    if (status == ZX_OK) *out = (struct model_vmo *)h->object;
    return status;
}

zx_status_t model_vmo_get_size(struct model_process *p, zx_handle_t h, uint64_t out) {
    struct model_vmo *vmo;
    zx_status_t status = get_vmo(p, h, 0, &vmo);
    return status == ZX_OK ? model_put(p, out, &vmo->size, sizeof(vmo->size)) : status;
}

zx_status_t model_vmo_set_size(struct model_process *p, zx_handle_t h, uint64_t size) {
    struct model_vmo *vmo;
    zx_status_t status = get_vmo(p, h, ZX_RIGHT_WRITE, &vmo);
    if (status != ZX_OK) return status;
    if (!vmo->resizable) return ZX_ERR_UNAVAILABLE;
    if (size > 0 && model_round_up(size) == 0) return ZX_ERR_OUT_OF_RANGE;
    vmo->size = model_round_up(size);
    pages_remove(vmo, vmo->size / MODEL_PAGE, UINT64_MAX);
    return ZX_OK;
}

struct model_vmo *model_vmo_snapshot(struct model *m, struct model_vmo *vmo, uint64_t offset, uint64_t size) {
    struct model_vmo *copy = model_vmo_new(m, size, false);
    uint64_t end = offset < vmo->size ? offset + model_min(size, vmo->size - offset) : offset;
    uint64_t first = (vmo->store_offset + offset) / MODEL_PAGE, last = (vmo->store_offset + end) / MODEL_PAGE;
    for (struct model_page *page = vmo->store->pages; page; page = page->next) {
        if (page->index < first || page->index >= last) continue;
        struct model_page *shown = model_page(copy, page->index - first, true);
        memcpy(shown->bytes, page->bytes, MODEL_PAGE);
        if (!vmo->store->contiguous) shown->number = page->number;
    }
    copy->origin = first;
    return copy;
}

static zx_status_t check_child_options(uint32_t options) {
    const uint32_t types = ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_SLICE;
    if (options & ~(types | ZX_VMO_CHILD_RESIZABLE | ZX_VMO_CHILD_NO_WRITE)) return ZX_ERR_INVALID_ARGS;
    if ((options & ZX_VMO_CHILD_SLICE) && (options & ZX_VMO_CHILD_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    return __builtin_popcount(options & types) == 1 ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t check_slice(const struct model_vmo *parent, uint64_t offset, uint64_t size) {
    if (!model_aligned(offset) || !model_aligned(size)) return ZX_ERR_INVALID_ARGS;
    if (!model_within(offset, size, parent->size)) return ZX_ERR_INVALID_ARGS;
    return parent->resizable ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
}

static zx_status_t check_cached(const struct model_vmo *parent) {
    return parent->store->cache_policy == ZX_CACHE_POLICY_CACHED ? ZX_OK : ZX_ERR_BAD_STATE;
}

static zx_status_t check_snapshot_range(uint64_t offset, uint64_t size) {
    if (!model_aligned(offset)) return ZX_ERR_INVALID_ARGS;
    return offset + model_round_up(size) < offset ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
}

static zx_rights_t child_rights(zx_rights_t rights, uint32_t options) {
    rights |= ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
    if (options & ZX_VMO_CHILD_NO_WRITE) return rights & ~ZX_RIGHT_WRITE;
    return options & ZX_VMO_CHILD_SLICE ? rights : (rights | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE;
}

static struct model_vmo *child_new(struct model *m, struct model_vmo *parent, uint32_t options, uint64_t offset,
                                   uint64_t size) {
    struct model_vmo *child;
    if (options & ZX_VMO_CHILD_SLICE) {
        child = model_vmo_new(m, size, false);
        child->store = parent->store;
        child->store_offset = parent->store_offset + offset;
    } else {
        child = model_vmo_snapshot(m, parent, offset, model_round_up(size));
        child->resizable = options & ZX_VMO_CHILD_RESIZABLE;
    }
    child->parent = parent;
    return child;
}

zx_status_t model_vmo_create_child(struct model *m, struct model_process *p, zx_handle_t value, uint32_t options,
                                   uint64_t offset, uint64_t size, uint64_t out, zx_handle_t made) {
    struct model_handle *h;
    if (size > 0 && model_round_up(size) == 0) return ZX_ERR_OUT_OF_RANGE;
    if ((options & ZX_VMO_CHILD_NO_WRITE) && (options & ZX_VMO_CHILD_RESIZABLE)) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_VMO, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, &h);
    if (status == ZX_OK) status = check_child_options(options);
    if (status != ZX_OK) return status;
    struct model_vmo *parent = (struct model_vmo *)h->object;
    zx_rights_t rights = child_rights(h->rights, options);
    bool slice = options & ZX_VMO_CHILD_SLICE;
    status = slice ? check_slice(parent, offset, size) : check_snapshot_range(offset, size);
    if (status == ZX_OK && !slice) status = check_cached(parent);
    if (status != ZX_OK) return status;
    struct model_vmo *child = child_new(m, parent, options, offset, size);
    status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, &child->object, rights);
    return status;
}

zx_status_t model_vmo_clone(struct model *m, struct model_process *p, zx_handle_t value, uint32_t options,
                            uint64_t offset, uint64_t size, uint64_t out, zx_handle_t made) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_VMO, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, &h);
    if (status != ZX_OK) return status;
    if (!(options & ZX_VMO_CLONE_COPY_ON_WRITE) || options > (ZX_VMO_CLONE_COPY_ON_WRITE | ZX_VMO_CLONE_NON_RESIZEABLE))
        return ZX_ERR_INVALID_ARGS;
    if (size > 0 && model_round_up(size) == 0) return ZX_ERR_OUT_OF_RANGE;
    struct model_vmo *parent = (struct model_vmo *)h->object;
    zx_rights_t rights = h->rights | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_WRITE;
    status = check_cached(parent);
    if (status == ZX_OK) status = check_snapshot_range(offset, size);
    if (status != ZX_OK) return status;
    struct model_vmo *child = child_new(m, parent, ZX_VMO_CHILD_SNAPSHOT, offset, size);
    child->resizable = !(options & ZX_VMO_CLONE_NON_RESIZEABLE);
    status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, &child->object, rights);
    return status;
}

static void commit(struct model_vmo *vmo, uint64_t offset, uint64_t size) {
    if (size == 0) return;
    uint64_t first = (vmo->store_offset + offset) / MODEL_PAGE;
    uint64_t last = (vmo->store_offset + offset + size - 1) / MODEL_PAGE;
    for (uint64_t i = first; i <= last; i++) (void)model_page(vmo->store, i, true);
}

/* BAD_STATE where part of a page that holds something would have to be written and may not. */
static zx_status_t zero(struct model_vmo *vmo, uint64_t offset, uint64_t size) {
    struct model_vmo *store = vmo->store;
    uint64_t begin = vmo->store_offset + offset, end = begin + size;
    uint64_t first = model_round_up(begin) / MODEL_PAGE, last = end / MODEL_PAGE;
    for (struct model_page *page = store->pages; page; page = page->next) {
        uint64_t base = page->index * MODEL_PAGE;
        uint64_t from = begin > base ? begin : base, to = model_min(end, base + MODEL_PAGE);
        if (from >= to || to - from == MODEL_PAGE) continue;
        if (store->cache_policy != ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
        memset(page->bytes + (from - base), 0, to - from);
        page->number = page_number();
    }
    if (first < last) pages_remove(store, first, last);
    if (first < last && store->contiguous)
        commit(vmo, first * MODEL_PAGE - vmo->store_offset, (last - first) * MODEL_PAGE);
    return ZX_OK;
}

static zx_rights_t op_rights(uint32_t op) {
    switch (op) {
    case ZX_VMO_OP_COMMIT:
    case ZX_VMO_OP_DECOMMIT:
    case ZX_VMO_OP_ZERO:
    case ZX_VMO_OP_CACHE_INVALIDATE: return ZX_RIGHT_WRITE;
    case ZX_VMO_OP_CACHE_SYNC:
    case ZX_VMO_OP_CACHE_CLEAN:
    case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE: return ZX_RIGHT_READ;
    default: return 0;
    }
}

zx_status_t model_vmo_op(struct model_vmo *vmo, uint32_t op, uint64_t offset, uint64_t size) {
    if (op == ZX_VMO_OP_DECOMMIT && vmo->store->contiguous) return ZX_ERR_NOT_SUPPORTED;
    if (op == ZX_VMO_OP_DECOMMIT && (!model_aligned(offset) || !model_aligned(size))) return ZX_ERR_INVALID_ARGS;
    bool about_caches = op >= ZX_VMO_OP_CACHE_SYNC && op <= ZX_VMO_OP_CACHE_CLEAN_INVALIDATE;
    if (about_caches && size == 0) return ZX_ERR_INVALID_ARGS;
    if (!model_within(offset, size, vmo->size)) return ZX_ERR_OUT_OF_RANGE;
    if (op == ZX_VMO_OP_ZERO) return zero(vmo, offset, size);
    if (op == ZX_VMO_OP_COMMIT && size > MODEL_PAGE << 20) return ZX_ERR_NO_MEMORY; /* more than the machine has */
    if (op == ZX_VMO_OP_COMMIT) commit(vmo, offset, size);
    uint64_t first = (vmo->store_offset + offset) / MODEL_PAGE;
    if (op == ZX_VMO_OP_DECOMMIT) pages_remove(vmo->store, first, first + size / MODEL_PAGE);
    return ZX_OK;
}

zx_status_t model_vmo_op_range(struct model_process *p, zx_handle_t h, uint32_t op, uint64_t offset, uint64_t size) {
    struct model_vmo *vmo;
    zx_rights_t rights = op_rights(op);
    zx_status_t status = get_vmo(p, h, rights, &vmo);
    if (status != ZX_OK) return status;
    if (op == ZX_VMO_OP_LOCK || op == ZX_VMO_OP_UNLOCK) return ZX_ERR_NOT_SUPPORTED;
    return rights ? model_vmo_op(vmo, op, offset, size) : ZX_ERR_INVALID_ARGS;
}

/* Is the object itself still there? A slice keeps its store; a snapshot keeps nobody. */
static bool exists(const struct model *m, const struct model_vmo *vmo) {
    if (vmo->object.handles > 0 || vmo->mappings > 0) return true;
    for (unsigned i = 0; i < m->vmo_count; i++) {
        const struct model_vmo *other = &m->vmos[i];
        if (other != vmo && other->store == vmo && (other->object.handles > 0 || other->mappings > 0)) return true;
    }
    return false;
}

/* The VMO with the pages of the nearest ancestor that is left, and where the VMO's first page is there. */
static struct model_vmo *ancestor_store(const struct model *m, const struct model_vmo *vmo, uint64_t *first) {
    const struct model_vmo *ancestor = vmo->parent;
    *first = vmo->origin;
    for (; ancestor && !exists(m, ancestor); ancestor = ancestor->parent)
        if (ancestor->store == ancestor) *first += ancestor->origin;
    return ancestor ? ancestor->store : NULL;
}

uint64_t model_vmo_committed(const struct model *m, const struct model_vmo *vmo, uint64_t offset, uint64_t size) {
    uint64_t bytes = 0, first;
    if (offset >= vmo->size || vmo->store != vmo) return 0;
    struct model_vmo *from = ancestor_store(m, vmo, &first);
    size = model_min(size, vmo->size - offset);
    for (const struct model_page *page = vmo->pages; page; page = page->next) {
        uint64_t at = page->index * MODEL_PAGE;
        const struct model_page *there = from ? model_page(from, first + page->index, false) : NULL;
        if (there && there->number == page->number) continue;
        if (at >= offset && at - offset < size) bytes += MODEL_PAGE;
    }
    return bytes;
}

zx_status_t model_vmo_set_cache_policy(const struct model *m, struct model_process *p, zx_handle_t h, uint32_t policy) {
    struct model_vmo *vmo;
    if (policy > ZX_CACHE_POLICY_MASK) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = get_vmo(p, h, ZX_RIGHT_MAP, &vmo);
    if (status != ZX_OK) return status;
    if (vmo->pages || vmo->mappings || vmo->parent || model_vmo_has_children(m, vmo)) return ZX_ERR_BAD_STATE;
    vmo->cache_policy = policy;
    return ZX_OK;
}

zx_status_t model_vmo_create_contiguous(struct model *m, struct model_process *p, zx_handle_t resource, uint64_t size,
                                        uint32_t align, uint64_t out, zx_handle_t made) {
    struct model_handle *h;
    if (size == 0 || (align != 0 && align < ZX_PAGE_SHIFT) || align >= 64) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, resource, ZX_OBJ_TYPE_RESOURCE, 0, &h);
    if (status != ZX_OK) return status;
    if (model_round_up(size) == 0) return ZX_ERR_OUT_OF_RANGE;
    if (size > MODEL_PAGE << 12 || align > 24) return ZX_ERR_NO_MEMORY;
    status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_vmo *vmo = model_vmo_new(m, model_round_up(size), false);
    vmo->contiguous = true;
    commit(vmo, 0, vmo->size);
    model_give(p, made, &vmo->object, ZX_DEFAULT_VMO_RIGHTS);
    return ZX_OK;
}

zx_status_t model_vmo_replace_as_executable(struct model *m, struct model_process *p, zx_handle_t value,
                                            zx_handle_t vmex, uint64_t out, zx_handle_t made, zx_status_t failed) {
    struct model_handle *h, *resource;
    zx_status_t allowed = vmex ? model_get(p, vmex, ZX_OBJ_TYPE_RESOURCE, 0, &resource) : ZX_OK;
    zx_status_t status = model_get(p, value, 0, 0, &h);
    if (status != ZX_OK) return status;
    struct model_handle taken = model_take(m, p, h);
    status = allowed;
    if (status == ZX_OK && taken.object->type != ZX_OBJ_TYPE_VMO) status = ZX_ERR_BAD_HANDLE;
    if (status == ZX_OK) status = failed;
    if (status == ZX_OK) status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, taken.object, taken.rights | ZX_RIGHT_EXECUTE);
    model_drop(m, taken);
    return status;
}
