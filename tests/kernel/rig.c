/*
 * Two address spaces and the calls between them; see rig.h.
 */
#include "tests/kernel/rig.h"

#include "vm/inject.h"

struct rig rig;

bool rig_begin(void) {
    rig.caller = space_new();
    rig.target = space_new();
    rig.buffer = vmo_of(BUFFER_PAGES, true);
    rig.memory = vmo_of(TARGET_PAGES, true);
    if (!rig.caller || !rig.target || !rig.buffer || !rig.memory) return false;
    rig.from = map_pages(rig.caller->root, rig.buffer, 0, BUFFER_PAGES, RW, PERM_ALL);
    rig.to = map_pages(rig.target->root, rig.memory, 0, TARGET_PAGES, RW, PERM_ALL);
    return rig.from && rig.to;
}

void rig_end(void) {
    EXPECT(translations_true(rig.caller) && translations_true(rig.target));
    space_end(rig.caller);
    space_end(rig.target);
    vmo_unref(rig.buffer);
    vmo_unref(rig.memory);
}

struct transferred call_transfer(const struct call *c) {
    const user_in_t in = {c->buffer};
    const user_out_t out = {c->buffer};
    if (c->vmo)
        return c->write ? transfer_to_vmo(c->vmo, c->addr, in, c->len)
                        : transfer_from_vmo(c->vmo, c->addr, out, c->len);
    return c->write ? transfer_to_aspace(c->target, c->addr, in, c->len)
                    : transfer_from_aspace(c->target, c->addr, out, c->len);
}

void call_run(void *arg) {
    struct call *c = arg;
#ifdef DEBUG
    inject_arm(c->fail_at);
#endif
    struct transferred moved = call_transfer(c);
    c->status = moved.status;
    c->done = moved.done;
#ifdef DEBUG
    c->fired = inject_fired();
    inject_arm(0);
#endif
}

struct call call_make(bool write, vaddr_t buffer, uint64_t addr, size_t len) {
    return (struct call){
        .write = write, .buffer = buffer, .len = len, .target = rig.target, .addr = addr, .status = ZX_ERR_INTERNAL};
}

bool ends(struct call c, zx_status_t status, size_t done) {
    if (!run_in(rig.caller, call_run, &c)) return false;
    if (c.status == status && c.done == done) return true;
    kernel_test_report("# status %d after %zu bytes", c.status, c.done);
    return false;
}

bool writes(vaddr_t buffer, uint64_t addr, size_t len, zx_status_t status, size_t done) {
    return ends(call_make(true, buffer, addr, len), status, done);
}

bool reads(vaddr_t buffer, uint64_t addr, size_t len, zx_status_t status, size_t done) {
    return ends(call_make(false, buffer, addr, len), status, done);
}

bool fill_buffer(size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!vmo_poke(rig.buffer, i, (uint8_t)(i * 7 + 1))) return false;
    }
    return true;
}

bool holds(struct vmo *vmo, uint64_t offset, uint64_t from, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (vmo_peek(vmo, offset + i) != vmo_peek(rig.buffer, from + i)) return false;
    }
    return true;
}
