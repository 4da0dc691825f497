/*
 * Steps on jobs, suspension, and what threads report: for each, the choice of arguments, the call, and what the model
 * says. One entry of the list of steps stands for them all.
 */
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "tests/host/steps.h"

static zx_status_t job_create(struct world *w, zx_handle_t parent, uint32_t options, uint64_t out, zx_handle_t *made) {
    zx_status_t status = CALL(w, job_create, parent, options, out);
    *made = world_out_handle(out);
    world_expect(w, "job_create", status, model_job_create(&w->model, w->me, parent, options, out, *made));
    if (status == ZX_OK) world_learn_koid(w, *made);
    return status;
}

static bool is_root_job(struct world *w, zx_handle_t value) {
    return picked(w, value, ZX_OBJ_TYPE_JOB) == &w->model.jobs[0].object;
}

/* One job, or a line of them as deep as it may be, of which the last handle stays. */
static void jobs_create(struct world *w) {
    zx_handle_t parent = pick_handle(w, ZX_OBJ_TYPE_JOB), made;
    uint64_t out = pick_out(w, 0);
    uint8_t choice = input_byte(&w->in);
    bool line = choice < 8;
    while (w->model.job_count < MODEL_JOBS && job_create(w, parent, choice >= 248, out, &made) == ZX_OK && line) {
        if (!is_root_job(w, parent)) {
            zx_status_t status = CALL(w, handle_close, parent);
            world_expect(w, "handle_close of a job", status, model_handle_close(&w->model, w->me, parent));
        }
        parent = made;
    }
}

/* The root job holds the actors. */
static void job_kill(struct world *w) {
    zx_handle_t job = pick_handle(w, ZX_OBJ_TYPE_JOB);
    if (is_root_job(w, job)) return;
    zx_status_t status = CALL(w, task_kill, job);
    world_settle();
    world_expect(w, "task_kill of a job", status, model_task_kill(&w->model, w->me, job));
}

static void suspend(struct world *w) {
    static const zx_obj_type_t types[] = {ZX_OBJ_TYPE_PROCESS, ZX_OBJ_TYPE_THREAD, ZX_OBJ_TYPE_THREAD, 0};
    zx_handle_t task = pick_handle(w, types[input_below(&w->in, 4)]);
    uint64_t out = pick_out(w, 0);
    zx_status_t status = CALL(w, task_suspend_token, task, out);
    zx_handle_t made = world_out_handle(out);
    world_expect(w, "task_suspend_token", status, model_task_suspend(&w->model, w->me, task, out, made));
    if (status == ZX_OK) world_learn_koid(w, made);
}

static void resume(struct world *w) {
    zx_handle_t token = pick_handle(w, ZX_OBJ_TYPE_SUSPEND_TOKEN);
    zx_status_t status = CALL(w, handle_close, token);
    world_expect(w, "handle_close of a token", status, model_handle_close(&w->model, w->me, token));
}

static zx_thread_state_t expected_state(const struct model_thread *t) {
    if (!t->started) return ZX_THREAD_STATE_NEW;
    if (t->dead) return ZX_THREAD_STATE_DEAD;
    return t->parked ? ZX_THREAD_STATE_SUSPENDED : ZX_THREAD_STATE_RUNNING;
}

static void thread_info(struct world *w) {
    zx_info_thread_t info;
    zx_handle_t value = pick_handle(w, ZX_OBJ_TYPE_THREAD);
    bool stats = input_rarely(&w->in, 2);
    struct model_handle *h;
    zx_status_t expected = model_get(w->me, value, 0, ZX_RIGHT_INSPECT, &h);
    if (expected == ZX_OK && h->object->type != ZX_OBJ_TYPE_THREAD) expected = ZX_ERR_WRONG_TYPE;
    zx_status_t status =
        CALL(w, object_get_info, value, stats ? ZX_INFO_THREAD_STATS : ZX_INFO_THREAD, DATA, sizeof(info), 0, 0);
    world_expect(w, "object_get_info of a thread", status, expected);
    if (status != ZX_OK) return;
    if (host_user_load(&info, DATA, sizeof(info)) != ZX_OK) abort();
    world_store(w, DATA, &info, sizeof(info));
    zx_thread_state_t state = expected_state((const struct model_thread *)h->object);
    if (!stats && info.state != state) world_fail(w, "a thread's state is %#x, and not %#x", info.state, state);
}

/* --- registers --- */

struct state_call {
    zx_handle_t thread;
    uint32_t kind;
    uint64_t buffer, size;
};

static struct state_call pick_state_call(struct world *w) {
    uint8_t choice = input_byte(&w->in);
    struct state_call c = {pick_handle(w, ZX_OBJ_TYPE_THREAD), ZX_THREAD_STATE_GENERAL_REGS, DATA,
                           sizeof(zx_thread_state_general_regs_t)};
    if (choice % 16 == 15) c.kind = choice;
    if (choice % 16 == 14) c.size--;
    if (choice % 16 == 13) c.buffer = 0x1000;
    if (choice % 16 == 12) c.size += 100;
    return c;
}

static void read_state(struct world *w) {
    zx_thread_state_general_regs_t regs;
    struct model_thread *t = NULL;
    struct state_call c = pick_state_call(w);
    zx_status_t expected = model_thread_state(w->me, c.thread, false, c.kind, c.size, &t);
    if (expected == ZX_OK && c.buffer != DATA) expected = ZX_ERR_INVALID_ARGS;
    zx_status_t status = CALL(w, thread_read_state, c.thread, c.kind, c.buffer, c.size);
    world_expect(w, "thread_read_state", status, expected);
    if (status != ZX_OK || !t) return;
    if (host_user_load(&regs, DATA, sizeof(regs)) != ZX_OK) abort();
    world_store(w, DATA, &regs, sizeof(regs));
    if (t->registers_known && memcmp(&t->registers, &regs, sizeof(regs)) != 0)
        world_fail(w, "a thread's registers are not what they were");
    t->registers = regs;
    t->registers_known = true;
}

/* The buffer is read before the state is looked at. */
static void write_state(struct world *w) {
    zx_thread_state_general_regs_t regs;
    struct model_thread *t = NULL;
    struct state_call c = pick_state_call(w);
    bool good = !input_rarely(&w->in, 4);
    memset(&regs, ++w->fill, sizeof(regs));
    regs.rip = good ? SCRATCH : ~SCRATCH;
    world_store(w, DATA, &regs, sizeof(regs));
    zx_status_t expected = model_thread_state(w->me, c.thread, true, c.kind, c.size, &t);
    if (t && c.buffer != DATA) expected = ZX_ERR_INVALID_ARGS;
    if (expected == ZX_OK && !good) expected = ZX_ERR_INVALID_ARGS;
    zx_status_t status = CALL(w, thread_write_state, c.thread, c.kind, c.buffer, c.size);
    world_expect(w, "thread_write_state", status, expected);
    if (status != ZX_OK || !t) return;
    t->registers = regs;
    t->registers_known = true;
}

/* Nobody has left a call unfinished. */
static void call_finish(struct world *w) {
    world_expect(w, "channel_call_finish", CALL(w, channel_call_finish, 0, 0, 0), ZX_ERR_BAD_STATE);
}

void step_task(struct world *w) {
    static step_fn *const calls[] = {jobs_create, suspend,     read_state, write_state, thread_info, resume,
                                     job_kill,    jobs_create, suspend,    resume,      call_finish};
    calls[input_below(&w->in, 11)](w);
}
