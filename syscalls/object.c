/*
 * System calls that any object answers: information, properties, waiting. Manual: object.md.
 */
#include "kernel/base/object.h"

#include <zircon/syscalls/object.h>

#include "kernel/base/arith.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/user_thread.h"
#include "kernel/object/wait.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"
#include "vm/vmar.h"

/* A type can be waited on exactly when its default rights say so. */
static bool is_waitable(const struct object *object) { return object->ops->default_rights & ZX_RIGHT_WAIT; }

union info_record {
    zx_info_handle_basic_t basic;
    zx_info_process_t process;
    zx_info_vmar_t vmar;
};

static void fill_basic(const struct handle *handle, union info_record *out) {
    struct object *object = handle->object;
    out->basic = (zx_info_handle_basic_t){
        .koid = object->koid,
        .rights = handle->rights,
        .type = object->ops->type,
        .related_koid = object->ops->related_koid ? object->ops->related_koid(object) : 0,
        .props = is_waitable(object) ? ZX_OBJ_PROP_WAITABLE : ZX_OBJ_PROP_NONE,
    };
}

static void fill_process(const struct handle *handle, union info_record *out) {
    struct process_info info;
    process_get_info(process_from_object(handle->object), &info);
    out->process = (zx_info_process_t){
        .return_code = info.return_code, .started = info.started, .exited = info.exited};
}

static void fill_vmar(const struct handle *handle, union info_record *out) {
    const struct region *region = &vmar_from_object(handle->object)->region;
    out->vmar = (zx_info_vmar_t){.base = region->base, .len = region->len};
}

/* The topics that fill in one record, with the right and type they ask for. */
static const struct info_topic {
    uint32_t topic;
    zx_rights_t rights;
    zx_obj_type_t type; /* NONE: any */
    size_t size;
    void (*fill)(const struct handle *handle, union info_record *out);
} info_topics[] = {
    {ZX_INFO_HANDLE_BASIC, 0, ZX_OBJ_TYPE_NONE, sizeof(zx_info_handle_basic_t), fill_basic},
    {ZX_INFO_PROCESS, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_PROCESS, sizeof(zx_info_process_t), fill_process},
    {ZX_INFO_VMAR, ZX_RIGHT_INSPECT, ZX_OBJ_TYPE_VMAR, sizeof(zx_info_vmar_t), fill_vmar},
};

static const struct info_topic *find_topic(uint32_t topic) {
    for (size_t i = 0; i < countof(info_topics); i++) {
        if (info_topics[i].topic == topic) return &info_topics[i];
    }
    return NULL;
}

static zx_status_t check_topic(const struct info_topic *topic, const struct handle *handle) {
    if ((handle->rights & topic->rights) != topic->rights) return ZX_ERR_ACCESS_DENIED;
    if (topic->type != ZX_OBJ_TYPE_NONE && handle->object->ops->type != topic->type) return ZX_ERR_WRONG_TYPE;
    return ZX_OK;
}

/* One record, and how many of it were written and would be available. */
static zx_status_t put_record(const struct info_topic *topic, const union info_record *record, user_out_t buffer,
                              size_t size, user_out_t actual, user_out_t avail) {
    size_t written = size >= topic->size, available = 1;
    zx_status_t status = written ? copy_out(buffer, record, topic->size) : ZX_OK;
    if (status == ZX_OK) status = user_put_optional(actual, written);
    if (status == ZX_OK) status = user_put_optional(avail, available);
    return status == ZX_OK && !written ? ZX_ERR_BUFFER_TOO_SMALL : status;
}

zx_status_t sys_object_get_info(zx_handle_t value, uint32_t topic_id, user_out_t buffer, size_t size,
                                user_out_t actual, user_out_t avail) {
    const struct info_topic *topic = find_topic(topic_id);
    union info_record record = {0};
    struct handle handle;
    if (!topic && topic_id != ZX_INFO_HANDLE_VALID) return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = handle_lookup(caller_handles(), value, &handle);
    if (status != ZX_OK) return status;
    if (topic) status = check_topic(topic, &handle);
    if (topic && status == ZX_OK) topic->fill(&handle, &record);
    object_unref(handle.object);
    return topic && status == ZX_OK ? put_record(topic, &record, buffer, size, actual, avail) : status;
}

/* The FS and GS bases belong to the calling thread, and are user addresses. */
static zx_status_t set_segment_base(struct object *object, void (*set)(vaddr_t), user_in_t value, size_t size) {
    uint64_t base;
    if (size < sizeof(base)) return ZX_ERR_BUFFER_TOO_SMALL;
    if (object->ops->type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
    if (user_thread_from_object(object) != user_thread_current()) return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = user_get(&base, value);
    if (status != ZX_OK) return status;
    if (base < USER_BASE || base >= USER_END) return ZX_ERR_INVALID_ARGS;
    set(base);
    return ZX_OK;
}

static zx_status_t set_property(struct object *object, uint32_t property, user_in_t value, size_t size) {
    switch (property) {
    case ZX_PROP_REGISTER_FS:
        return set_segment_base(object, arch_set_user_fs, value, size);
    case ZX_PROP_REGISTER_GS:
        return set_segment_base(object, arch_set_user_gs, value, size);
    default:
        return ZX_ERR_INVALID_ARGS;
    }
}

zx_status_t sys_object_set_property(zx_handle_t handle, uint32_t property, user_in_t value, size_t size) {
    struct object *object;
    if (!value.addr) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = handle_get_any(caller_handles(), handle, ZX_RIGHT_SET_PROPERTY, &object);
    if (status != ZX_OK) return status;
    status = set_property(object, property, value, size);
    object_unref(object);
    return status;
}

zx_status_t sys_object_wait_one(zx_handle_t value, zx_signals_t signals, zx_time_t deadline, user_out_t observed_out) {
    struct object *object;
    zx_signals_t observed = 0;
    zx_status_t status = handle_get_any(caller_handles(), value, ZX_RIGHT_WAIT, &object);
    if (status != ZX_OK) return status;
    bool waitable = is_waitable(object);
    if (waitable) status = object_wait_one(object, caller_handles(), value, signals, deadline, &observed);
    object_unref(object);
    if (!waitable) return ZX_ERR_NOT_SUPPORTED;
    if (status == ZX_ERR_INTERNAL_INTR_RETRY) return status;
    zx_status_t put = user_put_optional(observed_out, observed);
    return put == ZX_OK ? status : put;
}
