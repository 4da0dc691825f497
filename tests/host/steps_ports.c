/*
 * Steps on ports and timers: for each, the choice of arguments, the call, and what the model says. One entry of the
 * list of steps stands for all calls of a kind.
 */
#include <zircon/errors.h>
#include <zircon/time.h>

#include "tests/host/steps.h"

static uint64_t time_now(void) { return host_syscall(HOST_SYS_clock_get_monotonic, (uint64_t[8]){0}); }

/* --- ports --- */

static void port_create(struct world *w) {
    uint64_t out = pick_out(w, 0);
    uint32_t options = input_rarely(&w->in, 16) ? 2 : 0;
    zx_status_t status = CALL(w, port_create, options, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "port_create", status, model_port_create(&w->model, w->me, options, out, made));
    if (status == ZX_OK) world_learn_koid(w, made);
}

static uint64_t pick_packet_place(struct world *w) { return input_rarely(&w->in, 16) ? 0x1000 : DATA; }

static void port_queue(struct world *w) {
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_PORT);
    uint64_t place = pick_packet_place(w);
    uint8_t choice = input_byte(&w->in);
    zx_port_packet_t packet = {.key = choice % 4, .type = choice, .status = choice - 100};
    memset(&packet.user, ++w->fill, sizeof(packet.user));
    const struct model_port *port = (const struct model_port *)picked(w, value, ZX_OBJ_TYPE_PORT);
    if (port && port->own == MODEL_PACKETS) return;
    world_store(w, DATA, &packet, sizeof(packet));
    zx_status_t status = CALL(w, port_queue, value, place);
    world_expect(w, "port_queue", status, model_port_queue(&w->model, w->me, value, place));
}

/* A packet that cannot be stored is lost, so it must be known which one that is. */
static void port_wait(struct world *w) {
    zx_port_packet_t packet = {0};
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_PORT);
    uint64_t place = pick_packet_place(w), deadline = input_rarely(&w->in, 4) ? time_now() + 1000 : 0;
    const struct model_port *port = (const struct model_port *)picked(w, value, ZX_OBJ_TYPE_PORT);
    if (port && !model_port_is_sure(port)) place = DATA;
    zx_status_t status = CALL(w, port_wait, value, deadline, place);
    bool got = status == ZX_OK || (port && status == ZX_ERR_INVALID_ARGS && port->queued);
    if (got && port && place != DATA) packet = port->queue[0].data;
    if (got && place == DATA && host_user_load(&packet, DATA, sizeof(packet)) != ZX_OK) abort();
    world_expect(w, "port_wait", status, model_port_wait(w->me, value, place, got ? &packet : NULL));
    world_check_buffer(w, DATA, sizeof(packet));
}

static const zx_obj_type_t watched[] = {
    ZX_OBJ_TYPE_EVENT, ZX_OBJ_TYPE_EVENTPAIR, ZX_OBJ_TYPE_CHANNEL, ZX_OBJ_TYPE_TIMER,
    ZX_OBJ_TYPE_JOB,   ZX_OBJ_TYPE_PROCESS,   ZX_OBJ_TYPE_THREAD,  0,
};

/* How often a wait fires can be foretold only where one call changes one signal. */
static uint32_t pick_wait_options(struct world *w, zx_handle_t value) {
    uint8_t choice = input_byte(&w->in);
    if (choice >= 248) return 2;
    bool exact = picked(w, value, ZX_OBJ_TYPE_EVENT) || picked(w, value, ZX_OBJ_TYPE_EVENTPAIR) ||
                 picked(w, value, ZX_OBJ_TYPE_TIMER);
    return exact ? choice % 2 : ZX_WAIT_ASYNC_ONCE;
}

static zx_signals_t pick_trigger(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    if (choice < 64) return choice;
    return choice < 128 ? 1u << choice % 8 : (zx_signals_t)choice << 24;
}

static void wait_async(struct world *w) {
    zx_handle_t value = pick_handle(w, watched[input_below(&w->in, 8)]), port = pick_handle(w, ZX_OBJ_TYPE_PORT);
    uint64_t key = input_below(&w->in, 3);
    zx_signals_t signals = pick_trigger(w);
    uint32_t options = pick_wait_options(w, value);
    zx_status_t status = CALL(w, object_wait_async, value, port, key, signals, options);
    world_expect(w, "object_wait_async", status,
                 model_wait_async(&w->model, w->me, value, port, key, signals, options));
}

static void port_cancel(struct world *w) {
    zx_handle_t port = pick_handle(w, ZX_OBJ_TYPE_PORT), source = pick_handle(w, watched[input_below(&w->in, 8)]);
    uint64_t key = input_below(&w->in, 3);
    zx_status_t status = CALL(w, port_cancel, port, source, key);
    world_expect(w, "port_cancel", status, model_port_cancel(&w->model, w->me, port, source, key));
}

void step_port(struct world *w) {
    static step_fn *const calls[] = {port_create, port_queue, port_wait,  wait_async,
                                     wait_async,  port_wait,  wait_async, port_cancel};
    calls[input_below(&w->in, 8)](w);
}

/* --- timers --- */

static void timer_create(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    uint64_t out = pick_out(w, 0);
    uint32_t options = choice % 4, clock = choice >= 240 ? choice - 239 : ZX_CLOCK_MONOTONIC;
    zx_status_t status = CALL(w, timer_create, options, clock, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "timer_create", status, model_timer_create(&w->model, w->me, options, clock, out, made));
    if (status == ZX_OK) world_learn_koid(w, made);
}

/* So far that nothing goes off during a call, whatever it does. */
#define TICK (4 * WORLD_MOMENT)

static void timer_set(struct world *w) {
    static const int64_t odd[] = {0, -1, INT64_MIN, ZX_TIME_INFINITE, ZX_TIME_INFINITE - 1, 1, 1000, 2};
    static const int64_t slacks[] = {0, 0, 2 * TICK, 9 * TICK, ZX_TIME_INFINITE, -1, TICK, 0};
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_TIMER);
    uint8_t choice = input_byte(&w->in);
    const int64_t now = (int64_t)time_now(), slack = slacks[input_below(&w->in, 8)];
    int64_t deadline = choice < 160 ? now + (1 + choice % 8) * TICK : odd[choice % 8];
    zx_status_t status = CALL(w, timer_set, value, (uint64_t)deadline, (uint64_t)slack);
    world_expect(w, "timer_set", status, model_timer_set(&w->model, w->me, value, now, deadline, slack));
}

static void timer_cancel(struct world *w) {
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_TIMER);
    world_expect(w, "timer_cancel", CALL(w, timer_cancel, value), model_timer_cancel(&w->model, w->me, value));
}

static void time_pass(struct world *w) { world_pass_time(w, input_below(&w->in, 10) * TICK); }

void step_timer(struct world *w) {
    static step_fn *const calls[] = {timer_create, timer_set, timer_set, timer_cancel, time_pass};
    calls[input_below(&w->in, 5)](w);
}
