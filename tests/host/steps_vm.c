/*
 * Steps on VMOs, VMARs and memory: for each, the choice of arguments, the call, and what the model says.
 */
#include <zircon/errors.h>

#include "tests/host/steps.h"

/* The most that data is moved or committed by one call where nothing else limits it. */
#define MUCH (20 * MODEL_PAGE)

/* --- VMOs --- */

void step_vmo_create(struct world *w) {
    uint64_t size = pick_size(w), out = pick_out(w, 0);
    uint32_t options = input_byte(&w->in) % 16 < 14 ? input_byte(&w->in) % 3 : input_byte(&w->in);
    zx_status_t status = CALL(w, vmo_create, size, options, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmo_create", status, model_vmo_create(&w->model, w->me, size, options, out, made));
}

/* Part of a VMO. What a call would take long for is made shorter: much of a huge VMO. */
static void pick_vmo_part(struct world *w, zx_handle_t h, uint64_t *offset, uint64_t *size) {
    const struct model_vmo *vmo = (const struct model_vmo *)picked(w, h, ZX_OBJ_TYPE_VMO);
    pick_part(w, vmo ? vmo->size : 0, offset, size);
    if (*size > MUCH && vmo && model_within(*offset, *size, vmo->size)) *size = MUCH;
}

static void step_vmo_transfer(struct world *w, bool write) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint64_t buffer = pick_buffer(w), offset, size;
    pick_vmo_part(w, h, &offset, &size);
    if (write) (void)world_fill(w, 3 * MODEL_PAGE);
    zx_status_t status =
        write ? CALL(w, vmo_write, h, buffer, offset, size) : CALL(w, vmo_read, h, buffer, offset, size);
    zx_status_t expected = model_vmo_transfer(&w->model, w->me, h, write, buffer, offset, size);
    world_expect(w, write ? "vmo_write" : "vmo_read", status, expected);
    if (!write) world_check_buffer(w, buffer, size);
}

void step_vmo_read(struct world *w) { step_vmo_transfer(w, false); }
void step_vmo_write(struct world *w) { step_vmo_transfer(w, true); }

void step_vmo_get_size(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint64_t out = pick_out(w, 1);
    zx_status_t status = CALL(w, vmo_get_size, h, out);
    world_expect(w, "vmo_get_size", status, model_vmo_get_size(w->me, h, out));
    world_check_buffer(w, OUT(1), 8);
}

void step_vmo_set_size(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint64_t size = pick_size(w);
    zx_status_t status = CALL(w, vmo_set_size, h, size);
    world_expect(w, "vmo_set_size", status, model_vmo_set_size(w->me, h, size));
}

void step_vmo_create_child(struct world *w) {
    static const uint32_t types[] = {
        ZX_VMO_CHILD_SNAPSHOT,
        ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE,
        ZX_VMO_CHILD_SLICE,
        ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
        ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE,
        ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE,
    };
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint8_t choice = input_byte(&w->in);
    uint32_t options = choice < 240 ? types[choice % 6] : input_byte(&w->in);
    uint64_t offset, size, out = pick_out(w, 0);
    pick_vmo_part(w, h, &offset, &size);
    zx_status_t status = CALL(w, vmo_create_child, h, options, offset, size, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmo_create_child", status,
                 model_vmo_create_child(&w->model, w->me, h, options, offset, size, out, made));
}

void step_vmo_clone(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint8_t choice = input_byte(&w->in);
    uint32_t options = choice < 240 ? 1 + choice % 2 * 2 : choice;
    uint64_t offset, size, out = pick_out(w, 0);
    pick_vmo_part(w, h, &offset, &size);
    zx_status_t status = CALL(w, vmo_clone, h, options, offset, size, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmo_clone", status, model_vmo_clone(&w->model, w->me, h, options, offset, size, out, made));
}

void step_vmo_create_contiguous(struct world *w) {
    zx_handle_t resource = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    uint8_t choice = input_byte(&w->in);
    uint32_t align = choice < 128 ? 0 : choice < 250 ? choice % 14 : choice;
    uint64_t size = pick_size(w), out = pick_out(w, 0);
    zx_status_t status = CALL(w, vmo_create_contiguous, resource, size, align, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmo_create_contiguous", status,
                 model_vmo_create_contiguous(&w->model, w->me, resource, size, align, out, made));
}

void step_vmo_replace_as_executable(struct world *w) {
    zx_handle_t vmex = pick_handle(w, ZX_OBJ_TYPE_RESOURCE), h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    if (input_rarely(&w->in, 2)) vmex = ZX_HANDLE_INVALID;
    uint64_t out = pick_out(w, 0);
    zx_status_t status = CALL(w, vmo_replace_as_executable, h, vmex, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmo_replace_as_executable", status,
                 model_vmo_replace_as_executable(&w->model, w->me, h, vmex, out, made, w->failed));
}

/* Only what can go wrong: device memory is nothing that programs could share a model of. */
void step_vmo_create_physical(struct world *w) {
    static const struct {
        uint64_t base, size;
    } bad[] = {{0, 0}, {1, MODEL_PAGE}, {0, UINT64_MAX}, {UINT64_MAX - 4095, 2 * MODEL_PAGE}, {8 * MODEL_PAGE, 0}};
    unsigned which = input_below(&w->in, 5);
    zx_handle_t resource = pick_handle(w, ZX_OBJ_TYPE_RESOURCE);
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, resource, ZX_OBJ_TYPE_RESOURCE, 0, &h);
    zx_status_t status = CALL(w, vmo_create_physical, resource, bad[which].base, bad[which].size, OUT(0));
    world_expect(w, "vmo_create_physical", status, expected == ZX_OK ? ZX_ERR_INVALID_ARGS : expected);
}

void step_vmo_op_range(struct world *w) {
    static const uint32_t ops[] = {ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO};
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint8_t choice = input_byte(&w->in);
    uint32_t op = choice < 216 ? ops[choice % 3] : choice % 16;
    uint64_t offset, size;
    pick_vmo_part(w, h, &offset, &size);
    zx_status_t status = CALL(w, vmo_op_range, h, op, offset, size);
    world_expect(w, "vmo_op_range", status, model_vmo_op_range(w->me, h, op, offset, size));
    /* Those that change nothing that a program could see. */
    static const uint32_t others[] = {ZX_VMO_OP_LOCK, ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN,
                                      ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, 11};
    for (unsigned i = 0; i < 5; i++) {
        status = CALL(w, vmo_op_range, h, others[i], offset, size);
        world_expect(w, "vmo_op_range", status, model_vmo_op_range(w->me, h, others[i], offset, size));
    }
}

void step_vmo_set_cache_policy(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMO);
    uint32_t policy = input_below(&w->in, 5);
    zx_status_t status = CALL(w, vmo_set_cache_policy, h, policy);
    world_expect(w, "vmo_set_cache_policy", status, model_vmo_set_cache_policy(&w->model, w->me, h, policy));
}

/* --- VMARs --- */

/* An actor lives by its scratch memory: its root VMAR may not be emptied there, nor destroyed. */
static bool spares_scratch(struct world *w, zx_handle_t h, uint64_t base, uint64_t len) {
    const struct model_vmar *v = (const struct model_vmar *)picked(w, h, ZX_OBJ_TYPE_VMAR);
    if (!v || v->parent || v->process >= &w->model.processes[ACTORS]) return true;
    if (base < v->base || !model_within(base - v->base, len, v->len)) return true;
    return base + len <= SCRATCH || base >= CHECK_PAGE + 2 * MODEL_PAGE;
}

static uint64_t vmar_base(struct world *w, zx_handle_t h) {
    const struct model_vmar *v = (const struct model_vmar *)picked(w, h, ZX_OBJ_TYPE_VMAR);
    return v ? v->base : 0;
}

void step_vmar_allocate(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMAR);
    uint8_t choice = input_byte(&w->in);
    uint32_t options = (choice & 0x0f) << 6 | (choice & 0x10); /* what can be mapped, and SPECIFIC */
    if (choice >= 240) options |= 1u << input_below(&w->in, 32);
    uint64_t offset = choice & 0x10 ? pick_offset(w) : choice == 0xef, size = pick_size(w);
    uint64_t out = pick_out(w, 0), out_addr = pick_out(w, 1);
    zx_status_t status = CALL(w, vmar_allocate, h, options, offset, size, out, out_addr);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "vmar_allocate", status,
                 model_vmar_allocate(&w->model, w->me, h, options, offset, size, out, out_addr, made));
    world_check_buffer(w, OUT(1), 8);
}

/* What may be asked of a mapping made with both handles. */
static uint32_t handles_allow(struct world *w, zx_handle_t vmar, zx_handle_t vmo) {
    const struct model_handle *a = model_find(w->me, vmar), *b = model_find(w->me, vmo);
    return a && b ? (a->rights & b->rights) >> 2 & 7 : 7;
}

void step_vmar_map(struct world *w) {
    static const uint32_t kinds[] = {0,
                                     0,
                                     ZX_VM_SPECIFIC,
                                     ZX_VM_SPECIFIC_OVERWRITE,
                                     ZX_VM_MAP_RANGE,
                                     ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC,
                                     ZX_VM_REQUIRE_NON_RESIZABLE,
                                     ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE};
    static const uint32_t perms[] = {3, 3, 1, 5, 7, 0, 3, 1};
    uint8_t choice = input_byte(&w->in);
    struct model_map a = {.vmar = pick_handle(w, ZX_OBJ_TYPE_VMAR), .vmo = pick_handle(w, ZX_OBJ_TYPE_VMO)};
    a.options = kinds[choice % 8] | perms[choice / 8 % 8];
    if (input_byte(&w->in) % 4) a.options &= ~(7u & ~handles_allow(w, a.vmar, a.vmo));
    if (choice >= 248) a.options |= 1u << input_below(&w->in, 32);
    if (a.options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)) a.vmar_offset = pick_offset(w);
    if (choice == 240) a.vmar_offset = MODEL_PAGE;
    pick_vmo_part(w, a.vmo, &a.vmo_offset, &a.len);
    a.vmo_offset = choice < 240 ? model_round_down(a.vmo_offset) : a.vmo_offset;
    a.out = pick_out(w, 1);
    if (!spares_scratch(w, a.vmar, vmar_base(w, a.vmar) + a.vmar_offset, model_round_up(a.len))) return;
    zx_status_t status = CALL(w, vmar_map, a.vmar, a.options, a.vmar_offset, a.vmo, a.vmo_offset, a.len, a.out);
    world_expect(w, "vmar_map", status, model_vmar_map(&w->model, w->me, &a));
    world_check_buffer(w, OUT(1), 8);
}

/* A range for unmap and protect, in the process that the VMAR belongs to. */
static void pick_range(struct world *w, zx_handle_t h, uint64_t *addr, uint64_t *len) {
    struct model_vmar *v = (struct model_vmar *)picked(w, h, ZX_OBJ_TYPE_VMAR);
    *addr = pick_address(w, v ? v->process : w->me);
    if (!input_rarely(&w->in, 16)) *addr = model_round_down(*addr);
    *len = pick_size(w);
}

void step_vmar_unmap(struct world *w) {
    uint64_t addr, len;
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMAR);
    pick_range(w, h, &addr, &len);
    if (!spares_scratch(w, h, addr, model_round_up(len))) return;
    zx_status_t status = CALL(w, vmar_unmap, h, addr, len);
    world_expect(w, "vmar_unmap", status, model_vmar_unmap(&w->model, w->me, h, addr, len));
}

void step_vmar_protect(struct world *w) {
    uint64_t addr, len;
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMAR);
    uint8_t choice = input_byte(&w->in);
    uint32_t options = choice < 240 ? choice % 8 : 1u << choice % 32;
    pick_range(w, h, &addr, &len);
    if (!spares_scratch(w, h, addr, model_round_up(len))) return;
    zx_status_t status = CALL(w, vmar_protect, h, options, addr, len);
    world_expect(w, "vmar_protect", status, model_vmar_protect(&w->model, w->me, h, options, addr, len));
}

void step_vmar_op_range(struct world *w) {
    static const uint32_t ops[] = {ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_ZERO, ZX_VMAR_OP_MAP_RANGE};
    uint64_t addr, len;
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMAR);
    uint8_t choice = input_byte(&w->in);
    uint32_t op = choice < 224 ? ops[choice % 4] : choice % 16;
    uint64_t buffer = choice == 255 ? DATA : 0, buffer_size = choice == 254;
    pick_range(w, h, &addr, &len);
    /* Committing, or the largest part of a large VMO, takes long; and scratch is to stay as it is. */
    if (op == ZX_VMAR_OP_COMMIT && len > MUCH) len = MUCH;
    if (addr >= SCRATCH - MUCH && addr < SCRATCH + (1 << 30)) return;
    zx_status_t status = CALL(w, vmar_op_range, h, op, addr, len, buffer, buffer_size);
    world_expect(w, "vmar_op_range", status,
                 model_vmar_op_range(&w->model, w->me, h, op, addr, len, buffer, buffer_size));
}

void step_vmar_destroy(struct world *w) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_VMAR);
    if (!spares_scratch(w, h, SCRATCH, MODEL_PAGE)) return;
    zx_status_t status = CALL(w, vmar_destroy, h);
    world_expect(w, "vmar_destroy", status, model_vmar_destroy(&w->model, w->me, h));
}

/* --- memory --- */

static void step_process_transfer(struct world *w, bool write) {
    zx_handle_t h = pick_handle(w, ZX_OBJ_TYPE_PROCESS);
    struct model_process *target = (struct model_process *)picked(w, h, ZX_OBJ_TYPE_PROCESS);
    uint64_t addr = pick_address(w, target ? target : w->me), buffer = pick_buffer(w), size = pick_size(w);
    uint64_t actual = pick_out(w, 1), moved;
    if (size > MUCH && size <= (uint64_t)64 << 20) size = MUCH;
    /* A transfer that is cut short and made again must not have changed what it reads. */
    if (w->inject && (addr >= SCRATCH - MUCH || size > DATA_LEN / 2)) return;
    if (write) (void)world_fill(w, 3 * MODEL_PAGE);
    zx_status_t status = write ? CALL(w, process_write_memory, h, addr, buffer, size, actual)
                               : CALL(w, process_read_memory, h, addr, buffer, size, actual);
    zx_status_t expected = model_process_transfer(&w->model, w->me, h, write, addr, buffer, size, actual, &moved);
    world_expect(w, write ? "process_write_memory" : "process_read_memory", status, expected);
    world_check_buffer(w, OUT(1), 8);
    if (!write) world_check_buffer(w, buffer, size);
}

void step_process_read(struct world *w) { step_process_transfer(w, false); }
void step_process_write(struct world *w) { step_process_transfer(w, true); }

/* A store of the actor's own, which faults in whatever it meets. */
void step_store(struct world *w) {
    uint64_t addr = pick_address(w, w->me);
    uint8_t bytes[16];
    for (unsigned i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)(w->fill + i);
    w->fill++;
    zx_status_t status =
        w->inject ? world_store_failing(w, addr, bytes, sizeof(bytes)) : host_user_store(addr, bytes, sizeof(bytes));
    world_expect(w, "store", status, model_store(w->me, addr, bytes, sizeof(bytes)));
}

void step_load(struct world *w) {
    uint8_t got[16] = {0}, expected[16] = {0};
    uint64_t addr = pick_address(w, w->me);
    zx_status_t status = host_user_load(got, addr, sizeof(got));
    world_expect(w, "load", status, model_load(w->me, addr, expected, sizeof(expected)));
    if (status == ZX_OK && memcmp(got, expected, sizeof(got)) != 0) world_fail(w, "load at %#lx: other bytes", addr);
}
