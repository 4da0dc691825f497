/*
 * Names; see name.h. The object's own lock guards its name.
 */
#include "kernel/object/name.h"

#include "kernel/base/string.h"
#include "kernel/object/job.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/user_thread.h"
#include "vm/vmo.h"

static char *name_of(struct object *object) {
    switch (object->ops->type) {
    case ZX_OBJ_TYPE_JOB:
        return job_from_object(object)->name;
    case ZX_OBJ_TYPE_PROCESS:
        return process_from_object(object)->name;
    case ZX_OBJ_TYPE_THREAD:
        return user_thread_from_object(object)->name;
    case ZX_OBJ_TYPE_VMO:
        return vmo_from_object(object)->name;
    case ZX_OBJ_TYPE_RESOURCE:
        return resource_from_object(object)->name;
    default:
        return NULL;
    }
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

zx_status_t object_set_name(struct object *object, const char name[ZX_MAX_NAME_LEN]) {
    char *own = name_of(object);
    if (!own) return ZX_ERR_NOT_SUPPORTED;
    mutex_lock(&object->lock);
    memset(own, 0, ZX_MAX_NAME_LEN); /* some copy all of it */
    string_copy(own, name, ZX_MAX_NAME_LEN);
    mutex_unlock(&object->lock);
    return ZX_OK;
}
