/* Names; see name.h. */
#include "kernel/sched/name.h"

#include "kernel/base/string.h"

static char *name_of(struct object *object) {
    return object->ops->name_offset ? (char *)object + object->ops->name_offset : NULL;
}

void object_get_name(struct object *object, char name[ZX_MAX_NAME_LEN]) {
    const char *own = name_of(object);
    memset(name, 0, ZX_MAX_NAME_LEN);
    if (!own) return;
    mutex_lock(&object->lock);
    string_copy(name, own, ZX_MAX_NAME_LEN);
    mutex_unlock(&object->lock);
}

struct printable_name object_printable_name(struct object *object) {
    char name[ZX_MAX_NAME_LEN];
    object_get_name(object, name);
    return printable_name(name);
}

zx_status_t object_set_name(struct object *object, const char *name) {
    char *own = name_of(object);
    if (!own) return ZX_ERR_NOT_SUPPORTED;
    mutex_lock(&object->lock);
    string_copy(own, name, ZX_MAX_NAME_LEN);
    mutex_unlock(&object->lock);
    return ZX_OK;
}
