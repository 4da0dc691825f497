/*
 * The model's signals: events, what programs raise, waits that somebody or nobody has satisfied before, and futexes for
 * which nobody waits.
 */
#include "tests/host/model/model.h"

#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

/* The signals that the kernel raises. */
static zx_signals_t kernel_signals(const struct model *m, const struct model_object *object) {
    const struct model_channel *c = (const struct model_channel *)object;
    const struct model_event *e = (const struct model_event *)object;
    const struct model_process *p = (const struct model_process *)object;
    const struct model_thread *t = (const struct model_thread *)object;
    switch (object->type) {
    case ZX_OBJ_TYPE_VMO: return model_vmo_has_children(m, (const struct model_vmo *)object) ? 0 : ZX_VMO_ZERO_CHILDREN;
    case ZX_OBJ_TYPE_CHANNEL:
        return (c->queued ? ZX_CHANNEL_READABLE : 0) | (c->peer->closed ? ZX_CHANNEL_PEER_CLOSED : ZX_CHANNEL_WRITABLE);
    case ZX_OBJ_TYPE_EVENT: return 0;
    case ZX_OBJ_TYPE_EVENTPAIR: return e->peer->closed ? ZX_EVENTPAIR_PEER_CLOSED : 0;
    case ZX_OBJ_TYPE_PROCESS: return p->state == MODEL_DEAD ? ZX_PROCESS_TERMINATED : 0;
    case ZX_OBJ_TYPE_THREAD:
        if (t->dead) return ZX_THREAD_TERMINATED;
        return t->parked ? ZX_THREAD_SUSPENDED : t->started ? ZX_THREAD_RUNNING : 0;
    case ZX_OBJ_TYPE_TIMER: return ((const struct model_timer *)object)->signalled ? ZX_TIMER_SIGNALED : 0;
    case ZX_OBJ_TYPE_JOB: return model_job_signals(m, (const struct model_job *)object);
    default: return 0;
    }
}

zx_signals_t model_signals(const struct model *m, const struct model_object *object) {
    return kernel_signals(m, object) | object->raised;
}

static struct model_event *event_new(struct model *m, zx_obj_type_t type) {
    struct model_event *event = &m->events[m->event_count++];
    *event = (struct model_event){.object.type = type};
    return event;
}

zx_status_t model_event_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out,
                               zx_handle_t made) {
    zx_status_t status = options ? ZX_ERR_INVALID_ARGS : model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, &event_new(m, ZX_OBJ_TYPE_EVENT)->object, ZX_DEFAULT_EVENT_RIGHTS);
    return status;
}

zx_status_t model_eventpair_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out0,
                                   uint64_t out1, const zx_handle_t made[2]) {
    if (options) return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = model_put(p, out0, &made[0], sizeof(made[0]));
    if (status == ZX_OK) status = model_put(p, out1, &made[1], sizeof(made[1]));
    if (status != ZX_OK) return status;
    struct model_event *a = event_new(m, ZX_OBJ_TYPE_EVENTPAIR), *b = event_new(m, ZX_OBJ_TYPE_EVENTPAIR);
    a->peer = b;
    b->peer = a;
    model_give(p, made[0], &a->object, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    model_give(p, made[1], &b->object, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    return ZX_OK;
}

static bool is_event(const struct model_object *object) {
    return object->type == ZX_OBJ_TYPE_EVENT || object->type == ZX_OBJ_TYPE_EVENTPAIR;
}

bool model_is_waitable(const struct model_object *object) {
    zx_obj_type_t type = object->type;
    return type != ZX_OBJ_TYPE_VMAR && type != ZX_OBJ_TYPE_RESOURCE && type != ZX_OBJ_TYPE_PORT &&
           type != ZX_OBJ_TYPE_SUSPEND_TOKEN;
}

static zx_status_t check_masks(const struct model_object *object, zx_signals_t clear, zx_signals_t set) {
    zx_signals_t allowed = ZX_USER_SIGNAL_ALL | (is_event(object) ? ZX_EVENT_SIGNALED : 0);
    return (clear | set) & ~allowed ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

zx_status_t model_object_signal(struct model *m, struct model_process *p, zx_handle_t value, zx_signals_t clear,
                                zx_signals_t set) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_SIGNAL, &h);
    if (status == ZX_OK && !model_is_waitable(h->object)) status = ZX_ERR_NOT_SUPPORTED;
    if (status == ZX_OK) status = check_masks(h->object, clear, set);
    if (status != ZX_OK) return status;
    h->object->raised = (h->object->raised & ~clear) | set;
    model_notify(m, h->object);
    return ZX_OK;
}

zx_status_t model_object_signal_peer(struct model *m, struct model_process *p, zx_handle_t value, zx_signals_t clear,
                                     zx_signals_t set) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_SIGNAL_PEER, &h);
    if (status != ZX_OK) return status;
    bool channel = h->object->type == ZX_OBJ_TYPE_CHANNEL;
    if (!channel && h->object->type != ZX_OBJ_TYPE_EVENTPAIR) return ZX_ERR_NOT_SUPPORTED;
    status = check_masks(h->object, clear, set);
    if (status != ZX_OK) return status;
    struct model_channel *c = (struct model_channel *)h->object;
    struct model_event *e = (struct model_event *)h->object;
    struct model_object *peer = channel ? &c->peer->object : &e->peer->object;
    if (channel ? c->peer->closed : e->peer->closed) return ZX_ERR_PEER_CLOSED;
    peer->raised = (peer->raised & ~clear) | set;
    model_notify(m, peer);
    return ZX_OK;
}

/* --- waits --- */

zx_status_t model_get_waitable(struct model_process *p, zx_handle_t value, struct model_handle **h) {
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_WAIT, h);
    return status == ZX_OK && !model_is_waitable((*h)->object) ? ZX_ERR_NOT_SUPPORTED : status;
}

zx_status_t model_wait_one(const struct model *m, struct model_process *p, zx_handle_t value, zx_signals_t signals,
                           uint64_t out) {
    struct model_handle *h;
    zx_status_t status = model_get_waitable(p, value, &h);
    if (status != ZX_OK) return status;
    zx_signals_t now = model_signals(m, h->object);
    status = model_put_optional(p, out, &now, sizeof(now));
    if (status != ZX_OK) return status;
    return now & signals ? ZX_OK : ZX_ERR_TIMED_OUT;
}

zx_status_t model_wait_many(const struct model *m, struct model_process *p, uint64_t addr, uint64_t count) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
    zx_status_t result = ZX_ERR_TIMED_OUT;
    if (count > ZX_WAIT_MANY_MAX_ITEMS) return ZX_ERR_OUT_OF_RANGE;
    if (model_load(p, addr, items, count * sizeof(items[0])) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    for (uint64_t i = 0; i < count; i++) {
        struct model_handle *h;
        zx_status_t status = model_get_waitable(p, items[i].handle, &h);
        if (status != ZX_OK) return status;
        items[i].pending = model_signals(m, h->object);
        if (items[i].pending & items[i].waitfor) result = ZX_OK;
    }
    zx_status_t put = model_put(p, addr, items, count * sizeof(items[0]));
    return put == ZX_OK ? result : put;
}

/* --- futexes --- */

static bool is_misaligned(uint64_t word) { return word % sizeof(int32_t); }

static zx_status_t compare_word(struct model_process *p, uint64_t word, int32_t value) {
    int32_t now;
    if (model_load(p, word, &now, sizeof(now)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    return now == value ? ZX_OK : ZX_ERR_BAD_STATE;
}

zx_status_t model_futex_wait(struct model_process *p, uint64_t word, int32_t value, zx_handle_t owner) {
    if (is_misaligned(word) || owner != ZX_HANDLE_INVALID) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = compare_word(p, word, value);
    return status == ZX_OK ? ZX_ERR_TIMED_OUT : status;
}

zx_status_t model_futex_wake(uint64_t word, uint32_t count) {
    return count > 0 && is_misaligned(word) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

zx_status_t model_futex_requeue(struct model_process *p, uint64_t word, int32_t value, uint64_t other, uint32_t count,
                                zx_handle_t owner) {
    if ((other == 0 && count != 0) || owner != ZX_HANDLE_INVALID) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = compare_word(p, word, value);
    if (status != ZX_OK) return status;
    return word == other || is_misaligned(word) || is_misaligned(other) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}
