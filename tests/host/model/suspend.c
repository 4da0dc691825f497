/*
 * The model's suspension: tokens count, a thread that they hold parks, and one that they let go runs on to what it has
 * to do.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "tests/host/model/model.h"

bool model_is_suspended(const struct model_thread *t) { return t->suspensions + t->process->suspensions > 0; }

static void show(struct model *m, struct model_thread *t, bool parked) {
    t->parked = parked;
    model_notify(m, &t->object);
}

void model_thread_run(struct model *m, struct model_thread *t, enum model_program program, int64_t code) {
    t->started = true;
    t->program = program;
    t->code = code;
    show(m, t, false);
}

static void end(struct model *m, struct model_thread *t) {
    if (t->program == MODEL_EXIT_PROCESS) {
        model_kill(m, t->process, t->code);
    } else {
        t->dead = true;
        model_notify(m, &t->object);
    }
}

/* The end of one may let another go. */
void model_settle(struct model *m) {
    for (unsigned i = 0; i < m->thread_count; i++) {
        struct model_thread *t = &m->threads[i];
        bool runs = t->started && !t->dead && !t->parked;
        if (!runs || (t->program == MODEL_ACTOR && !model_is_suspended(t))) continue;
        if (model_is_suspended(t))
            show(m, t, true);
        else
            end(m, t);
        i = UINT32_MAX;
    }
}

static void count_task(struct model *m, struct model_object *task, int change) {
    if (task->type == ZX_OBJ_TYPE_PROCESS)
        ((struct model_process *)task)->suspensions += (unsigned)change;
    else
        ((struct model_thread *)task)->suspensions += (unsigned)change;
    for (unsigned i = 0; i < m->thread_count; i++) {
        struct model_thread *t = &m->threads[i];
        if (t->parked && !t->dead && !model_is_suspended(t)) show(m, t, false);
    }
}

void model_token_end(struct model *m, struct model_token *token) { count_task(m, token->task, -1); }

static zx_status_t check_task(const struct model_process *p, const struct model_thread *self,
                              const struct model_object *task) {
    const struct model_process *process = (const struct model_process *)task;
    const struct model_thread *t = (const struct model_thread *)task;
    if (task->type == ZX_OBJ_TYPE_PROCESS) {
        if (process == p) return ZX_ERR_NOT_SUPPORTED;
        return process->state == MODEL_DEAD ? ZX_ERR_BAD_STATE : ZX_OK;
    }
    if (task->type != ZX_OBJ_TYPE_THREAD) return ZX_ERR_WRONG_TYPE;
    if (t == self) return ZX_ERR_NOT_SUPPORTED;
    return t->dead ? ZX_ERR_BAD_STATE : ZX_OK;
}

zx_status_t model_task_suspend(struct model *m, struct model_process *p, zx_handle_t value, uint64_t out,
                               zx_handle_t made) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_WRITE, &h);
    /* An actor's thread has its process's number. */
    if (status == ZX_OK) status = check_task(p, &m->threads[p - m->processes], h->object);
    struct model_object *task = h ? h->object : NULL;
    if (status == ZX_OK) status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_token *token = &m->tokens[m->token_count++];
    *token = (struct model_token){.object.type = ZX_OBJ_TYPE_SUSPEND_TOKEN, .task = task};
    count_task(m, task, 1);
    model_give(p, made, &token->object, ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS);
    return ZX_OK;
}

zx_status_t model_thread_state(struct model_process *p, zx_handle_t value, bool write, uint32_t kind, uint64_t size,
                               struct model_thread **t) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_THREAD, write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ, &h);
    if (status != ZX_OK) return status;
    if (kind != ZX_THREAD_STATE_GENERAL_REGS) return ZX_ERR_INVALID_ARGS;
    if (size < sizeof(zx_thread_state_general_regs_t)) return ZX_ERR_BUFFER_TOO_SMALL;
    *t = (struct model_thread *)h->object;
    return (*t)->parked && !(*t)->dead ? ZX_OK : ZX_ERR_BAD_STATE;
}
