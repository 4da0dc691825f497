/*
 * Forced writes: through a mapping that could never be made writable, nobody but that mapping ever sees the bytes.
 */
#include "kernel/base/string.h"
#include "kernel/sched/name.h"
#include "tests/kernel/rig.h"

/*
 * Text: a VMO of eight pages that begin with 10, 11 …, shown by a read-and-execute mapping of six, from the second on,
 * in the target, and by another in the caller.
 */
static struct vmo *text;
static vaddr_t here, there;

static bool begin(void) {
    if (!rig_begin() || !(text = vmo_of(8, true)) || !fill_buffer(100)) return false;
    for (unsigned i = 0; i < 8; i++) {
        if (!vmo_poke(text, PAGES(i), (uint8_t)(10 + i))) return false;
    }
    const uint32_t perms = PERM_READ | PERM_EXECUTE;
    here = map_pages(rig.target->root, text, 1, 6, perms, perms);
    there = map_pages(rig.caller->root, text, 1, 6, perms, perms);
    return here && there;
}

static void end(void) {
    vmo_unref(text);
    rig_end();
}

/* The text as everybody else sees it. */
static bool others_unchanged(void) {
    for (unsigned i = 0; i < 6; i++) {
        if (user_load(rig.caller, there + PAGES(i)) != (int)(11 + i)) return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (vmo_peek(text, PAGES(i)) != (int)(10 + i)) return false;
    }
    return true;
}

static struct mapping *text_mapping(vaddr_t va) {
    aspace_lock(rig.target);
    struct mapping *m = aspace_find(rig.target, va);
    mutex_unlock(&rig.target->lock);
    return m;
}

KTEST("transfer/T3 text that is written to changes for its own mapping, and for nobody else") {
    NEED(begin());
    EXPECT(user_load(rig.target, here) == 11 && user_load(rig.target, here + PAGES(1)) == 12);
    EXPECT(writes(rig.from, here + PAGES(1), 4, ZX_OK, 4));
    EXPECT(user_load(rig.target, here + PAGES(1)) == 1 && user_load(rig.target, here) == 11);
    EXPECT(others_unchanged());
    vaddr_t third = map_pages(rig.target->root, text, 1, 6, PERM_READ, PERM_READ);
    EXPECT(third && user_load(rig.target, third + PAGES(1)) == 12);
    end();
}

KTEST("transfer/T3 the mapping keeps its place, size, permissions and ceiling") {
    NEED(begin() && writes(rig.from, here, 1, ZX_OK, 1));
    const struct mapping *m = text_mapping(here);
    NEED(m);
    EXPECT(m->region.base == here && m->region.len == PAGES(6));
    EXPECT(m->perms == (PERM_READ | PERM_EXECUTE) && m->ceiling == (PERM_READ | PERM_EXECUTE));
    EXPECT(vmar_protect(rig.target->root, RW, here, PAGES(6)) == ZX_ERR_ACCESS_DENIED);
    EXPECT(user_store(rig.target, here, 1) == ZX_ERR_ACCESS_DENIED);
    end();
}

KTEST("transfer/T3 the private snapshot is the text's child, named like it, and only what was written is its own") {
    char name[ZX_MAX_NAME_LEN];
    NEED(begin());
    EXPECT(object_set_name(&text->object, "text") == ZX_OK);
    EXPECT(vmo_child_count(text) == 0 && writes(rig.from, here + PAGES(1), 1, ZX_OK, 1));
    struct vmo *own = text_mapping(here)->vmo;
    object_get_name(&own->object, name);
    EXPECT(own->parent_koid == text->object.koid && vmo_child_count(text) == 1 && strcmp(name, "text") == 0);
    EXPECT(vmo_committed_bytes(own, 0, PAGES(6)) == PAGES(1) && vmo_committed_bytes(text, 0, PAGES(8)) == PAGES(8));
    EXPECT(vmar_unmap(rig.target->root, here, PAGES(6)) == ZX_OK && vmo_child_count(text) == 0);
    end();
}

KTEST("transfer/T12, T13 a second write makes no second copy") {
    NEED(begin() && writes(rig.from, here, 1, ZX_OK, 1));
    const struct vmo *own = text_mapping(here)->vmo;
    size_t free = pages_free(), objects = object_count();
    EXPECT(writes(rig.from + 1, here + 5, 3, ZX_OK, 3));
    EXPECT(text_mapping(here)->vmo == own && object_count() == objects && pages_free() == free);
    EXPECT(user_load(rig.target, here) == 1 && user_load(rig.target, here + 5) == 8 && others_unchanged());
    end();
}

KTEST("transfer/T11 text that is a snapshot of a snapshot") {
    struct vmo *child, *grandchild;
    NEED(begin() && vmo_snapshot(text, PAGES(1), PAGES(4), false, &child) == ZX_OK);
    NEED(vmo_snapshot(child, PAGES(1), PAGES(2), false, &grandchild) == ZX_OK);
    vaddr_t va = map_pages(rig.target->root, grandchild, 0, 2, PERM_READ, PERM_READ);
    EXPECT(va && user_load(rig.target, va) == 12 && writes(rig.from, va, 1, ZX_OK, 1));
    EXPECT(user_load(rig.target, va) == 1 && user_load(rig.target, va + PAGES(1)) == 13);
    EXPECT(vmo_peek(grandchild, 0) == 12 && vmo_peek(child, PAGES(1)) == 12 && others_unchanged());
    vmo_unref(child);
    vmo_unref(grandchild);
    end();
}

KTEST("transfer/T3 text behind a slice") {
    struct vmo *fixed = vmo_of(4, false), *slice;
    NEED(begin() && fixed && vmo_poke(fixed, PAGES(2), 5) && vmo_slice(fixed, PAGES(1), PAGES(2), &slice) == ZX_OK);
    vaddr_t va = map_pages(rig.target->root, slice, 1, 2, PERM_READ, PERM_READ);
    EXPECT(va && writes(rig.from, va, 1, ZX_OK, 1) && user_load(rig.target, va) == 1);
    EXPECT(vmo_peek(fixed, PAGES(2)) == 5 && vmo_peek(slice, PAGES(1)) == 5);
    EXPECT(writes(rig.from, va + PAGES(1), 1, ZX_ERR_NO_MEMORY, 0));
    vmo_unref(slice);
    vmo_unref(fixed);
    end();
}

KTEST("transfer/the private copy ends where the text ended, whatever becomes of the text") {
    NEED(begin() && vmo_set_size(text, PAGES(4)) == ZX_OK);
    EXPECT(writes(rig.from, here + PAGES(3), 1, ZX_ERR_NO_MEMORY, 0) && !text_mapping(here)->private);
    EXPECT(writes(rig.from, here, 1, ZX_OK, 1) && user_load(rig.target, here + PAGES(3)) == -1);
    EXPECT(vmo_set_size(text, PAGES(8)) == ZX_OK && user_load(rig.target, here + PAGES(3)) == -1);
    EXPECT(vmo_set_size(text, 0) == ZX_OK && user_load(rig.target, here + PAGES(2)) == 13);
    end();
}

KTEST("transfer/each part of a mapping that was cut keeps what it shows, and forks for itself") {
    const uint32_t perms = PERM_READ | PERM_EXECUTE;
    NEED(begin() && vmar_protect(rig.target->root, PERM_READ, here + PAGES(2), PAGES(2)) == ZX_OK);
    EXPECT(writes(rig.from, here + PAGES(2), 1, ZX_OK, 1));
    EXPECT(!text_mapping(here)->private && text_mapping(here + PAGES(2))->private &&
           !text_mapping(here + PAGES(4))->private);
    EXPECT(vmar_protect(rig.target->root, perms, here + PAGES(2), PAGES(1)) == ZX_OK);
    EXPECT(writes(rig.from + 1, here + PAGES(3), 1, ZX_OK, 1));
    EXPECT(user_load(rig.target, here + PAGES(2)) == 1 && user_load(rig.target, here + PAGES(3)) == 8);
    EXPECT(vmar_unmap(rig.target->root, here + PAGES(2), PAGES(1)) == ZX_OK);
    EXPECT(user_load(rig.target, here + PAGES(3)) == 8 && user_load(rig.target, here + PAGES(4)) == 15);
    EXPECT(others_unchanged());
    end();
}

KTEST("transfer/one write over shared data and text goes through the one and forks the other") {
    NEED(begin() && map_at(rig.target->root, 199, rig.memory, 0, 1, ZX_VM_SPECIFIC | RW) == ZX_OK);
    vaddr_t base;
    struct vmar_map args = {.options = ZX_VM_SPECIFIC | PERM_READ,
                            .offset = PAGES(200),
                            .vmo = text,
                            .len = PAGES(1),
                            .ceiling = PERM_READ};
    NEED(vmar_map(rig.target->root, &args, &base) == ZX_OK);
    EXPECT(writes(rig.from, base - 4, 8, ZX_OK, 8) && holds(rig.memory, PAGE_SIZE - 4, 0, 4));
    EXPECT(user_load(rig.target, base) == vmo_peek(rig.buffer, 4) && others_unchanged());
    end();
}

KTEST("transfer/reading never makes a mapping private") {
    NEED(begin());
    size_t objects = object_count();
    EXPECT(reads(rig.from, here, PAGES(6), ZX_OK, PAGES(6)) && !text_mapping(here)->private);
    EXPECT(object_count() == objects && vmo_peek(rig.buffer, PAGES(5)) == 16);
    end();
}

KTEST("transfer/T20 whichever allocation of a forced write fails, nobody sees half of it") {
    NEED(begin());
    struct call c = {.fired = true};
    for (uint64_t nth = 1; c.fired && nth < 100; nth++) {
        c = call_make(true, rig.from, here + PAGES(1) - 2, 4);
        c.fail_at = nth;
        NEED(run_in(rig.caller, call_run, &c));
        EXPECT(c.fired ? c.status == (c.done ? ZX_OK : ZX_ERR_NO_MEMORY) : c.done == 4);
        EXPECT(user_load(rig.target, here) == 11 && others_unchanged());
        EXPECT(user_load(rig.target, here + PAGES(1)) == (c.done == 4 ? vmo_peek(rig.buffer, 2) : 12));
    }
    end();
}
