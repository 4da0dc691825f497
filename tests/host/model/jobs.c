/*
 * The model's tree of jobs. Members are counted anew each time: a job is made after its parent, so going
 * backwards through all of them meets the children first.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>
#include <zircon/syscalls/policy.h>

#include "tests/host/model/model.h"

#define HEIGHT_MAX 32

struct census {
    unsigned jobs, processes;
    bool dead, listed;
};

static void count_members(const struct model *m, struct census counts[MODEL_JOBS]) {
    for (unsigned i = 0; i < MODEL_JOBS; i++) counts[i] = (struct census){0};
    for (unsigned i = 0; i < m->process_count; i++) {
        if (m->processes[i].state != MODEL_DEAD) counts[m->processes[i].job - m->jobs].processes++;
    }
    for (unsigned i = m->job_count; i-- > 0;) {
        struct census *c = &counts[i];
        bool empty = c->jobs + c->processes == 0;
        c->dead = m->jobs[i].killed && empty;
        c->listed = !c->dead && (m->jobs[i].object.handles > 0 || !empty);
        if (m->jobs[i].parent && c->listed) counts[m->jobs[i].parent - m->jobs].jobs++;
    }
}

bool model_job_listed(const struct model *m, const struct model_job *job) {
    struct census counts[MODEL_JOBS];
    count_members(m, counts);
    return counts[job - m->jobs].listed;
}

zx_signals_t model_job_signals(const struct model *m, const struct model_job *job) {
    struct census counts[MODEL_JOBS];
    count_members(m, counts);
    const struct census *c = &counts[job - m->jobs];
    return (c->processes ? 0 : ZX_JOB_NO_PROCESSES) | (c->jobs ? 0 : ZX_JOB_NO_JOBS) |
           (c->dead ? ZX_JOB_TERMINATED : 0);
}

struct model_job *model_job_new(struct model *m, struct model_job *parent) {
    if (m->job_count == MODEL_JOBS) abort();
    struct model_job *job = &m->jobs[m->job_count++];
    *job = (struct model_job){
        .object.type = ZX_OBJ_TYPE_JOB, .parent = parent, .height = parent ? parent->height - 1 : HEIGHT_MAX};
    if (parent) memcpy(job->policy, parent->policy, sizeof(job->policy));
    return job;
}

zx_status_t model_job_create(struct model *m, struct model_process *p, zx_handle_t value, uint32_t options,
                             uint64_t out, zx_handle_t made) {
    struct model_handle *h;
    if (options) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_JOB, &h);
    if (status != ZX_OK) return status;
    struct model_job *parent = (struct model_job *)h->object;
    if (parent->height == 0) return ZX_ERR_OUT_OF_RANGE;
    if (parent->killed) return ZX_ERR_BAD_STATE;
    status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    model_give(p, made, &model_job_new(m, parent)->object, ZX_DEFAULT_JOB_RIGHTS);
    model_notify(m, &parent->object);
    return ZX_OK;
}

/* One entry, in a policy that was `before` when the call began. */
static zx_status_t choose(const uint8_t before[MODEL_CONDITIONS], uint8_t after[MODEL_CONDITIONS],
                          zx_policy_basic_t entry, bool absolute) {
    if (entry.condition >= MODEL_CONDITIONS) return ZX_ERR_INVALID_ARGS;
    if (entry.policy > ZX_POL_ACTION_KILL) return ZX_ERR_NOT_SUPPORTED;
    for (uint32_t i = 0; i < MODEL_CONDITIONS; i++) {
        bool any = entry.condition == ZX_POL_NEW_ANY && i >= ZX_POL_NEW_VMO && i <= ZX_POL_NEW_TIMER;
        if ((i != entry.condition && !any) || i == ZX_POL_NEW_ANY) continue;
        if (before[i] && before[i] != entry.policy + 1 && absolute) return ZX_ERR_ALREADY_EXISTS;
        if (!before[i]) after[i] = (uint8_t)(entry.policy + 1);
    }
    return ZX_OK;
}

zx_status_t model_job_set_policy(struct model *m, struct model_process *p, zx_handle_t value, uint32_t options,
                                 uint32_t topic, uint64_t entries, uint32_t count) {
    const zx_signals_t empty = ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES;
    zx_policy_basic_t read[MODEL_CONDITIONS];
    uint8_t after[MODEL_CONDITIONS];
    struct model_handle *h;
    const uint64_t len = model_min(count, MODEL_CONDITIONS) * sizeof(read[0]);
    if (options > ZX_JOB_POL_ABSOLUTE || topic != ZX_JOB_POL_BASIC || !entries || !count) return ZX_ERR_INVALID_ARGS;
    if (model_load(p, entries, read, len) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_JOB, ZX_RIGHT_SET_POLICY, &h);
    if (status != ZX_OK) return status;
    struct model_job *job = (struct model_job *)h->object;
    if ((model_job_signals(m, job) & empty) != empty) return ZX_ERR_BAD_STATE;
    if (count > MODEL_CONDITIONS) return ZX_ERR_OUT_OF_RANGE;
    memcpy(after, job->policy, sizeof(after));
    for (uint32_t i = 0; i < count && status == ZX_OK; i++)
        status = choose(job->policy, after, read[i], options == ZX_JOB_POL_ABSOLUTE);
    if (status == ZX_OK) memcpy(job->policy, after, sizeof(after));
    return status;
}

static bool is_within(const struct model_job *job, const struct model_job *top) {
    while (job && job != top) job = job->parent;
    return job;
}

/* Jobs that were killed before take nothing with them. */
void model_job_kill(struct model *m, struct model_job *top, int64_t code) {
    struct model_process *victims[MODEL_PROCESSES];
    unsigned count = 0;
    for (unsigned i = 0; i < m->process_count; i++) {
        struct model_process *p = &m->processes[i];
        if (p->state != MODEL_DEAD && is_within(p->job, top)) victims[count++] = p;
    }
    for (unsigned i = 0; i < m->job_count; i++) m->jobs[i].killed |= is_within(&m->jobs[i], top);
    model_kill_many(m, victims, count, code);
    model_notify(m, NULL);
}
