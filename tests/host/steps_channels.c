/*
 * Steps on channels: for each, the choice of arguments, the call, and what the model says. Calls over a channel are
 * answered by whichever other actor has the other end, or by nobody.
 */
#include <zircon/errors.h>

#include "kernel/object/process.h"
#include "kernel/object/suspend.h"
#include "kernel/object/user_thread.h"
#include "tests/host/steps.h"

void step_channel_create(struct world *w) {
    uint64_t out0 = pick_out(w, 0), out1 = pick_out(w, 2);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, channel_create, options, out0, out1);
    const zx_handle_t made[2] = {world_out_handle(out0), world_out_handle(out1)};
    world_expect(w, "channel_create", status, model_channel_create(&w->model, w->me, options, out0, out1, made));
    for (unsigned i = 0; status == ZX_OK && i < 2; i++) world_learn_koid(w, made[i]);
}

/* Some handles, in an array, and zeros after them. */
static uint64_t pick_sent(struct world *w, uint32_t *count) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES + 1] = {0};
    uint8_t choice = input_byte(&w->in);
    *count = choice % (MODEL_SENT + 1);
    for (uint32_t i = 0; i < *count; i++) values[i] = pick_handle(w, choice & 0x40 ? 0 : ZX_OBJ_TYPE_VMO);
    world_store(w, SENT_HANDLES, values, sizeof(values));
    if (choice == 0xff) *count = ZX_CHANNEL_MAX_MSG_HANDLES + 1;
    return choice == 0xfe ? 0x1000 : choice == 0xfd ? SCRATCH - 4 : SENT_HANDLES;
}

/* The same with what is to be done with each. */
static uint64_t pick_disposed(struct world *w, uint32_t *count) {
    zx_handle_disposition_t d[ZX_CHANNEL_MAX_MSG_HANDLES + 1] = {0};
    uint8_t choice = input_byte(&w->in);
    *count = choice % (MODEL_SENT + 1);
    for (uint32_t i = 0; i < *count; i++) {
        uint8_t how = input_byte(&w->in);
        const zx_obj_type_t type = choice & 0x40 ? 0 : ZX_OBJ_TYPE_VMO;
        d[i] = (zx_handle_disposition_t){.operation = how % 16 == 15 ? 2 : how % 2, .handle = pick_handle(w, type)};
        d[i].type = how / 16 % 4 == 3 ? ZX_OBJ_TYPE_EVENT : how / 16 % 4 == 2 ? type : ZX_OBJ_TYPE_NONE;
        d[i].rights = how / 64 == 3 ? pick_rights(w) : how / 64 == 2 ? ZX_RIGHT_TRANSFER : ZX_RIGHT_SAME_RIGHTS;
        d[i].result = 1;
    }
    world_store(w, DISPOSITIONS, d, sizeof(d));
    if (choice == 0xff) *count = ZX_CHANNEL_MAX_MSG_HANDLES + 1;
    return choice == 0xfe ? 0x1000 : choice == 0xfd ? SCRATCH - 4 : DISPOSITIONS;
}

static uint64_t pick_handles(struct world *w, bool etc, uint32_t *count) {
    return etc ? pick_disposed(w, count) : pick_sent(w, count);
}

/* A model's answer, and what each handle was told. */
static void check_results(struct world *w, const struct model_channel_write *a) {
    if (a->etc) world_check_buffer(w, DISPOSITIONS, sizeof(zx_handle_disposition_t) * ZX_CHANNEL_MAX_MSG_HANDLES);
}

static bool queue_full(struct world *w, zx_handle_t h) {
    const struct model_channel *c = (const struct model_channel *)picked(w, h, ZX_OBJ_TYPE_CHANNEL);
    return c && c->peer->queued == MODEL_QUEUE;
}

static void send(struct world *w, bool etc) {
    static const uint32_t lengths[] = {0, 1, 13, 4096, 5000, ZX_CHANNEL_MAX_MSG_BYTES, ZX_CHANNEL_MAX_MSG_BYTES + 1, 8};
    uint8_t choice = input_byte(&w->in);
    struct model_channel_write a = {.channel = pick_handle(w, ZX_OBJ_TYPE_CHANNEL), .etc = etc};
    a.options = choice == 0xff;
    a.len = lengths[choice % 8];
    a.bytes = choice / 8 == 30 ? 0x2000 : DATA;
    a.fill = world_fill(w, a.len);
    a.handles = pick_handles(w, etc, &a.count);
    if (queue_full(w, a.channel)) return;
    zx_status_t status = etc ? CALL(w, channel_write_etc, a.channel, a.options, a.bytes, a.len, a.handles, a.count)
                             : CALL(w, channel_write, a.channel, a.options, a.bytes, a.len, a.handles, a.count);
    world_expect(w, "channel_write", status, model_channel_write(&w->model, w->me, &a, w->failed));
    check_results(w, &a);
}

void step_channel_write(struct world *w) { send(w, false); }

/* What the kernel was free to choose in a message received. */
static void learn_received(struct model_channel_read *a) {
    const uint64_t size = a->etc ? sizeof(zx_handle_info_t) : sizeof(zx_handle_t);
    for (unsigned i = 0; i < MODEL_SENT; i++) a->made[i] = world_out_handle(a->handles + i * size);
    if (host_user_load(&a->txid, a->bytes, sizeof(a->txid)) != ZX_OK || !(a->txid >> 31)) a->txid = 0;
}

static void receive(struct world *w, bool etc) {
    uint8_t choice = input_byte(&w->in);
    struct model_channel_read a = {
        .channel = pick_handle(w, ZX_OBJ_TYPE_CHANNEL), .len = ZX_CHANNEL_MAX_MSG_BYTES, .etc = etc};
    a.options = choice % 16 == 14 ? ZX_CHANNEL_READ_MAY_DISCARD : choice == 0xff ? 2 : 0;
    if (choice % 4 == 3) a.len = input_byte(&w->in);
    a.count = choice / 64 == 3 ? input_below(&w->in, 3) : ZX_CHANNEL_MAX_MSG_HANDLES;
    a.bytes = choice / 8 == 30 ? 0x2000 : DATA;
    a.handles = choice % 32 == 29 ? 0x2000 : READ_HANDLES;
    a.actual_len = choice / 8 == 28 ? 0 : pick_out(w, 3);
    a.actual_count = pick_out(w, 4);
    const uint64_t args[8] = {a.channel, a.options, a.bytes, a.handles, a.len, a.count, a.actual_len, a.actual_count};
    zx_status_t status = world_call(w, etc ? HOST_SYS_channel_read_etc : HOST_SYS_channel_read, args);
    learn_received(&a);
    world_expect(w, "channel_read", status, model_channel_read(&w->model, w->me, &a, w->failed));
    world_check_buffer(w, OUT(3), 16);
    world_check_buffer(w, DATA, 4096);
    world_check_buffer(w, READ_HANDLES, MODEL_SENT * sizeof(zx_handle_info_t));
}

void step_channel_read(struct world *w) { receive(w, false); }

/* --- calls --- */

/* Where the server keeps a message; no program looks there. */
#define SERVED_HANDLES (CHECK_PAGE + 3072)
#define SERVED_MAX 3000
#define A_WHILE ZX_USEC(100) /* long enough for the server, short for those who wait for nobody */

/* An actor who has the other end, and nothing to read there before. */
static void pick_server(struct world *w, zx_handle_t value) {
    const zx_rights_t needed = ZX_RIGHT_READ | ZX_RIGHT_WRITE;
    const struct model_channel *c = (const struct model_channel *)picked(w, value, ZX_OBJ_TYPE_CHANNEL);
    for (unsigned i = 0; c && c->peer->queued == 0 && i < ACTORS; i++) {
        struct model_process *p = &w->model.processes[i];
        if (p == w->me || p->state == MODEL_DEAD || model_is_suspended(&w->model.threads[i]) ||
            p->handle_count + MODEL_SENT > MODEL_HANDLES)
            continue;
        for (unsigned k = 0; k < p->handle_count; k++) {
            const struct model_handle *h = &p->handles[k];
            if (h->object != &c->peer->object || (h->rights & needed) != needed) continue;
            w->service = (struct service){.model.process = p, .by = i, .channel = h->value};
        }
    }
}

/* What the server answers: some bytes, and perhaps one of its VMOs. */
static void pick_answer(struct world *w) {
    struct model_server *s = &w->service.model;
    uint8_t choice = input_byte(&w->in);
    s->len = 4 + choice % 64 * 47;
    s->fill = choice;
    if (!s->process || choice < 128) return;
    for (unsigned i = 0; i < s->process->handle_count; i++) {
        const struct model_handle *h = &s->process->handles[i];
        if (h->object->type == ZX_OBJ_TYPE_VMO && (h->rights & ZX_RIGHT_TRANSFER)) s->handle = h->value;
    }
}

static zx_status_t server_call(enum host_syscall_number number, const uint64_t args[8]) {
    return (zx_status_t)host_syscall(number, args);
}

/* Suspends the caller, whose wait that cuts short, and lets it go again. */
static void interrupt_caller(struct world *w) {
    struct object *token;
    zx_koid_t koid = 0;
    struct object *caller = members_next(&w->processes[w->turn]->threads, &koid, UINT64_MAX);
    if (task_suspend(caller, &token) != ZX_OK) abort();
    handle_discard(handle_make(token, 0));
    object_unref(token);
    object_unref(caller);
}

/* Takes the request, and answers it. */
void world_serve(struct world *w) {
    struct service *s = &w->service;
    if (s->interrupts) {
        interrupt_caller(w);
        s->interrupts = false;
        return;
    }
    uint8_t reply[SERVED_MAX];
    const uint64_t read[8] = {s->channel, 0, CHECK_PAGE, SERVED_HANDLES, SERVED_MAX, MODEL_SENT};
    if (server_call(HOST_SYS_channel_read, read) != ZX_OK) return;
    if (host_user_load(&s->txid, CHECK_PAGE, sizeof(s->txid)) != ZX_OK || !(s->txid >> 31))
        world_fail(w, "a request with the number %#x", s->txid);
    for (unsigned i = 0; i < MODEL_SENT; i++)
        s->model.made[i] = world_out_handle(SERVED_HANDLES + i * sizeof(zx_handle_t));
    memset(reply, s->model.fill, sizeof(reply));
    memcpy(reply, &s->txid, sizeof(s->txid));
    if (host_user_store(CHECK_PAGE, reply, s->model.len) != ZX_OK ||
        host_user_store(SERVED_HANDLES, &s->model.handle, sizeof(s->model.handle)) != ZX_OK)
        world_fail(w, "the server has no memory");
    const uint64_t write[8] = {s->channel, 0, CHECK_PAGE, s->model.len, SERVED_HANDLES, s->model.handle != 0};
    zx_status_t status = server_call(HOST_SYS_channel_write, write);
    if (status != ZX_OK) world_fail(w, "a reply: %d", status);
    s->done = true;
}

static struct model_channel_write pick_request(struct world *w, bool etc) {
    static const uint32_t lengths[] = {4, 5, 1000, SERVED_MAX, 4, 0, 3, ZX_CHANNEL_MAX_MSG_BYTES + 1};
    uint8_t choice = input_byte(&w->in);
    struct model_channel_write a = {.channel = pick_handle(w, ZX_OBJ_TYPE_CHANNEL)};
    a.options = choice == 0xff;
    a.len = lengths[choice % 8];
    a.bytes = choice / 8 == 30 ? 0x2000 : DATA;
    a.fill = world_fill(w, a.len);
    a.handles = pick_handles(w, etc, &a.count);
    a.etc = etc;
    return a;
}

/* Room for the reply: mostly enough. */
static struct model_channel_read pick_reply_room(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    struct model_channel_read r = {.bytes = DATA, .handles = READ_HANDLES, .len = SERVED_MAX, .count = MODEL_SENT};
    if (choice % 8 == 7) r.len = 4 + input_byte(&w->in);
    if (choice % 8 == 6) r.count = 0;
    if (choice / 8 == 30) r.bytes = 0x2000;
    if (choice / 8 == 29) r.handles = 0x2000;
    r.actual_len = pick_out(w, 3);
    r.actual_count = pick_out(w, 4);
    return r;
}

static uint64_t store_call_args(struct world *w, const struct model_channel_write *a,
                                const struct model_channel_read *r) {
    const zx_channel_call_args_t args = {.wr_bytes = (const void *)a->bytes,
                                         .wr_handles = (const zx_handle_t *)a->handles,
                                         .rd_bytes = (void *)r->bytes,
                                         .rd_handles = (zx_handle_t *)r->handles,
                                         .wr_num_bytes = a->len,
                                         .wr_num_handles = a->count,
                                         .rd_num_bytes = r->len,
                                         .rd_num_handles = r->count};
    world_store(w, CALL_ARGS, &args, sizeof(args));
    return CALL_ARGS;
}

static void call(struct world *w, bool etc) {
    const enum host_syscall_number number = etc ? HOST_SYS_channel_call_etc_noretry : HOST_SYS_channel_call_noretry;
    struct model_channel_write a = pick_request(w, etc);
    struct model_channel_read r = pick_reply_room(w);
    r.etc = etc;
    uint64_t args = store_call_args(w, &a, &r), now = host_syscall(HOST_SYS_clock_get_monotonic, (uint64_t[8]){0});
    uint8_t choice = input_byte(&w->in);
    if (queue_full(w, a.channel)) return;
    if (choice == 255) {
        const uint64_t bad[8] = {a.channel, a.options, 0, SCRATCH - 8, r.actual_len, r.actual_count};
        zx_status_t status = world_call(w, number, bad);
        return world_expect(w, "channel_call without arguments", status, ZX_ERR_INVALID_ARGS);
    }
    if (choice % 4 != 3) pick_server(w, a.channel);
    pick_answer(w);
    /* A failing allocation shall be one of the caller's. */
    w->service.interrupts = choice % 8 == 2 && !w->inject;
    const uint64_t all[8] = {a.channel, a.options, now + A_WHILE, args, r.actual_len, r.actual_count};
    zx_status_t status = world_call(w, number, all);
    while (status == ZX_ERR_INTERNAL_INTR_RETRY)
        status = CALL(w, channel_call_finish, now + A_WHILE, r.actual_len, r.actual_count);
    struct service service = w->service;
    w->service = (struct service){.done = false};
    learn_received(&r);
    world_expect(w, "channel_call", status,
                 model_channel_call(&w->model, w->me, &a, &r, service.done ? &service.model : NULL, w->failed));
    world_check_buffer(w, OUT(3), 16);
    world_check_buffer(w, DATA, 4096);
    check_results(w, &a);
}

void step_channel_call(struct world *w) { call(w, false); }

void step_channel_etc(struct world *w) {
    switch (input_below(&w->in, 3)) {
    case 0: send(w, true); break;
    case 1: receive(w, true); break;
    default: call(w, true);
    }
}
