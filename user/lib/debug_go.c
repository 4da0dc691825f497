/*
 * Stopping a process's threads and letting them go on; see debug.h.
 *
 * All threads are stopped by one token of the process, so that none is missed. To let some of them go on each of the
 * others gets a token of its own first. A thread that is in an exception is stopped without any.
 */
#include <stdlib.h>

#include "user/lib/debug_internal.h"

/* How long to wait for a thread that may have stopped without a sign of it: in an exception that others handle. */
#define LOOK_AGAIN ZX_MSEC(1)

/* --- stopping --- */

static bool stands(const struct debug_thread *t) {
    zx_info_thread_t info;
    if (t->exception != ZX_HANDLE_INVALID) return true;
    if (zx_object_get_info(t->handle, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL) != ZX_OK) return true;
    /* Word of it is on its way. */
    if (info.state == ZX_THREAD_STATE_BLOCKED_EXCEPTION &&
        info.wait_exception_channel_type == ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER)
        return false;
    return info.state == ZX_THREAD_STATE_SUSPENDED || info.state == ZX_THREAD_STATE_BLOCKED_EXCEPTION ||
           info.state == ZX_THREAD_STATE_DEAD;
}

static struct debug_thread *first_that_runs(const struct debug_process *p) {
    struct debug_thread *t = p->threads;
    while (t && stands(t)) t = t->next;
    return t;
}

/* A thread may come to an exception, or to its end, before it is suspended. */
static void await_all(struct debug_process *p) {
    struct debug_thread *t;
    debug_take(p);
    while (!p->ended && (t = first_that_runs(p))) {
        zx_wait_item_t items[] = {{t->handle, ZX_THREAD_SUSPENDED | ZX_THREAD_TERMINATED, 0},
                                  {p->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0}};
        (void)zx_object_wait_many(items, 2, zx_deadline_after(LOOK_AGAIN));
        debug_take(p);
    }
}

void debug_note_states(struct debug_process *p) {
    for (struct debug_thread *t = p->threads; t; t = t->next) {
        zx_info_thread_t info;
        if (zx_object_get_info(t->handle, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL) == ZX_OK)
            t->state = info.state;
    }
}

void debug_stop(struct debug_process *p) {
    if (p->ended) return;
    if (p->held == ZX_HANDLE_INVALID) debug_note_states(p);
    if (p->held == ZX_HANDLE_INVALID && zx_task_suspend_token(p->handle, &p->held) != ZX_OK) {
        debug_take(p);
        return;
    }
    await_all(p);
    for (struct debug_thread *t = p->threads; t && !p->ended; t = t->next) {
        if (t->exception == ZX_HANDLE_INVALID) debug_step_finish(t);
    }
}

/* --- going on --- */

static void watches_apply(struct debug_thread *t) {
    if (t->watches_version == t->process->watches_version) return;
    if (machine_watches_set(t->handle, t->process->watches) == ZX_OK) t->watches_version = t->process->watches_version;
}

static void step_begin(struct debug_thread *t) {
    uint8_t code[MACHINE_CODE_MAX];
    struct machine_place place;
    size_t len = 0;
    if (machine_place_get(t->handle, &place) != ZX_OK) return;
    if (debug_read(t->process, place.pc, code, sizeof(code), &len) != ZX_OK) len = 0;
    t->stepping = machine_step_begin(t->handle, code, len, &t->step) == ZX_OK;
    if (t->stepping) guard_note_step(t->process->table, t->koid, &t->step);
}

static void exception_close(struct debug_thread *t) {
    uint32_t state = t->pass ? ZX_EXCEPTION_STATE_TRY_NEXT : ZX_EXCEPTION_STATE_HANDLED;
    uint32_t strategy = ZX_EXCEPTION_STRATEGY_SECOND_CHANCE;
    (void)zx_object_set_property(t->exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof(state));
    if (t->second_chance)
        (void)zx_object_set_property(t->exception, ZX_PROP_EXCEPTION_STRATEGY, &strategy, sizeof(strategy));
    zx_handle_close(t->exception);
    t->exception = ZX_HANDLE_INVALID;
    t->pass = false;
    t->second_chance = false;
}

void debug_thread_go(struct debug_thread *t) {
    watches_apply(t);
    if (t->action == DEBUG_STEP) step_begin(t);
    t->reason = DEBUG_NOTHING;
    t->watch = -1;
    if (t->exception != ZX_HANDLE_INVALID) exception_close(t);
    zx_handle_close(t->held);
    t->held = ZX_HANDLE_INVALID;
}

static void hold(struct debug_thread *t) {
    if (t->exception != ZX_HANDLE_INVALID || t->held != ZX_HANDLE_INVALID) return;
    (void)zx_task_suspend_token(t->handle, &t->held);
}

/* First all are held that are to be; the process's token goes last. */
void debug_go(struct debug_process *p) {
    if (p->held == ZX_HANDLE_INVALID) return;
    for (struct debug_thread *t = p->threads; t; t = t->next) {
        if (t->action == DEBUG_HOLD) hold(t);
    }
    for (struct debug_thread *t = p->threads; t; t = t->next) {
        if (t->action != DEBUG_HOLD) debug_thread_go(t);
    }
    zx_handle_close(p->held);
    p->held = ZX_HANDLE_INVALID;
}

void debug_set_actions(struct debug_process *p, enum debug_action action) {
    for (struct debug_thread *t = p->threads; t; t = t->next) {
        t->action = action;
        t->pass = false;
        t->second_chance = false;
    }
}

/* --- waiting --- */

void debug_wait(struct debug_process *p) {
    zx_wait_item_t items[] = {{p->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0},
                              {p->handle, ZX_PROCESS_TERMINATED, 0}};
    (void)zx_object_wait_many(items, 2, ZX_TIME_INFINITE);
    debug_take(p);
}

bool debug_step_alone(struct debug_thread *t) {
    struct debug_process *p = t->process;
    const zx_koid_t koid = t->koid;
    struct machine_place place;
    struct debug_break *over = NULL;
    if (machine_place_get(t->handle, &place) == ZX_OK) over = debug_break_find(p, place.pc);
    if (over) debug_break_lift(p, over);
    debug_set_actions(p, DEBUG_HOLD);
    t->action = DEBUG_STEP;
    t->told = true;
    p->hold_new = true;
    debug_go(p);
    while (!p->ended && (t = debug_thread_find(p, koid)) && t->exception == ZX_HANDLE_INVALID) debug_wait(p);
    p->hold_new = false;
    debug_stop(p);
    if (over && !p->ended) (void)debug_break_plant(p, over);
    return !p->ended && t && t->reason == DEBUG_STEPPED;
}

/* What has begun while the thread stepped has no action yet. */
static void action_restore(struct debug_thread *t, bool hold_new) {
    bool begins = t->exception != ZX_HANDLE_INVALID && t->report.header.type == ZX_EXCP_THREAD_STARTING;
    t->action = !begins ? t->wanted : hold_new ? DEBUG_HOLD : DEBUG_GO;
}

void debug_skip_break(struct debug_thread *t) {
    struct debug_process *p = t->process;
    const zx_koid_t koid = t->koid;
    const bool hold_new = p->hold_new;
    debug_stop(p);
    for (struct debug_thread *other = p->threads; other; other = other->next) other->wanted = other->action;
    (void)debug_step_alone(t);
    for (struct debug_thread *other = p->threads; other; other = other->next) action_restore(other, hold_new);
    p->hold_new = hold_new;
    t = debug_thread_find(p, koid);
    if (t && t->reason == DEBUG_STEPPED && t->action == DEBUG_GO) t->reason = DEBUG_NOTHING;
}
