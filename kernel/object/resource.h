/*
 * Resources: the right to ask the kernel for privileged things. The root resource covers everything. Others are made
 * from it: of a kind, and for some kinds of a range, of memory addresses, interrupts or ports.
 *
 * A range that is exclusive overlaps no other resource's range of its kind, for as long as it lives. One lock, inside
 * all others that may be held, guards the list of the resources with ranges.
 */
#pragma once

#include <zircon/syscalls/resource.h>

#include "kernel/object/handle.h"
#include "kernel/sched/object.h"

/* There are I/O ports below this. */
#define IOPORT_END 65536u

struct resource {
    struct object object;
    char name[ZX_MAX_NAME_LEN]; /* [o] */
    zx_rsrc_kind_t kind;        /* [I] */
    zx_rsrc_flags_t flags;      /* [I] */
    uint64_t base, size;        /* [I] size 0: it has no range */
    LIST_ENTRY(resource) link;  /* [z] among those that have one */
};

static inline struct resource *resource_from_object(struct object *object) {
    return container_of(object, struct resource, object);
}

/* NO_MEMORY. Returns a reference. */
MUST_CHECK zx_status_t resource_create_root(struct object **out);

/*
 * INVALID_ARGS: no such kind or flag; a range of a kind that has none; one that is empty, wraps, or that there cannot
 * be. NOT_FOUND: it overlaps another, and one of them is exclusive. NO_MEMORY. Returns a reference.
 */
MUST_CHECK zx_status_t resource_create(zx_rsrc_kind_t kind, zx_rsrc_flags_t flags, uint64_t base, uint64_t size,
                                       const char *name, struct object **out);

/* Does `value` name the root resource? BAD_HANDLE, WRONG_TYPE. No right is needed. */
MUST_CHECK zx_status_t resource_check_root(struct handle_table *table, zx_handle_t value);

/*
 * Does `value` name the root resource, or one of that kind that covers the range, if the kind has ranges? Of memory,
 * which is mapped in pages, it covers all of those in which its range lies. BAD_HANDLE, WRONG_TYPE, OUT_OF_RANGE (an
 * empty range too). No right is needed.
 */
MUST_CHECK zx_status_t resource_check(struct handle_table *table, zx_handle_t value, zx_rsrc_kind_t kind, uint64_t base,
                                      uint64_t size);
