/*
 * Resources; see resource.h. They are few, and made by few: a new range is compared with every other.
 */
#include "kernel/object/resource.h"

#include "arch/irq.h"
#include "kernel/base/arith.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/sched/mutex.h"
#include "vm/heap.h"

/* Of each kind: does it have ranges, and where do they end? */
static const struct {
    bool exists;
    uint64_t end;
} kinds[ZX_RSRC_KIND_COUNT] = {
    [ZX_RSRC_KIND_MMIO] = {true, UINT64_MAX},
    [ZX_RSRC_KIND_IRQ] = {true, ARCH_IRQ_END},
    [ZX_RSRC_KIND_IOPORT] = {true, IOPORT_END},
    [ZX_RSRC_KIND_HYPERVISOR] = {true, 0},
    [ZX_RSRC_KIND_ROOT] = {true, 0},
    [ZX_RSRC_KIND_VMEX] = {true, 0},
};

static struct mutex ranges_lock = MUTEX_INIT(ranges_lock, RANK_RESOURCES, "resource ranges");
static LIST_HEAD(, resource) ranges GUARDED_BY(ranges_lock) = LIST_HEAD_INITIALIZER(ranges);

static void resource_free(struct object *object) {
    struct resource *resource = resource_from_object(object);
    if (resource->size) {
        mutex_lock(&ranges_lock);
        LIST_REMOVE(resource, link);
        mutex_unlock(&ranges_lock);
    }
    heap_free(resource);
}

static const struct object_ops resource_ops = {
    .type = ZX_OBJ_TYPE_RESOURCE,
    .default_rights = ZX_DEFAULT_RESOURCE_RIGHTS,
    .name_offset = OBJECT_NAME(struct resource),
    .free = resource_free,
};

static bool overlap(const struct resource *a, const struct resource *b) {
    return a->kind == b->kind && a->base < b->base + b->size && b->base < a->base + a->size;
}

/* Lists the resource, unless its range is taken. */
static zx_status_t claim(struct resource *resource) REQUIRES(&ranges_lock) {
    struct resource *other;
    LIST_FOREACH (other, &ranges, link) {
        bool exclusive = (other->flags | resource->flags) & ZX_RSRC_FLAG_EXCLUSIVE;
        if (exclusive && overlap(other, resource)) return ZX_ERR_NOT_FOUND;
    }
    LIST_INSERT_HEAD(&ranges, resource, link);
    return ZX_OK;
}

static zx_status_t check_range(zx_rsrc_kind_t kind, uint64_t base, uint64_t size) {
    if (kind >= ZX_RSRC_KIND_COUNT || !kinds[kind].exists) return ZX_ERR_INVALID_ARGS;
    uint64_t end = kinds[kind].end;
    bool fits = end ? size > 0 && base < end && size <= end - base : base == 0 && size == 0;
    return fits ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t resource_create(zx_rsrc_kind_t kind, zx_rsrc_flags_t flags, uint64_t base, uint64_t size, const char *name,
                            struct object **out) {
    zx_status_t status = check_range(kind, base, size);
    if (status != ZX_OK || (flags & ~ZX_RSRC_FLAGS_MASK)) return ZX_ERR_INVALID_ARGS;
    struct resource *resource = heap_new(struct resource);
    if (!resource) return ZX_ERR_NO_MEMORY;
    resource->kind = kind;
    resource->flags = flags;
    resource->base = base;
    resource->size = size;
    if (size) {
        mutex_lock(&ranges_lock);
        status = claim(resource);
        mutex_unlock(&ranges_lock);
    }
    if (status != ZX_OK) {
        heap_free(resource);
        return status;
    }
    object_init(&resource->object, &resource_ops, 0);
    string_copy(resource->name, name, sizeof(resource->name));
    *out = &resource->object;
    return ZX_OK;
}

zx_status_t resource_create_root(struct object **out) {
    return resource_create(ZX_RSRC_KIND_ROOT, 0, 0, 0, "root", out);
}

static zx_status_t check(const struct resource *resource, zx_rsrc_kind_t kind, uint64_t base, uint64_t size) {
    if (resource->kind == ZX_RSRC_KIND_ROOT) return ZX_OK;
    if (resource->kind != kind) return ZX_ERR_WRONG_TYPE;
    if (!kinds[kind].end) return ZX_OK;
    uint64_t first = resource->base, last = first + resource->size - 1;
    if (kind == ZX_RSRC_KIND_MMIO) first = page_round_down(first), last |= PAGE_MASK;
    bool inside = size > 0 && base >= first && base <= last && size - 1 <= last - base;
    return inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

zx_status_t resource_check(struct handle_table *table, zx_handle_t value, zx_rsrc_kind_t kind, uint64_t base,
                           uint64_t size) {
    struct handle_slot *use;
    zx_status_t status = handle_use(table, value, ZX_OBJ_TYPE_RESOURCE, 0, &use);
    if (status != ZX_OK) return status;
    status = check(resource_from_object(use->handle.object), kind, base, size);
    handle_done(table, use);
    return status;
}

zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value) {
    return resource_check(table, value, ZX_RSRC_KIND_ROOT, 0, 0);
}
