/*
 * Families of VMOs: which is the nearest ancestor of each that is left, and how many are left below it.
 *
 * A child does not keep its parent alive, so that a generation's pages are freed with its last user. A dead parent's
 * structure is kept, without pages, for as long as others have it as `parent`: it leads on to the nearest living
 * ancestor. So its children need not be updated one by one. Each walk along such a path halves it: finding ancestors in
 * a family of n takes log n steps each, on average.
 *
 * The lock is one for the system. Only VMOs that ever had relations take it, and no walk keeps it for more than STEPS.
 * The observers of ZERO_CHILDREN are notified under it.
 */
#include "kernel/base/log.h"
#include "vm/heap.h"
#include "vm/vmo.h"

#define STEPS 64

static struct mutex family_lock = MUTEX_INIT(family_lock, RANK_VMO_FAMILY, "vmo family");

/* Lets others have the lock, now and then. */
static void breathe(unsigned *steps) REQUIRES(&family_lock) {
    if (++*steps % STEPS != 0) return;
    mutex_unlock_fair(&family_lock);
    mutex_lock(&family_lock);
}

static bool parent_gone(const struct vmo *vmo) REQUIRES(&family_lock) { return vmo->parent && vmo->parent->gone; }

/* Replaces the parent, which is dead, by that parent's parent. */
static void skip_parent(struct vmo *vmo) REQUIRES(&family_lock) {
    struct vmo *gone = vmo->parent;
    vmo->parent = gone->parent;
    if (--gone->kin == 0)
        heap_free(gone); /* its own count at the next one is now `vmo`'s */
    else if (vmo->parent)
        vmo->parent->kin++;
}

/* The nearest ancestor that is left, or NULL. It is one in this hold of the lock. */
static struct vmo *ancestor(struct vmo *vmo) REQUIRES(&family_lock) {
    unsigned steps = 0;
    for (struct vmo *at = vmo; parent_gone(vmo);) {
        skip_parent(at);
        at = at->parent;
        if (!at || !parent_gone(at) || steps % STEPS == STEPS - 1) at = vmo;
        breathe(&steps);
    }
    return vmo->parent;
}

void vmo_adopt(struct vmo *parent, struct vmo *child) {
    child->is_child = child->related = parent->related = true;
    child->parent_koid = parent->object.koid;
    child->parent = parent;
    mutex_lock(&family_lock);
    parent->kin++;
    parent->child_count++;
    object_signal(&parent->object, ZX_VMO_ZERO_CHILDREN, 0);
    mutex_unlock(&family_lock);
}

/* Drops one count of it. The last one frees it, and drops its count of the next. */
static void kin_unref(struct vmo *vmo) REQUIRES(&family_lock) {
    unsigned steps = 0;
    while (vmo && --vmo->kin == 0) {
        struct vmo *next = vmo->parent;
        heap_free(vmo);
        vmo = next;
        breathe(&steps);
    }
}

/* Its children become its ancestor's: a VMO has children for as long as any descendant lives. */
void vmo_leave_family(struct vmo *vmo) {
    if (!vmo->related) {
        heap_free(vmo);
        return;
    }
    mutex_lock(&family_lock);
    struct vmo *heir = ancestor(vmo);
    vmo->gone = true;
    if (heir) {
        heir->child_count += vmo->child_count - 1;
        if (heir->child_count == 0) object_signal(&heir->object, 0, ZX_VMO_ZERO_CHILDREN);
    }
    kin_unref(vmo);
    mutex_unlock(&family_lock);
}

size_t vmo_child_count(struct vmo *vmo) {
    mutex_lock(&family_lock);
    size_t count = vmo->child_count;
    mutex_unlock(&family_lock);
    return count;
}

/*
 * An ancestor that is being freed, but has not left the family yet, is passed over. It must be counted for as long as
 * the walk begins at it: its descendants' counts may end whenever the walk lets the lock go.
 */
struct vmo *vmo_ref_ancestor(struct vmo *vmo) {
    struct vmo *dying = NULL;
    mutex_lock(&family_lock);
    struct vmo *found = ancestor(vmo);
    while (found && !object_try_ref(&found->object)) {
        found->kin++;
        kin_unref(dying);
        dying = found;
        found = ancestor(dying);
    }
    kin_unref(dying);
    mutex_unlock(&family_lock);
    return found;
}
