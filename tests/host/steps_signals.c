/*
 * Steps on events, signals, waits and futexes: for each, the choice of arguments, the call, and what the model says. A
 * wait has a deadline in a moment, for during the call nothing happens.
 */
#include <zircon/errors.h>

#include "tests/host/steps.h"

static uint64_t pick_soon(struct world *w) {
    return host_syscall(HOST_SYS_clock_get_monotonic, (uint64_t[8]){0}) + input_byte(&w->in) * 100u;
}

void step_event_create(struct world *w) {
    uint64_t out = pick_out(w, 0);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, event_create, options, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "event_create", status, model_event_create(&w->model, w->me, options, out, made));
    if (status == ZX_OK) world_learn_koid(w, made);
}

void step_eventpair_create(struct world *w) {
    uint64_t out0 = pick_out(w, 0), out1 = pick_out(w, 2);
    uint32_t options = input_rarely(&w->in, 16);
    zx_status_t status = CALL(w, eventpair_create, options, out0, out1);
    const zx_handle_t made[2] = {world_out_handle(out0), world_out_handle(out1)};
    world_expect(w, "eventpair_create", status, model_eventpair_create(&w->model, w->me, options, out0, out1, made));
    for (unsigned i = 0; status == ZX_OK && i < 2; i++) world_learn_koid(w, made[i]);
}

/* Signals that programs may raise, now and then some that they may not. */
static zx_signals_t pick_signals(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    if (choice < 128) return (zx_signals_t)choice << 24;
    if (choice < 192) return ZX_EVENT_SIGNALED | (zx_signals_t)choice << 28;
    return 1u << choice % 32;
}

static zx_handle_t pick_signalled(struct world *w, bool pairs) {
    uint8_t choice = input_byte(&w->in);
    if (choice % 4 == 3) return pick_handle(w, 0);
    if (choice % 4 == 2) return pick_handle(w, ZX_OBJ_TYPE_CHANNEL);
    return pick_handle(w, pairs || choice % 4 == 1 ? ZX_OBJ_TYPE_EVENTPAIR : ZX_OBJ_TYPE_EVENT);
}

void step_object_signal(struct world *w) {
    zx_handle_t value = pick_signalled(w, false);
    zx_signals_t clear = pick_signals(w), set = pick_signals(w);
    zx_status_t status = CALL(w, object_signal, value, clear, set);
    world_expect(w, "object_signal", status, model_object_signal(&w->model, w->me, value, clear, set));
}

void step_signal_peer(struct world *w) {
    zx_handle_t value = pick_signalled(w, true);
    zx_signals_t clear = pick_signals(w), set = pick_signals(w);
    zx_status_t status = CALL(w, object_signal_peer, value, clear, set);
    world_expect(w, "object_signal_peer", status, model_object_signal_peer(&w->model, w->me, value, clear, set));
}

/* --- waits --- */

static zx_signals_t pick_awaited(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    return 1u << (choice < 128 ? choice % 8 : 24 + choice % 8);
}

void step_wait(struct world *w) {
    zx_handle_t value = pick_handle(w, 0);
    zx_signals_t signals = pick_awaited(w);
    uint64_t out = pick_out(w, 1);
    zx_status_t status = CALL(w, object_wait_one, value, signals, pick_soon(w), out);
    world_expect(w, "object_wait_one", status, model_wait_one(&w->model, w->me, value, signals, out));
    world_check_buffer(w, OUT(1), 8);
}

void step_wait_many(struct world *w) {
    zx_wait_item_t items[4];
    uint8_t choice = input_byte(&w->in);
    uint64_t count = choice >= 248 ? ZX_WAIT_MANY_MAX_ITEMS + choice % 2 : choice % 5, buffer = pick_buffer(w);
    for (unsigned i = 0; i < 4; i++) {
        items[i] = (zx_wait_item_t){pick_handle(w, choice & 0x20 ? 0 : ZX_OBJ_TYPE_EVENT), pick_awaited(w), 0};
        if (!(choice & 0x40) && i > 0) items[i].handle = items[0].handle;
    }
    if (buffer >= DATA && buffer < DATA + DATA_LEN - sizeof(items)) world_store(w, buffer, items, sizeof(items));
    zx_status_t status = CALL(w, object_wait_many, buffer, count, pick_soon(w));
    world_expect(w, "object_wait_many", status, model_wait_many(&w->model, w->me, buffer, count));
    world_check_buffer(w, buffer, count * sizeof(items[0]));
}

/* --- futexes --- */

/* A word, and mostly what it holds. */
static uint64_t pick_word(struct world *w, int32_t *value) {
    uint8_t choice = input_byte(&w->in);
    uint64_t word = pick_buffer(w);
    if (choice % 8 != 7) word &= ~(uint64_t)3;
    *value = choice;
    if (choice >= 64) (void)model_load(w->me, word, value, sizeof(*value));
    return word;
}

static zx_handle_t pick_owner(struct world *w) { return input_rarely(&w->in, 16) ? pick_handle(w, 0) : 0; }

void step_futex_wait(struct world *w) {
    int32_t value;
    uint64_t word = pick_word(w, &value);
    zx_handle_t owner = pick_owner(w);
    zx_status_t status = CALL(w, futex_wait, word, (uint32_t)value, owner, pick_soon(w));
    world_expect(w, "futex_wait", status, model_futex_wait(w->me, word, value, owner));
}

void step_futex_wake(struct world *w) {
    int32_t value;
    uint64_t word = pick_word(w, &value), out = pick_out(w, 1), nobody = ZX_KOID_INVALID;
    uint32_t count = input_byte(&w->in) % 3;
    world_expect(w, "futex_wake", CALL(w, futex_wake, word, count), model_futex_wake(word, count));
    zx_status_t status = CALL(w, futex_get_owner, word, out);
    world_expect(w, "futex_get_owner", status, model_put(w->me, out, &nobody, sizeof(nobody)));
    world_check_buffer(w, OUT(1), 8);
}

void step_futex_requeue(struct world *w) {
    int32_t value, unused;
    uint64_t word = pick_word(w, &value), other = input_rarely(&w->in, 16) ? 0 : pick_word(w, &unused);
    uint32_t count = input_byte(&w->in) % 3;
    zx_handle_t owner = pick_owner(w);
    zx_status_t status = CALL(w, futex_requeue, word, 1, (uint32_t)value, other, count, owner);
    world_expect(w, "futex_requeue", status, model_futex_requeue(w->me, word, value, other, count, owner));
}
