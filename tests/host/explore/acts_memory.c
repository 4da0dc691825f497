/*
 * Calls on memory: accesses of programs, transfers, mappings, VMOs. See stage.h.
 */
#include "arch/upcall.h"
#include "tests/host/explore/acts.h"
#include "vm/budget.h"
#include "vm/reclaim.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* --- programs' own accesses --- */

static zx_status_t load_at(struct actor *a, vaddr_t addr) {
    uint64_t word;
    zx_status_t status = host_user_load(&word, addr, sizeof(word));
    return status == ZX_OK ? host_user_store(READ_INTO(a), &word, sizeof(word)) : status;
}

static zx_status_t store_at(struct actor *a, vaddr_t addr) {
    uint64_t word = 0x0101010101010101u * ('0' + a->index);
    return host_user_store(addr, &word, sizeof(word));
}

zx_status_t act_load(struct actor *a) { return load_at(a, SHARED + 8); }
zx_status_t act_load_text(struct actor *a) { return load_at(a, TEXT + PAGES(1)); }
/* A page that is there, and whose translation the processor does not know yet. */
zx_status_t act_load_last(struct actor *a) { return load_at(a, SHARED + PAGES(2) + 8); }
zx_status_t act_load_absent(struct actor *a) { return load_at(a, SHARED + PAGES(1)); }
zx_status_t act_store(struct actor *a) { return store_at(a, SHARED + 8); }
zx_status_t act_store_absent(struct actor *a) { return store_at(a, SHARED + PAGES(1)); }
zx_status_t act_execute(struct actor *a) {
    (void)a;
    return upcall_page_fault(SHARED, FAULT_USER | FAULT_EXECUTE);
}

/* Not a call: what a page fault does that finds no memory. */
zx_status_t act_reclaim(struct actor *a) {
    (void)a;
    reclaim(&root_budget);
    return ZX_OK;
}

/* Nor this: it waits as a fault does that finds nothing to give back. The keeper finds that there is memory. */
zx_status_t act_starve(struct actor *a) {
    (void)a;
    return upcall_out_of_memory(&root_budget, true);
}

/* --- transfers --- */

static zx_status_t write_peer(struct actor *a, vaddr_t addr, vaddr_t buffer, size_t len) {
    return CALL(process_write_memory, prop(a, PROP_PEER), addr, buffer, len, OUT(a, 0));
}

zx_status_t act_process_write(struct actor *a) { return write_peer(a, SHARED + 8, DATA(a), 16); }
zx_status_t act_process_write_two(struct actor *a) { return write_peer(a, SHARED + PAGES(1) - 8, DATA(a), 16); }
zx_status_t act_process_write_forced(struct actor *a) { return write_peer(a, READ_ONLY, DATA(a), 8); }
zx_status_t act_process_write_orphan(struct actor *a) { return write_peer(a, ORPHAN, DATA(a), 8); }
zx_status_t act_process_write_mapped(struct actor *a) { return write_peer(a, SHARED + 16, SHARED + PAGES(1) - 8, 16); }
zx_status_t act_process_write_text(struct actor *a) { return write_peer(a, TEXT + PAGES(1) - 8, DATA(a), 16); }
zx_status_t act_process_read(struct actor *a) {
    return CALL(process_read_memory, prop(a, PROP_PEER), SHARED, READ_INTO(a), 64, OUT(a, 0));
}
zx_status_t act_vmo_write(struct actor *a) { return CALL(vmo_write, prop(a, PROP_MEMORY), DATA(a), 8, 16); }
zx_status_t act_vmo_write_two(struct actor *a) {
    return CALL(vmo_write, prop(a, PROP_MEMORY), DATA(a), PAGES(1) - 8, 16);
}
zx_status_t act_vmo_read(struct actor *a) { return CALL(vmo_read, prop(a, PROP_MEMORY), READ_INTO(a), 0, 64); }

/* --- mappings --- */

static zx_status_t map_over(struct actor *a, enum prop area) {
    return CALL(vmar_map, prop(a, area), READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, SHARED - AREA, prop(a, PROP_OTHER), 0,
                PAGES(1), OUT(a, 0));
}

zx_status_t act_map_over(struct actor *a) { return map_over(a, PROP_AREA); }
zx_status_t act_map_over_peer(struct actor *a) { return map_over(a, PROP_PEER_AREA); }
zx_status_t act_map_empty(struct actor *a) {
    return CALL(vmar_map, prop(a, PROP_AREA), READ_WRITE | ZX_VM_SPECIFIC, PAGES(5), prop(a, PROP_EMPTY), 0, PAGES(1),
                OUT(a, 0));
}
zx_status_t act_unmap(struct actor *a) { return CALL(vmar_unmap, prop(a, PROP_AREA), SHARED, PAGES(1)); }
zx_status_t act_unmap_peer(struct actor *a) { return CALL(vmar_unmap, prop(a, PROP_PEER_AREA), SHARED, PAGES(1)); }
zx_status_t act_unmap_orphan(struct actor *a) { return CALL(vmar_unmap, prop(a, PROP_AREA), ORPHAN, PAGES(1)); }
zx_status_t act_unmap_read_only(struct actor *a) { return CALL(vmar_unmap, prop(a, PROP_AREA), READ_ONLY, PAGES(1)); }
zx_status_t act_unmap_text(struct actor *a) { return CALL(vmar_unmap, prop(a, PROP_AREA), TEXT, PAGES(1)); }
zx_status_t act_protect_text(struct actor *a) {
    return CALL(vmar_protect, prop(a, PROP_AREA), ZX_VM_PERM_READ, TEXT, PAGES(TEXT_PAGES));
}
zx_status_t act_protect(struct actor *a) {
    return CALL(vmar_protect, prop(a, PROP_AREA), ZX_VM_PERM_READ, SHARED, PAGES(1));
}
zx_status_t act_protect_peer(struct actor *a) {
    return CALL(vmar_protect, prop(a, PROP_PEER_AREA), ZX_VM_PERM_READ, SHARED, PAGES(2));
}
zx_status_t act_vmar_destroy(struct actor *a) { return CALL(vmar_destroy, prop(a, PROP_AREA)); }
zx_status_t act_vmar_destroy_peer(struct actor *a) { return CALL(vmar_destroy, prop(a, PROP_PEER_AREA)); }
static zx_status_t vmar_op(struct actor *a, uint32_t op, size_t pages) {
    return CALL(vmar_op_range, prop(a, PROP_AREA), op, SHARED, PAGES(pages), 0, 0);
}
zx_status_t act_vmar_decommit(struct actor *a) { return vmar_op(a, ZX_VMAR_OP_DECOMMIT, 1); }
zx_status_t act_vmar_commit(struct actor *a) { return vmar_op(a, ZX_VMAR_OP_COMMIT, 2); }
zx_status_t act_vmar_load(struct actor *a) { return vmar_op(a, ZX_VMAR_OP_MAP_RANGE, 2); }

/* --- VMOs --- */

static zx_status_t op_range(struct actor *a, uint32_t op, uint64_t offset, uint64_t len) {
    return CALL(vmo_op_range, prop(a, PROP_MEMORY), op, offset, len, 0, 0);
}

zx_status_t act_shrink(struct actor *a) { return CALL(vmo_set_size, prop(a, PROP_VMO), 0); }
zx_status_t act_grow(struct actor *a) { return CALL(vmo_set_size, prop(a, PROP_VMO), PAGES(SHARED_PAGES + 1)); }
zx_status_t act_commit(struct actor *a) { return op_range(a, ZX_VMO_OP_COMMIT, 0, PAGES(2)); }
zx_status_t act_decommit(struct actor *a) { return op_range(a, ZX_VMO_OP_DECOMMIT, 0, PAGES(2)); }
zx_status_t act_zero(struct actor *a) { return op_range(a, ZX_VMO_OP_ZERO, 16, PAGES(1)); }

static zx_status_t create_child(struct actor *a, zx_handle_t vmo, uint32_t kind) {
    return CALL(vmo_create_child, vmo, kind, 0, PAGES(1), OUT(a, 0));
}

zx_status_t act_snapshot(struct actor *a) { return create_child(a, prop(a, PROP_MEMORY), ZX_VMO_CHILD_SNAPSHOT); }
zx_status_t act_snapshot_lazy(struct actor *a) {
    return create_child(a, prop(a, PROP_MEMORY), ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE);
}
zx_status_t act_slice(struct actor *a) { return create_child(a, prop(a, PROP_FIXED), ZX_VMO_CHILD_SLICE); }
zx_status_t act_snapshot_empty(struct actor *a) { return create_child(a, prop(a, PROP_EMPTY), ZX_VMO_CHILD_SNAPSHOT); }
zx_status_t act_write_empty(struct actor *a) { return CALL(vmo_write, prop(a, PROP_EMPTY), DATA(a), 0, 8); }
zx_status_t act_cache_policy(struct actor *a) {
    return CALL(vmo_set_cache_policy, prop(a, PROP_EMPTY), ZX_CACHE_POLICY_UNCACHED);
}
zx_status_t act_close_memory(struct actor *a) { return CALL(handle_close, prop(a, PROP_MEMORY)); }
zx_status_t act_close_snapshot(struct actor *a) { return CALL(handle_close, prop(a, PROP_SNAPSHOT)); }
zx_status_t act_close_slice(struct actor *a) { return CALL(handle_close, prop(a, PROP_SLICE)); }
zx_status_t act_close_empty(struct actor *a) { return CALL(handle_close, prop(a, PROP_EMPTY)); }
zx_status_t act_close_area(struct actor *a) { return CALL(handle_close, prop(a, PROP_AREA)); }
