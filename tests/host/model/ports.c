/*
 * The model's ports, and waits through them. Code that changes a signal calls model_notify(), which looks at every
 * wait that began with it; what comes and goes within one call must be told in between.
 */
#include <string.h>
#include <zircon/errors.h>

#include "tests/host/model/model.h"

zx_status_t model_port_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out,
                              zx_handle_t made) {
    zx_status_t status =
        options > ZX_PORT_BIND_TO_INTERRUPT ? ZX_ERR_INVALID_ARGS : model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_port *port = &m->ports[m->port_count++];
    port->object.type = ZX_OBJ_TYPE_PORT;
    model_give(p, made, &port->object, ZX_DEFAULT_PORT_RIGHTS);
    return ZX_OK;
}

/* --- packets --- */

static struct model_packet *packet_add(struct model *m, struct model_port *port, const struct model_packet *packet) {
    struct model_packet *added = &port->queue[port->queued++];
    *added = *packet;
    added->step = m->step;
    if (!packet->watch) port->own++;
    return added;
}

static void packet_remove(struct model_port *port, unsigned index) {
    struct model_watch *watch = port->queue[index].watch;
    if (!watch) port->own--;
    if (watch && !watch->watching) watch->listed = false;
    port->queued--;
    memmove(&port->queue[index], &port->queue[index + 1], (port->queued - index) * sizeof(port->queue[0]));
}

static struct model_packet *packet_of(const struct model_watch *watch) {
    for (unsigned i = 0; i < watch->port->queued; i++) {
        if (watch->port->queue[i].watch == watch) return &watch->port->queue[i];
    }
    return NULL;
}

zx_status_t model_port_queue(struct model *m, struct model_process *p, zx_handle_t value, uint64_t addr) {
    struct model_handle *h;
    struct model_packet packet = {0};
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &h);
    if (status != ZX_OK) return status;
    if (model_load(p, addr, &packet.data, sizeof(packet.data)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    packet.data.type = ZX_PKT_TYPE_USER;
    (void)packet_add(m, (struct model_port *)h->object, &packet);
    return ZX_OK;
}

static bool packet_matches(const struct model_packet *packet, const zx_port_packet_t *got) {
    zx_port_packet_t expected = packet->data;
    zx_signals_t must = expected.signal.observed;
    if (!packet->watch) return memcmp(&expected, got, sizeof(expected)) == 0;
    expected.signal.observed = got->signal.observed;
    return memcmp(&expected, got, sizeof(expected)) == 0 && !(must & ~got->signal.observed) &&
           !(got->signal.observed & ~packet->may) && (got->signal.observed & got->signal.trigger);
}

/* The first step of which a packet must be there; or none. */
static unsigned first_sure(const struct model_port *port) {
    for (unsigned i = 0; i < port->queued; i++) {
        if (!port->queue[i].doubtful) return port->queue[i].step;
    }
    return UINT32_MAX;
}

/* What the kernel did not give before a packet of that step was never there. */
static void drop_doubtful(struct model_port *port, unsigned before) {
    for (unsigned i = port->queued; i-- > 0;) {
        if (port->queue[i].doubtful && port->queue[i].step < before) packet_remove(port, i);
    }
}

static bool take_packet(struct model_port *port, const zx_port_packet_t *got) {
    const unsigned last = first_sure(port);
    for (unsigned i = 0; i < port->queued && port->queue[i].step <= last; i++) {
        if (!packet_matches(&port->queue[i], got)) continue;
        unsigned step = port->queue[i].step;
        packet_remove(port, i);
        drop_doubtful(port, step);
        return true;
    }
    return false;
}

zx_status_t model_port_wait(struct model_process *p, zx_handle_t value, uint64_t out, const zx_port_packet_t *got) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_READ, &h);
    if (status != ZX_OK) return status;
    struct model_port *port = (struct model_port *)h->object;
    if (!got && first_sure(port) != UINT32_MAX) return ZX_ERR_INTERNAL;
    if (!got) drop_doubtful(port, UINT32_MAX);
    if (!got) return ZX_ERR_TIMED_OUT;
    const zx_port_packet_t packet = *got;
    return take_packet(port, got) ? model_put(p, out, &packet, sizeof(packet)) : ZX_ERR_INTERNAL;
}

bool model_port_is_sure(const struct model_port *port) {
    const struct model_packet *first = &port->queue[0];
    if (port->queued == 0) return true;
    bool alone = port->queued == 1 || first[1].step != first->step;
    return alone && !first->doubtful && (!first->watch || first->may == first->data.signal.observed);
}

/* --- waits --- */

/*
 * Programs themselves change what these show, one signal after the other; else a call may change several, in some
 * order.
 */
static bool is_exact(const struct model_object *object) {
    return object->type == ZX_OBJ_TYPE_EVENT || object->type == ZX_OBJ_TYPE_EVENTPAIR ||
           object->type == ZX_OBJ_TYPE_TIMER;
}

static void fire(struct model *m, struct model_watch *watch, zx_signals_t now, uint64_t count) {
    const bool exact = is_exact(watch->object) && !watch->doubtful;
    struct model_packet *packet = packet_of(watch);
    if (packet) {
        if (exact) packet->data.signal.observed |= now;
        packet->may |= now;
    } else {
        const struct model_packet fresh = {
            .data = {.key = watch->key,
                     .type = watch->repeating ? ZX_PKT_TYPE_SIGNAL_REP : ZX_PKT_TYPE_SIGNAL_ONE,
                     .signal = {.trigger = watch->trigger,
                                .observed = exact ? now : now & watch->last,
                                .count = count}},
            .may = exact ? now : now | watch->last,
            .watch = watch,
            .doubtful = watch->doubtful};
        (void)packet_add(m, watch->port, &fresh);
    }
    watch->watching = watch->repeating;
}

void model_notify(struct model *m, const struct model_object *object) {
    for (unsigned i = 0; i < m->watch_count; i++) {
        struct model_watch *watch = &m->watches[i];
        if (!watch->watching || (object && watch->object != object)) continue;
        zx_signals_t now = model_signals(m, watch->object);
        if (now != watch->last && (now & watch->trigger)) fire(m, watch, now, 1);
        watch->last = now;
    }
}

/* Does not fire any more; what is in the queue stays. */
static void stop(struct model_watch *watch) {
    watch->watching = false;
    if (!packet_of(watch)) watch->listed = false;
}

void model_watches_cancel(struct model *m, const struct model_process *p, zx_handle_t value) {
    for (unsigned i = 0; i < m->watch_count; i++) {
        struct model_watch *watch = &m->watches[i];
        if (watch->watching && !watch->doubtful && watch->process == p && watch->value == value) stop(watch);
    }
}

void model_watches_doubt(struct model *m, const struct model_process *p) {
    for (unsigned i = 0; i < m->watch_count; i++) m->watches[i].doubtful |= m->watches[i].process == p;
}

void model_watches_end(struct model *m) {
    for (unsigned i = 0; i < m->watch_count; i++) {
        if (m->watches[i].watching && m->watches[i].doubtful) stop(&m->watches[i]);
    }
}

void model_port_end(struct model *m, struct model_port *port) {
    port->queued = port->own = 0;
    for (unsigned i = 0; i < m->watch_count; i++) {
        if (m->watches[i].port == port) m->watches[i].watching = m->watches[i].listed = false;
    }
}

zx_status_t model_port_cancel(struct model *m, struct model_process *p, zx_handle_t value, zx_handle_t source,
                              uint64_t key) {
    struct model_handle *h, *s;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &h);
    if (status == ZX_OK) status = model_get_waitable(p, source, &s);
    if (status != ZX_OK) return status;
    status = ZX_ERR_NOT_FOUND;
    for (unsigned i = 0; i < m->watch_count; i++) {
        struct model_watch *watch = &m->watches[i];
        if (!watch->listed || &watch->port->object != h->object || watch->object != s->object || watch->process != p ||
            watch->value != source || watch->key != key)
            continue;
        watch->watching = watch->listed = false;
        struct model_packet *packet = packet_of(watch);
        if (packet) packet_remove(watch->port, (unsigned)(packet - watch->port->queue));
        status = ZX_OK;
    }
    return status;
}

zx_status_t model_wait_async(struct model *m, struct model_process *p, zx_handle_t value, zx_handle_t port,
                             uint64_t key, zx_signals_t signals, uint32_t options) {
    struct model_handle *h, *at;
    zx_status_t status = model_get(p, port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &at);
    if (status == ZX_OK) status = model_get_waitable(p, value, &h);
    if (status != ZX_OK) return status;
    if (options > ZX_WAIT_ASYNC_REPEATING) return ZX_ERR_INVALID_ARGS;
    const zx_signals_t now = model_signals(m, h->object);
    const struct model_channel *c = (const struct model_channel *)h->object;
    bool messages = h->object->type == ZX_OBJ_TYPE_CHANNEL && (signals & ZX_CHANNEL_READABLE) && c->queued > 0;
    struct model_watch *watch = &m->watches[m->watch_count++];
    *watch = (struct model_watch){.object = h->object,
                                  .port = (struct model_port *)at->object,
                                  .process = p,
                                  .value = value,
                                  .key = key,
                                  .trigger = signals,
                                  .last = now,
                                  .repeating = options == ZX_WAIT_ASYNC_REPEATING,
                                  .listed = true,
                                  .watching = true};
    if (now & signals) fire(m, watch, now, messages ? c->queued : 1);
    return ZX_OK;
}
