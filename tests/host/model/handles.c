/*
 * The model's handles: tables, rights, names, and what follows from the last handle to an object going away.
 */
#include "tests/host/model/model.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

struct model_handle *model_find(struct model_process *p, zx_handle_t value) {
    for (unsigned i = 0; i < p->handle_count; i++) {
        if (p->handles[i].value == value) return &p->handles[i];
    }
    return NULL;
}

zx_status_t model_get(struct model_process *p, zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                      struct model_handle **out) {
    *out = model_find(p, value);
    if (!*out) return ZX_ERR_BAD_HANDLE;
    if (type && (*out)->object->type != type) return ZX_ERR_WRONG_TYPE;
    return rights & ~(*out)->rights ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

void model_give(struct model_process *p, zx_handle_t value, struct model_object *object, zx_rights_t rights) {
    /* A new value is a good one, and nobody else's in the table. */
    if ((value & 3) != 3 || model_find(p, value) || p->handle_count == MODEL_HANDLES) abort();
    p->handles[p->handle_count++] = (struct model_handle){value, object, rights};
    object->handles++;
}

struct model_handle model_take(struct model *m, struct model_process *p, struct model_handle *h) {
    struct model_handle taken = *h;
    model_watches_cancel(m, p, h->value);
    *h = p->handles[--p->handle_count];
    return taken;
}

static void channel_close(struct model *m, struct model_channel *c) {
    c->closed = true;
    while (c->queued > 0) {
        struct model_message message = c->queue[--c->queued];
        for (unsigned i = 0; i < message.count; i++) model_drop(m, message.handles[i]);
    }
}

static void mark_dead(struct model *m, struct model_process *p, int64_t code) {
    p->state = MODEL_DEAD;
    p->return_code = code;
    for (unsigned i = 0; i < m->thread_count; i++) {
        if (m->threads[i].process == p && m->threads[i].started) m->threads[i].dead = true;
    }
    model_watches_doubt(m, p);
}

/* The order in which handles go is the kernel's own. */
void model_kill_many(struct model *m, struct model_process *const *victims, unsigned count, int64_t code) {
    m->killing++;
    for (unsigned i = 0; i < count; i++) mark_dead(m, victims[i], code);
    for (unsigned i = 0; i < count; i++) {
        struct model_process *p = victims[i];
        if (!p->root->dead) model_vmar_kill(m, p->root);
        while (p->handle_count > 0) model_drop(m, model_take(m, p, &p->handles[0]));
    }
    if (--m->killing > 0) return;
    model_notify(m, NULL);
    model_watches_end(m);
}

void model_kill(struct model *m, struct model_process *p, int64_t code) {
    if (p->state != MODEL_DEAD) model_kill_many(m, &p, 1, code);
}

static void last_handle_gone(struct model *m, struct model_object *object) {
    if (object->type == ZX_OBJ_TYPE_CHANNEL) channel_close(m, (struct model_channel *)object);
    if (object->type == ZX_OBJ_TYPE_EVENTPAIR) ((struct model_event *)object)->closed = true;
    if (object->type == ZX_OBJ_TYPE_PROCESS && ((struct model_process *)object)->state == MODEL_INITIAL)
        model_kill(m, (struct model_process *)object, 0);
    if (object->type == ZX_OBJ_TYPE_SUSPEND_TOKEN) model_token_end(m, (struct model_token *)object);
    if (object->type == ZX_OBJ_TYPE_TIMER) ((struct model_timer *)object)->set = false;
    if (object->type == ZX_OBJ_TYPE_PORT) model_port_end(m, (struct model_port *)object);
}

void model_drop(struct model *m, struct model_handle h) {
    if (--h.object->handles > 0) return;
    last_handle_gone(m, h.object);
    if (!m->killing) model_notify(m, NULL);
}

zx_status_t model_handle_close(struct model *m, struct model_process *p, zx_handle_t value) {
    struct model_handle *h;
    if (value == ZX_HANDLE_INVALID) return ZX_OK;
    zx_status_t status = model_get(p, value, 0, 0, &h);
    if (status == ZX_OK) model_drop(m, model_take(m, p, h));
    return status;
}

zx_status_t model_handle_close_many(struct model *m, struct model_process *p, uint64_t handles, uint64_t count) {
    zx_status_t result = ZX_OK;
    for (uint64_t i = 0; i < count; i++) {
        zx_handle_t value;
        if (model_load(p, handles + i * sizeof(value), &value, sizeof(value)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
        zx_status_t status = model_handle_close(m, p, value);
        if (status != ZX_OK) result = status;
    }
    return result;
}

static bool rights_derivable(const struct model_handle *h, zx_rights_t rights) {
    return rights == ZX_RIGHT_SAME_RIGHTS || !(rights & ~h->rights);
}

zx_status_t model_handle_duplicate(struct model_process *p, zx_handle_t value, zx_rights_t rights, uint64_t out,
                                   zx_handle_t made) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_DUPLICATE, &h);
    if (status != ZX_OK) return status;
    if (!rights_derivable(h, rights)) return ZX_ERR_INVALID_ARGS;
    status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, h->object, rights == ZX_RIGHT_SAME_RIGHTS ? h->rights : rights);
    return status;
}

zx_status_t model_handle_replace(struct model *m, struct model_process *p, zx_handle_t value, zx_rights_t rights,
                                 uint64_t out, zx_handle_t made, zx_status_t failed) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, 0, &h);
    if (status != ZX_OK) return status;
    if (!rights_derivable(h, rights)) status = ZX_ERR_INVALID_ARGS;
    struct model_handle taken = model_take(m, p, h);
    if (status == ZX_OK) status = failed;
    if (status == ZX_OK) status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, taken.object, rights == ZX_RIGHT_SAME_RIGHTS ? taken.rights : rights);
    model_drop(m, taken);
    return status;
}

static bool has_name(const struct model_object *object) {
    zx_obj_type_t type = object->type;
    return type == ZX_OBJ_TYPE_JOB || type == ZX_OBJ_TYPE_PROCESS || type == ZX_OBJ_TYPE_THREAD ||
           type == ZX_OBJ_TYPE_VMO || type == ZX_OBJ_TYPE_RESOURCE;
}

zx_status_t model_set_name(struct model_process *p, zx_handle_t value, uint64_t buffer, uint64_t size) {
    char name[ZX_MAX_NAME_LEN] = {0};
    struct model_handle *h;
    if (buffer == 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_SET_PROPERTY, &h);
    if (status != ZX_OK) return status;
    if (model_load(p, buffer, name, model_min(size, ZX_MAX_NAME_LEN - 1)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    if (!has_name(h->object)) return ZX_ERR_NOT_SUPPORTED;
    strncpy(h->object->name, name, ZX_MAX_NAME_LEN);
    return ZX_OK;
}

zx_status_t model_get_name(struct model_process *p, zx_handle_t value, uint64_t buffer, uint64_t size) {
    struct model_handle *h;
    if (buffer == 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_GET_PROPERTY, &h);
    if (status != ZX_OK) return status;
    if (size < ZX_MAX_NAME_LEN) return ZX_ERR_BUFFER_TOO_SMALL;
    return model_put(p, buffer, h->object->name, ZX_MAX_NAME_LEN);
}

zx_koid_t model_related_koid(const struct model_object *object) {
    switch (object->type) {
    case ZX_OBJ_TYPE_JOB:
        return ((const struct model_job *)object)->parent ? ((const struct model_job *)object)->parent->object.koid : 0;
    case ZX_OBJ_TYPE_PROCESS: return ((const struct model_process *)object)->job->object.koid;
    case ZX_OBJ_TYPE_THREAD: return ((const struct model_thread *)object)->process->object.koid;
    case ZX_OBJ_TYPE_CHANNEL: return ((const struct model_channel *)object)->peer->object.koid;
    case ZX_OBJ_TYPE_EVENTPAIR: return ((const struct model_event *)object)->peer->object.koid;
    default: return 0;
    }
}
