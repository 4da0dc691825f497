/*
 * Numbers that user code chooses: how deep VMARs are nested, how long a chain of snapshots is. Neither stacks nor time
 * may suffer: what is done for each of n must not take n steps.
 */
#include "arch/time.h"
#include "arch/upcall.h"
#include "tests/kernel/support.h"
#include "vm/aspace_list.h"
#include "vm/heap.h"

#define CAN_ALL (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define SPECIFIC_RW (ZX_VM_SPECIFIC | RW)
#define DEPTH ((uint64_t)4000)
#define CHAIN ((size_t)100000)

/* How much longer than for as many regions side by side; it would be hundreds of times if each step took DEPTH. */
#define MUCH_LONGER 20
#define NOT_LONG ZX_MSEC(20)

static struct vmo *vmo;

/*
 * DEPTH VMARs in one another, each with a page mapped at its beginning and one at its end: so they are met on the way
 * in, and on the way out. Gives the outermost.
 */
static struct vmar *nest(struct aspace *as) {
    struct vmar *outermost = NULL, *vmar = as->root, *child;
    for (uint64_t i = 0; i < DEPTH; i++) {
        uint64_t pages = 2 * (DEPTH - i);
        if (vmar_allocate(vmar, CAN_ALL | ZX_VM_SPECIFIC, i == 0 ? 0 : PAGES(1), PAGES(pages), &child) != ZX_OK ||
            map_at(child, 0, vmo, 0, 1, SPECIFIC_RW) != ZX_OK ||
            map_at(child, pages - 1, vmo, 0, 1, SPECIFIC_RW) != ZX_OK)
            return NULL;
        if (outermost && vmar != outermost) object_unref(&vmar->object);
        if (!outermost) outermost = child;
        vmar = child;
    }
    if (vmar != outermost) object_unref(&vmar->object);
    return outermost;
}

/* As many pages, all mapped in the root. */
static bool row(struct aspace *as) {
    for (uint64_t i = 0; i < 2 * DEPTH; i++) {
        if (map_at(as->root, i, vmo, 0, 1, SPECIFIC_RW) != ZX_OK) return false;
    }
    return true;
}

static size_t list_all(struct aspace *as) {
    struct region_cursor cursor = {0};
    struct region_info info;
    size_t count = 0;
    for (; aspace_list_next(as, &cursor, &info); count++) region_info_release(&info);
    region_cursor_end(&cursor);
    return count;
}

static size_t fault_all(struct aspace *as) {
    size_t count = 0;
    for (uint64_t i = 0; i < 2 * DEPTH; i++) count += aspace_fault(as, USER_BASE + PAGES(i), FAULT_USER) == ZX_OK;
    return count;
}

/* How long that takes; `count` is what it must come to. */
static zx_duration_t takes(size_t (*act)(struct aspace *as), struct aspace *as, size_t count) {
    zx_time_t begun = arch_time_now();
    EXPECT(act(as) == count);
    return arch_time_now() - begun;
}

KTEST("deep/VMARs thousands deep are listed, faulted through and destroyed as fast as mappings side by side") {
    struct aspace *deep = space_new(), *flat = space_new();
    NEED(deep && flat && (vmo = vmo_of(1, true)) && vmo_poke(vmo, 0, 1) && row(flat));
    struct vmar *outermost = nest(deep);
    NEED(outermost);
    zx_duration_t side_by_side = takes(list_all, flat, 2 * DEPTH + 1);
    EXPECT(takes(list_all, deep, 3 * DEPTH + 1) < MUCH_LONGER * side_by_side + NOT_LONG);
    side_by_side = takes(fault_all, flat, 2 * DEPTH);
    EXPECT(takes(fault_all, deep, 2 * DEPTH) < MUCH_LONGER * side_by_side + NOT_LONG);
    EXPECT(vmar_destroy(outermost) == ZX_OK && list_all(deep) == 1 && user_load(deep, USER_BASE + PAGES(DEPTH)) == -1);
    object_unref(&outermost->object);
    space_end(deep);
    space_end(flat);
    vmo_unref(vmo);
}

KTEST("deep/a look-up after the VMAR of the last one is gone begins at what is left") {
    struct aspace *as = space_new();
    struct vmar *outer, *inner;
    NEED(as && (vmo = vmo_of(1, true)) && vmo_poke(vmo, 0, 7));
    NEED(vmar_allocate(as->root, CAN_ALL | ZX_VM_SPECIFIC, PAGES(4), PAGES(8), &outer) == ZX_OK);
    NEED(vmar_allocate(outer, CAN_ALL | ZX_VM_SPECIFIC, PAGES(2), PAGES(4), &inner) == ZX_OK);
    NEED(map_at(inner, 1, vmo, 0, 1, SPECIFIC_RW) == ZX_OK && map_at(as->root, 0, vmo, 0, 1, SPECIFIC_RW) == ZX_OK);
    EXPECT(user_load(as, USER_BASE + PAGES(7)) == 7 && as->parts[cpu_part()].near == inner);
    EXPECT(vmar_destroy(outer) == ZX_OK && as->parts[cpu_part()].near == as->root);
    object_unref(&inner->object);
    object_unref(&outer->object);
    EXPECT(user_load(as, USER_BASE + PAGES(7)) == -1 && user_load(as, USER_BASE) == 7);
    space_end(as);
    vmo_unref(vmo);
}

static struct vmo *snapshot_of(struct vmo *parent) {
    struct vmo *child;
    if (!parent || vmo_snapshot(parent, 0, PAGES(2), false, &child) != ZX_OK) return NULL;
    return child;
}

/* Every tenth writes a number of its own; the others show the last one before them. */
static bool chain_make(struct vmo **chain) {
    chain[0] = vmo_of(2, true);
    for (size_t i = 0; i < CHAIN; i++) {
        if (i > 0) chain[i] = snapshot_of(chain[i - 1]);
        if (!chain[i] || (i % 10 == 0 && !vmo_poke(chain[i], 0, (uint8_t)(i / 10)))) return false;
    }
    return true;
}

static bool shows(struct vmo *generation, size_t i) { return vmo_peek(generation, 0) == (uint8_t)(i / 10); }

/* The oldest third is given up from the oldest on, the newest from the newest, and the rest criss-cross. */
KTEST("deep/100,000 snapshots in a chain: each shows its own, whichever are gone") {
    struct vmo **chain = heap_alloc(CHAIN * sizeof(*chain));
    NEED(chain && chain_make(chain));
    for (size_t i = 0; i < CHAIN; i += 997) EXPECT(shows(chain[i], i));
    EXPECT(vmo_committed_bytes(chain[CHAIN - 1], 0, PAGES(2)) == 0 && vmo_child_count(chain[0]) == 1);
    const size_t third = CHAIN / 3;
    for (size_t i = 0; i < third; i++) vmo_unref(chain[i]);
    for (size_t i = CHAIN; i-- > 2 * third;) vmo_unref(chain[i]);
    for (size_t i = third; i < 2 * third; i += 997) EXPECT(shows(chain[i], i));
    for (size_t i = 0; i < third; i++) {
        size_t at = third + i * 7 % third;
        EXPECT(shows(chain[at], at));
        vmo_unref(chain[at]);
    }
    heap_free(chain);
}
