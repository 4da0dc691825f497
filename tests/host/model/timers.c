/*
 * The model's timers. They go off when the world lets time go by, and never in between.
 */
#include <zircon/errors.h>
#include <zircon/time.h>

#include "tests/host/model/model.h"

zx_status_t model_timer_create(struct model *m, struct model_process *p, uint32_t options, uint32_t clock, uint64_t out,
                               zx_handle_t made) {
    if (clock != ZX_CLOCK_MONOTONIC || options > ZX_TIMER_SLACK_LATE) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_timer *timer = &m->timers[m->timer_count++];
    *timer = (struct model_timer){.object.type = ZX_OBJ_TYPE_TIMER, .slack_mode = options};
    model_give(p, made, &timer->object, ZX_DEFAULT_TIMER_RIGHTS);
    return ZX_OK;
}

static void show(struct model *m, struct model_timer *timer, bool signalled) {
    timer->set = false;
    timer->signalled = signalled;
    model_notify(m, &timer->object);
}

/* When the first other one goes off that does so within the slack. */
static int64_t choose_deadline(const struct model *m, const struct model_timer *timer, int64_t deadline,
                               int64_t slack) {
    int64_t from = timer->slack_mode == ZX_TIMER_SLACK_LATE ? deadline : zx_time_sub_duration(deadline, slack);
    int64_t to = timer->slack_mode == ZX_TIMER_SLACK_EARLY ? deadline : zx_time_add_duration(deadline, slack);
    int64_t best = INT64_MAX;
    for (unsigned i = 0; i < m->timer_count; i++) {
        const struct model_timer *other = &m->timers[i];
        if (other != timer && other->set && other->deadline >= from && other->deadline < best) best = other->deadline;
    }
    return best <= to && best != INT64_MAX ? best : deadline;
}

zx_status_t model_timer_set(struct model *m, struct model_process *p, zx_handle_t value, int64_t now, int64_t deadline,
                            int64_t slack) {
    struct model_handle *h;
    if (slack < 0) return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &h);
    if (status != ZX_OK) return status;
    struct model_timer *timer = (struct model_timer *)h->object;
    show(m, timer, false);
    if (deadline <= now) {
        show(m, timer, true);
    } else if (deadline != ZX_TIME_INFINITE) {
        timer->deadline = choose_deadline(m, timer, deadline, slack);
        timer->set = true;
    }
    return ZX_OK;
}

zx_status_t model_timer_cancel(struct model *m, struct model_process *p, zx_handle_t value) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &h);
    if (status == ZX_OK) show(m, (struct model_timer *)h->object, false);
    return status;
}

int64_t model_timer_next(const struct model *m) {
    int64_t next = ZX_TIME_INFINITE;
    for (unsigned i = 0; i < m->timer_count; i++) {
        if (m->timers[i].set && m->timers[i].deadline < next) next = m->timers[i].deadline;
    }
    return next;
}

void model_time(struct model *m, int64_t now) {
    for (unsigned i = 0; i < m->timer_count; i++) {
        if (m->timers[i].set && m->timers[i].deadline <= now) show(m, &m->timers[i], true);
    }
}
