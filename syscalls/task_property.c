/*
 * Properties of processes and jobs. Manual: object.md. Each is a word, set with a single store; no lock is taken.
 * Limits of memory are reported in bytes and kept in pages.
 */
#include "syscalls/task_property.h"

#include <zircon/syscalls/object.h>

#include "kernel/object/process.h"
#include "syscalls/syscalls.h"
#include "vm/usercopy.h"

/* A program sets where its debugger finds what is loaded: once, but for the mark that it is to stop after that. */
static zx_status_t set_debug_addr(struct object *object, uint32_t property UNUSED, uint64_t value) {
    _Atomic uint64_t *addr = &process_from_object(object)->debug_addr;
    uint64_t before = atomic_load(addr);
    if (value == 0) return ZX_ERR_INVALID_ARGS;
    do {
        if (before != 0 && before != ZX_PROCESS_DEBUG_ADDR_BREAK_ON_SET) return ZX_ERR_ACCESS_DENIED;
    } while (!atomic_compare_exchange_weak(addr, &before, value));
    return ZX_OK;
}

static uint64_t get_debug_addr(struct object *object, uint32_t property UNUSED) {
    return atomic_load(&process_from_object(object)->debug_addr);
}

/* There is no vDSO. */
static uint64_t get_vdso_base(struct object *object UNUSED, uint32_t property UNUSED) { return 0; }

static zx_status_t set_kill_on_oom(struct object *object, uint32_t property UNUSED, uint64_t value) {
    if (value > 1) return ZX_ERR_INVALID_ARGS;
    atomic_store(&job_from_object(object)->kill_on_oom, value);
    return ZX_OK;
}

/* The properties follow one another as the kinds do. */
static enum budget_kind limit_kind(uint32_t property) { return property - ZX_PROP_JOB_LIMIT_MEMORY; }
_Static_assert(ZX_PROP_JOB_LIMIT_JOBS - ZX_PROP_JOB_LIMIT_MEMORY == BUDGET_JOBS && BUDGET_JOBS + 1 == BUDGET_KINDS);

static uint64_t get_limit(struct object *object, uint32_t property) {
    const enum budget_kind kind = limit_kind(property);
    return job_limit_told(kind, budget_limit(job_from_object(object)->budget, kind));
}

static zx_status_t set_limit(struct object *object, uint32_t property, uint64_t value) {
    const enum budget_kind kind = limit_kind(property);
    if (kind == BUDGET_MEMORY && value != ZX_JOB_UNLIMITED) value >>= PAGE_SHIFT;
    return budget_set_limit(job_from_object(object)->budget, kind, value);
}

typedef uint64_t get_fn(struct object *object, uint32_t property);
typedef zx_status_t set_fn(struct object *object, uint32_t property, uint64_t value);

static const struct task_property {
    uint32_t property;
    zx_obj_type_t type;
    get_fn *get;        /* NULL: it cannot be got */
    set_fn *set;        /* NULL: it cannot be set */
    zx_rights_t rights; /* to set it, SET_PROPERTY aside */
} properties[] = {
    {ZX_PROP_PROCESS_DEBUG_ADDR, ZX_OBJ_TYPE_PROCESS, get_debug_addr, set_debug_addr, 0},
    {ZX_PROP_PROCESS_VDSO_BASE_ADDRESS, ZX_OBJ_TYPE_PROCESS, get_vdso_base, NULL, 0},
    {ZX_PROP_JOB_KILL_ON_OOM, ZX_OBJ_TYPE_JOB, NULL, set_kill_on_oom, ZX_RIGHT_SET_POLICY},
    {ZX_PROP_JOB_LIMIT_MEMORY, ZX_OBJ_TYPE_JOB, get_limit, set_limit, ZX_RIGHT_SET_POLICY},
    {ZX_PROP_JOB_LIMIT_HANDLES, ZX_OBJ_TYPE_JOB, get_limit, set_limit, ZX_RIGHT_SET_POLICY},
    {ZX_PROP_JOB_LIMIT_THREADS, ZX_OBJ_TYPE_JOB, get_limit, set_limit, ZX_RIGHT_SET_POLICY},
    {ZX_PROP_JOB_LIMIT_PROCESSES, ZX_OBJ_TYPE_JOB, get_limit, set_limit, ZX_RIGHT_SET_POLICY},
    {ZX_PROP_JOB_LIMIT_JOBS, ZX_OBJ_TYPE_JOB, get_limit, set_limit, ZX_RIGHT_SET_POLICY},
};

static const struct task_property *find(uint32_t property) {
    for (size_t i = 0; i < countof(properties); i++) {
        if (properties[i].property == property) return &properties[i];
    }
    return NULL;
}

bool task_has_property(uint32_t property) { return find(property); }

static zx_status_t check(const struct task_property *p, const struct object *object, size_t size) {
    if (size < sizeof(uint64_t)) return ZX_ERR_BUFFER_TOO_SMALL;
    return object->ops->type == p->type ? ZX_OK : wrong_object(ZX_ERR_WRONG_TYPE);
}

zx_status_t task_get_property(struct object *object, uint32_t property, user_out_t value, size_t size) {
    const struct task_property *p = find(property);
    if (!p->get) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check(p, object, size);
    if (status != ZX_OK) return status;
    uint64_t word = p->get(object, property);
    return user_put(value, word);
}

zx_status_t task_set_property(const struct handle *handle, uint32_t property, user_in_t value, size_t size) {
    const struct task_property *p = find(property);
    uint64_t word;
    if (!p->set) return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check(p, handle->object, size);
    if (status == ZX_OK && (handle->rights & p->rights) != p->rights) status = ZX_ERR_ACCESS_DENIED;
    if (status == ZX_OK) status = user_get(&word, value);
    return status == ZX_OK ? p->set(handle->object, property, word) : status;
}
