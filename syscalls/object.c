/*
 * System calls that any object answers: properties and children. Manual: object.md; see also info.c and wait.c.
 */
#include "kernel/sched/object.h"

#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/sched/name.h"
#include "syscalls/object.h"
#include "vm/usercopy.h"
#include "vm/vmar.h"

/* Of the calling thread only. */
static zx_status_t set_register(struct object *object, uint32_t property, user_in_t value, size_t size) {
    uint64_t word;
    if (size < sizeof(word)) return ZX_ERR_BUFFER_TOO_SMALL;
    if (object->ops->type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
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

static zx_status_t refuse_null(vaddr_t value) { return value ? ZX_OK : ZX_ERR_INVALID_ARGS; }

static zx_status_t sys_object_set_property(struct object *object, uint32_t property, user_in_t value, size_t size) {
    if (property == ZX_PROP_NAME) return set_name(object, value, size);
    return arch_is_register(property) ? set_register(object, property, value, size) : ZX_ERR_INVALID_ARGS;
}

static zx_status_t sys_object_get_property(struct object *object, uint32_t property, user_out_t value, size_t size) {
    char name[ZX_MAX_NAME_LEN];
    if (property != ZX_PROP_NAME) return ZX_ERR_INVALID_ARGS;
    if (size < sizeof(name)) return ZX_ERR_BUFFER_TOO_SMALL;
    object_get_name(object, name);
    return copy_out(value, name, sizeof(name));
}

/* The members after `*koid`, as objects. */
static struct object *next_thread(struct object *process, zx_koid_t *koid) {
    struct user_thread *thread = process_next_thread(process_from_object(process), koid);
    return thread ? &thread->object : NULL;
}
static struct object *next_process(struct object *job, zx_koid_t *koid) {
    struct process *process = job_next_process(job_from_object(job), koid);
    return process ? &process->object : NULL;
}

/* The member that has this koid, with a reference and a handle count. */
static bool find_member(struct object *object, zx_koid_t koid, struct object *(*next)(struct object *, zx_koid_t *),
                        struct object **out) {
    zx_koid_t before = koid - 1;
    struct object *member = next(object, &before);
    if (!member) return false;
    if (member->koid != koid) {
        object_unref(member);
        return false;
    }
    object_handle_ref(member);
    *out = member;
    return true;
}

static bool find_job(struct object *object, zx_koid_t koid, struct object **out) {
    struct job *child = job_find_child(job_from_object(object), koid);
    if (child) *out = &child->object;
    return child;
}

static zx_status_t find_child(struct object *object, zx_koid_t koid, struct object **out) {
    bool found = false;
    if (object->ops->type == ZX_OBJ_TYPE_PROCESS)
        found = find_member(object, koid, next_thread, out);
    else if (object->ops->type == ZX_OBJ_TYPE_JOB)
        found = find_job(object, koid, out) || find_member(object, koid, next_process, out);
    else
        return ZX_ERR_WRONG_TYPE;
    return found ? ZX_OK : ZX_ERR_NOT_FOUND;
}

static zx_status_t sys_object_get_child(const struct handle *parent, zx_koid_t koid, zx_rights_t rights,
                                        user_out_t out) {
    struct object *child;
    if (rights == ZX_RIGHT_SAME_RIGHTS) rights = parent->rights;
    if (rights & ~parent->rights) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = find_child(parent->object, koid, &child);
    if (status != ZX_OK) return status;
    return handle_give(caller_handles(), out, handle_adopt(child, rights));
}
