/*
 * The step on interrupts: a virtual one and a port for it live for so long, and a few calls on them are held against
 * what this file knows of interrupts. The world's model has none, for nothing else can reach them.
 */
#include <zircon/errors.h>

#include "tests/host/steps.h"

#define KEY 5
#define PLACE (CHECK_PAGE + 64) /* where calls put their results */
#define ACTS 12

/* What is known of it. */
struct interrupt_state {
    zx_handle_t interrupt, port;
    bool pending, bound, queued, unacked, destroyed;
    int64_t first, sent; /* times of what is pending, and of the packet */
};

/* None of these allocates, and the world has no part in them. */
#define QUIET(name, ...) ((zx_status_t)host_syscall(HOST_SYS_##name, (uint64_t[8]){__VA_ARGS__}))

static int64_t told(uint64_t place) {
    int64_t time;
    if (host_user_load(&time, place, sizeof(time)) != ZX_OK) abort();
    return time;
}

/* Its packet is put in if one may be. */
static void tell(struct interrupt_state *s) {
    if (!s->bound || !s->pending || s->unacked) return;
    s->pending = false;
    s->queued = s->unacked = true;
    s->sent = s->first;
}

static void trigger(struct world *w, struct interrupt_state *s) {
    int64_t time = input_byte(&w->in);
    zx_status_t expected = s->destroyed ? ZX_ERR_CANCELED : ZX_OK;
    world_expect(w, "interrupt_trigger", QUIET(interrupt_trigger, s->interrupt, 0, (uint64_t)time), expected);
    if (s->destroyed) return;
    if (!s->pending) s->first = time;
    s->pending = true;
    tell(s);
}

/* Not where it would wait for ever. */
static void wait(struct world *w, struct interrupt_state *s) {
    if (!s->pending && !s->bound && !s->destroyed) return;
    zx_status_t expected = s->bound ? ZX_ERR_BAD_STATE : s->destroyed ? ZX_ERR_CANCELED : ZX_OK;
    world_expect(w, "interrupt_wait", QUIET(interrupt_wait, s->interrupt, PLACE), expected);
    if (expected != ZX_OK) return;
    if (told(PLACE) != s->first) world_fail(w, "an interrupt's time is %ld, not %ld", told(PLACE), s->first);
    s->pending = false;
}

static void bind(struct world *w, struct interrupt_state *s) {
    zx_status_t expected = s->destroyed ? ZX_ERR_CANCELED : s->bound ? ZX_ERR_ALREADY_BOUND : ZX_OK;
    world_expect(w, "interrupt_bind", QUIET(interrupt_bind, s->interrupt, s->port, KEY, 0), expected);
    if (expected == ZX_OK) s->bound = true;
    tell(s);
}

static void ack(struct world *w, struct interrupt_state *s) {
    zx_status_t expected = !s->bound      ? ZX_ERR_BAD_STATE
                           : s->destroyed ? ZX_ERR_CANCELED
                           : s->queued    ? ZX_ERR_BAD_STATE
                                          : ZX_OK;
    world_expect(w, "interrupt_ack", QUIET(interrupt_ack, s->interrupt), expected);
    if (expected != ZX_OK) return;
    s->unacked = false;
    tell(s);
}

static void take(struct world *w, struct interrupt_state *s) {
    zx_status_t expected = s->queued ? ZX_OK : ZX_ERR_TIMED_OUT;
    world_expect(w, "port_wait for an interrupt", QUIET(port_wait, s->port, 0, PLACE), expected);
    if (s->queued && (told(PLACE) != KEY || told(PLACE + 16) != s->sent)) world_fail(w, "another interrupt's packet");
    s->queued = false;
}

static void destroy(struct world *w, struct interrupt_state *s) {
    zx_status_t expected = s->unacked && !s->queued && !s->destroyed ? ZX_ERR_NOT_FOUND : ZX_OK;
    world_expect(w, "interrupt_destroy", QUIET(interrupt_destroy, s->interrupt), expected);
    s->destroyed = true;
    s->pending = s->queued = false;
}

void step_interrupt(struct world *w) {
    static void (*const acts[])(struct world * w, struct interrupt_state * s) = {trigger, trigger, wait, bind,
                                                                                 ack,     take,    take, destroy};
    struct interrupt_state s = {0};
    zx_status_t status = CALL(w, interrupt_create, ZX_HANDLE_INVALID, 0, ZX_INTERRUPT_VIRTUAL, CHECK_PAGE);
    world_expect(w, "interrupt_create", status, w->failed);
    if (status != ZX_OK) return;
    s.interrupt = world_out_handle(CHECK_PAGE);
    world_expect(w, "port_create", QUIET(port_create, ZX_PORT_BIND_TO_INTERRUPT, CHECK_PAGE), ZX_OK);
    s.port = world_out_handle(CHECK_PAGE);
    for (unsigned i = 0; i < ACTS; i++) acts[input_below(&w->in, 8)](w, &s);
    (void)QUIET(handle_close, input_rarely(&w->in, 2) ? s.port : s.interrupt);
    (void)QUIET(handle_close, s.interrupt);
    (void)QUIET(handle_close, s.port);
}
