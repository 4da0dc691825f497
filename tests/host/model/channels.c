/*
 * The model's channels. A message's bytes are all alike, so that one of them represents the rest; but the request of a
 * call and its reply begin with a number.
 */
#include "tests/host/model/model.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>

static struct model_channel *channel_of(const struct model_handle *h) { return (struct model_channel *)h->object; }

zx_status_t model_channel_create(struct model *m, struct model_process *p, uint32_t options, uint64_t out0,
                                 uint64_t out1, const zx_handle_t made[2]) {
    if (options != 0) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_put(p, out0, &made[0], sizeof(made[0]));
    if (status == ZX_OK) status = model_put(p, out1, &made[1], sizeof(made[1]));
    if (status != ZX_OK) return status;
    struct model_channel *ends = &m->channels[m->channel_count];
    m->channel_count += 2;
    for (unsigned i = 0; i < 2; i++) {
        ends[i] = (struct model_channel){.object.type = ZX_OBJ_TYPE_CHANNEL, .peer = &ends[1 - i]};
        model_give(p, made[i], &ends[i].object, ZX_DEFAULT_CHANNEL_RIGHTS);
    }
    return ZX_OK;
}

/* Can `to` be reached from an object, by taking messages out of queues? */
static bool leads_to(const struct model_object *from, const struct model_channel *to) {
    if (from == &to->object) return true;
    if (from->type != ZX_OBJ_TYPE_CHANNEL) return false;
    const struct model_channel *c = (const struct model_channel *)from;
    for (unsigned i = 0; i < c->queued; i++) {
        for (unsigned k = 0; k < c->queue[i].count; k++) {
            if (leads_to(c->queue[i].handles[k].object, to)) return true;
        }
    }
    return false;
}

/* The handles of a write, once they have left the table. */
struct sent {
    unsigned count;
    struct model_handle handles[ZX_CHANNEL_MAX_MSG_HANDLES + 1];
};

/* What is wrong with sending a handle over that channel. */
static zx_status_t check_sent(const struct model_handle *h, const struct model_object *channel) {
    if (!h) return ZX_ERR_BAD_HANDLE;
    if (h->object == channel) return ZX_ERR_NOT_SUPPORTED;
    return h->rights & ZX_RIGHT_TRANSFER ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* Does as one disposition says. What is moved leaves the table in any case. */
static zx_status_t dispose(struct model *m, struct model_process *p, const zx_handle_disposition_t *d,
                           const struct model_object *channel, struct sent *sent) {
    const bool copies = d->operation == ZX_HANDLE_OP_DUPLICATE;
    if (d->operation != ZX_HANDLE_OP_MOVE && !copies) return ZX_ERR_INVALID_ARGS;
    struct model_handle *h = model_find(p, d->handle);
    zx_status_t status = check_sent(h, channel);
    if (!h) return status;
    if (status == ZX_OK && d->type && d->type != h->object->type) status = ZX_ERR_WRONG_TYPE;
    if (status == ZX_OK && copies && !(h->rights & ZX_RIGHT_DUPLICATE)) status = ZX_ERR_ACCESS_DENIED;
    const zx_rights_t rights = d->rights == ZX_RIGHT_SAME_RIGHTS ? h->rights : d->rights;
    if (status == ZX_OK && rights & ~h->rights) status = ZX_ERR_INVALID_ARGS;
    if (copies && status != ZX_OK) return status;
    struct model_handle *taken = &sent->handles[sent->count++];
    if (copies) {
        *taken = *h;
        h->object->handles++;
    } else {
        *taken = model_take(m, p, h);
    }
    if (status == ZX_OK) taken->rights = rights;
    return status;
}

/* All of them, each of which is told its result. */
static zx_status_t take_disposed(struct model *m, struct model_process *p, const struct model_channel_write *w,
                                 const struct model_object *channel, struct sent *sent) {
    zx_handle_disposition_t d[ZX_CHANNEL_MAX_MSG_HANDLES];
    zx_status_t first = ZX_OK;
    if (w->count == 0) return ZX_OK;
    if (model_load(p, w->handles, d, w->count * sizeof(d[0])) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    for (uint32_t i = 0; i < w->count; i++) {
        d[i].result = dispose(m, p, &d[i], channel, sent);
        if (first == ZX_OK) first = d[i].result;
    }
    zx_status_t told = model_put(p, w->handles, d, w->count * sizeof(d[0]));
    return first == ZX_OK ? told : first;
}

/* A message that failed before its handles were looked at: those that were to be moved are consumed. */
static void consume_disposed(struct model *m, struct model_process *p, const struct model_channel_write *w,
                             struct sent *sent) {
    for (uint32_t i = 0; i < w->count; i++) {
        zx_handle_disposition_t d;
        if (model_load(p, w->handles + i * sizeof(d), &d, sizeof(d)) != ZX_OK) return;
        struct model_handle *h = d.operation == ZX_HANDLE_OP_MOVE ? model_find(p, d.handle) : NULL;
        if (h) sent->handles[sent->count++] = model_take(m, p, h);
    }
}

/* Takes the handles listed: as many as can be read and exist. The first thing that is wrong with them. */
static zx_status_t take_sent(struct model *m, struct model_process *p, const struct model_channel_write *w,
                             const struct model_object *channel, struct sent *sent) {
    zx_status_t first = ZX_OK;
    for (uint32_t i = 0; i < w->count; i++) {
        zx_handle_t value;
        if (model_load(p, w->handles + i * sizeof(value), &value, sizeof(value)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
        struct model_handle *h = model_find(p, value);
        zx_status_t status = check_sent(h, channel);
        if (h) sent->handles[sent->count++] = model_take(m, p, h);
        if (first == ZX_OK) first = status;
    }
    return first;
}

static bool readable(struct model_process *p, uint64_t addr, uint64_t len) {
    struct model_vmo *store;
    uint64_t offset;
    for (uint64_t done = 0; done < len; done += MODEL_PAGE - (addr + done) % MODEL_PAGE) {
        if (model_access(p, addr + done, false, &store, &offset) != ZX_OK) return false;
    }
    return true;
}

/* A message with which a queue would hold itself is discarded: nobody could ever read it. Takes the handles. */
static zx_status_t enqueue(struct model *m, struct model_channel *to, const struct model_channel_write *w,
                           const struct sent *sent, bool is_call) {
    bool discard = to->closed;
    for (unsigned i = 0; i < sent->count; i++) discard = discard || leads_to(sent->handles[i].object, to);
    zx_status_t status = to->closed ? ZX_ERR_PEER_CLOSED : ZX_OK;
    if (discard) {
        for (unsigned i = 0; i < sent->count; i++) model_drop(m, sent->handles[i]);
        return status;
    }
    struct model_message *message = &to->queue[to->queued++];
    *message = (struct model_message){.len = w->len, .fill = w->fill, .is_call = is_call, .count = sent->count};
    memcpy(message->handles, sent->handles, sent->count * sizeof(sent->handles[0]));
    model_notify(m, &to->object);
    return ZX_OK;
}

/* `*to` is the end that it went to, on ZX_OK. */
static zx_status_t send(struct model *m, struct model_process *p, const struct model_channel_write *w, bool is_call,
                        zx_status_t failed, struct model_channel **to) {
    struct sent sent = {0};
    struct model_handle *h;
    zx_rights_t rights = ZX_RIGHT_WRITE | (is_call ? ZX_RIGHT_READ : 0);
    bool bad = w->options || (is_call && w->len < sizeof(zx_txid_t));
    zx_status_t status = bad ? ZX_ERR_INVALID_ARGS : ZX_OK;
    if (status == ZX_OK) status = model_get(p, w->channel, ZX_OBJ_TYPE_CHANNEL, rights, &h);
    struct model_channel *c = status == ZX_OK ? channel_of(h) : NULL;
    if (status == ZX_OK && (w->len > ZX_CHANNEL_MAX_MSG_BYTES || w->count > ZX_CHANNEL_MAX_MSG_HANDLES))
        status = ZX_ERR_OUT_OF_RANGE;
    if (status == ZX_OK) status = failed;
    if (status == ZX_OK && !readable(p, w->bytes, w->len)) status = ZX_ERR_INVALID_ARGS;
    /* An array that cannot be read to its end leaves all handles where they are. */
    const uint64_t size = w->etc ? sizeof(zx_handle_disposition_t) : sizeof(zx_handle_t);
    if (!readable(p, w->handles, w->count * size)) return status == ZX_OK ? ZX_ERR_INVALID_ARGS : status;
    if (w->etc && status != ZX_OK) {
        consume_disposed(m, p, w, &sent);
    } else {
        struct model_object *channel = c ? &c->object : NULL;
        zx_status_t taken = w->etc ? take_disposed(m, p, w, channel, &sent) : take_sent(m, p, w, channel, &sent);
        if (status == ZX_OK) status = taken;
    }
    if (status == ZX_OK && c) {
        *to = c->peer;
        return enqueue(m, c->peer, w, &sent, is_call);
    }
    for (unsigned i = 0; i < sent.count; i++) model_drop(m, sent.handles[i]);
    return status;
}

zx_status_t model_channel_write(struct model *m, struct model_process *p, const struct model_channel_write *w,
                                zx_status_t failed) {
    struct model_channel *to;
    return send(m, p, w, false, failed, &to);
}

static void message_drop(struct model *m, const struct model_message *message) {
    for (unsigned i = 0; i < message->count; i++) model_drop(m, message->handles[i]);
}

static struct model_message dequeue(struct model_channel *c) {
    struct model_message first = c->queue[0];
    memmove(&c->queue[0], &c->queue[1], --c->queued * sizeof(c->queue[0]));
    return first;
}

/* The handles of a message, in either form. */
static zx_status_t put_handles(struct model_process *p, const struct model_channel_read *r,
                               const struct model_message *message) {
    zx_handle_info_t infos[MODEL_SENT] = {0};
    if (!r->etc) return model_put(p, r->handles, r->made, message->count * sizeof(zx_handle_t));
    for (unsigned i = 0; i < message->count; i++)
        infos[i] = (zx_handle_info_t){r->made[i], message->handles[i].object->type, message->handles[i].rights, 0};
    return model_put(p, r->handles, infos, message->count * sizeof(infos[0]));
}

/* What has no room in the table fails after the bytes have been given. */
static zx_status_t deliver(struct model_process *p, const struct model_channel_read *r,
                           const struct model_message *message, zx_status_t failed) {
    static uint8_t bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    memset(bytes, message->fill, message->len);
    if (message->is_call) memcpy(bytes, &r->txid, sizeof(r->txid));
    zx_status_t status = message->len ? model_put(p, r->bytes, bytes, message->len) : ZX_OK;
    if (status == ZX_OK) status = failed;
    if (status == ZX_OK && message->count) status = put_handles(p, r, message);
    for (unsigned i = 0; status == ZX_OK && i < message->count; i++)
        model_give(p, r->made[i], message->handles[i].object, message->handles[i].rights);
    return status;
}

/* The sizes of a message, and the message if it fits. */
static zx_status_t tell(struct model_process *p, const struct model_channel_read *r,
                        const struct model_message *message, zx_status_t failed) {
    bool fits = message->len <= r->len && message->count <= r->count;
    uint32_t count = message->count;
    zx_status_t status = model_put_optional(p, r->actual_len, &message->len, sizeof(message->len));
    if (status == ZX_OK) status = model_put_optional(p, r->actual_count, &count, sizeof(count));
    if (status == ZX_OK && !fits) status = ZX_ERR_BUFFER_TOO_SMALL;
    return status == ZX_OK ? deliver(p, r, message, failed) : status;
}

zx_status_t model_channel_read(struct model *m, struct model_process *p, const struct model_channel_read *r,
                               zx_status_t failed) {
    struct model_handle *h;
    zx_status_t status = model_get(p, r->channel, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_READ, &h);
    if (status != ZX_OK) return status;
    if (r->options & ~ZX_CHANNEL_READ_MAY_DISCARD) return ZX_ERR_NOT_SUPPORTED;
    struct model_channel *c = channel_of(h);
    if (c->queued == 0) return c->peer->closed ? ZX_ERR_PEER_CLOSED : ZX_ERR_SHOULD_WAIT;
    struct model_message message = c->queue[0];
    bool gone = (message.len <= r->len && message.count <= r->count) || (r->options & ZX_CHANNEL_READ_MAY_DISCARD);
    if (gone) (void)dequeue(c);
    status = tell(p, r, &message, failed);
    /* Those that were received are counted once more by now. */
    if (gone) message_drop(m, &message);
    return status;
}

/* The server takes the request, and makes a reply of what it has. */
static struct model_message answer(struct model *m, struct model_channel *end, const struct model_server *s) {
    if (end->queued == 0) abort();
    struct model_message request = dequeue(end);
    for (unsigned i = 0; i < request.count; i++)
        model_give(s->process, s->made[i], request.handles[i].object, request.handles[i].rights);
    message_drop(m, &request);
    struct model_message reply = {.len = s->len, .fill = s->fill, .is_call = true};
    if (s->handle) reply.handles[reply.count++] = model_take(m, s->process, model_find(s->process, s->handle));
    return reply;
}

zx_status_t model_channel_call(struct model *m, struct model_process *p, const struct model_channel_write *request,
                               const struct model_channel_read *reply, const struct model_server *server,
                               zx_status_t failed) {
    struct model_channel *to = NULL;
    zx_status_t status = send(m, p, request, true, server ? ZX_OK : failed, &to);
    if (status != ZX_OK || !to) return status;
    /* A request that carries the other end's last handle is discarded, and that end with it. */
    if (!server) return to->closed ? ZX_ERR_PEER_CLOSED : ZX_ERR_TIMED_OUT;
    struct model_message message = answer(m, to, server);
    status = tell(p, reply, &message, failed);
    message_drop(m, &message);
    return status;
}
