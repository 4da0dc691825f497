/* System calls that any object answers: properties and children. Manual: object.md; see also info.c and wait.c. */
#include "kernel/sched/object.h"

#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/object/exception.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/name.h"
#include "syscalls/object.h"
#include "syscalls/task_property.h"
#include "vm/usercopy.h"
#include "vm/vmar.h"

/* Of the calling thread only. */
static zx_status_t set_register(struct object *object, uint32_t property, user_in_t value, size_t size) {
    uint64_t word;
    if (size < sizeof(word)) return ZX_ERR_BUFFER_TOO_SMALL;
    if (object->ops->type != ZX_OBJ_TYPE_THREAD) return wrong_object(ZX_ERR_WRONG_TYPE);
    if (user_thread_from_object(object) != user_thread_current()) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = user_get(&word, value);
    return status == ZX_OK ? arch_register_set(property, word) : status;
}

/* Up to the first NUL, and cut to what fits. */
static zx_status_t set_name(struct object *object, user_in_t value, size_t size) {
    char name[ZX_MAX_NAME_LEN] = {0};
    size_t len = min_u64(size, sizeof(name) - 1);
    zx_status_t status = len ? copy_in(name, value, len) : ZX_OK;
    return status == ZX_OK ? object_set_name(object, name) : status;
}

static bool is_of_exception(uint32_t property) {
    return property == ZX_PROP_EXCEPTION_STATE || property == ZX_PROP_EXCEPTION_STRATEGY;
}

static zx_status_t check_exception(const struct object *object, size_t size) {
    if (size < sizeof(uint32_t)) return ZX_ERR_BUFFER_TOO_SMALL;
    return object->ops->type == ZX_OBJ_TYPE_EXCEPTION ? ZX_OK : wrong_object(ZX_ERR_WRONG_TYPE);
}

static zx_status_t set_exception(struct object *object, uint32_t property, user_in_t value, size_t size) {
    uint32_t word;
    zx_status_t status = check_exception(object, size);
    if (status == ZX_OK) status = user_get(&word, value);
    return status == ZX_OK ? exception_set_property(exception_from_object(object), property, word) : status;
}

static zx_status_t get_exception(struct object *object, uint32_t property, user_out_t value, size_t size) {
    uint32_t word;
    zx_status_t status = check_exception(object, size);
    if (status == ZX_OK) status = exception_get_property(exception_from_object(object), property, &word);
    return status == ZX_OK ? user_put(value, word) : status;
}

static zx_status_t refuse_null(vaddr_t value) { return value ? ZX_OK : ZX_ERR_INVALID_ARGS; }

static zx_status_t sys_object_set_property(const struct handle *handle, uint32_t property, user_in_t value,
                                           size_t size) {
    struct object *object = handle->object;
    if (property == ZX_PROP_NAME) return set_name(object, value, size);
    if (task_has_property(property)) return task_set_property(handle, property, value, size);
    if (is_of_exception(property)) return set_exception(object, property, value, size);
    return arch_is_register(property) ? set_register(object, property, value, size) : ZX_ERR_INVALID_ARGS;
}

static zx_status_t sys_object_get_property(struct object *object, uint32_t property, user_out_t value, size_t size) {
    char name[ZX_MAX_NAME_LEN];
    if (task_has_property(property)) return task_get_property(object, property, value, size);
    if (is_of_exception(property)) return get_exception(object, property, value, size);
    if (property != ZX_PROP_NAME) return ZX_ERR_INVALID_ARGS;
    if (size < sizeof(name)) return ZX_ERR_BUFFER_TOO_SMALL;
    object_get_name(object, name);
    return copy_out(value, name, sizeof(name));
}

/* The member that has this koid, with a reference and a handle count. WRONG_TYPE, NOT_FOUND. */
static zx_status_t find_child(struct object *object, zx_koid_t koid, struct object **out) {
    if (object->ops->type == ZX_OBJ_TYPE_PROCESS) {
        *out = members_find(&process_from_object(object)->threads, koid);
    } else if (object->ops->type == ZX_OBJ_TYPE_JOB) {
        *out = members_find(&job_from_object(object)->jobs, koid);
        if (!*out) *out = members_find(&job_from_object(object)->processes, koid);
    } else {
        return wrong_object(ZX_ERR_WRONG_TYPE);
    }
    return *out ? ZX_OK : ZX_ERR_NOT_FOUND;
}

static zx_status_t sys_object_get_child(const struct handle *parent, zx_koid_t koid, zx_rights_t rights,
                                        user_out_t out) {
    struct object *child = NULL;
    if (rights == ZX_RIGHT_SAME_RIGHTS) rights = parent->rights;
    if (rights & ~parent->rights) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = find_child(parent->object, koid, &child);
    if (status != ZX_OK) return status;
    return handle_give(caller_handles(), out, handle_adopt(child, rights));
}
