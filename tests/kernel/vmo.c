/*
 * VMOs without anybody who maps them: pages, sizes, snapshots, slices, cache policies, and what remains when memory is
 * out.
 */
#include "vm/vmo.h"

#include "tests/kernel/support.h"

#define FAR (PAGES(1) << 40)

static uint64_t committed(struct vmo *vmo) { return vmo_committed_bytes(vmo, 0, UINT64_MAX) >> PAGE_SHIFT; }

/* The whole of a VMO, copied. */
static struct vmo *snapshot(struct vmo *vmo, bool resizable) {
    struct vmo *child;
    return vmo_snapshot(vmo, 0, vmo_size(vmo), resizable, &child) == ZX_OK ? child : NULL;
}

KTEST("vmo/a new one reads zero and has nothing committed, whatever its size") {
    static const uint64_t sizes[] = {0, 1, PAGE_SIZE, FAR, VMO_MAX_SIZE};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct vmo *vmo;
        NEED(vmo_create(sizes[i], true, &vmo) == ZX_OK);
        EXPECT(vmo_size(vmo) == ((sizes[i] + PAGE_MASK) & ~PAGE_MASK));
        EXPECT(vmo_peek(vmo, 0) == (sizes[i] ? 0 : -1));
        EXPECT(committed(vmo) == 0);
        vmo_unref(vmo);
    }
}

KTEST("vmo/a size that cannot be rounded up is out of range") {
    struct vmo *vmo;
    EXPECT(vmo_create(VMO_MAX_SIZE + 1, true, &vmo) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_create(UINT64_MAX, true, &vmo) == ZX_ERR_OUT_OF_RANGE);
}

KTEST("vmo/writing commits a page, reading does not, and the last page is no exception") {
    static const uint64_t offsets[] = {0, 5 * PAGE_SIZE + 7, FAR, VMO_MAX_SIZE - 1};
    struct vmo *vmo;
    NEED(vmo_create(VMO_MAX_SIZE, true, &vmo) == ZX_OK);
    for (size_t i = 0; i < countof(offsets); i++) {
        EXPECT(vmo_peek(vmo, offsets[i]) == 0 && committed(vmo) == i);
        EXPECT(vmo_poke(vmo, offsets[i], 7) && vmo_peek(vmo, offsets[i]) == 7);
        EXPECT(committed(vmo) == i + 1);
    }
    vmo_unref(vmo);
}

KTEST("vmo/commit fills the pages that a range touches and keeps what they hold") {
    struct vmo *vmo = vmo_of(10, false);
    NEED(vmo && vmo_poke(vmo, PAGES(3), 9));
    EXPECT(vmo_commit(vmo, PAGES(2) + 5, PAGES(2)) == ZX_OK);
    EXPECT(committed(vmo) == 3 && vmo_peek(vmo, PAGES(3)) == 9 && vmo_peek(vmo, PAGES(4)) == 0);
    EXPECT(vmo_commit(vmo, PAGES(10), 0) == ZX_OK);
    EXPECT(vmo_commit(vmo, PAGES(9), PAGE_SIZE + 1) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_commit(vmo, UINT64_MAX, 2) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(committed(vmo) == 3);
    vmo_unref(vmo);
}

KTEST("vmo/commit of no bytes commits nothing, not even the page that they would lie in") {
    struct vmo *vmo = vmo_of(2, false);
    NEED(vmo);
    EXPECT(vmo_commit(vmo, 1, 0) == ZX_OK && vmo_committed_bytes(vmo, 0, PAGES(2)) == 0);
    vmo_unref(vmo);
}

KTEST("vmo/commit of more than there is memory fails at once and changes nothing") {
    struct vmo *vmo;
    NEED(vmo_create(VMO_MAX_SIZE, false, &vmo) == ZX_OK);
    NEED(vmo_poke(vmo, PAGES(3), 9) && vmo_poke(vmo, FAR, 8));
    EXPECT(vmo_commit(vmo, 0, VMO_MAX_SIZE) == ZX_ERR_NO_MEMORY);
    EXPECT(vmo_commit(vmo, 0, FAR) == ZX_ERR_NO_MEMORY);
    EXPECT(committed(vmo) == 2 && vmo_peek(vmo, PAGES(3)) == 9 && vmo_peek(vmo, FAR) == 8);
    vmo_unref(vmo);
}

KTEST("vmo/commit of a snapshot makes every page its own") {
    struct vmo *vmo = vmo_of(4, false);
    NEED(vmo && vmo_poke(vmo, PAGES(1), 5));
    struct vmo *child = snapshot(vmo, false);
    NEED(child && vmo_frame(child, PAGES(1)) == vmo_frame(vmo, PAGES(1)));
    EXPECT(vmo_commit(child, 0, PAGES(4)) == ZX_OK);
    EXPECT(committed(child) == 4 && committed(vmo) == 1);
    EXPECT(vmo_frame(child, PAGES(1)) != vmo_frame(vmo, PAGES(1)) && vmo_peek(child, PAGES(1)) == 5);
    vmo_unref(vmo);
    vmo_unref(child);
}

KTEST("vmo/decommitted pages read zero and go back") {
    struct vmo *vmo = vmo_of(10, false);
    NEED(vmo && vmo_commit(vmo, 0, PAGES(10)) == ZX_OK && vmo_poke(vmo, PAGES(4), 1) && vmo_poke(vmo, PAGES(6), 2));
    size_t free = pages_free();
    EXPECT(vmo_decommit(vmo, PAGES(3), PAGES(3)) == ZX_OK);
    EXPECT(pages_free() == free + 3 && committed(vmo) == 7);
    EXPECT(vmo_peek(vmo, PAGES(4)) == 0 && vmo_peek(vmo, PAGES(6)) == 2);
    EXPECT(vmo_decommit(vmo, 1, PAGE_SIZE) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_decommit(vmo, 0, PAGE_SIZE - 1) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_decommit(vmo, PAGES(9), PAGES(2)) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_decommit(vmo, PAGES(9), PAGES(2) + 1) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_decommit(vmo, 0, PAGES(10)) == ZX_OK && committed(vmo) == 0);
    vmo_unref(vmo);
}

KTEST("vmo/zero clears exactly its bytes and gives whole pages back") {
    struct vmo *vmo = vmo_of(5, false);
    NEED(vmo && vmo_poke(vmo, 10, 1) && vmo_poke(vmo, 11, 2) && vmo_poke(vmo, PAGES(1), 3) &&
         vmo_poke(vmo, PAGES(2), 4));
    NEED(vmo_poke(vmo, PAGES(3), 5) && vmo_poke(vmo, PAGES(3) + 1, 6));
    EXPECT(vmo_zero(vmo, 11, PAGES(3) - 10) == ZX_OK);
    EXPECT(vmo_peek(vmo, 10) == 1 && vmo_peek(vmo, 11) == 0 && vmo_peek(vmo, PAGES(2)) == 0);
    EXPECT(vmo_peek(vmo, PAGES(3)) == 0 && vmo_peek(vmo, PAGES(3) + 1) == 6);
    EXPECT(committed(vmo) == 2);
    EXPECT(vmo_zero(vmo, PAGES(3) + 1, 1) == ZX_OK && vmo_peek(vmo, PAGES(3) + 1) == 0);
    EXPECT(vmo_zero(vmo, PAGES(4) + 1, PAGE_SIZE - 1) == ZX_OK && committed(vmo) == 2);
    EXPECT(vmo_zero(vmo, PAGES(5), 0) == ZX_OK);
    EXPECT(vmo_zero(vmo, PAGES(5) - 1, 2) == ZX_ERR_OUT_OF_RANGE);
    vmo_unref(vmo);
}

KTEST("vmo/shrinking gives pages back, and growing again shows zeros") {
    struct vmo *vmo = vmo_of(10, true);
    NEED(vmo && vmo_commit(vmo, 0, PAGES(10)) == ZX_OK && vmo_poke(vmo, PAGES(4), 1) && vmo_poke(vmo, PAGES(5), 2));
    EXPECT(vmo_set_size(vmo, PAGES(4) + 1) == ZX_OK && vmo_size(vmo) == PAGES(5) && committed(vmo) == 5);
    EXPECT(vmo_peek(vmo, PAGES(4)) == 1 && vmo_peek(vmo, PAGES(5)) == -1);
    EXPECT(vmo_set_size(vmo, VMO_MAX_SIZE) == ZX_OK && vmo_peek(vmo, PAGES(5)) == 0);
    EXPECT(vmo_set_size(vmo, VMO_MAX_SIZE + 1) == ZX_ERR_OUT_OF_RANGE && vmo_size(vmo) == VMO_MAX_SIZE);
    EXPECT(vmo_poke(vmo, VMO_MAX_SIZE - 1, 1) && vmo_set_size(vmo, 0) == ZX_OK && committed(vmo) == 0);
    vmo_unref(vmo);
    NEED((vmo = vmo_of(1, false)));
    EXPECT(vmo_set_size(vmo, PAGES(1)) == ZX_ERR_UNAVAILABLE);
    vmo_unref(vmo);
}

KTEST("vmo/a snapshot's contents are fixed when it is made, both ways") {
    struct vmo *vmo = vmo_of(4, true);
    NEED(vmo && vmo_poke(vmo, 0, 1) && vmo_poke(vmo, PAGES(1), 2));
    struct vmo *child = snapshot(vmo, false);
    NEED(child && vmo_poke(vmo, 0, 3) && vmo_poke(child, PAGES(1), 4) && vmo_poke(vmo, PAGES(2), 5));
    EXPECT(vmo_peek(child, 0) == 1 && vmo_peek(child, PAGES(1)) == 4 && vmo_peek(child, PAGES(2)) == 0);
    EXPECT(vmo_peek(vmo, 0) == 3 && vmo_peek(vmo, PAGES(1)) == 2 && vmo_peek(vmo, PAGES(2)) == 5);
    EXPECT(vmo_set_size(vmo, 0) == ZX_OK && vmo_set_size(vmo, PAGES(4)) == ZX_OK);
    EXPECT(vmo_peek(child, 0) == 1 && vmo_peek(vmo, 0) == 0);
    EXPECT(vmo_decommit(child, 0, PAGE_SIZE) == ZX_OK && vmo_peek(child, 0) == 0);
    vmo_unref(vmo);
    EXPECT(vmo_peek(child, PAGES(1)) == 4);
    vmo_unref(child);
}

KTEST("vmo/a window reads zero beyond its parent's end, and so does what it grows by") {
    struct vmo *vmo = vmo_of(4, true), *child;
    NEED(vmo && vmo_poke(vmo, PAGES(2), 2) && vmo_poke(vmo, PAGES(3), 3));
    NEED(vmo_snapshot(vmo, PAGES(2), PAGES(4), true, &child) == ZX_OK);
    EXPECT(vmo_peek(child, 0) == 2 && vmo_peek(child, PAGES(1)) == 3 && vmo_peek(child, PAGES(3)) == 0);
    EXPECT(vmo_set_size(child, PAGES(1)) == ZX_OK && vmo_set_size(child, VMO_MAX_SIZE) == ZX_OK);
    EXPECT(vmo_peek(child, PAGES(1)) == 0);
    EXPECT(vmo_peek(child, VMO_MAX_SIZE - PAGES(2)) == 0 && vmo_poke(child, VMO_MAX_SIZE - 1, 9));
    EXPECT(vmo_peek(vmo, PAGES(2)) == 2);
    vmo_unref(child);
    NEED(vmo_snapshot(vmo, PAGES(100), PAGES(1), false, &child) == ZX_OK);
    EXPECT(vmo_poke(child, 0, 1) && vmo_peek(vmo, 0) == 0);
    vmo_unref(child);
    vmo_unref(vmo);
}

KTEST("vmo/a snapshot must begin at a page, and end before 2^64") {
    struct vmo *vmo = vmo_of(2, true), *child;
    NEED(vmo);
    EXPECT(vmo_snapshot(vmo, 1, PAGE_SIZE, false, &child) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_snapshot(vmo, PAGES(2), VMO_MAX_SIZE, false, &child) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_snapshot(vmo, 0, VMO_MAX_SIZE + 1, false, &child) == ZX_ERR_OUT_OF_RANGE);
    vmo_unref(vmo);
}

KTEST("vmo/snapshots of snapshots, a thousand deep, each keep what they saw") {
    static struct vmo *chain[1000];
    NEED((chain[0] = vmo_of(8, false)));
    for (size_t i = 1; i < countof(chain); i++) {
        NEED((chain[i] = snapshot(chain[i - 1], false)));
        NEED(vmo_poke(chain[i], PAGES(i % 8), (uint8_t)i));
    }
    for (size_t i = 8; i < countof(chain); i += 13) {
        for (size_t page = 0; page < 8; page++)
            EXPECT(vmo_peek(chain[i], PAGES(page)) == (uint8_t)(i - (i - page) % 8));
    }
    for (size_t i = 0; i < countof(chain); i++) vmo_unref(chain[i * 3 % countof(chain)]);
}

KTEST("vmo/a slice is a window on the same pages") {
    struct vmo *vmo = vmo_of(6, false), *slice, *inner;
    NEED(vmo && vmo_slice(vmo, PAGES(2), PAGES(3), &slice) == ZX_OK);
    NEED(vmo_slice(slice, PAGES(1), PAGES(1), &inner) == ZX_OK);
    EXPECT(vmo_poke(inner, 5, 7) && vmo_peek(slice, PAGES(1) + 5) == 7 && vmo_peek(vmo, PAGES(3) + 5) == 7);
    EXPECT(vmo_peek(inner, PAGES(1)) == -1);
    EXPECT(committed(vmo) == 1 && committed(inner) == 0 && committed(slice) == 0);
    EXPECT(vmo_commit(inner, 0, PAGES(1) + 1) == ZX_ERR_OUT_OF_RANGE);
    EXPECT(vmo_commit(slice, 0, PAGES(3)) == ZX_OK && committed(vmo) == 3);
    vmo_unref(slice);
    vmo_unref(vmo);
    EXPECT(vmo_peek(inner, 5) == 7 && vmo_decommit(inner, 0, PAGES(1)) == ZX_OK && vmo_peek(inner, 5) == 0);
    vmo_unref(inner);
}

KTEST("vmo/a snapshot of a slice ends where the slice does") {
    struct vmo *vmo = vmo_of(6, false), *slice, *copy;
    NEED(vmo && vmo_poke(vmo, PAGES(2), 1) && vmo_poke(vmo, PAGES(3), 2) && vmo_poke(vmo, PAGES(1), 3));
    NEED(vmo_slice(vmo, PAGES(2), PAGES(1), &slice) == ZX_OK);
    NEED(vmo_snapshot(slice, 0, PAGES(2), false, &copy) == ZX_OK);
    EXPECT(vmo_peek(copy, 0) == 1 && vmo_peek(copy, PAGES(1)) == 0);
    EXPECT(vmo_poke(slice, 0, 9) && vmo_peek(copy, 0) == 1);
    vmo_unref(copy);
    vmo_unref(slice);
    vmo_unref(vmo);
}

KTEST("vmo/slices are aligned, inside, and never of what can be resized") {
    struct vmo *fixed = vmo_of(4, false), *loose = vmo_of(4, true), *slice;
    NEED(fixed && loose);
    EXPECT(vmo_slice(loose, 0, PAGES(1), &slice) == ZX_ERR_NOT_SUPPORTED);
    EXPECT(vmo_slice(fixed, 1, PAGES(1), &slice) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_slice(fixed, 0, 1, &slice) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_slice(fixed, PAGES(3), PAGES(2), &slice) == ZX_ERR_INVALID_ARGS);
    EXPECT(vmo_slice(fixed, PAGES(1), UINT64_MAX - PAGE_MASK, &slice) == ZX_ERR_INVALID_ARGS);
    NEED(vmo_slice(fixed, PAGES(4), 0, &slice) == ZX_OK);
    vmo_unref(slice);
    vmo_unref(fixed);
    vmo_unref(loose);
}

KTEST("vmo/a cache policy needs a VMO with no page, mapping, child or parent") {
    struct vmo *vmo = vmo_of(2, false), *child;
    struct aspace *as = space_new();
    const uint32_t uncached = ZX_CACHE_POLICY_UNCACHED;
    NEED(vmo && as && vmo_poke(vmo, 0, 1));
    EXPECT(vmo_set_cache_policy(vmo, uncached) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_decommit(vmo, 0, PAGES(2)) == ZX_OK);
    vaddr_t va = map_pages(as->root, vmo, 0, 2, PERM_READ, PERM_READ);
    EXPECT(va && vmo_set_cache_policy(vmo, uncached) == ZX_ERR_BAD_STATE);
    EXPECT(vmar_unmap(as->root, va, PAGES(2)) == ZX_OK);
    NEED(vmo_slice(vmo, 0, PAGES(1), &child) == ZX_OK);
    EXPECT(vmo_set_cache_policy(vmo, uncached) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_set_cache_policy(child, uncached) == ZX_ERR_BAD_STATE);
    vmo_unref(child);
    EXPECT(vmo_set_cache_policy(vmo, uncached) == ZX_OK);
    EXPECT(vmo_snapshot(vmo, 0, PAGES(1), false, &child) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_check_transfer(vmo, 0, 1) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_commit(vmo, 0, PAGES(1)) == ZX_OK && vmo_zero(vmo, 0, 1) == ZX_ERR_BAD_STATE);
    EXPECT(vmo_zero(vmo, 0, PAGES(1)) == ZX_OK && vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED) == ZX_OK);
    space_end(as);
    vmo_unref(vmo);
}

KTEST("vmo/ZERO_CHILDREN is up exactly while no child lives, in whatever order they go") {
    struct vmo *vmo = vmo_of(2, false), *a, *b;
    NEED(vmo);
    EXPECT(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN);
    NEED(vmo_snapshot(vmo, 0, PAGES(1), false, &a) == ZX_OK && vmo_slice(vmo, 0, PAGES(1), &b) == ZX_OK);
    EXPECT(!(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN));
    vmo_unref(b);
    EXPECT(!(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN));
    vmo_unref(a);
    EXPECT(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN);
    NEED(vmo_snapshot(vmo, 0, PAGES(1), false, &a) == ZX_OK);
    vmo_unref(vmo);
    EXPECT(vmo_ref_ancestor(a) == NULL);
    vmo_unref(a);
}

KTEST("vmo/ZERO_CHILDREN stays down while a child's child lives, even when the child is gone") {
    struct vmo *vmo = vmo_of(1, false), *child, *grandchild;
    NEED(vmo && vmo_snapshot(vmo, 0, PAGES(1), false, &child) == ZX_OK);
    NEED(vmo_snapshot(child, 0, PAGES(1), false, &grandchild) == ZX_OK);
    vmo_unref(child);
    EXPECT(!(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN));
    EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED) == ZX_ERR_BAD_STATE);
    vmo_unref(grandchild);
    EXPECT(object_signals(&vmo->object) & ZX_VMO_ZERO_CHILDREN);
    EXPECT(vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED) == ZX_OK);
    vmo_unref(vmo);
}

KTEST("vmo/what lies in a VMO of the largest size is found, and freed with it") {
    struct vmo *vmo, *slice, *copy;
    NEED(vmo_create(VMO_MAX_SIZE, false, &vmo) == ZX_OK && vmo_poke(vmo, VMO_MAX_SIZE - 1, 5));
    NEED(vmo_slice(vmo, VMO_MAX_SIZE - PAGE_SIZE, PAGE_SIZE, &slice) == ZX_OK);
    NEED(vmo_snapshot(vmo, VMO_MAX_SIZE - PAGES(2), PAGES(2), true, &copy) == ZX_OK);
    EXPECT(vmo_peek(slice, PAGE_SIZE - 1) == 5 && vmo_peek(copy, PAGES(2) - 1) == 5);
    EXPECT(vmo_set_size(copy, PAGES(100)) == ZX_OK && vmo_poke(copy, PAGES(100) - 1, 6));
    EXPECT(vmo_peek(copy, PAGES(2) - 1) == 5 && vmo_peek(copy, PAGES(99)) == 0);
    vmo_unref(copy);
    vmo_unref(slice);
    vmo_unref(vmo);
}
