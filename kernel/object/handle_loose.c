/* Handles outside any table, and how many handles there are; see handle.h. */
#include "kernel/object/handle.h"

#include "vm/budget.h"

#ifdef DEBUG
atomic_size_t handles_live;
size_t handle_count(void) { return atomic_load(&handles_live); }
#else
size_t handle_count(void) { return budget_used(&root_budget, BUDGET_HANDLES); }
#endif

size_t handle_count_loose(void) { return handle_count() - budget_used(&root_budget, BUDGET_HANDLES); }

struct handle handle_make(struct object *object, zx_rights_t rights) {
    object_ref(object);
    object_handle_ref(object);
    return handle_adopt(object, rights);
}
