/* Handles outside any table, and how many handles there are; see handle.h. */
#include "kernel/object/handle.h"

static atomic_size_t live_handles;

size_t handle_count(void) { return atomic_load(&live_handles); }

struct handle handle_make(struct object *object, zx_rights_t rights) {
    object_ref(object);
    object_handle_ref(object);
    return handle_adopt(object, rights);
}

struct handle handle_adopt(struct object *object, zx_rights_t rights) {
    atomic_fetch_add_explicit(&live_handles, 1, memory_order_relaxed);
    return (struct handle){object, rights};
}

void handle_discard(struct handle handle) {
    atomic_fetch_sub_explicit(&live_handles, 1, memory_order_relaxed);
    object_handle_unref(handle.object);
    object_unref(handle.object);
}
