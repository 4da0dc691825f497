/*
 * VMOs and their descendants: who counts which pages as its own, and chains of any length.
 */
#include "tests/kernel/support.h"

static struct vmo *child_of(struct vmo *parent) {
    struct vmo *child;
    if (vmo_snapshot(parent, 0, parent->size, false, &child) != ZX_OK) return NULL;
    return child;
}

static uint64_t own_pages(struct vmo *vmo) { return vmo_committed_bytes(vmo, 0, UINT64_MAX) >> PAGE_SHIFT; }

#define CANDIDATES 100

/* A VMO, and a child of it whose lock comes first in the order of locks. */
static bool family_make(struct vmo **parent, struct vmo **child) {
    struct vmo *candidates[CANDIDATES] = {0};
    *parent = *child = NULL;
    for (size_t i = 0; i < CANDIDATES; i++) {
        struct vmo *vmo = vmo_of(1, false);
        if (vmo > *parent) {
            candidates[i] = *parent;
            *parent = vmo;
        } else {
            candidates[i] = vmo;
        }
    }
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (candidates[i]) vmo_unref(candidates[i]);
        candidates[i] = NULL;
    }
    for (size_t i = 0; i < CANDIDATES && *parent && !*child; i++) {
        struct vmo *vmo = child_of(*parent);
        if (vmo && vmo < *parent)
            *child = vmo;
        else
            candidates[i] = vmo;
    }
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (candidates[i]) vmo_unref(candidates[i]);
    }
    return *child != NULL;
}

static void count_own(void *vmo) { EXPECT(own_pages(vmo) == 0); }

/*
 * A store that user code makes meanwhile changes the parent's page. Were that page taken for a shared one, so that the
 * next write puts a copy in its place, the store could come between the copy and the exchange, and be lost.
 */
KTEST("vmo/its pages stay its own while somebody counts what a snapshot of it shares") {
    struct vmo *parent, *child;
    struct runner counter;
    NEED(family_make(&parent, &child) && vmo_poke(parent, 0, 1));
    uint64_t frame = vmo_frame(parent, 0);
    mutex_lock(&child->lock);
    bool started = runner_start(&counter, NULL, count_own, child);
    if (started) runner_settle(&counter);
    EXPECT(vmo_poke(parent, 0, 2) && vmo_frame(parent, 0) == frame);
    mutex_unlock(&child->lock);
    if (started) runner_join(&counter);
    EXPECT(started && own_pages(parent) == 1);
    vmo_unref(child);
    vmo_unref(parent);
}
