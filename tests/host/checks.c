/*
 * Comparing everything that can be seen with the model; see world.h. The order of things seen follows the model's
 * lists, never the kernel's.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/syscalls/object.h>

#include "tests/host/world.h"

/* Of long ranges, only so many pages from either end. */
#define EDGE 6

static const uint8_t zeros[ZX_PAGE_SIZE];

static const uint8_t *model_bytes(struct model_vmo *store, uint64_t index) {
    struct model_page *page = model_page(store, index, false);
    return page ? page->bytes : zeros;
}

static void compare(struct world *w, const char *how, uint64_t where, const uint8_t *got, const uint8_t *expected,
                    uint64_t len) {
    if (memcmp(got, expected, len) == 0) return;
    uint64_t i = 0;
    while (got[i] == expected[i]) i++;
    world_fail(w, "%s: the byte at %#lx is %#x, and not %#x", how, where + i, got[i], expected[i]);
}

/* Calls `visit` for each page of [base, base + len), or of its edges. */
typedef void visit_fn(struct world *w, void *of, uint64_t at);
static void each_page(struct world *w, void *of, uint64_t base, uint64_t len, visit_fn *visit) {
    const uint64_t edge = EDGE * MODEL_PAGE;
    for (uint64_t done = 0; done < len; done += MODEL_PAGE) {
        if (done == edge && len > 2 * edge) done = len - edge;
        visit(w, of, base + done);
    }
}

/* --- through mappings --- */

static void check_load(struct world *w, void *of, uint64_t addr) {
    uint8_t got[ZX_PAGE_SIZE];
    struct model_vmo *store;
    uint64_t offset;
    zx_status_t expected = model_access(of, addr, false, &store, &offset);
    zx_status_t status = host_user_load(got, addr, sizeof(got));
    if (status != expected) world_fail(w, "load at %#lx: %d, and not %d", addr, status, expected);
    if (status == ZX_OK) compare(w, "load", addr, got, model_bytes(store, offset / MODEL_PAGE), sizeof(got));
}

void world_check_buffer(struct world *w, uint64_t addr, uint64_t len) {
    uint8_t got[ZX_PAGE_SIZE], expected[ZX_PAGE_SIZE];
    len = model_min(len, (uint64_t)SCRATCH_PAGES * MODEL_PAGE);
    for (uint64_t done = 0, n; done < len; done += n) {
        n = model_min(len - done, MODEL_PAGE - (addr + done) % MODEL_PAGE);
        zx_status_t wanted = model_load(w->me, addr + done, expected, n);
        zx_status_t status = host_user_load(got, addr + done, n);
        if (status != wanted) world_fail(w, "buffer at %#lx: %d, and not %d", addr + done, status, wanted);
        if (status != ZX_OK) return;
        compare(w, "buffer", addr + done, got, expected, n);
    }
}

/* Another process's memory; the handle lets it be read. */
struct other {
    struct model_process *process;
    zx_handle_t handle;
};

static void check_read_memory(struct world *w, void *of, uint64_t addr) {
    uint8_t got[ZX_PAGE_SIZE];
    const struct other *other = of;
    struct model_mapping *map = model_mapping_at(other->process, addr);
    uint64_t offset = map->offset + (addr - map->base), actual = 0;
    zx_status_t expected = ZX_OK;
    if (map->vmo->store->cache_policy != ZX_CACHE_POLICY_CACHED)
        expected = ZX_ERR_BAD_STATE;
    else if (offset >= map->vmo->size)
        expected = ZX_ERR_NO_MEMORY;
    const uint64_t args[8] = {other->handle, addr, CHECK_PAGE, MODEL_PAGE, OUT(7)};
    zx_status_t status = (zx_status_t)host_syscall(HOST_SYS_process_read_memory, args);
    if (status != expected) world_fail(w, "process_read_memory at %#lx: %d, and not %d", addr, status, expected);
    if (status != ZX_OK) return;
    (void)!host_user_load(&actual, OUT(7), sizeof(actual));
    (void)!host_user_load(got, CHECK_PAGE, sizeof(got));
    if (actual != MODEL_PAGE) world_fail(w, "process_read_memory at %#lx: only %lu bytes", addr, actual);
    world_store(w, OUT(7), &actual, sizeof(actual));
    compare(w, "process_read_memory", addr, got,
            model_bytes(map->vmo->store, (map->vmo->store_offset + offset) / MODEL_PAGE), sizeof(got));
}

static void check_process(struct world *w, struct model_process *p, void *of, visit_fn *visit) {
    for (unsigned i = 0; i < MODEL_MAPPINGS; i++) {
        const struct model_mapping *map = &p->mappings[i];
        if (map->vmar && map->base < SCRATCH) each_page(w, of, map->base, map->len, visit);
    }
}

void world_check_mappings(struct world *w, struct model_process *p) { check_process(w, p, p, check_load); }

static void check_other(struct world *w, const struct model_handle *h) {
    struct model_process *p = (struct model_process *)h->object;
    struct other other = {p, h->value};
    const zx_rights_t needed = ZX_RIGHT_READ | ZX_RIGHT_WRITE;
    if ((h->rights & needed) == needed && p->state != MODEL_DEAD) check_process(w, p, &other, check_read_memory);
}

/* --- through handles --- */

static void check_vmo_page(struct world *w, void *of, uint64_t offset) {
    uint8_t got[ZX_PAGE_SIZE];
    const struct model_handle *h = of;
    struct model_vmo *vmo = (struct model_vmo *)h->object;
    const uint64_t args[8] = {h->value, CHECK_PAGE, offset, MODEL_PAGE};
    zx_status_t status = (zx_status_t)host_syscall(HOST_SYS_vmo_read, args);
    if (status != ZX_OK || host_user_load(got, CHECK_PAGE, sizeof(got)) != ZX_OK)
        world_fail(w, "vmo_read at %#lx: %d", offset, status);
    compare(w, "vmo_read", offset, got, model_bytes(vmo->store, (vmo->store_offset + offset) / MODEL_PAGE),
            sizeof(got));
}

/* One record about an object. */
static void get_info(struct world *w, zx_handle_t value, uint32_t topic, void *out, size_t size) {
    const uint64_t args[8] = {value, topic, CHECK_PAGE, size};
    zx_status_t status = (zx_status_t)host_syscall(HOST_SYS_object_get_info, args);
    if (status != ZX_OK || host_user_load(out, CHECK_PAGE, size) != ZX_OK)
        world_fail(w, "object_get_info, topic %u: %d", topic, status);
}

static void check_vmo(struct world *w, struct model_handle *h) {
    struct model_vmo *vmo = (struct model_vmo *)h->object;
    zx_info_vmo_t info;
    get_info(w, h->value, ZX_INFO_VMO, &info, sizeof(info));
    uint64_t committed = model_vmo_committed(&w->model, vmo, 0, vmo->size);
    if (info.size_bytes != vmo->size || info.committed_bytes != committed || info.num_mappings != vmo->mappings)
        world_fail(w, "a VMO of %#lx bytes, %#lx committed, %lu mappings; and not %#lx, %#lx, %u", info.size_bytes,
                   info.committed_bytes, info.num_mappings, vmo->size, committed, vmo->mappings);
    bool resizable = info.flags & ZX_INFO_VMO_RESIZABLE, has_children = info.num_children > 0;
    if (resizable != vmo->resizable || info.handle_rights != h->rights ||
        info.cache_policy != vmo->store->cache_policy || has_children != model_vmo_has_children(&w->model, vmo))
        world_fail(w, "a VMO with flags %#x, rights %#x, cache policy %u, %lu children", info.flags, info.handle_rights,
                   info.cache_policy, info.num_children);
    if (!(h->rights & ZX_RIGHT_READ) || vmo->store->cache_policy != ZX_CACHE_POLICY_CACHED) return;
    each_page(w, h, 0, vmo->size, check_vmo_page);
}

/* The signals of an object, from a wait that nothing can satisfy. */
static void check_signals(struct world *w, const struct model_handle *h) {
    zx_signals_t observed = 0, expected = model_signals(&w->model, h->object);
    if (!model_is_waitable(h->object) || !(h->rights & ZX_RIGHT_WAIT)) return;
    const uint64_t args[8] = {h->value, 0, 0, OUT(7)};
    zx_status_t status = (zx_status_t)host_syscall(HOST_SYS_object_wait_one, args);
    (void)!host_user_load(&observed, OUT(7), sizeof(observed));
    if (status != ZX_ERR_TIMED_OUT || observed != expected)
        world_fail(w, "signals of an object of type %u: status %d, %#x, and not %#x", h->object->type, status, observed,
                   expected);
    world_store(w, OUT(7), &observed, sizeof(observed));
}

void world_check_handles(struct world *w) {
    for (unsigned i = 0; i < w->me->handle_count; i++) {
        struct model_handle *h = &w->me->handles[i];
        check_signals(w, h);
        if (h->object->type == ZX_OBJ_TYPE_VMO) check_vmo(w, h);
    }
}

void world_check(struct world *w) {
    world_check_handles(w);
    world_check_mappings(w, w->me);
    for (unsigned i = 0; i < w->me->handle_count; i++) {
        if (w->me->handles[i].object->type == ZX_OBJ_TYPE_PROCESS) check_other(w, &w->me->handles[i]);
    }
}
