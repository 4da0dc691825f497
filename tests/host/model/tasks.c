/*
 * The model's processes and threads. A thread that a program starts ends as soon as it runs, which is at once if
 * nothing suspends it.
 */
#include "tests/host/model/model.h"

#include <string.h>
#include <zircon/errors.h>
#include <zircon/syscalls/object.h>

#include "arch/types.h"

#define ROOT_CAN (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define ROOT_RIGHTS (ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE)
#define NAME_LEN 4

struct model_process *model_process_new(struct model *m, struct model_job *job) {
    struct model_process *p = &m->processes[m->process_count++];
    p->object.type = ZX_OBJ_TYPE_PROCESS;
    p->job = job;
    p->root = model_vmar_new(m, p, NULL, USER_BASE, USER_END - USER_BASE, ROOT_CAN);
    return p;
}

static zx_status_t load_name(struct model_process *p, uint64_t addr, char name[ZX_MAX_NAME_LEN]) {
    char text[NAME_LEN];
    if (model_load(p, addr, text, sizeof(text)) != ZX_OK) return ZX_ERR_INVALID_ARGS;
    memset(name, 0, ZX_MAX_NAME_LEN);
    memcpy(name, text, strnlen(text, sizeof(text)));
    return ZX_OK;
}

zx_status_t model_process_create(struct model *m, struct model_process *p, zx_handle_t job, uint32_t options,
                                 uint64_t name, uint64_t out, uint64_t out_vmar, const zx_handle_t made[2]) {
    char text[ZX_MAX_NAME_LEN];
    struct model_handle *h;
    zx_status_t status = options ? ZX_ERR_INVALID_ARGS : load_name(p, name, text);
    if (status == ZX_OK) status = model_get(p, job, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_PROCESS, &h);
    if (status == ZX_OK && ((struct model_job *)h->object)->killed) status = ZX_ERR_BAD_STATE;
    if (status == ZX_OK) status = model_put(p, out, &made[0], sizeof(made[0]));
    if (status == ZX_OK) status = model_put(p, out_vmar, &made[1], sizeof(made[1]));
    if (status != ZX_OK) return status;
    struct model_process *child = model_process_new(m, (struct model_job *)h->object);
    memcpy(child->object.name, text, sizeof(text));
    model_give(p, made[0], &child->object, ZX_DEFAULT_PROCESS_RIGHTS);
    model_give(p, made[1], &child->root->object, ROOT_RIGHTS);
    model_notify(m, NULL);
    return ZX_OK;
}

zx_status_t model_thread_create(struct model *m, struct model_process *p, zx_handle_t value, uint32_t options,
                                uint64_t name, uint64_t out, zx_handle_t made) {
    char text[ZX_MAX_NAME_LEN];
    struct model_handle *h;
    zx_status_t status = options ? ZX_ERR_INVALID_ARGS : load_name(p, name, text);
    if (status == ZX_OK) status = model_get(p, value, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_MANAGE_THREAD, &h);
    if (status == ZX_OK) status = model_put(p, out, &made, sizeof(made));
    if (status != ZX_OK) return status;
    struct model_thread *t = &m->threads[m->thread_count++];
    *t = (struct model_thread){.object.type = ZX_OBJ_TYPE_THREAD, .process = (struct model_process *)h->object};
    memcpy(t->object.name, text, sizeof(text));
    model_give(p, made, &t->object, ZX_DEFAULT_THREAD_RIGHTS);
    return ZX_OK;
}

/* The process and thread that are named to be started together. */
static zx_status_t get_pair(struct model_process *p, zx_handle_t process, zx_handle_t thread,
                            struct model_process **child, struct model_thread **t) {
    struct model_handle *ph, *th;
    zx_status_t status = model_get(p, process, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_WRITE, &ph);
    if (status == ZX_OK) status = model_get(p, thread, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_WRITE, &th);
    if (status != ZX_OK) return status;
    *child = (struct model_process *)ph->object;
    *t = (struct model_thread *)th->object;
    return (*t)->process == *child ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

zx_status_t model_process_start(struct model *m, struct model_process *p, zx_handle_t process, zx_handle_t thread,
                                zx_handle_t value, int64_t code, zx_status_t failed) {
    struct model_process *child = NULL;
    struct model_thread *t = NULL;
    struct model_handle *arg = value ? model_find(p, value) : NULL;
    zx_status_t status = get_pair(p, process, thread, &child, &t);
    if (status == ZX_OK && value && !arg) status = ZX_ERR_BAD_HANDLE;
    if (status == ZX_OK && arg && !(arg->rights & ZX_RIGHT_TRANSFER)) status = ZX_ERR_ACCESS_DENIED;
    if (status == ZX_OK) status = failed;
    bool starts = status == ZX_OK && t && !t->started && child->state == MODEL_INITIAL;
    if (status == ZX_OK && !starts) status = ZX_ERR_BAD_STATE;
    if (starts) child->state = MODEL_RUNNING;
    /* The argument leaves the caller in every case. Its value in the process is of no interest, there or here. */
    struct model_handle taken = arg ? model_take(m, p, arg) : (struct model_handle){0};
    if (arg && starts) child->handles[child->handle_count++] = (struct model_handle){0, taken.object, taken.rights};
    if (starts) model_thread_run(m, t, MODEL_EXIT_PROCESS, code);
    if (arg && !starts) model_drop(m, taken);
    return status;
}

zx_status_t model_thread_start(struct model *m, struct model_process *p, zx_handle_t value) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_MANAGE_THREAD, &h);
    if (status != ZX_OK) return status;
    struct model_thread *t = (struct model_thread *)h->object;
    if (t->started || t->process->state != MODEL_RUNNING) return ZX_ERR_BAD_STATE;
    model_thread_run(m, t, MODEL_EXIT_THREAD, 0);
    return ZX_OK;
}

struct model_object *model_find_child(struct model *m, const struct model_object *parent, zx_koid_t koid) {
    for (unsigned i = 0; parent->type == ZX_OBJ_TYPE_PROCESS && i < m->thread_count; i++) {
        struct model_thread *t = &m->threads[i];
        if (&t->process->object == parent && t->started && !t->dead && t->object.koid == koid) return &t->object;
    }
    for (unsigned i = 0; parent->type == ZX_OBJ_TYPE_JOB && i < m->job_count; i++) {
        struct model_job *child = &m->jobs[i];
        if (child->object.koid == koid && child->parent && &child->parent->object == parent &&
            model_job_listed(m, child))
            return &child->object;
    }
    for (unsigned i = 0; parent->type == ZX_OBJ_TYPE_JOB && i < m->process_count; i++) {
        struct model_process *child = &m->processes[i];
        if (&child->job->object == parent && child->state != MODEL_DEAD && child->object.koid == koid)
            return &child->object;
    }
    return NULL;
}

zx_status_t model_get_child(struct model *m, struct model_process *p, zx_handle_t value, zx_koid_t koid,
                            zx_rights_t rights, uint64_t out, zx_handle_t made) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_ENUMERATE, &h);
    if (status != ZX_OK) return status;
    if (rights == ZX_RIGHT_SAME_RIGHTS) rights = h->rights;
    if (rights & ~h->rights) return ZX_ERR_ACCESS_DENIED;
    if (h->object->type != ZX_OBJ_TYPE_PROCESS && h->object->type != ZX_OBJ_TYPE_JOB) return ZX_ERR_WRONG_TYPE;
    struct model_object *child = model_find_child(m, h->object, koid);
    if (!child) return ZX_ERR_NOT_FOUND;
    status = model_put(p, out, &made, sizeof(made));
    if (status == ZX_OK) model_give(p, made, child, rights);
    return status;
}

zx_status_t model_task_kill(struct model *m, struct model_process *p, zx_handle_t value) {
    struct model_handle *h;
    zx_status_t status = model_get(p, value, 0, ZX_RIGHT_DESTROY, &h);
    if (status != ZX_OK) return status;
    if (h->object->type == ZX_OBJ_TYPE_PROCESS)
        model_kill(m, (struct model_process *)h->object, ZX_TASK_RETCODE_SYSCALL_KILL);
    else if (h->object->type == ZX_OBJ_TYPE_JOB)
        model_job_kill(m, (struct model_job *)h->object, ZX_TASK_RETCODE_SYSCALL_KILL);
    else
        status = ZX_ERR_WRONG_TYPE;
    return status;
}
