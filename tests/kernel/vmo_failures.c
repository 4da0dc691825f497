/*
 * VMOs when memory is out, or a limit is reached: whichever allocation of a call fails, the call fails and nothing has
 * changed.
 */
#include "tests/kernel/support.h"

/* A VMO whose pages are shared with a snapshot, so that every change has nodes to copy. */
struct family {
    struct vmo *vmo, *other;
};

static const uint64_t marks[] = {0, PAGES(3), PAGES(70), PAGES(5000)};

static bool family_make(struct family *f) {
    f->vmo = vmo_of(6000, true);
    for (size_t i = 0; i < countof(marks); i++) {
        if (!f->vmo || !vmo_poke(f->vmo, marks[i] + 5, (uint8_t)(i + 1))) return false;
    }
    return vmo_snapshot(f->vmo, 0, PAGES(6000), false, &f->other) == ZX_OK;
}

static bool family_unchanged(void *arg) {
    struct family *f = arg;
    bool same = vmo_size(f->vmo) == PAGES(6000) && vmo_committed_bytes(f->vmo, 0, PAGES(6000)) == PAGES(4);
    for (size_t i = 0; i < countof(marks); i++) {
        same = same && vmo_peek(f->vmo, marks[i] + 5) == (int)i + 1 && vmo_peek(f->other, marks[i] + 5) == (int)i + 1;
    }
    return same;
}

static zx_status_t do_commit(void *arg) { return vmo_commit(((struct family *)arg)->vmo, PAGES(2), PAGES(80)); }
static zx_status_t do_decommit(void *arg) { return vmo_decommit(((struct family *)arg)->vmo, PAGES(3), PAGES(68)); }
static zx_status_t do_zero(void *arg) { return vmo_zero(((struct family *)arg)->vmo, 5, PAGES(70) + 1); }
static zx_status_t do_shrink(void *arg) { return vmo_set_size(((struct family *)arg)->vmo, PAGES(70)); }

static zx_status_t do_write(void *arg) {
    struct vmo *vmo = ((struct family *)arg)->vmo;
    struct vmo_page page;
    mutex_lock(&vmo->lock);
    zx_status_t status = vmo_get_page(vmo, PAGES(3), true, &page);
    mutex_unlock(&vmo->lock);
    return status;
}

static zx_status_t do_snapshot(void *arg) {
    struct vmo *copy;
    zx_status_t status = vmo_snapshot(((struct family *)arg)->vmo, PAGES(3), PAGES(68), false, &copy);
    if (status == ZX_OK) vmo_unref(copy);
    return status;
}

static zx_status_t do_create(void *arg UNUSED) {
    struct vmo *vmo;
    zx_status_t status = vmo_create(PAGES(1), false, &vmo);
    if (status == ZX_OK) vmo_unref(vmo);
    return status;
}

static zx_status_t do_slice(void *arg) {
    struct vmo *slice;
    zx_status_t status = vmo_slice(((struct family *)arg)->other, 0, PAGES(1), &slice);
    if (status == ZX_OK) vmo_unref(slice);
    return status;
}

typedef unsigned fail_fn(zx_status_t (*act)(void *arg), bool (*unchanged)(void *arg), void *arg);

static void fail_by(fail_fn *fail, zx_status_t (*act)(void *arg)) {
    struct family f;
    NEED(family_make(&f));
    EXPECT(fail(act, family_unchanged, &f) >= 1);
    vmo_unref(f.vmo);
    vmo_unref(f.other);
}

static void fail_everywhere(zx_status_t (*act)(void *arg)) {
    fail_by(fail_each_allocation, act);
    fail_by(fail_at_each_limit, act);
}

static void commit_killed(void *arg) {
    struct vmo *vmo = arg;
    thread_interrupt(thread_current(), ATTENTION_KILL);
    EXPECT(vmo_commit(vmo, 0, PAGES(1000)) == ZX_ERR_CANCELED);
}

KTEST("vmo/commit stops when its thread is killed, and then has committed nothing") {
    struct vmo *vmo = vmo_of(1000, false);
    NEED(vmo && vmo_poke(vmo, PAGES(7), 7) && run_in(NULL, commit_killed, vmo));
    EXPECT(vmo_committed_bytes(vmo, 0, PAGES(1000)) == PAGES(1) && vmo_peek(vmo, PAGES(7)) == 7);
    vmo_unref(vmo);
}

KTEST("vmo/commit: all of it or nothing") { fail_everywhere(do_commit); }
KTEST("vmo/decommit: all of it or nothing") { fail_everywhere(do_decommit); }

KTEST("vmo/zero: all of it or nothing") { fail_everywhere(do_zero); }
KTEST("vmo/shrink: all of it or nothing") { fail_everywhere(do_shrink); }
KTEST("vmo/un-sharing a page: all of it or nothing") { fail_everywhere(do_write); }
KTEST("vmo/snapshot: all of it or nothing") { fail_everywhere(do_snapshot); }
KTEST("vmo/create and slice: all of it or nothing") {
    fail_everywhere(do_create);
    fail_everywhere(do_slice);
}
