/*
 * Turns: a long transfer releases its locks after each window, and hands them to a thread that waited for them. So the
 * moment at which the other acts is known: after the first window.
 */
#include "arch/upcall.h"
#include "tests/kernel/rig.h"

#define WINDOW ((size_t)64 << 10)

/* Something that happens to the target while it is written to. */
struct meanwhile {
    zx_status_t (*act)(struct runner *writer);
    struct runner *writer;
    zx_status_t status;
};

static void meanwhile_run(void *arg) {
    struct meanwhile *m = arg;
    m->status = m->act(m->writer);
}

/*
 * Runs the call, with `act` on another thread after its first window. Both need the target's lock, which is held at
 * first.
 */
static void run_with(struct call *c, zx_status_t (*act)(struct runner *writer)) {
    struct runner writer, other;
    struct meanwhile m = {.act = act, .writer = &writer, .status = ZX_ERR_INTERNAL};
    aspace_lock(rig.target);
    bool started = runner_start(&writer, rig.caller, call_run, c);
    if (started) runner_settle(&writer);
    bool both = started && runner_start(&other, NULL, meanwhile_run, &m);
    if (both) runner_settle(&other);
    mutex_unlock(&rig.target->lock);
    if (started) runner_join(&writer);
    if (both) runner_join(&other);
    EXPECT(both && m.status == ZX_OK);
}

/* Does a write of three windows, with `act` after the first of them, end with that status and count? */
static bool ends_with(zx_status_t (*act)(struct runner *writer), zx_status_t status, size_t done) {
    struct call c = call_make(true, rig.from, rig.to, 3 * WINDOW);
    run_with(&c, act);
    if (c.status != status || c.done != done) kernel_test_report("# status %d after %zu bytes", c.status, c.done);
    return c.status == status && c.done == done;
}

/* The buffer is committed and loaded, so that no fault of its own ends a window. */
static bool begin(void) {
    if (!rig_begin() || vmo_commit(rig.buffer, 0, 3 * WINDOW) != ZX_OK) return false;
    for (size_t at = 0; at < 3 * WINDOW; at += PAGE_SIZE) {
        if (user_load(rig.caller, rig.from + at) != 0) return false;
    }
    return true;
}

static zx_status_t unmap_all(struct runner *writer UNUSED) {
    return vmar_unmap(rig.target->root, rig.to, PAGES(TARGET_PAGES));
}

KTEST("transfer/L8 an unmap comes between two windows, and no byte lands after it") {
    NEED(begin() && ends_with(unmap_all, ZX_OK, WINDOW));
    EXPECT(vmo_committed_bytes(rig.memory, 0, PAGES(TARGET_PAGES)) == WINDOW);
    rig_end();
}

static zx_status_t destroy_root(struct runner *writer UNUSED) { return vmar_destroy(rig.target->root); }

KTEST("transfer/L9 so does the destruction of the VMAR") {
    NEED(begin() && ends_with(destroy_root, ZX_OK, WINDOW));
    rig_end();
}

static zx_status_t begin_death(struct runner *writer UNUSED) {
    aspace_begin_death(rig.target);
    return ZX_OK;
}

KTEST("transfer/L5 so does the death of the target") {
    NEED(begin() && ends_with(begin_death, ZX_OK, WINDOW));
    rig_end();
}

/* Waits for the end of a window, which has the target's lock and then the store's, as other acts do by themselves. */
static void take_turn(void) {
    struct vmo *store = rig.memory->store;
    aspace_lock(rig.target);
    mutex_lock(&store->lock);
    mutex_unlock(&store->lock);
    mutex_unlock(&rig.target->lock);
}

static zx_status_t kill_writer(struct runner *writer) {
    take_turn();
    thread_interrupt(&writer->thread, ATTENTION_KILL);
    return ZX_OK;
}

KTEST("transfer/L7 a caller that is being killed begins no further window") {
    NEED(begin());
    struct call c = call_make(true, rig.from, rig.to, 3 * WINDOW);
    run_with(&c, kill_writer);
    EXPECT(c.status == ZX_OK && c.done >= WINDOW && c.done % WINDOW == 0);
    rig_end();
}

static zx_status_t cut_memory(struct runner *writer UNUSED) {
    aspace_lock(rig.target);
    zx_status_t status = vmo_set_size(rig.memory, WINDOW + PAGES(2));
    mutex_unlock(&rig.target->lock);
    return status;
}

KTEST("transfer/L19 memory that shrinks ends the transfer at its new end") {
    NEED(begin() && ends_with(cut_memory, ZX_OK, WINDOW + PAGES(2)));
    rig_end();
}

static struct vmo *copy;

static zx_status_t snapshot_memory(struct runner *writer UNUSED) {
    aspace_lock(rig.target);
    zx_status_t status = vmo_snapshot(rig.memory, 0, PAGES(TARGET_PAGES), false, &copy);
    mutex_unlock(&rig.target->lock);
    return status;
}

KTEST("transfer/L19 a snapshot has the first window and nothing of the second") {
    NEED(begin() && vmo_poke(rig.buffer, WINDOW - 1, 1) && vmo_poke(rig.buffer, WINDOW, 2));
    EXPECT(ends_with(snapshot_memory, ZX_OK, 3 * WINDOW));
    EXPECT(vmo_peek(copy, WINDOW - 1) == 1 && vmo_peek(copy, WINDOW) == 0 && vmo_peek(rig.memory, WINDOW) == 2);
    vmo_unref(copy);
    rig_end();
}

static zx_status_t unmap_buffer(struct runner *writer UNUSED) {
    take_turn();
    return vmar_unmap(rig.caller->root, rig.from, PAGES(BUFFER_PAGES));
}

KTEST("transfer/S10 a buffer that is unmapped meanwhile is a bad buffer from there on") {
    NEED(begin());
    struct call c = call_make(true, rig.from, rig.to, 3 * WINDOW);
    run_with(&c, unmap_buffer);
    EXPECT(c.done >= WINDOW && c.status == (c.done < 3 * WINDOW ? ZX_ERR_INVALID_ARGS : ZX_OK));
    rig_end();
}

static zx_status_t remap(struct runner *writer UNUSED) {
    return map_at(rig.target->root, (rig.to - USER_BASE) >> PAGE_SHIFT, copy, 0, TARGET_PAGES,
                  ZX_VM_SPECIFIC_OVERWRITE | RW);
}

KTEST("transfer/L8 after a remap the bytes go to what is mapped then") {
    NEED(begin() && (copy = vmo_of(TARGET_PAGES, false)) && vmo_poke(rig.buffer, WINDOW, 9));
    EXPECT(ends_with(remap, ZX_OK, 3 * WINDOW));
    EXPECT(vmo_peek(copy, WINDOW) == 9 && vmo_peek(rig.memory, WINDOW) == 0 && vmo_peek(copy, 0) == 0);
    vmo_unref(copy);
    rig_end();
}

/* A writes into B while B writes into A, each from and to the same pages. */
static void write_across(void *arg) {
    struct call *c = arg;
    for (int round = 0; round < 20 && c->status != ZX_ERR_BAD_STATE; round++) {
        struct transferred moved = call_transfer(c);
        c->status = moved.done == c->len ? moved.status : ZX_ERR_BAD_STATE;
    }
}

KTEST("transfer/L11 two that write into each other both come to an end") {
    NEED(rig_begin());
    struct call there = call_make(true, rig.from, rig.to, 2 * WINDOW + 5);
    struct call back = call_make(true, rig.to, rig.from, 2 * WINDOW + 5);
    back.target = rig.caller;
    struct runner a, b;
    NEED(runner_start(&a, rig.caller, write_across, &there));
    NEED(runner_start(&b, rig.target, write_across, &back));
    runner_join(&a);
    runner_join(&b);
    EXPECT(there.status == ZX_OK && back.status == ZX_OK);
    rig_end();
}
