/*
 * Ranges of resources: which may overlap, and when one is free again.
 */
#include "kernel/object/resource.h"

#include "tests/kernel/support.h"

#define EXCLUSIVE ZX_RSRC_FLAG_EXCLUSIVE
#define PORTS ZX_RSRC_KIND_IOPORT

static zx_status_t make(zx_rsrc_kind_t kind, zx_rsrc_flags_t flags, uint64_t base, uint64_t size, struct object **out) {
    return resource_create(kind, flags, base, size, "test", out);
}

/* It cannot be made, and is not left behind. */
static bool is_refused(zx_rsrc_kind_t kind, zx_rsrc_flags_t flags, uint64_t base, uint64_t size, zx_status_t status) {
    struct object *made = NULL;
    bool refused = make(kind, flags, base, size, &made) == status && !made;
    if (made) object_unref(made);
    return refused;
}

KTEST("resource/an exclusive range overlaps no other of its kind; ranges that are shared overlap each other") {
    struct object *first, *second, *other;
    NEED(make(PORTS, EXCLUSIVE, 0x100, 0x10, &first) == ZX_OK);
    EXPECT(is_refused(PORTS, 0, 0x10f, 1, ZX_ERR_NOT_FOUND));
    EXPECT(is_refused(PORTS, EXCLUSIVE, 0xf0, 0x11, ZX_ERR_NOT_FOUND));
    NEED(make(PORTS, 0, 0x110, 0x10, &second) == ZX_OK && make(ZX_RSRC_KIND_IRQ, EXCLUSIVE, 0, 256, &other) == ZX_OK);
    EXPECT(is_refused(PORTS, EXCLUSIVE, 0x11f, 1, ZX_ERR_NOT_FOUND));
    object_unref(first);
    NEED(make(PORTS, 0, 0, IOPORT_END, &first) == ZX_OK);
    object_unref(first);
    object_unref(second);
    object_unref(other);
}

KTEST("resource/what is no range of its kind is refused") {
    EXPECT(is_refused(PORTS, 0, 0, 0, ZX_ERR_INVALID_ARGS) && is_refused(PORTS, 0, IOPORT_END, 1, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(PORTS, 0, 1, IOPORT_END, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(PORTS, 0, 1, UINT64_MAX, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(ZX_RSRC_KIND_VMEX, 0, 0, 1, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(ZX_RSRC_KIND_SMC, 0, 0, 1, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(ZX_RSRC_KIND_COUNT, 0, 0, 0, ZX_ERR_INVALID_ARGS));
    EXPECT(is_refused(PORTS, EXCLUSIVE << 1, 0, 1, ZX_ERR_INVALID_ARGS));
}
