/*
 * The model's memory accesses: loads and stores of a process, and the transfers that system calls make. Bytes move in
 * pieces that no page edge of either side cuts, ascending; but text that somebody may be executing is written in pieces
 * that move all or none, each up to the end of a page or, if that is no more than a page holds, all of it.
 */
#include "tests/host/model/model.h"

#include <string.h>
#include <zircon/errors.h>

#include "arch/types.h"

#define TRANSFER_LIMIT ((uint64_t)64 << 20)

zx_status_t model_access(struct model_process *p, uint64_t addr, bool write, struct model_vmo **store,
                         uint64_t *offset) {
    struct model_mapping *map = model_mapping_at(p, addr);
    if (!map) return ZX_ERR_NOT_FOUND;
    if (!(map->perms & (write ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ))) return ZX_ERR_ACCESS_DENIED;
    *offset = map->offset + (addr - map->base);
    if (*offset >= map->vmo->size) return ZX_ERR_OUT_OF_RANGE;
    *store = map->vmo->store;
    *offset += map->vmo->store_offset;
    /* Nothing stands in for a page that is read past the caches. */
    if ((*store)->cache_policy != ZX_CACHE_POLICY_CACHED) (void)model_page(*store, *offset / MODEL_PAGE, true);
    return ZX_OK;
}

static void bytes_read(struct model_vmo *store, uint64_t offset, void *out, uint64_t len) {
    struct model_page *page = model_page(store, offset / MODEL_PAGE, false);
    if (page)
        memcpy(out, page->bytes + offset % MODEL_PAGE, len);
    else
        memset(out, 0, len);
}

static void bytes_write(struct model_vmo *store, uint64_t offset, const void *bytes, uint64_t len) {
    memcpy(model_page(store, offset / MODEL_PAGE, true)->bytes + offset % MODEL_PAGE, bytes, len);
}

static uint64_t page_rest(uint64_t addr) { return MODEL_PAGE - addr % MODEL_PAGE; }

zx_status_t model_load(struct model_process *p, uint64_t addr, void *out, uint64_t len) {
    struct model_vmo *store;
    uint64_t offset;
    for (uint64_t done = 0, n; done < len; done += n) {
        n = model_min(len - done, page_rest(addr + done));
        zx_status_t status = model_access(p, addr + done, false, &store, &offset);
        if (status != ZX_OK) return status;
        bytes_read(store, offset, (char *)out + done, n);
    }
    return ZX_OK;
}

zx_status_t model_store(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len) {
    struct model_vmo *store;
    uint64_t offset;
    for (uint64_t done = 0, n; done < len; done += n) {
        n = model_min(len - done, page_rest(addr + done));
        zx_status_t status = model_access(p, addr + done, true, &store, &offset);
        if (status != ZX_OK) return status;
        bytes_write(store, offset, (const char *)bytes + done, n);
    }
    return ZX_OK;
}

zx_status_t model_put(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len) {
    return model_store(p, addr, bytes, len) == ZX_OK ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t model_put_optional(struct model_process *p, uint64_t addr, const void *bytes, uint64_t len) {
    return addr ? model_put(p, addr, bytes, len) : ZX_OK;
}

/* Is it mapped executable where a thread was started? */
static bool is_text(const struct model *m, const struct model_vmo *store) {
    for (unsigned i = 0; i < m->process_count * MODEL_MAPPINGS; i++) {
        const struct model_process *p = &m->processes[i / MODEL_MAPPINGS];
        const struct model_mapping *map = &p->mappings[i % MODEL_MAPPINGS];
        const bool executable = map->vmar && (map->perms & ZX_VM_PERM_EXECUTE);
        if (p->state != MODEL_INITIAL && executable && map->vmo->store == store) return true;
    }
    return false;
}

/* One piece of text; the part of the buffer beyond user space does not belong to it. */
static uint64_t patch_piece(struct model_process *p, uint64_t buffer, struct model_vmo *store, uint64_t offset,
                            uint64_t len) {
    uint8_t piece[MODEL_PAGE];
    len = buffer < USER_END ? model_min(len, USER_END - buffer) : 0;
    if (len > MODEL_PAGE) len = page_rest(offset);
    const uint64_t first = model_min(len, page_rest(offset));
    if (len == 0) return 0;
    (void)model_page(store, offset / MODEL_PAGE, true);
    (void)model_page(store, (offset + len - 1) / MODEL_PAGE, true);
    if (model_load(p, buffer, piece, len) != ZX_OK) return 0;
    bytes_write(store, offset, piece, first);
    if (len > first) bytes_write(store, offset + first, piece + first, len - first);
    return len;
}

/* One piece between the caller's buffer and a store. Returns how much was moved, 0 if the buffer is bad. */
static uint64_t move_piece(const struct model *m, struct model_process *p, bool write, uint64_t buffer,
                           struct model_vmo *store, uint64_t offset, uint64_t len) {
    uint8_t piece[MODEL_PAGE];
    struct model_vmo *mine;
    uint64_t mine_offset;
    if (write && is_text(m, store)) return patch_piece(p, buffer, store, offset, len);
    len = model_min(len, model_min(page_rest(buffer), page_rest(offset)));
    /* The page comes to be even if there is nothing to put into it. */
    if (write) (void)model_page(store, offset / MODEL_PAGE, true);
    if (model_access(p, buffer, !write, &mine, &mine_offset) != ZX_OK) return 0;
    if (write) {
        bytes_read(mine, mine_offset, piece, len);
        bytes_write(store, offset, piece, len);
    } else {
        bytes_read(store, offset, piece, len);
        bytes_write(mine, mine_offset, piece, len);
    }
    return len;
}

zx_status_t model_vmo_transfer(const struct model *m, struct model_process *p, zx_handle_t value, bool write,
                               uint64_t buffer, uint64_t offset, uint64_t size) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_VMO, write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ, &h);
    if (status != ZX_OK) return status;
    struct model_vmo *vmo = (struct model_vmo *)h->object;
    if (vmo->store->cache_policy != ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
    if (!model_within(offset, size, vmo->size)) return ZX_ERR_OUT_OF_RANGE;
    for (uint64_t done = 0, n; done < size; done += n) {
        n = move_piece(m, p, write, buffer + done, vmo->store, vmo->store_offset + offset + done, size - done);
        if (n == 0) return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

/* Re-points a mapping that can never be writable to a snapshot of what it shows. */
static void make_private(struct model *m, struct model_mapping *map) {
    uint64_t size = model_min(map->len, map->vmo->size - map->offset);
    struct model_vmo *own = model_vmo_snapshot(m, map->vmo, map->offset, size);
    own->parent = map->vmo;
    map->vmo->mappings--;
    own->mappings++;
    map->vmo = own;
    map->offset = 0;
    map->private = true;
}

/* One piece of a transfer to or from a process. */
static zx_status_t move_process_piece(struct model *m, struct model_process *p, struct model_process *target,
                                      bool write, uint64_t addr, uint64_t buffer, uint64_t len, uint64_t *moved) {
    struct model_mapping *map = model_mapping_at(target, addr);
    if (!map) return ZX_ERR_NO_MEMORY;
    uint64_t within = addr - map->base;
    if (map->vmo->store->cache_policy != ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
    if (map->offset + within >= map->vmo->size) return ZX_ERR_NO_MEMORY;
    if (write && !(map->ceiling & ZX_VM_PERM_WRITE) && !map->private) make_private(m, map);
    len = model_min(len, model_min(map->len - within, map->vmo->size - (map->offset + within)));
    uint64_t n = move_piece(m, p, write, buffer, map->vmo->store, map->vmo->store_offset + map->offset + within, len);
    *moved += n;
    return n ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t model_process_transfer(struct model *m, struct model_process *p, zx_handle_t value, bool write,
                                   uint64_t addr, uint64_t buffer, uint64_t size, uint64_t actual, uint64_t *moved) {
    struct model_handle *h;
    *moved = 0;
    if (buffer == 0 || size == 0 || size > TRANSFER_LIMIT) return ZX_ERR_INVALID_ARGS;
    zx_rights_t rights = write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ | ZX_RIGHT_WRITE;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_PROCESS, rights, &h);
    if (status != ZX_OK) return status;
    struct model_process *target = (struct model_process *)h->object;
    if (target->state == MODEL_DEAD) return ZX_ERR_BAD_STATE;
    while (*moved < size && status == ZX_OK)
        status = move_process_piece(m, p, target, write, addr + *moved, buffer + *moved, size - *moved, moved);
    if (status == ZX_ERR_INVALID_ARGS || (status != ZX_OK && *moved == 0)) return status;
    return model_put(p, actual, moved, sizeof(*moved));
}
